/* Rules 1 to 6 under everything at once: three controllers over one store, observations, people,
 * documents, lost answers, late writes, crashes and elections, drawn from a seed. What must always
 * hold is checked against a model of its own after every step.
 *
 * A failing seed replays exactly: test_rules SEED. */
#include "tests/unit/core/chaos_checks.h"

/* ---- the shells ---- */

static void node_step(struct chaos *x, int at, struct core_event event);

static void node_adopt(struct chaos *x, int at)
{
	char text[16];

	snprintf(text, sizeof(text), "doc %d", x->store_document);
	node_step(x, at,
	    (struct core_event){.type = CORE_ADOPT,
	        .adopt = {x->store_document < 0 ? NULL : x->services[x->store_document], x->store,
	            x->store_document < 0 ? NULL : text, strlen(text)}});
}

static void store_take(struct chaos *x, struct state *s, int document)
{
	if (x->store_document >= 0 && document < 0) {
		check_departures(x, s);
		check_holds(x, s);
	}
	assert_int_equal(s->version, x->store->version + 1); /* rule 2 */
	assert_in_range(s->epoch, x->store->epoch, x->store->epoch + 1);
	assert_true(s->revision == x->store->revision + (document >= 0));
	for (size_t i = 0; i < s->drains_count; i++)
		x->seen[strtoul(s->drains[i].reason, NULL, 10)] = true;
	state_free(x->store);
	x->store = s;
	if (document >= 0)
		x->store_document = document;
}

static void reply_take(struct chaos *x, const struct core_effect *e)
{
	assert_true(x->asked[e->reply.id] && !x->answered[e->reply.id]);
	x->answered[e->reply.id] = true;
	x->results[e->reply.id] = e->reply.result;
}

static void fingerprint_add(struct chaos *x, const char *text)
{
	for (; *text; text++)
		x->fingerprint = (x->fingerprint ^ (unsigned char)*text) * 0x100000001b3ULL;
}

/* Texts and numbers of an effect: the same events give the same, to the byte. */
static void fingerprint_effect(struct chaos *x, const struct core_effect *e)
{
	x->fingerprint = (x->fingerprint ^ e->type) * 0x100000001b3ULL;
	if (e->type == CORE_COMMIT) {
		fingerprint_add(x, e->commit.commit_id);
		for (size_t i = 0; i < e->commit.history_count; i++)
			fingerprint_add(x, e->commit.history[i].text);
	}
	if (e->type == CORE_REPLY)
		fingerprint_add(x, e->reply.text);
	if (e->type == CORE_ALARM)
		fingerprint_add(x, e->alarm.key);
	if (e->type == CORE_TIMER_AT)
		x->fingerprint = (x->fingerprint ^ e->timer_at_ms) * 0x100000001b3ULL;
}

static void node_step(struct chaos *x, int at, struct core_event event)
{
	struct node *n = &x->nodes[at];
	const struct state *before = core_state(n->core);
	uint64_t epoch = before ? before->epoch : 0, revision = before ? before->revision : 0;
	struct core_effects out = {0};

	core_step(n->core, &event, x->now, &out);
	for (size_t i = 0; i < out.count; i++) {
		struct core_effect *e = &out.items[i];
		fingerprint_effect(x, e);
		switch (e->type) {
		case CORE_COMMIT:
			assert_false(n->open);
			n->open = true;
			memcpy(n->commit_id, e->commit.commit_id, sizeof(n->commit_id));
			n->base = e->commit.base_version;
			n->written = state_copy(e->commit.state);
			n->document = e->commit.document ? atoi(e->commit.document + 4) : -1;
			if (n->base == x->store->version) {
				check_withheld(x, n->written);
				check_cautions(x, n->written);
				if (x->store_document >= 0)
					check_drains(x, n->written, n->document);
			}
			break;
		case CORE_PUBLISH:
			check_publication(x, n, e->publish.view, revision);
			break;
		case CORE_REPLY:
			reply_take(x, e);
			break;
		case CORE_TIMER_AT:
			assert_true(e->timer_at_ms > x->now.mono_ms);
			n->timer_ms = e->timer_at_ms;
			break;
		default:
			break;
		}
	}
	core_effects_free(&out);
	if (core_state(n->core))
		assert_true(core_state(n->core)->epoch >= epoch);
}

