/* Probe plans, observations and acks: what is sent is understood, what is malformed is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/json.h"
#include "wire/probes.h"

static struct service *sample(void)
{
	struct service *s = service_new();
	struct service_check check = {.name = mem_strdup("smtp"),
	    .type = CHECK_SMTP,
	    .port = 2525,
	    .interval_ms = 200,
	    .timeout_ms = 400,
	    .jitter_percent = 10,
	    .fall = 3,
	    .rise = 2,
	    .ehlo = mem_strdup("probe.example"),
	    .starttls = true,
	    .tls_name = mem_strdup("mail-de.retarus.com"),
	    .tls_days = 7,
	    .expect_status_min = 200,
	    .expect_status_max = 299,
	    .max_latency_ms = 350};
	struct service_pool pool = {.name = mem_strdup("mail-de")};
	struct service_member v4 = {.site = 0}, v6 = {.site = 1};

	addr_parse("127.10.0.25", &v4.address, NULL);
	addr_parse("2001:db8::25", &v6.address, NULL);
	VEC_PUSH(s->sites, s->sites_count) = (struct service_site){.name = mem_strdup("muc")};
	VEC_PUSH(s->sites, s->sites_count) = (struct service_site){.name = mem_strdup("fra")};
	VEC_PUSH(pool.members, pool.members_count) = v4;
	VEC_PUSH(pool.members, pool.members_count) = v6;
	VEC_PUSH(pool.checks, pool.checks_count) = check;
	VEC_PUSH(s->pools, s->pools_count) = pool;
	return s;
}

static void plan_tells_every_member_and_check(void **unused)
{
	struct service *s = sample();
	json_t *o = probe_plan_encode(s, 7);
	struct probe_plan *p;

	(void)unused;
	assert_int_equal(probe_plan_decode(o, &p, NULL), 0);
	assert_int_equal(p->revision, 7);
	assert_int_equal(p->targets_count, 2);
	assert_string_equal(p->targets[0].member, "mail-de/127.10.0.25");
	assert_string_equal(p->targets[1].member, "mail-de/2001:db8::25");
	assert_string_equal(p->targets[1].site, "fra");
	assert_true(addr_equal(&p->targets[1].address, &s->pools[0].members[1].address));
	const struct service_check *c = &p->targets[1].checks[0];
	assert_int_equal(p->targets[1].checks_count, 1);
	assert_string_equal(c->name, "smtp");
	assert_int_equal(c->type, CHECK_SMTP);
	assert_int_equal(c->port, 2525);
	assert_int_equal(c->interval_ms, 200);
	assert_int_equal(c->timeout_ms, 400);
	assert_int_equal(c->jitter_percent, 10);
	assert_int_equal(c->fall, 3);
	assert_int_equal(c->rise, 2);
	assert_string_equal(c->ehlo, "probe.example");
	assert_true(c->starttls);
	assert_string_equal(c->tls_name, "mail-de.retarus.com");
	assert_null(c->tls_ca);
	assert_int_equal(c->tls_days, 7);
	assert_int_equal(c->max_latency_ms, 350);
	probe_plan_free(p);
	json_decref(o);
	service_drop(s);
}

/* Puts `value` (stolen; NULL: nothing) under `key` of the innermost object of the plan. */
static int plan_with(const char *level, const char *key, json_t *value)
{
	struct service *s = sample();
	json_t *o = probe_plan_encode(s, 7), *at = o;
	struct probe_plan *p;

	if (strcmp(level, "plan") != 0)
		at = json_array_get(json_object_get(o, "targets"), 0);
	if (strcmp(level, "check") == 0)
		at = json_array_get(json_object_get(at, "checks"), 0);
	if (value)
		json_object_set_new(at, key, value);
	else
		json_object_del(at, key);
	int r = probe_plan_decode(o, &p, NULL);
	assert_true((r == 0) == (p != NULL));
	probe_plan_free(p);
	json_decref(o);
	service_drop(s);
	return r;
}

