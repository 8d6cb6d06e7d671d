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
#include "core/budget.h"
#include "core/override.h"
#include "lib/base/mem.h"
#include "lib/json.h"
#include "tests/unit/core/world.h"
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

/* ---- what is counted ---- */

enum { COUNTED_SITES = 20, COUNTED_POOLS = 40, DECLARED_SENDERS = 100, SPF_NAME_BYTES = 254 };

static char *name_of(const char *what, int i)
{
	return mem_printf("%s-%0*d", what, 62 - (int)strlen(what), i);
}

static void texts_fill(struct state *s, const char *site)
{
	char *quotes = text_of(STATE_TEXT_BYTES - 1);
	memset(quotes, '"', strlen(quotes));
	struct state_drain *d = state_drain_add(s, site);
	d->owner = mem_strndup(quotes, 127);
	d->reason = mem_strndup(quotes, 200);
	d->declared_ms = d->until_ms = d->state_since_ms = d->start_ms = now_ms;
	d->overrides = OVERRIDES - 1;
	d->practice = true;
	d->state = MAINTENANCE_SAFE;
	for (int j = MAINTENANCE_SCHEDULED; j <= MAINTENANCE_SAFE; j++)
		d->steps[j] = (struct state_step){now_ms, mem_strdup(quotes)};
	struct state_practice p = {.site = mem_strdup(site),
	    .text = quotes,
	    .began_ms = now_ms,
	    .ended_ms = now_ms,
	    .passed_ms = now_ms};
	memset(p.took_ms, 0xff, sizeof p.took_ms);
	memset(p.worst_ms, 0xff, sizeof p.worst_ms);
	VEC_PUSH(s->practices, s->practices_count) = p;
	VEC_PUSH(s->tails, s->tails_count) =
	    (struct state_tail){mem_strdup(site), UINT32_MAX, UINT32_MAX, 1000000000, now_ms};
}

static char *customer_of(int i)
{
	char *customer = text_of(SERVICE_CUSTOMER_BYTES - 1);
	memset(customer, '"', strlen(customer));
	customer[0] = (char)('a' + i % 26);
	return customer;
}

static struct addr sender_address(int i)
{
	struct addr a;
	char text[80];
	snprintf(text, sizeof text, "2001:db8:1111:2222:3333:4444:%x:%x", 0x1000 + i / 256,
	    0x1000 + i % 256);
	assert_int_equal(addr_parse(text, &a, NULL), 0);
	return a;
}

/* In one pair each, so that each has the longest texts; and some that nobody is told to use. */
static void pairs_fill(struct service *s)
{
	for (int i = 0; i < DECLARED_SENDERS + 10; i++) {
		struct service_pair p = {.customer = customer_of(i)};
		if (i < DECLARED_SENDERS)
			p.spf = text_of(SPF_NAME_BYTES);
		VEC_PUSH(p.addresses, p.addresses_count) =
		    (struct service_push_sender){(size_t)i % COUNTED_SITES, sender_address(i)};
		VEC_PUSH(s->pairs, s->pairs_count) = p;
	}
}

/* All that are declared, and as many that were. */
static void senders_fill(struct state *s, const struct service *service)
{
	char *long_text = text_of(STATE_TEXT_BYTES - 1);
	for (int i = 0; i < 2 * DECLARED_SENDERS; i++) {
		const struct addr a = sender_address(i < DECLARED_SENDERS ? i : 100 + i);
		struct state_sender sender = {.address = a,
		    .site = mem_strdup(service->sites[i % COUNTED_SITES].name),
		    .customer = customer_of(i),
		    .spf = text_of(SPF_NAME_BYTES),
		    .host = text_of(SERVICE_NAME_BYTES - 1),
		    .state = SENDER_ALLOCATED,
		    .since_ms = now_ms,
		    .epoch = s->epoch,
		    .told = s->epoch,
		    .left_ms = now_ms, /* never with `used`, which takes less */
		    .evidence = mem_strdup(long_text)};
		VEC_PUSH(s->senders, s->senders_count) = sender;
	}
	free(long_text);
}