static void late_drop(struct chaos *x)
{
	state_free(x->late.state);
	x->late.state = NULL;
}

static void late_arrive(struct chaos *x)
{
	if (!x->late.state)
		return;
	if (x->late.base == x->store->version && x->late.node == x->leader) {
		store_take(x, x->late.state, x->late.document);
		x->late.state = NULL;
	}
	late_drop(x);
}

static void node_commit_ends(struct chaos *x, int at)
{
	struct node *n = &x->nodes[at];
	uint64_t dice = draw(x, 20);
	char id[40];
	int result = 0;

	if (!n->open)
		return;
	n->open = false;
	memcpy(id, n->commit_id, sizeof(id));
	bool fits = n->base == x->store->version && at == x->leader;
	if (!fits)
		result = E_CONFLICT;
	else if (dice < 3)
		result = E_TIMEOUT; /* and it happened */
	else if (dice < 6)
		result = E_TIMEOUT;
	else if (dice == 6)
		result = E_UNAVAILABLE;
	if (fits && (result == 0 || dice < 3)) {
		store_take(x, n->written, n->document);
	} else if (result == E_TIMEOUT && draw(x, 2)) {
		late_drop(x);
		x->late.state = n->written;
		x->late.base = n->base;
		x->late.document = n->document;
		x->late.node = at;
	} else {
		state_free(n->written);
	}
	n->written = NULL;
	if (result == E_CONFLICT || result == E_TIMEOUT)
		node_adopt(x, at);
	node_step(x, at,
	    (struct core_event){
	        .type = CORE_COMMITTED, .committed = {.commit_id = id, .result = result}});
}

static void node_start(struct chaos *x, int at)
{
	struct node *n = &x->nodes[at];
	struct core_options options = {.name = "n", .seed = x->seed_next++};

	core_free(n->core);
	state_free(n->written);
	*n = (struct node){.core = core_new(&options), .timer_ms = UINT64_MAX};
	node_adopt(x, at);
}

static void node_crash(struct chaos *x, int at)
{
	/* Its requests die with their connections. */
	for (uint64_t i = 0; i < x->requests; i++)
		if (x->asked[i] && !x->answered[i] && (int)(i % NODES) == at)
			x->asked[i] = false;
	if (x->leader == at)
		x->leader = -1;
	node_start(x, at);
}

static void elect(struct chaos *x, int at)
{
	if (x->leader >= 0)
		node_step(x, x->leader, (struct core_event){.type = CORE_LEAD, .lead = false});
	x->leader = at;
	if (at < 0)
		return;
	node_adopt(x, at);
	node_step(x, at, (struct core_event){.type = CORE_LEAD, .lead = true});
}

/* ---- what happens ---- */

static void observation_happens(struct chaos *x)
{
	size_t m = draw(x, x->members_count), v = draw(x, SITES);
	bool ok = draw(x, 3) > 0;
	uint32_t streak = (uint32_t)draw(x, 5) + 1;

	x->facts[m][v] = (struct fact){true, ok, streak, x->now.mono_ms};
	for (int i = 0; i < NODES; i++)
		node_step(x, i,
		    (struct core_event){.type = CORE_OBSERVATION,
		        .observation = {.vantage = site_names[v],
		            .member = x->members[m],
		            .check = "smtp",
		            .ok = ok,
		            .streak = streak,
		            .detail = ""}});
}

static void health_returns(struct chaos *x)
{
	for (size_t m = 0; m < x->members_count; m++)
		for (size_t v = 0; v < SITES; v++) {
			x->facts[m][v] = (struct fact){true, true, 9, x->now.mono_ms};
			for (int i = 0; i < NODES; i++)
				node_step(x, i,
				    (struct core_event){.type = CORE_OBSERVATION,
				        .observation = {.vantage = site_names[v],
				            .member = x->members[m],
				            .check = "smtp",
				            .ok = true,
				            .streak = 9,
				            .detail = ""}});
		}
}

