/* What mail hosts are told and what they report, by the HTTPS API. */
#include "tests/unit/controlplane/api_rig.h"

static const char sending[] =
    "spf: {s.example.com: [ip4:192.0.2.0/24, ip6:2001:db8::/32, -all]}\n"
    "pairs:\n"
    "  - {customer: '26757099', domains: [example.net], spf: s.example.com,\n"
    "     addresses: {muc: [192.0.2.130, '2001:db8::130'], fra: [192.0.2.131]}}\n";

static void apply_sending(struct world *w)
{
	char *text = mem_printf("%s%s", document, sending);
	apply_text(w, text);
	free(text);
}

/* Another controller writes what has become of the addresses: a word each, and who has the first.
 */
static void senders_become_of(
    struct world *w, const char *const *words, const char *host, uint64_t epoch)
{
	const struct rig_entry *entry = fake_find(w->store, "/tandem/state");
	const struct core *core = engine_core(w->engine);
	json_t *o, *sender;
	size_t i;
	assert_int_equal(json_parse(entry->value, entry->bytes, &o, NULL), 0);
	json_array_foreach(json_object_get(o, "senders"), i, sender)
	{
		json_object_set_new(sender, "state", json_string(words[i]));
		json_object_set_new(sender, "used", json_true());
		if (host != NULL && i == 0)
			json_object_set_new(sender, "host", json_string(host));
	}
	uint64_t version = (uint64_t)json_integer_value(json_object_get(o, "state_version")) + 1;
	json_object_set_new(o, "state_version", json_integer((json_int_t)version));
	json_object_set_new(o, "epoch", json_integer((json_int_t)epoch));
	char *text = json_text(o);
	fake_write(w->store, "/tandem/state", text);
	free(text);
	json_decref(o);
	while (core_state(core)->epoch < epoch)
		event_base_loop(w->base, EVLOOP_ONCE);
}

static void senders_become(struct world *w, const char *const *words, uint64_t epoch)
{
	senders_become_of(w, words, NULL, epoch);
}

struct told { /* by the stream of the senders */
	json_t *last;
	size_t lines;
	json_int_t keepalive_epoch;
};

static void on_told(void *ctx, const char *line, size_t bytes)
{
	struct told *t = ctx;
	json_t *o;
	assert_int_equal(json_parse(line, bytes, &o, NULL), 0);
	if (json_object_get(o, "keepalive") != NULL) {
		t->keepalive_epoch = json_integer_value(json_object_get(o, "epoch"));
		json_decref(o);
		return;
	}
	json_decref(t->last);
	t->last = o;
	t->lines++;
}

static struct http_call *senders_read(struct world *w, struct http_client *c, struct told *t)
{
	char url[64];
	snprintf(url, sizeof url, "https://127.0.0.1:%u/v1/senders", api_port(w->api));
	struct http_call_options options = {.url = url, .on_line = on_told, .ctx = t};
	size_t before = t->lines;
	struct http_call *call = http_call_start(c, &options);
	while (t->lines == before)
		event_base_loop(w->base, EVLOOP_ONCE);
	return call;
}

/* "192.0.2.130 use, 192.0.2.131 bind" */
static void assert_told(const struct told *t, json_int_t epoch, const char *wanted)
{
	struct buf text = {0};
	const json_t *sender;
	size_t i;
	json_array_foreach(json_object_get(t->last, "senders"), i, sender)
	{
		buf_printf(&text, "%s%s %s", i > 0 ? ", " : "",
		    json_string_value(json_object_get(sender, "address")),
		    json_string_value(json_object_get(sender, "use")));
		assert_string_equal(
		    json_string_value(json_object_get(sender, "customer")), "26757099");
	}
	assert_string_equal(buf_text(&text), wanted);
	assert_int_equal(json_integer_value(json_object_get(t->last, "epoch")), epoch);
	buf_free(&text);
}

static void mail_hosts_are_told_what_they_may_do_and_again_when_that_changes(void **state)
{
	struct world *w = *state;
	struct told told = {0}, late = {0};
	apply_sending(w);
	struct http_call *call = senders_read(w, w->agentd, &told);
	assert_told(&told, 1, "");
	senders_become(w, (const char *[]){"active", "visible", "ptr-ok"}, 5);
	while (told.lines < 2)
		event_base_loop(w->base, EVLOOP_ONCE);
	assert_told(&told, 5, "192.0.2.130 use, 2001:db8::130 bind");
	/* The next epoch says the same of them: only the keep-alive has it. */
	senders_become(w, (const char *[]){"active", "visible", "ptr-ok"}, 6);
	while (told.keepalive_epoch < 6)
		event_base_loop(w->base, EVLOOP_ONCE);
	assert_int_equal(told.lines, 2);
	/* Who begins to read has the epoch that is in force. */
	struct http_call *other = senders_read(w, w->person, &late);
	assert_told(&late, 6, "192.0.2.130 use, 2001:db8::130 bind");
	senders_become(w, (const char *[]){"leaving", "visible", "ptr-ok"}, 7);
	while (told.lines < 3 || late.lines < 2)
		event_base_loop(w->base, EVLOOP_ONCE);
	assert_null(
	    json_object_get(json_array_get(json_object_get(told.last, "senders"), 0), "host"));
	assert_told(&told, 7, "192.0.2.130 leave, 2001:db8::130 bind");
	assert_told(&late, 7, "192.0.2.130 leave, 2001:db8::130 bind");
	/* Only whom it names is another. */
	senders_become_of(w, (const char *[]){"leaving", "visible", "ptr-ok"}, "mail-muc-1", 8);
	while (told.lines < 4)
		event_base_loop(w->base, EVLOOP_ONCE);
	assert_told(&told, 8, "192.0.2.130 leave, 2001:db8::130 bind");
	assert_string_equal(json_string_value(json_object_get(
	                        json_array_get(json_object_get(told.last, "senders"), 0), "host")),
	    "mail-muc-1");
	json_decref(told.last);
	json_decref(late.last);
	http_call_cancel(call);
	http_call_cancel(other);
}