static struct service *counted_service(void)
{
	struct service *s = service_new();
	char address[80];
	for (int i = 0; i < SERVICE_REGIONS; i++)
		VEC_PUSH(s->regions, s->regions_count) =
		    (struct service_region){.name = name_of("region", i)};
	for (int i = 0; i < COUNTED_SITES; i++)
		VEC_PUSH(s->sites, s->sites_count) =
		    (struct service_site){.name = name_of("site", i)};
	for (int i = 0; i < COUNTED_POOLS; i++) {
		char *name = name_of("pool", i);
		pool_add(service_add_pool(s, name), 0, "2001:db8:1111:2222:3333:4444:5555:6666");
		snprintf(address, sizeof address, "192.0.2.%d", i);
		pool_add(&s->pools[i], 0, address);
		free(name);
	}
	pairs_fill(s);
	return s;
}

static void state_fill(struct state *s, const struct service *service)
{
	char id[160], address[ADDR_TEXT_BYTES];
	strcpy(s->cluster, "11111111-2222-3333-4444-555555555555");
	strcpy(s->commit_id, "controller-x-1234567890123456-12345678");
	s->revision = s->version = s->epoch = 1000000000;
	for (size_t i = 0; i < service->pools_count; i++) {
		const struct service_pool *p = &service->pools[i];
		state_caution_add(s, p->name, now_ms);
		for (size_t j = 0; j < 2; j++) {
			snprintf(id, sizeof id, "%s/%s", p->name,
			    addr_format(&p->members[j].address, address));
			state_member_put(s, id)->verdict = MEMBER_DOWN;
		}
	}
	outage_fill(s);
	senders_fill(s, service);
	for (size_t i = 0; i < service->sites_count; i++)
		texts_fill(s, service->sites[i].name);
	for (size_t i = 0; i < service->regions_count; i++)
		state_departure_put(s, service->regions[i].name, service->sites[i].name, now_ms);
	for (unsigned i = 0; i < MAINTENANCE_STATES; i++)
		for (int j = 0; j < STATE_PACES; j++)
			state_pace_add(s, (enum maintenance_state)i, UINT32_MAX);
	for (int i = 0; i < STATE_INTENTS; i++) {
		struct state_intent *in = state_intent_add(s);
		char *subject = name_of("pool/x", i);
		*in = (struct state_intent){INTENT_PIN_DOWN, subject, text_of(127), text_of(200),
		    now_ms, now_ms, OVERRIDES - 1};
	}
	for (int i = 0; i < STATE_LEAVES; i++)
		VEC_PUSH(s->leaves, s->leaves_count) = (struct view_leave){s->revision, 4000000};
	for (int i = 0; i < 1000; i++) {
		VEC_PUSH(s->removals, s->removals_count) =
		    (struct view_removal){name_of("\\", i), s->revision};
		VEC_PUSH(s->losses, s->losses_count) =
		    (struct view_loss){.owner = name_of("x", i), .type = "AAAA", .revision = 7};
		VEC_PUSH(s->losses, s->losses_count) =
		    (struct view_loss){.pool = name_of("x", i), .type = "A", .revision = 7};
	}
}

static void trial_fill(struct state *s)
{
	struct state_trial *t = &s->trial;
	struct state *lists = state_copy(s);
	char *quotes = text_of(STATE_TEXT_BYTES - 1);
	memset(quotes, '"', strlen(quotes));
	t->state = TRIAL_OFFERED;
	t->revision = s->revision + 1;
	t->epoch = s->epoch + 1;
	t->site = name_of("site", 0);
	t->server = name_of("server", 0);
	t->endpoint = text_of(STATE_ENDPOINT_BYTES - 1);
	t->actor = mem_strndup(quotes, 127);
	t->text = quotes;
	t->since_ms = t->until_ms = now_ms;
	t->names_added = 4000000;
	state_trial_take_lists(t, lists);
	state_free(lists);
}

static void no_part_of_a_state_takes_more_than_is_counted_for_it(void **unused)
{
	(void)unused;
	struct service *service = counted_service();
	struct state *s = state_new();
	struct budget b;
	state_fill(s, service);
	trial_fill(s);
	char *text = state_text(s, 0); /* without evidence */
	budget_state(s, service, &b);
	if (budget_bytes(&b) < strlen(text))
		fail_msg("%zu bytes, counted as %zu", strlen(text), budget_bytes(&b));
	/* Nor much less: the largest documents need the room. */
	assert_true(budget_bytes(&b) - strlen(text) < strlen(text) / 10);
	state_free(back_from(text));
	free(text);
	service_drop(service);
	state_free(s);
}