static void intent_happens(struct chaos *x, int at, struct core_request *r, const char *reason)
{
	static const enum core_request_type types[] = {CORE_REQUEST_HOLD, CORE_REQUEST_HOLD,
	    CORE_REQUEST_RELEASE, CORE_REQUEST_PIN_UP, CORE_REQUEST_PIN_DOWN, CORE_REQUEST_UNPIN};
	static const char *const scopes[] = {"all", "site/muc", "region/eu-de", "pool/mail-de"};

	r->type = types[draw(x, 6)];
	r->site = r->type == CORE_REQUEST_HOLD || r->type == CORE_REQUEST_RELEASE
	              ? scopes[draw(x, 4)]
	              : x->members[draw(x, x->members_count)];
	r->reason = reason;
	r->until_ms = x->now.wall_ms + MINUTE + (int64_t)draw(x, MINUTE);
	node_step(x, at, (struct core_event){.type = CORE_REQUEST, .request = *r});
}

static void request_happens(struct chaos *x)
{
	int at = x->leader >= 0 && draw(x, 10) ? x->leader : (int)draw(x, NODES);
	uint64_t kind = draw(x, 10);
	struct core_request r = {.actor = "anna", .planned_on = UINT64_MAX};
	char reason[32], text[16];

	while ((int)(x->requests % NODES) != at)
		x->requests++;
	r.id = x->requests++;
	assert_true(r.id < 4000);
	x->asked[r.id] = true;
	snprintf(reason, sizeof(reason), "%llu", (unsigned long long)r.id);
	r.site = site_names[draw(x, 2)];
	if (draw(x, 5) == 0) {
		intent_happens(x, at, &r, reason);
		return;
	}
	r.plan_only = draw(x, 8) == 0;
	if (kind < 5) {
		r.type = CORE_REQUEST_DRAIN;
		r.reason = reason;
		r.until_ms = x->now.wall_ms + MINUTE + (int64_t)draw(x, 2 * MINUTE);
	} else if (kind < 7) {
		r.type = CORE_REQUEST_UNDRAIN;
	} else if (kind < 8) {
		r.type = CORE_REQUEST_RETURN;
	} else {
		int k = (int)draw(x, DOCUMENTS);
		r.type = CORE_REQUEST_APPLY;
		r.service = x->services[k];
		snprintf(text, sizeof(text), "doc %d", k);
		r.document = text;
		r.document_bytes = strlen(text);
		if (draw(x, 3) == 0)
			r.planned_on = x->store->revision;
	}
	node_step(x, at, (struct core_event){.type = CORE_REQUEST, .request = r});
}

static void ack_happens(struct chaos *x)
{
	const struct state *s = core_state(x->nodes[0].core);
	uint64_t back = draw(x, 4) == 0 ? 1 : 0, epoch = s ? s->epoch : 0;
	struct core_ack a = {.site = site_names[draw(x, 2)],
	    .name = "dnsd",
	    .refused = "",
	    .epoch = epoch > back ? epoch - back : 0,
	    .kept = epoch > back ? epoch - back : 0};

	for (int i = 0; i < NODES; i++)
		node_step(x, i, (struct core_event){.type = CORE_ACK, .ack = a});
}

static void time_passes(struct chaos *x, uint64_t ms)
{
	uint64_t end_ms = x->now.mono_ms + ms;

	for (;;) {
		int next = 0;
		for (int i = 1; i < NODES; i++)
			if (x->nodes[i].timer_ms < x->nodes[next].timer_ms)
				next = i;
		uint64_t at_ms = x->nodes[next].timer_ms;
		if (at_ms > end_ms)
			break;
		x->now.wall_ms += (int64_t)(at_ms - x->now.mono_ms);
		x->now.mono_ms = at_ms;
		x->nodes[next].timer_ms = UINT64_MAX;
		node_step(x, next, (struct core_event){.type = CORE_TIMER});
	}
	x->now.wall_ms += (int64_t)(end_ms - x->now.mono_ms);
	x->now.mono_ms = end_ms;
}

