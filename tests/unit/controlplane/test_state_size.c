/* The state with everything in it at its bound is a value that the store takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/store.h"
#include "lib/base/mem.h"
#include "lib/json.h"
#include "wire/state.h"

enum { SITES = 16, POOLS = 600, OWNER_BYTES = 40, REMOVAL_BYTES = OWNER_BYTES + 32 };
static const int64_t now_ms = 1795000000000;

static char *text_of(size_t bytes)
{
	char *text = mem_new(bytes + 1, 1);
	memset(text, 'x', bytes);
	return text;
}

static void members_fill(struct state *s)
{
	size_t evidence = state_evidence_limit(STATE_MEMBERS) - 1;
	char id[64];
	for (int i = 0; i < STATE_MEMBERS; i++) {
		snprintf(id, sizeof id, "mail-customer-%03d/198.%d.%d.%d", i % POOLS, 100 + i / 250,
		    100 + i % 100, 100 + i % 150);
		struct state_member *m = state_member_put(s, id);
		m->verdict = MEMBER_UP;
		m->since_ms = now_ms;
		free(m->evidence);
		m->evidence = text_of(evidence);
	}
	assert_int_equal(s->members_count, STATE_MEMBERS);
}

/* Every member is on its way back after an outage of everything, and has flapped. */
static void outage_fill(struct state *s)
{
	for (size_t i = 0; i < s->members_count; i++) {
		struct state_member *m = &s->members[i];
		m->withheld = m->damped = true;
		m->stage = STAGE_WAITING;
		m->penalty = 6000;
		m->stage_ms = m->penalty_ms = now_ms;
	}
}

static void rest_fill(struct state *s)
{
	char text[64];
	strcpy(s->cluster, "11111111-2222-3333-4444-555555555555");
	s->revision = s->version = s->epoch = 1000000;
	for (int i = 0; i < STATE_REMOVALS_BYTES / REMOVAL_BYTES; i++)
		VEC_PUSH(s->removals, s->removals_count) =
		    (struct view_removal){text_of(OWNER_BYTES), s->revision};
	for (int i = 0; i < POOLS; i++) {
		snprintf(text, sizeof text, "mail-customer-%03d", i);
		state_caution_add(s, text, now_ms);
	}
	for (int i = 0; i < SITES; i++) {
		snprintf(text, sizeof text, "site-%d", i);
		struct state_drain *d = state_drain_add(s, text);
		d->owner = mem_strdup("anna");
		d->reason = text_of(100);
		d->declared_ms = d->until_ms = d->state_since_ms = now_ms;
		d->state = MAINTENANCE_SAFE;
		for (int j = MAINTENANCE_DECLARED; j <= MAINTENANCE_SAFE; j++)
			d->steps[j] = (struct state_step){now_ms, text_of(200)};
	}
}

static struct state *back_from(const char *text)
{
	struct state *back;
	struct err e = {0};
	json_t *o;
	assert_int_equal(json_parse(text, strlen(text), &o, NULL), 0);
	if (state_decode(o, &back, &e) != 0)
		fail_msg("%s", e.text);
	json_decref(o);
	return back;
}

static void a_full_state_fits_with_its_evidence(void **unused)
{
	(void)unused;
	struct state *s = state_new();
	members_fill(s);
	rest_fill(s);
	char *text = state_text(s, STORE_VALUE_BYTES);
	assert_true(strlen(text) <= STORE_VALUE_BYTES);
	struct state *back = back_from(text);
	for (size_t i = 0; i < s->members_count; i++) {
		assert_string_equal(back->members[i].evidence, s->members[i].evidence);
		assert_int_equal(back->members[i].stage, STAGE_IN);
	}
	free(text);
	state_free(s);
	state_free(back);
}

/* Then evidence has to stay out: the verdicts count. */
static void a_full_state_after_an_outage_of_everything_fits(void **unused)
{
	(void)unused;
	struct state *s = state_new();
	members_fill(s);
	outage_fill(s);
	rest_fill(s);
	char *text = state_text(s, STORE_VALUE_BYTES);
	if (strlen(text) > STORE_VALUE_BYTES)
		fail_msg("%zu bytes", strlen(text));
	struct state *back = back_from(text);
	for (size_t i = 0; i < s->members_count; i++) {
		assert_string_equal(back->members[i].id, s->members[i].id);
		assert_int_equal(back->members[i].stage, STAGE_WAITING);
		assert_int_equal(back->members[i].penalty, 6000);
		assert_int_equal(back->members[i].stage_ms, now_ms);
		assert_true(back->members[i].withheld && back->members[i].damped);
	}
	free(text);
	state_free(s);
	state_free(back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_full_state_fits_with_its_evidence),
	    cmocka_unit_test(a_full_state_after_an_outage_of_everything_fits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