#define HOST(epoch, bound)                                                                         \
	"{\"version\":1,\"name\":\"mail-muc-1\",\"epoch\":" epoch ",\"bound\":[" bound "]}"

static void only_agents_report_what_hosts_have_and_for_their_own_site(void **state)
{
	struct world *w = *state;
	static const char both[] = HOST("5", "{\"address\":\"192.0.2.131\",\"queued\":0},"
	                                     "{\"address\":\"192.0.2.130\",\"queued\":3}");
	assert_int_equal(ask_drop(w, w->dnsd, "/v1/hosts", both).status, 403);
	assert_int_equal(ask_drop(w, w->healthd, "/v1/hosts", both).status, 403);
	assert_int_equal(ask_drop(w, w->person, "/v1/hosts", both).status, 403);
	assert_int_equal(ask_drop(w, w->local, "/v1/hosts", both).status, 403);
	assert_int_equal(ask_drop(w, w->dnsd, "/v1/senders", NULL).status, 403);
	assert_int_equal(ask_drop(w, w->healthd, "/v1/senders", NULL).status, 403);
	assert_int_equal(api_counters(w->api)->hosts, 0);
	apply_sending(w);
	senders_become(w, (const char *[]){"ptr-ok", "ptr-ok", "visible"}, 5);
	assert_int_equal(ask_drop(w, w->agentd, "/v1/hosts", both).status, 200);
	assert_int_equal(api_counters(w->api)->hosts, 1);
	const struct state *s = core_state(engine_core(w->engine));
	for (; s->senders[0].host == NULL; s = core_state(engine_core(w->engine)))
		event_base_loop(w->base, EVLOOP_ONCE);
	assert_string_equal(s->senders[0].host, "mail-muc-1");
	assert_string_equal(s->senders[1].site, "fra"); /* of which muc's host says nothing */
	assert_null(s->senders[1].host);
	assert_int_equal(s->senders[1].state, SENDER_PTR_OK);
}

static void reports_of_hosts_are_checked_and_bounded(void **state)
{
	struct world *w = *state;
	struct answer a = ask_drop(w, w->agentd, "/v1/hosts", HOST("-1", ""));
	assert_int_equal(a.status, 400);
	assert_non_null(strstr(a.text, "epoch"));
	a = ask_drop(w, w->agentd, "/v1/hosts", "{");
	assert_int_equal(a.status, 400);
	char *large = mem_new(300 * 1024, 1);
	memset(large, ' ', 300 * 1024 - 1);
	a = ask_drop(w, w->agentd, "/v1/hosts", large);
	assert_int_equal(a.status, 413);
	assert_non_null(strstr(a.text, "a report of 307199 bytes"));
	free(large);
	assert_int_equal(api_counters(w->api)->hosts_refused, 3);
}

static void a_host_gone_wild_is_refused_and_no_other_site(void **state)
{
	struct world *w = *state;
	struct err e = {0};
	char site[16];
	for (int i = 0; i < API_HOST_REPORTS; i++)
		assert_int_equal(api_hosts_rate(w->api->rates, "muc", 1000, NULL), 0);
	assert_int_equal(api_hosts_rate(w->api->rates, "muc", 1999, &e), E_UNAVAILABLE);
	assert_non_null(strstr(e.text, "more than 512 times a second"));
	for (int i = 0; i < 2 * SERVICE_SITES; i++) {
		snprintf(site, sizeof site, "site-%d", i);
		assert_int_equal(api_hosts_rate(w->api->rates, site, 2000, NULL), 0);
	}
	assert_int_equal(api_hosts_rate(w->api->rates, "muc", 2000, NULL), 0);
}

#define GONE(host) "{\"host\":\"" host "\",\"reason\":\"it burned\"}"

