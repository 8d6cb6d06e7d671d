/* How a drain is to be proven, and what of that must be refused. */
#include "tests/unit/config/refusals.h"

#define NAMES ZONE "names: {mail.a.de: p}\n" /* 4 lines */

static const struct refusal wrong[] = {
    {SITES GOOD_POOL NAMES
        "maintenance:\n"
        "  name_servers: {muc: [192.0.2.53@53], x: [192.0.2.54@53]}\n"
        "  resolvers: {q: {endpoint: 9.9.9.9@53, ask: [www.a.de], validated: true, trust_anchor: "
        "root.key}}\n"
        "  measures:\n"
        "    m: {site: w, url: 'ftp://a', field: f, sources: s}\n"
        "  blocked:\n"
        "    - {from: 2026-12-27, to: 2026-12-24, reason: Christmas}\n"
        "    - {from: 2026-02-30, to: 2026-12-24, reason: never}\n",
        "13:43: unknown site \"x\", expected one of: fra, muc, w\n"
        "14:47: www.a.de. is not one of names, expected a name that follows a pool\n"
        "14:89: trust_anchor: \"root.key\", expected a path from /\n"
        "16:15: the witness w, expected a site that serves mail\n"
        "16:23: url: \"ftp://a\", expected http://… or https://…\n"
        "16:53: sources for prometheus, expected it with format: json only\n"
        "18:30: an end that is not after its beginning, expected a later one\n"
        "19:14: from: found \"2026-02-30\", expected a time in UTC such as 2026-12-24T18:00:00Z "
        "or 2026-12-24\n"},
};

static void wrong_maintenance_is_refused(void **state)
{
	(void)state;
	REFUSALS_CHECK(wrong);
}

static struct service *load(const char *text)
{
	struct config_errors errors = {0};
	struct service *s = NULL;

	if (service_load(FILE_NAME, text, strlen(text), &s, &errors) != 0)
		fail_msg("%s", errors.lines[0]);
	config_errors_free(&errors);
	return s;
}

static void maintenance_is_read(void **state)
{
	struct service *s = load(SITES GOOD_POOL NAMES
	    "maintenance:\n"
	    "  quiet: 30s\n"
	    "  waived: [queues, name-servers]\n"
	    "  name_servers: {muc: [192.0.2.53@53, '2001:db8::53@53'], fra: [198.51.100.53@53]}\n"
	    "  resolvers: {q: {endpoint: 9.9.9.9@53, ask: [mail.a.de], validated: true}}\n"
	    "  measures:\n"
	    "    m: {site: fra, kind: queue, url: 'http://a/b', format: json, field: a.b, floor: "
	    "2}\n"
	    "  blocked: [{from: 2026-12-24, to: '2026-12-27T06:30:00Z', reason: Christmas}]\n");
	const struct service_maintenance *m = &s->maintenance;

	(void)state;
	assert_int_equal(m->quiet_ms, 30000);
	assert_int_equal(m->look_ms, 2000);
	assert_int_equal(m->waived, WAIVED_QUEUES | WAIVED_NAME_SERVERS);
	assert_int_equal(m->name_servers_count, 3);
	assert_int_equal(m->name_servers[2].site, 1);
	assert_string_equal(m->resolvers[0].owners[0], "mail.a.de.");
	assert_string_equal(m->resolvers[0].trust_anchor, "/usr/share/dns/root.key");
	assert_true(m->resolvers[0].needed);
	assert_int_equal(m->measures[0].kind, MEASURE_QUEUE);
	assert_int_equal(m->measures[0].interval_ms, 10000);
	assert_int_equal(m->blocked[0].from_ms, 1798070400000);
	assert_int_equal(m->blocked[0].to_ms, 1798353000000);
	service_drop(s);
}

static void nothing_written_waives_nothing(void **state)
{
	struct service *s = load(SITES GOOD_POOL NAMES);

	(void)state;
	assert_int_equal(s->maintenance.waived, 0);
	assert_int_equal(s->maintenance.quiet_ms, 60000);
	service_drop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(wrong_maintenance_is_refused),
	    cmocka_unit_test(maintenance_is_read),
	    cmocka_unit_test(nothing_written_waives_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