static void malformed_plans_are_refused(void **unused)
{
	const char *const needed[][2] = {{"plan", "version"}, {"plan", "revision"},
	    {"plan", "targets"}, {"target", "member"}, {"target", "site"}, {"target", "address"},
	    {"target", "checks"}, {"check", "name"}, {"check", "type"}, {"check", "port"}};
	const char *const numbers[] = {"port", "interval_ms", "timeout_ms", "jitter_percent",
	    "fall", "rise", "tls_days", "expect_status_min", "expect_status_max", "max_latency_ms"};
	const char *const texts[] = {"ehlo", "tls_name", "tls_ca", "mail_from", "rcpt_to", "user",
	    "password_file", "host", "path", "expect_body"};
	char *huge = mem_new(100001, 1);

	(void)unused;
	memset(huge, 'x', 100000);
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		assert_int_equal(plan_with(needed[i][0], needed[i][1], NULL), E_INVALID);
		assert_int_equal(plan_with(needed[i][0], needed[i][1], json_true()), E_INVALID);
		assert_int_equal(
		    plan_with(needed[i][0], needed[i][1], json_integer(-1)), E_INVALID);
		assert_int_equal(
		    plan_with(needed[i][0], needed[i][1], json_string(huge)), E_INVALID);
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		assert_int_equal(
		    plan_with("check", numbers[i], json_integer(1LL << 40)), E_INVALID);
		assert_int_equal(plan_with("check", numbers[i], json_real(1.5)), E_INVALID);
	}
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(plan_with("check", texts[i], json_integer(1)), E_INVALID);
		assert_int_equal(plan_with("check", texts[i], json_string(huge)), E_INVALID);
		assert_int_equal(plan_with("check", texts[i], json_string("x")), 0);
	}
	assert_int_equal(plan_with("check", "starttls", json_integer(1)), E_INVALID);
	assert_int_equal(plan_with("check", "interval_ms", json_integer(99)), E_INVALID);
	assert_int_equal(plan_with("check", "fall", json_integer(0)), E_INVALID);
	assert_int_equal(plan_with("check", "type", json_string("imap")), E_INVALID);
	assert_int_equal(plan_with("target", "address", json_string("127.0.0.1:25")), E_INVALID);
	assert_int_equal(plan_with("plan", "version", json_integer(2)), E_INVALID);
	assert_int_equal(plan_with("plan", "news", json_integer(2)), 0); /* unknown: ignored */
	free(huge);
}

static const struct core_observation seen = {.vantage = "muc",
    .member = "mail-de/127.10.0.25",
    .check = "smtp",
    .ok = false,
    .streak = 3,
    .age_ms = 2,
    .latency_ms = 400,
    .detail = "timed out waiting for the banner"};

static void observations_come_back(void **unused)
{
	json_t *o = observations_encode("muc", 7, &seen, 1);
	struct core_observation *results;
	const char *site;
	size_t count;

	(void)unused;
	assert_int_equal(observations_decode(o, &site, &results, &count, NULL), 0);
	assert_string_equal(site, "muc");
	assert_int_equal(count, 1);
	assert_string_equal(results[0].vantage, "muc");
	assert_string_equal(results[0].member, seen.member);
	assert_string_equal(results[0].check, "smtp");
	assert_false(results[0].ok);
	assert_int_equal(results[0].streak, 3);
	assert_int_equal(results[0].age_ms, 2);
	assert_int_equal(results[0].latency_ms, 400);
	assert_string_equal(results[0].detail, seen.detail);
	free(results);
	json_decref(o);
}

static int observation_with(bool outer, const char *key, json_t *value)
{
	json_t *o = observations_encode("muc", 7, &seen, 1);
	json_t *at = outer ? o : json_array_get(json_object_get(o, "results"), 0);
	struct core_observation *results;
	const char *site;
	size_t count;
	struct err e = {0};

	if (value)
		json_object_set_new(at, key, value);
	else
		json_object_del(at, key);
	int r = observations_decode(o, &site, &results, &count, &e);
	assert_true((r == 0) == (results != NULL));
	free(results);
	json_decref(o);
	return r;
}