static void something_happens(struct chaos *x)
{
	uint64_t dice = draw(x, 100);

	if (dice < 35)
		observation_happens(x);
	else if (dice < 43)
		health_returns(x);
	else if (dice < 60)
		request_happens(x);
	else if (dice < 85)
		node_commit_ends(x, (int)draw(x, NODES));
	else if (dice < 88)
		late_arrive(x);
	else if (dice < 92)
		time_passes(x, draw(x, 100) < 95 ? draw(x, 3000) : draw(x, 90000));
	else if (dice < 94)
		ack_happens(x);
	else if (dice < 97)
		node_adopt(x, (int)draw(x, NODES));
	else if (dice < 99)
		elect(x, (int)draw(x, NODES + 1) - 1);
	else
		node_crash(x, (int)draw(x, NODES));
}

/* The store answers, somebody leads: every request has been answered, truthfully. */
static void settle(struct chaos *x)
{
	late_drop(x);
	for (int i = 0; i < NODES; i++)
		while (x->nodes[i].open)
			node_commit_ends(x, i);
	elect(x, 0);
	for (int round = 0; round < 60; round++) {
		for (int i = 0; i < NODES; i++)
			node_commit_ends(x, i);
		late_drop(x);
		time_passes(x, 200);
	}
	for (uint64_t i = 0; i < x->requests; i++) {
		if (!x->asked[i])
			continue;
		assert_true(x->answered[i]);
		if (x->results[i] != 0 && x->results[i] != E_TIMEOUT)
			assert_false(x->seen[i]); /* "nothing was changed" was true */
	}
	/* All are of one mind once they have read the store. */
	for (int i = 0; i < NODES; i++) {
		node_adopt(x, i);
		if (!x->nodes[i].open)
			assert_int_equal(core_state(x->nodes[i].core)->epoch, x->store->epoch);
	}
}

static uint64_t chaos_run(uint64_t seed)
{
	struct chaos *x = mem_new(1, sizeof(*x));

	x->random = seed * 0x9e3779b97f4a7c15ULL + 1;
	x->now = (struct core_time){1000000, 1795000000000};
	x->store = state_new();
	strcpy(x->store->cluster, CLUSTER);
	x->store_document = -1;
	x->leader = -1;
	x->requests = 1;
	model_make(x);
	for (int i = 0; i < NODES; i++)
		node_start(x, i);
	elect(x, 0);
	for (int i = 0; i < STEPS; i++)
		something_happens(x);
	settle(x);
	for (int i = 0; i < NODES; i++) {
		core_free(x->nodes[i].core);
		state_free(x->nodes[i].written);
	}
	for (int i = 0; i < DOCUMENTS; i++)
		service_drop(x->services[i]);
	for (int i = 0; i < EPOCHS; i++)
		free(x->epochs[i]);
	state_free(x->store);
	uint64_t fingerprint = x->fingerprint;
	free(x);
	return fingerprint;
}

static uint64_t seed_first = 1, seed_last = SEEDS, seed_now;

static void rules_hold_whatever_happens(void **unused)
{
	(void)unused;
	for (seed_now = seed_first; seed_now <= seed_last; seed_now++)
		chaos_run(seed_now);
}

static void same_events_give_the_same_effects(void **unused)
{
	(void)unused;
	for (seed_now = seed_first; seed_now <= seed_last; seed_now += 10)
		assert_int_equal(chaos_run(seed_now), chaos_run(seed_now));
}

static int seed_tell(void **unused)
{
	(void)unused;
	if (seed_now <= seed_last)
		print_error("seed %llu\n", (unsigned long long)seed_now);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(rules_hold_whatever_happens, seed_tell),
	    cmocka_unit_test_teardown(same_events_give_the_same_effects, seed_tell),
	};
	if (argc > 1)
		seed_first = seed_last = strtoull(argv[1], NULL, 10);
	if (argc > 2)
		seed_last = strtoull(argv[2], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