static void a_host_is_called_gone_by_people_who_say_why(void **state)
{
	struct world *w = *state;
	static const char gone[] = GONE("muc/mail-muc-3");
	apply_sending(w);
	senders_become_of(w, (const char *[]){"active", "ptr-ok", "leaving"}, "mail-muc-3", 5);
	assert_int_equal(ask_drop(w, w->dnsd, "/v1/host-gone", gone).status, 403);
	assert_int_equal(ask_drop(w, w->healthd, "/v1/host-gone", gone).status, 403);
	assert_int_equal(ask_drop(w, w->agentd, "/v1/host-gone", gone).status, 403);
	struct answer a = ask_drop(w, w->person, "/v1/host-gone", "{\"host\":\"muc/mail-muc-3\"}");
	assert_int_equal(a.status, 400);
	assert_non_null(strstr(a.text, "reason"));
	assert_int_equal(
	    ask_drop(w, w->person, "/v1/host-gone", GONE("muc/mail\\nmuc")).status, 400);
	a = ask_drop(w, w->person, "/v1/host-gone", GONE("mail-muc-3"));
	assert_int_equal(a.status, 400);
	assert_non_null(strstr(a.text, "SITE/NAME"));
	const struct state *s = core_state(engine_core(w->engine));
	assert_string_equal(s->senders[0].host, "mail-muc-3");
	/* It may not have been heard yet: this controller has just started. */
	a = ask_drop(w, w->person, "/v1/host-gone", gone);
	assert_int_equal(a.status, 409);
	assert_non_null(strstr(a.text, "say it again in 10 s"));
	assert_string_equal(s->senders[0].host, "mail-muc-3");
}

static void a_host_that_is_heard_is_not_gone(void **state)
{
	struct world *w = *state;
	apply_sending(w);
	senders_become(w, (const char *[]){"ptr-ok", "ptr-ok", "visible"}, 5);
	assert_int_equal(ask_drop(w, w->agentd, "/v1/hosts",
	                     HOST("5", "{\"address\":\"192.0.2.130\",\"queued\":0}"))
	                     .status,
	    200);
	const struct state *s = core_state(engine_core(w->engine));
	for (; s->senders[0].host == NULL; s = core_state(engine_core(w->engine)))
		event_base_loop(w->base, EVLOOP_ONCE);
	struct answer a = ask_drop(w, w->local, "/v1/host-gone", GONE("muc/mail-muc-1"));
	assert_int_equal(a.status, 409);
	assert_non_null(strstr(a.text, "rule 11"));
	s = core_state(engine_core(w->engine));
	assert_string_equal(s->senders[0].host, "mail-muc-1");
}

static void sending_addresses_are_shown_explained_and_counted(void **state)
{
	struct world *w = *state;
	apply_sending(w);
	senders_become(w, (const char *[]){"active", "retired", "ptr-ok"}, 5);
	struct answer a = ask(w, w->person, "/v1/status", NULL);
	const json_t *list = json_object_get(a.json, "senders");
	assert_int_equal(json_array_size(list), 3);
	const json_t *first = json_array_get(list, 0);
	static const char *const wanted[][2] = {{"address", "192.0.2.130"}, {"site", "muc"},
	    {"customer", "26757099"}, {"spf", "s.example.com."}, {"state", "active"},
	    {"use", "use"}, {"host", ""}};
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
		assert_string_equal(
		    json_string_value(json_object_get(first, wanted[i][0])), wanted[i][1]);
	assert_true(json_is_integer(json_object_get(first, "queued")));
	assert_non_null(strchr(json_string_value(json_object_get(first, "since")), 'T'));
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 1), "use")), "");
	json_decref(a.json);
	a = ask(w, w->person, "/v1/explain/2001:DB8:0::130", NULL);
	assert_int_equal(a.status, 200);
	assert_string_equal(json_string_value(json_object_get(a.json, "kind")), "sender");
	assert_string_equal(json_string_value(json_object_get(a.json, "subject")), "2001:db8::130");
	assert_true(text_has(a.json, "is a sending address of 26757099 in muc, ptr-ok since"));
	assert_true(text_has(a.json, "may have it, and begin no mail with it"));
	json_decref(a.json);
	a = ask(w, w->person, "/v1/explain/192.0.2.131", NULL);
	assert_true(text_has(a.json, "in quarantine until"));
	assert_true(text_has(a.json, "no mail host may have it"));
	json_decref(a.json);
	assert_int_equal(ask_drop(w, w->person, "/v1/explain/192.0.2.132", NULL).status, 404);
	char *text = controld_metrics_text(w->engine, w->api);
	assert_non_null(strstr(text, "\ntandem_senders{state=\"active\"} 1\n"));
	assert_non_null(strstr(text, "\ntandem_senders{state=\"allocated\"} 0\n"));
	assert_non_null(strstr(text, "tandem_controld_hosts_total{result=\"received\"} 0\n"));
	assert_non_null(strstr(text, "tandem_controld_subscribers{stream=\"senders\"} 0\n"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    API_TEST(mail_hosts_are_told_what_they_may_do_and_again_when_that_changes),
	    API_TEST(only_agents_report_what_hosts_have_and_for_their_own_site),
	    API_TEST(reports_of_hosts_are_checked_and_bounded),
	    API_TEST(a_host_gone_wild_is_refused_and_no_other_site),
	    API_TEST(a_host_is_called_gone_by_people_who_say_why),
	    API_TEST(a_host_that_is_heard_is_not_gone),
	    API_TEST(sending_addresses_are_shown_explained_and_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
