/* The service document: what a good one gives, where its bounds are, and that no bytes break it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/service_load.h"
#include "config/yaml_tree.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/file.h"
#include "tests/unit/config/refusals.h"

#define EXAMPLE "config/examples/retarus.yaml" /* tests run in the top folder */

static struct service *load(const char *text)
{
	struct config_errors errors = {0};
	struct service *s = NULL;

	if (service_load(FILE_NAME, text, strlen(text), &s, &errors) != 0)
		fail_msg("%s", errors.lines[0]);
	return s;
}

static char *example_read(size_t *bytes)
{
	char *text = NULL;

	assert_int_equal(file_read(EXAMPLE, CONFIG_DOCUMENT_BYTES, &text, bytes, NULL), 0);
	return text;
}

static const struct service_pool *pool_get(const struct service *s, const char *name)
{
	const size_t at = service_pool_find(s, name);

	assert_int_not_equal(at, SIZE_MAX);
	return &s->pools[at];
}

static void assert_record(const struct service *s, size_t zone, const char *record)
{
	for (size_t i = 0; i < s->zones[zone].records_count; i++)
		if (strcmp(s->zones[zone].records[i], record) == 0)
			return;
	fail_msg("no record %s", record);
}

static void the_example_states_the_whole_service(void **state)
{
	size_t bytes;
	char *text = example_read(&bytes);
	struct service *s = load(text);
	const struct service_pool *kdin = pool_get(s, "kdin-fra");
	char address[ADDR_TEXT_BYTES];

	(void)state;
	assert_int_equal(s->regions_count, 2);
	assert_int_equal(s->sites_count, 6);
	assert_true(s->sites[service_site_find(s, "witness-eu")].witness);
	assert_int_equal(s->sites[service_site_find(s, "witness-eu")].region, SIZE_MAX);
	assert_int_equal(kdin->members_count, 4);
	assert_int_equal(kdin->placement, PLACEMENT_SOLITARY);
	assert_int_equal(kdin->min_members, 2);
	assert_int_equal(kdin->members[3].site, service_site_find(s, "fra"));
	assert_string_equal(addr_format(&kdin->members[3].address, address), "94.199.92.246");
	assert_int_equal(pool_get(s, "mail-de")->checks_count, 4);
	assert_string_equal(pool_get(s, "mail-de")->checks[0].name, "smtp-de");
	assert_string_equal(pool_get(s, "mail-de")->checks[0].tls_name, "mail-de.retarus.com");
	assert_int_equal(pool_get(s, "mail-de")->checks[0].tls_days, 7);

	const size_t mx = service_name_find(s, "mx-26757099.mail.eu.retarus.com.");

	assert_int_not_equal(mx, SIZE_MAX);
	assert_string_equal(s->zones[s->names[mx].zone].name, "retarus.com.");
	assert_string_equal(s->pools[s->names[mx].pool].name, "mx-eu");
	assert_int_equal(s->names[mx].ttl_s, 0);
	assert_int_equal(
	    s->names[service_name_find(s, "mx-26757102.mail.eu.retarus.com.")].ttl_s, 10);
	assert_record(s, 0, "retarus.com. 300 TXT \"v=spf1 include:_spf.retarus.com ~all\"");
	assert_record(s, 0, "ns1.retarus.com. 3600 A 192.0.2.53");
	assert_record(s, 0, "kdin.de1.retarus.com. 300 MX 10 kdin.de1.retarus.com.");
	assert_int_equal(s->spf_sets_count, 2);
	assert_int_equal(s->spf_sets[0].terms_count, 15);
	assert_int_equal(s->push_senders_count, 5);
	assert_int_equal(s->pairs_count, 3);
	assert_int_equal(s->pairs[1].addresses_count, 4);
	assert_string_equal(s->pairs[1].spf, "_spf.general.transactional-mail-a.com.");
	assert_int_equal(s->sending.queue_lifetime_s, SENDING_QUEUE_LIFETIME_S);
	assert_int_equal(s->components_count, 16);
	service_drop(s);
	free(text);
}