static void malformed_observations_are_refused(void **unused)
{
	const char *const needed[] = {"member", "check", "ok", "streak", "age_ms"};
	char *huge = mem_new(100001, 1);

	(void)unused;
	memset(huge, 'x', 100000);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(observation_with(false, needed[i], NULL), E_INVALID);
		assert_int_equal(observation_with(false, needed[i], json_null()), E_INVALID);
		assert_int_equal(observation_with(false, needed[i], json_integer(-1)), E_INVALID);
		assert_int_equal(observation_with(false, needed[i], json_string(huge)), E_INVALID);
	}
	assert_int_equal(observation_with(false, "streak", json_integer(0)), E_INVALID);
	assert_int_equal(observation_with(false, "streak", json_integer(1LL << 32)), E_INVALID);
	assert_int_equal(observation_with(false, "age_ms", json_integer(1LL << 32)), E_INVALID);
	assert_int_equal(observation_with(false, "latency_ms", json_integer(-1)), E_INVALID);
	assert_int_equal(observation_with(false, "detail", json_integer(1)), E_INVALID);
	assert_int_equal(observation_with(false, "detail", json_string(huge)), 0); /* cut later */
	assert_int_equal(observation_with(true, "site", NULL), E_INVALID);
	assert_int_equal(observation_with(true, "site", json_string("")), E_INVALID);
	assert_int_equal(observation_with(true, "site", json_string(huge)), E_INVALID);
	assert_int_equal(observation_with(true, "version", json_integer(2)), E_INVALID);
	assert_int_equal(observation_with(true, "version", NULL), E_INVALID);
	assert_int_equal(observation_with(true, "results", json_object()), E_INVALID);
	assert_int_equal(observation_with(true, "results", json_pack("[i]", 1)), E_INVALID);
	assert_int_equal(observation_with(true, "results", json_array()), 0);
	free(huge);
}

static void too_many_results_are_refused(void **unused)
{
	struct core_observation *many = mem_new(OBSERVATION_RESULTS_MAX + 1, sizeof(*many));
	struct core_observation *results;
	const char *site;
	size_t count;

	(void)unused;
	for (size_t i = 0; i <= OBSERVATION_RESULTS_MAX; i++)
		many[i] = seen;
	json_t *o = observations_encode("muc", 7, many, OBSERVATION_RESULTS_MAX);
	assert_int_equal(observations_decode(o, &site, &results, &count, NULL), 0);
	assert_int_equal(count, OBSERVATION_RESULTS_MAX);
	free(results);
	json_decref(o);
	o = observations_encode("muc", 7, many, OBSERVATION_RESULTS_MAX + 1);
	assert_int_equal(observations_decode(o, &site, &results, &count, NULL), E_INVALID);
	json_decref(o);
	free(many);
}

static void acks_come_back_and_malformed_ones_do_not(void **unused)
{
	struct core_ack a = {
	    .name = "dnsd-muc-1", .epoch = 43, .kept = 41, .revision = 7, .refused = "older"};
	struct core_ack back;
	json_t *o = ack_encode(&a);
	const char *const needed[] = {"version", "name", "epoch", "revision"};

	(void)unused;
	assert_int_equal(ack_decode(o, &back, NULL), 0);
	assert_null(back.site);
	assert_string_equal(back.name, "dnsd-muc-1");
	assert_int_equal(back.epoch, 43);
	assert_int_equal(back.kept, 41);
	assert_int_equal(back.revision, 7);
	json_object_del(o, "kept"); /* as an earlier release says it */
	assert_int_equal(ack_decode(o, &back, NULL), 0);
	assert_int_equal(back.kept, 43);
	assert_string_equal(back.refused, "older");
	for (size_t i = 0; i < 4; i++) {
		json_t *copy = json_deep_copy(o);
		json_object_del(copy, needed[i]);
		assert_int_equal(ack_decode(copy, &back, NULL), E_INVALID);
		json_object_set_new(copy, needed[i], json_integer(-1));
		assert_int_equal(ack_decode(copy, &back, NULL), E_INVALID);
		json_decref(copy);
	}
	json_decref(o);
	o = json_array();
	assert_int_equal(ack_decode(o, &back, NULL), E_INVALID);
	json_decref(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(plan_tells_every_member_and_check),
	    cmocka_unit_test(malformed_plans_are_refused),
	    cmocka_unit_test(observations_come_back),
	    cmocka_unit_test(malformed_observations_are_refused),
	    cmocka_unit_test(too_many_results_are_refused),
	    cmocka_unit_test(acks_come_back_and_malformed_ones_do_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