static void a_sending_address_takes_what_is_counted_for_it(void **unused)
{
	(void)unused;
	struct service *service = counted_service();
	struct state *s = state_new();
	struct budget b;
	s->epoch = 1000000000;
	senders_fill(s, service);
	budget_state(s, service, &b);
	char *with = state_text(s, 0);
	state_senders_free(s);
	s->senders = NULL;
	s->senders_count = 0;
	char *without = state_text(s, 0);
	size_t bytes = strlen(with) - strlen(without);
	if (bytes > b.senders || b.senders - bytes > (size_t)2 * DECLARED_SENDERS * 4)
		fail_msg("%zu bytes, counted as %zu", bytes, b.senders);
	free(with);
	free(without);
	/* Declared only, they are counted as they will be. */
	size_t all = b.senders;
	budget_state(s, service, &b);
	assert_int_equal(b.senders, all / 2);
	service_drop(service);
	state_free(s);
}

/* ---- nothing that automation does can make it larger than what was admitted ---- */

enum { NAME_BYTES = 63 };
static size_t state_most, history_most; /* bytes, of all commits that were looked at */

/* As the shell writes it where not all of the evidence fits. */
static void state_weigh(const struct state *s)
{
	char *text = state_text(s, BUDGET_STATE_BYTES);
	if (strlen(text) > BUDGET_STATE_BYTES)
		fail_msg("a state of %zu bytes", strlen(text));
	state_most = strlen(text) > state_most ? strlen(text) : state_most;
	free(text);
}

static void history_weigh(const struct core_effect *e)
{
	json_t *lines = json_array();
	for (size_t i = 0; i < e->commit.history_count; i++)
		json_array_append_new(lines, history_encode(&e->commit.history[i]));
	char *history = json_text(lines);
	json_decref(lines);
	if (strlen(history) > BUDGET_HISTORY_MOST)
		fail_msg(
		    "%zu lines of history of %zu bytes", e->commit.history_count, strlen(history));
	history_most = strlen(history) > history_most ? strlen(history) : history_most;
	free(history);
}

/* Pools with the longest names that there are, a member in either site. */
static struct service *service_of(size_t pools)
{
	struct service *s = service_bare();
	char name[SERVICE_NAME_BYTES], address[80];
	for (size_t i = 0; i < pools; i++) {
		snprintf(name, sizeof name, "%0*zu", NAME_BYTES, i);
		struct service_pool *p = service_add_pool(s, name);
		p->suspect_ttl_s = i < 20 ? 5 : 0; /* of all it would take a minute */
		p->flap_half_life_s = 300;
		p->return_after_s = 30;
		for (size_t site = MUC; site <= FRA; site++) {
			snprintf(address, sizeof address, "2001:db8:1111:2222:3333:%x444:%zx:%zx",
			    site == MUC ? 5 : 6, i / 256 + 4096, i % 256 + 4096);
			pool_add(p, site, address);
		}
	}
	return s;
}

/* All that waits for the store is written; what is concluded meanwhile goes along. */
static void commits_end(struct world *w)
{
	while (w->open)
		commit_ends(w, 0, true);
}

/* At length. */
static void all_vantages_say(struct world *w, const char *member, int up)
{
	static const char *const vantages[] = {"muc", "fra", "witness"};
	char detail[200];
	memset(detail, '"', sizeof detail - 1);
	detail[sizeof detail - 1] = '\0';
	for (int i = 0; i < 3; i++)
		step(w, (struct core_event){.type = CORE_OBSERVATION,
		            .observation = {.vantage = vantages[i],
		                .member = member,
		                .check = "smtp",
		                .ok = up == UP,
		                .streak = 5,
		                .detail = up == UP ? "" : detail}});
}

static void all_members_are(struct world *w, int up)
{
	w->store_waits = true;
	const struct service *s = core_service(w->core);
	for (size_t p = 0; p < s->pools_count; p++)
		for (size_t i = 0; i < s->pools[p].members_count; i++) {
			char id[160], address[ADDR_TEXT_BYTES];
			snprintf(id, sizeof id, "%s/%s", s->pools[p].name,
			    addr_format(&s->pools[p].members[i].address, address));
			all_vantages_say(w, id, up);
		}
	commits_end(w);
	w->store_waits = false;
	state_weigh(state_of(w));
}