static void what_is_not_written_has_its_default(void **state)
{
	struct service *s = load(SITES GOOD_POOL ZONE "names: {x.A.de: p}\n");
	const struct service_pool *pool = &s->pools[0];
	const struct service_check *check = &pool->checks[0];
	const struct service_zone *zone = &s->zones[0];

	(void)state;
	assert_string_equal(s->title, "");
	assert_int_equal(pool->ttl_s, 30);
	assert_int_equal(pool->suspect_ttl_s, 5);
	assert_false(pool->return_manual);
	assert_int_equal(pool->return_after_s, 30);
	assert_int_equal(pool->flap_half_life_s, 300);
	assert_int_equal(pool->ramp_s, 0);
	assert_int_equal(s->regions[0].removal_window_s, 600);
	assert_int_equal(pool->placement, PLACEMENT_ACTIVE_ACTIVE);
	assert_int_equal(pool->witnesses, 2);
	assert_int_equal(pool->min_members, 1);
	assert_int_equal(pool->members[0].weight, 1);
	assert_int_equal(check->type, CHECK_SMTP);
	assert_int_equal(check->port, 25);
	assert_int_equal(check->interval_ms, 1000);
	assert_int_equal(check->timeout_ms, 2000);
	assert_int_equal(check->jitter_percent, 10);
	assert_int_equal(check->fall, 3);
	assert_int_equal(check->rise, 5);
	assert_int_equal(check->expire_ms, 5000);
	assert_string_equal(check->ehlo, "tandem.invalid");
	assert_false(check->starttls);
	assert_null(check->tls_name);
	assert_null(check->mail_from);
	assert_null(check->path);
	assert_string_equal(zone->soa_mname, "ns.b.de.");
	assert_string_equal(zone->soa_rname, "hostmaster.a.de.");
	assert_int_equal(zone->ttl_s, 300);
	assert_int_equal(zone->soa_minimum_s, 60);
	assert_int_equal(zone->serial_base, 0);
	assert_string_equal(s->names[0].owner, "x.a.de.");
	assert_int_equal(s->names[0].ttl_s, 0);
	service_drop(s);
}

static void defaults_of_a_check_follow_its_type_and_interval(void **state)
{
	struct service *s = load(SITES "checks:\n"
	                               "  h: {type: http, interval: 30s, timeout: 3s}\n"
	                               "  s: {type: https, expect_status: 401}\n"
	                               "  t: {type: tcp, port: 25}\n" POOL(MEMBERS(""), "h, s, t"));
	const struct service_check *checks = s->pools[0].checks;

	(void)state;
	assert_int_equal(checks[0].port, 80);
	assert_string_equal(checks[0].path, "/");
	assert_int_equal(checks[0].expect_status_min, 200);
	assert_int_equal(checks[0].expect_status_max, 299);
	assert_int_equal(checks[0].expire_ms, 93000); /* else all would be unknown all the time */
	assert_null(checks[0].ehlo);
	assert_int_equal(checks[1].port, 443);
	assert_int_equal(checks[1].expect_status_min, 401);
	assert_int_equal(checks[1].expect_status_max, 401);
	assert_int_equal(checks[2].port, 25);
	assert_null(checks[2].path);
	service_drop(s);
}

static void records_come_out_absolute_and_in_one_form(void **state)
{
	struct service *s = load(SITES ZONE "  ttl: 10m\n  records:\n"
	                                    "  - '@ 1h IN MX 10 Mail'\n"
	                                    "  - 'mail AAAA 2001:DB8:0::1'\n"
	                                    "  - 'MAIL.a.de. IN 1h A 192.0.2.1'\n"
	                                    "  - '*.w TXT a \"b; c\"'\n"
	                                    "  - 'u TYPE65280 \\# 3 010203'\n"
	                                    "  - '_s._tcp SRV 0 5 25 x.b.de.'\n"
	                                    "  - 'n MX 0 .'\n"
	                                    "  - 'c CAA 0 issue \"ca.example\"'\n"
	                                    "  - 'sub NS ns.sub'\n"
	                                    "  - 'ns.sub A 192.0.2.2'\n");

	(void)state;
	assert_int_equal(s->zones[0].records_count, 11);
	assert_record(s, 0, "a.de. 600 NS ns.b.de.");
	assert_record(s, 0, "a.de. 3600 MX 10 Mail.a.de.");
	assert_record(s, 0, "mail.a.de. 600 AAAA 2001:db8::1");
	assert_record(s, 0, "mail.a.de. 3600 A 192.0.2.1");
	assert_record(s, 0, "*.w.a.de. 600 TXT \"a\" \"b; c\"");
	assert_record(s, 0, "u.a.de. 600 TYPE65280 \\# 3 010203");
	assert_record(s, 0, "n.a.de. 600 MX 0 .");
	assert_record(s, 0, "ns.sub.a.de. 600 A 192.0.2.2");
	service_drop(s);
}

static void a_name_belongs_to_the_longest_zone(void **state)
{
	struct service *s =
	    load(SITES GOOD_POOL ZONE "- {name: b.a.de, ns: [ns.c.de]}\n"
	                              "names: {x.a.de: p, x.b.a.de: p, b.a.de: p, x.bb.a.de: p}\n");

	(void)state;
	assert_int_equal(s->names[0].zone, 0);
	assert_int_equal(s->names[1].zone, 1);
	assert_int_equal(s->names[2].zone, 1);
	assert_int_equal(s->names[3].zone, 0);
	service_drop(s);
}

static void an_spf_set_is_published_as_text(void **state)
{
	struct buf text = {0};

	(void)state;
	buf_puts(&text, SITES ZONE "spf:\n  S.a.de:\n");
	for (int i = 10; i < 30; i++)
		buf_printf(&text, "  - ip4:192.0.2.%d\n", i);
	struct service *s = load(buf_text(&text));
	const char *record = s->zones[0].records[1];

	/* v=spf1 and 20 terms of 15 bytes and a blank: cut behind a blank, nothing lost. */
	assert_memory_equal(record, "s.a.de. 300 TXT \"v=spf1 ip4:192.0.2.10 ", 39);
	assert_non_null(strstr(record, " ip4:192.0.2.25 \" \"ip4:192.0.2.26 "));
	buf_free(&text);
	service_drop(s);
}