static struct world_reply *pool_hold(struct world *w, int pool, const char *reason)
{
	char subject[128];
	snprintf(subject, sizeof subject, "pool/%0*d", NAME_BYTES, pool);
	return request(w, (struct core_request){.type = CORE_REQUEST_HOLD,
	                      .site = subject,
	                      .reason = reason,
	                      .until_ms = w->now.wall_ms + 2 * MINUTE});
}

static void holds_are_declared_until_refused(struct world *w)
{
	char reason[200];
	int i = 0;
	memset(reason, '"', sizeof reason - 1); /* takes two bytes each */
	reason[sizeof reason - 1] = '\0';
	while (pool_hold(w, i, reason)->result == 0)
		assert_true(++i < STATE_INTENTS);
	struct world_reply *r = pool_hold(w, i, reason);
	assert_int_equal(r->result, E_LIMIT);
	assert_contains(r->text, "release some");
	assert_true(i > 60);
	/* One that is there may be declared for longer: that takes no room. */
	w->now.wall_ms += 1000;
	assert_int_equal(pool_hold(w, 0, reason)->result, 0);
	assert_int_equal(state_of(w)->intents_count, i);
}

/* Confirmed, however much it changes. */
static struct world_reply *pools_apply(struct world *w, size_t pools)
{
	service_drop(w->applied);
	w->applied = service_of(pools);
	struct core_request r = {.type = CORE_REQUEST_APPLY,
	    .service = w->applied,
	    .document = "pools",
	    .document_bytes = 5,
	    .planned_on = UINT64_MAX};
	struct world_reply *reply = request(w, r);
	r.changes = reply->share.confirm;
	return r.changes > 0 ? request(w, r) : reply;
}

static void a_document_that_could_outgrow_the_store_is_refused_and_a_smaller_one_never_does(
    void **unused)
{
	(void)unused;
	struct world *w = world_empty();
	size_t pools = STATE_MEMBERS / 2;
	struct service *first = service_of(1);
	for (int i = 0; i < 2400; i++) {
		char *owner = name_of("mx", i), *whole = mem_printf("%s.retarus.com.", owner);
		service_add_name(first, whole, 0);
		free(owner);
		free(whole);
	}
	assert_int_equal(apply(w, first, "names that will leave")->result, 0);
	struct world_reply *r = pools_apply(w, pools);
	assert_int_equal(r->result, E_LIMIT);
	assert_contains(r->text, "the store takes 1024 KiB");
	assert_contains(r->text, "Use fewer members");
	while ((r = pools_apply(w, pools))->result != 0)
		pools -= 50;
	assert_true(pools > 900);

	w->look = history_weigh;
	all_members_are(w, UP);
	holds_are_declared_until_refused(w);
	assert_int_equal(drain_for(w, "muc", 2 * MINUTE)->result, 0);
	all_members_are(w, DOWN);
	/* The holds and the drain end at once, and everything follows from that. */
	w->store_waits = true;
	pass(w, 2 * MINUTE + 1000);
	commits_end(w);
	all_members_are(w, DOWN);
	all_members_are(w, UP);
	pass(w, MINUTE);
	commits_end(w);
	assert_int_equal(state_of(w)->intents_count, 0);
	assert_int_equal(state_of(w)->drains_count, 0);
	assert_true(state_most > BUDGET_STATE_BYTES / 2);
	assert_true(history_most > BUDGET_HISTORY_BYTES / 2);
	/* And there is a way back. */
	w->store_waits = false;
	assert_int_equal(apply(w, service_of(pools - 100), "smaller")->result, 0);
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_full_state_fits_with_its_evidence),
	    cmocka_unit_test(no_part_of_a_state_takes_more_than_is_counted_for_it),
	    cmocka_unit_test(a_sending_address_takes_what_is_counted_for_it),
	    cmocka_unit_test(
	        a_document_that_could_outgrow_the_store_is_refused_and_a_smaller_one_never_does),
	    cmocka_unit_test(a_full_state_after_an_outage_of_everything_fits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