static void everything_wrong_is_said_up_to_a_bound(void **state)
{
	struct config_errors errors = {0};
	struct service *s;
	struct buf text = {0};

	(void)state;
	buf_puts(&text, SITES);
	for (int i = 0; i < 150; i++)
		buf_printf(&text, "key%d: 1\n", i);
	assert_int_equal(service_load(FILE_NAME, text.data, text.bytes, &s, &errors), E_INVALID);
	assert_int_equal(errors.count, CONFIG_ERRORS_MAX);
	assert_true(errors.more);
	assert_non_null(strstr(errors.lines[99], ":102:1: unknown key \"key99\""));
	config_errors_free(&errors);
	buf_free(&text);
}

static void documents_too_large_are_refused(void **state)
{
	struct buf text = {0};

	(void)state;
	while (text.bytes <= CONFIG_DOCUMENT_BYTES)
		buf_puts(&text, "# a comment\n");
	refusal_check(
	    text.data, CONFIG_DOCUMENT_BYTES + 1, "1:1: 1048577 bytes, expected at most 1048576\n");
	buf_clear(&text);
	buf_puts(&text, "title: [");
	for (int i = 0; i <= YAML_TREE_NODES; i++)
		buf_puts(&text, "a,\n");
	buf_puts(&text, "]\n");
	refusal_check(
	    text.data, text.bytes, "199998:1: more than 200000 values, expected a smaller file\n");
	buf_free(&text);
}

static void ten_thousand_names_share_a_pool(void **state)
{
	struct buf text = {0};

	(void)state;
	buf_puts(&text, SITES GOOD_POOL ZONE "names:\n");
	for (int i = 0; i < 10000; i++)
		buf_printf(&text, "  mx-%08d.mail.eu.a.de: p\n", i);
	struct service *s = load(buf_text(&text));

	assert_int_equal(s->names_count, 10000);
	assert_string_equal(s->names[9999].owner, "mx-00009999.mail.eu.a.de.");
	service_drop(s);
	buf_free(&text);
}

/* Either a service or a reason, whatever the bytes are; the sanitizers watch the rest. */
static void any_bytes_check(const char *text, size_t bytes)
{
	struct config_errors errors = {0};
	struct service *s = NULL;
	const int result = service_load(FILE_NAME, text, bytes, &s, &errors);

	assert_true(result == 0 || result == E_INVALID);
	assert_int_equal(result == 0, s != NULL);
	assert_int_equal(result == 0, errors.count == 0);
	for (size_t i = 0; i < errors.count; i++) {
		assert_memory_equal(errors.lines[i], FILE_NAME ":", sizeof(FILE_NAME));
		assert_non_null(strstr(errors.lines[i], "expected"));
	}
	service_drop(s);
	config_errors_free(&errors);
}

static uint32_t random_next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static void a_damaged_example_never_breaks_the_loader(void **state)
{
	static const char marks[] = "{}[]:,-\"'#&*!|>%@`\n \t\\\0\xff.0a";
	size_t bytes;
	char *text = example_read(&bytes);
	uint32_t seed = 1;

	(void)state;
	for (size_t cut = 0; cut < bytes; cut += 193)
		any_bytes_check(text, cut);
	for (int round = 0; round < 200; round++) {
		char *damaged = mem_dup(text, bytes);
		const uint32_t changes = 1 + random_next(&seed) % 8;

		for (uint32_t i = 0; i < changes; i++) {
			const size_t at = random_next(&seed) % bytes;
			const size_t from = random_next(&seed) % bytes;
			const size_t block = random_next(&seed) % 64;

			if (random_next(&seed) % 2 == 0)
				damaged[at] = marks[random_next(&seed) % (sizeof(marks) - 1)];
			else if (at + block < bytes && from + block < bytes)
				memcpy(damaged + at, text + from, block);
		}
		any_bytes_check(damaged, bytes);
		free(damaged);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_example_states_the_whole_service),
	    cmocka_unit_test(what_is_not_written_has_its_default),
	    cmocka_unit_test(defaults_of_a_check_follow_its_type_and_interval),
	    cmocka_unit_test(records_come_out_absolute_and_in_one_form),
	    cmocka_unit_test(a_name_belongs_to_the_longest_zone),
	    cmocka_unit_test(an_spf_set_is_published_as_text),
	    cmocka_unit_test(everything_wrong_is_said_up_to_a_bound),
	    cmocka_unit_test(documents_too_large_are_refused),
	    cmocka_unit_test(ten_thousand_names_share_a_pool),
	    cmocka_unit_test(a_damaged_example_never_breaks_the_loader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
