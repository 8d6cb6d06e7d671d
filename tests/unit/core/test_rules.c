/* Rules 1 to 6 under everything at once: three controllers over one store, observations, people,
 * documents, lost answers, late writes, crashes and elections, drawn from a seed. What must always
 * hold is checked against a model of its own after every step.
 *
 * A failing seed replays exactly: test_rules SEED. */
#include "core/intent.h"
#include "core/member.h"
#include "core/offer.h"
#include "tests/unit/core/world.h"

enum { NODES = 3, SITES = 3, DOCUMENTS = 6, STEPS = 500, SEEDS = 80, EPOCHS = 2000, MODEL = 16 };

static const char *const site_names[SITES] = {"muc", "fra", "witness"};

struct node {
	struct core *core;
	uint64_t timer_ms;
	bool open; /* waits for the result of a commit */
	char commit_id[40];
	uint64_t base;
	struct state *written;
	int document; /* -1: none */
};

struct fact { /* what the model knows of one member at one vantage */
	bool heard, ok;
	uint32_t streak;
	uint64_t at_ms;
};

struct chaos {
	uint64_t random;
	struct core_time now;
	struct node nodes[NODES];
	int leader; /* -1: nobody */
	uint64_t seed_next;

	struct state *store;
	int store_document;
	struct { /* writes whose answer got lost and that may still arrive */
		struct state *state;
		uint64_t base;
		int document, node;
	} late;

	struct service *services[DOCUMENTS];
	char members[MODEL][64];
	size_t member_site[MODEL], members_count;
	struct fact facts[MODEL][SITES];

	char *epochs[EPOCHS]; /* what was published at each epoch */
	uint64_t fingerprint; /* of all effects so far */
	bool asked[4096], answered[4096], seen[4096];
	int results[4096];
	uint64_t requests;
};

static uint64_t draw(struct chaos *x, uint64_t below) /* xorshift64* */
{
	x->random ^= x->random >> 12;
	x->random ^= x->random << 25;
	x->random ^= x->random >> 27;
	return (x->random * 0x2545f4914f6cdd1dULL >> 33) % below;
}

/* Six documents: with and without IPv6, a third member, a pool of its own for the second name. */
static struct service *document_make(int k)
{
	struct service *s = service_usual();

	if (k & 1)
		pool_add(&s->pools[0], MUC, "2001:db8::10");
	if (k & 1)
		pool_add(&s->pools[0], FRA, "2001:db8::20");
	s->pools[0].suspect_ttl_s = k & 1 ? 5 : 0;
	s->regions[0].removal_window_s = k & 2 ? 60 : 0;
	s->pools[0].return_after_s = k & 1 ? 2 : 0;
	s->pools[0].return_manual = k == 3;
	s->pools[0].flap_half_life_s = k & 4 ? 20 : 0;
	s->pools[0].ramp_s = k & 1 ? 4 : 0;
	if (k & 2) {
		pool_add(&s->pools[0], FRA, "127.20.0.26");
		s->pools[0].min_members = 2;
	}
	if (k & 4) {
		service_add_name(s, "more.retarus.com.", 0);
		s->pools[0].members[0] = member_at(MUC, "127.10.0.27");
	}
	return s;
}

static size_t model_member(struct chaos *x, const char *id, size_t site)
{
	for (size_t i = 0; i < x->members_count; i++)
		if (strcmp(x->members[i], id) == 0)
			return i;
	assert_true(x->members_count < MODEL);
	snprintf(x->members[x->members_count], sizeof(x->members[0]), "%s", id);
	x->member_site[x->members_count] = site;
	return x->members_count++;
}

static void model_make(struct chaos *x)
{
	char id[64], address[ADDR_TEXT_BYTES];

	for (int k = 0; k < DOCUMENTS; k++) {
		x->services[k] = document_make(k);
		for (size_t p = 0; p < x->services[k]->pools_count; p++)
			for (size_t i = 0; i < x->services[k]->pools[p].members_count; i++) {
				const struct service_member *m =
				    &x->services[k]->pools[p].members[i];
				snprintf(id, sizeof(id), "%s/%s", x->services[k]->pools[p].name,
				    addr_format(&m->address, address));
				model_member(x, id, m->site);
			}
	}
}

static bool fact_fresh(const struct chaos *x, size_t m, size_t site)
{
	/* Observations expire after 5 s; expiries are looked at every 50 ms. */
	return x->facts[m][site].heard && x->now.mono_ms - x->facts[m][site].at_ms <= 5050;
}

/* ---- what must hold ---- */

/* Rule 6: nobody is taken out without two fresh vantages that say down, one of them outside. The
 * end of a drain may hold back a member that fewer than two are fresh for. */
static void check_withheld(const struct chaos *x, const struct state *s)
{
	for (size_t i = 0; i < s->members_count; i++) {
		const struct state_member *m = &s->members[i];
		const struct state_member *before = state_member_find(x->store, m->id);
		unsigned downs = 0, outside = 0, fresh = 0;
		size_t at = 0;
		if (!m->withheld || (before && before->withheld))
			continue;
		while (strcmp(x->members[at], m->id) != 0)
			at++;
		for (size_t v = 0; v < SITES; v++) {
			bool down = fact_fresh(x, at, v) && !x->facts[at][v].ok &&
			            x->facts[at][v].streak >= 3;
			fresh += fact_fresh(x, at, v);
			downs += down;
			outside += down && v != x->member_site[at];
		}
		if (strstr(m->evidence, "expired without"))
			continue;
		assert_true(downs >= 2 && outside >= 1 && fresh >= 2);
	}
}

/* Rule 3: no pool of two sites has all of them drained, and at the moment somebody drains one, a
 * member elsewhere is up with fresh evidence. */
static void check_drains(const struct chaos *x, const struct state *s, int document)
{
	const struct service *service = x->services[document < 0 ? x->store_document : document];
	bool new_drain = false;

	for (size_t i = 0; i < s->drains_count; i++)
		new_drain = new_drain || !state_drain_find(x->store, s->drains[i].site);
	for (size_t p = 0; p < service->pools_count; p++) {
		bool sites[SITES] = {false}, left = false, proven = false;
		size_t count = 0;
		for (size_t i = 0; i < service->pools[p].members_count; i++) {
			const struct service_member *m = &service->pools[p].members[i];
			char id[64], address[ADDR_TEXT_BYTES];
			unsigned fresh = 0;
			size_t at = 0;
			sites[m->site] = true;
			if (state_drain_find(s, service->sites[m->site].name))
				continue;
			left = true;
			snprintf(id, sizeof(id), "%s/%s", service->pools[p].name,
			    addr_format(&m->address, address));
			const struct state_member *committed = state_member_find(s, id);
			while (strcmp(x->members[at], id) != 0)
				at++;
			for (size_t v = 0; v < SITES; v++)
				fresh += fact_fresh(x, at, v);
			proven = proven || (committed && committed->verdict == MEMBER_UP &&
			                       !committed->withheld && fresh >= 2);
		}
		for (size_t i = 0; i < SITES; i++)
			count += sites[i];
		if (count > 1)
			assert_true(left && (proven || !new_drain));
	}
}

/* A TTL becomes short only while some probe of the pool has failed last, and not for the asking. */
static void check_cautions(const struct chaos *x, const struct state *s)
{
	for (size_t i = 0; i < s->cautions_count; i++) {
		const char *pool = s->cautions[i].pool;
		bool failing = false;
		if (state_caution_find(x->store, pool))
			continue;
		for (size_t m = 0; m < x->members_count; m++)
			for (size_t v = 0; v < SITES; v++)
				failing =
				    failing || (strncmp(x->members[m], pool, strlen(pool)) == 0 &&
				                   fact_fresh(x, m, v) && !x->facts[m][v].ok);
		assert_true(failing);
	}
}

static char *view_text(const struct view *v)
{
	char *text = mem_strdup(v->cluster);

	for (size_t i = 0; i < v->pools_count; i++) {
		char *longer = mem_printf("%s|%s %u: %s", text, v->pools[i].name, v->pools[i].ttl_s,
		    view_offers(v, v->pools[i].name));
		free(text);
		text = longer;
	}
	for (size_t i = 0; i < v->catalog->names_count; i++) {
		char *longer = mem_printf(
		    "%s|%s %s", text, v->catalog->names[i].owner, v->catalog->names[i].pool);
		free(text);
		text = longer;
	}
	return text;
}

/* Rules 1 and 2: nothing is empty, a name leaves by name, an epoch means one thing everywhere. */
static void check_publication(
    struct chaos *x, const struct node *n, const struct view *v, uint64_t former_revision)
{
	char *text = view_text(v);

	world_check_view(core_service(n->core), v);
	assert_in_range(v->epoch, 1, EPOCHS - 1);
	if (!x->epochs[v->epoch])
		x->epochs[v->epoch] = mem_strdup(text);
	assert_string_equal(x->epochs[v->epoch], text);
	free(text);
	bool more = false, removed = false;
	for (size_t i = 0; i < v->catalog->names_count; i++)
		more = more || strcmp(v->catalog->names[i].owner, "more.retarus.com.") == 0;
	for (size_t i = 0; i < v->catalog->removals_count; i++)
		removed =
		    removed || strcmp(v->catalog->removals[i].owner, "more.retarus.com.") == 0;
	assert_false(more && removed);
	if (former_revision > 0)
		assert_true(v->revision >= former_revision);
}

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

static bool site_is_offered(
    const struct service *service, const struct state *s, size_t pool, size_t site)
{
	struct offers offers;

	offer_decide(service, s, pool, &offers);
	for (size_t i = 0; i < offers.count; i++)
		if (service->pools[pool].members[i].site == site && offers.items[i].offered)
			return true;
	return false;
}

/* People have, or had, a say in what the pool offers of the site. */
static bool site_is_pinned(const struct service *service, const struct state *before,
    const struct state *after, size_t pool, size_t site)
{
	char id[MEMBER_ID_BYTES];

	for (size_t i = 0; i < service->pools[pool].members_count; i++)
		if (service->pools[pool].members[i].site == site &&
		    (intent_pin(before, member_id(service, pool, i, id)) || intent_pin(after, id)))
			return true;
	return false;
}

/* Rule 7: what automation takes out of a pool is one site of the region in a window, and recorded.
 */
static void check_departures(const struct chaos *x, const struct state *s)
{
	const struct service *service = x->services[x->store_document];
	int64_t window_ms = (int64_t)service->regions[0].removal_window_s * 1000;
	const struct state_departure *was = state_departure_find(x->store, "eu-de");

	for (size_t p = 0; p < service->pools_count && window_ms > 0; p++)
		for (size_t site = 0; site < SITES; site++) {
			if (state_drain_find(s, site_names[site]) ||
			    !site_is_offered(service, x->store, p, site) ||
			    site_is_offered(service, s, p, site) ||
			    site_is_pinned(service, x->store, s, p, site))
				continue;
			/* it may also have been offered for want of another that is up again */
			const struct state_departure *is = state_departure_find(s, "eu-de");
			bool stood_in = true, others_came = false;
			for (size_t i = 0; i < service->pools[p].members_count; i++) {
				char id[MEMBER_ID_BYTES];
				const struct state_member *before =
				    state_member_find(x->store, member_id(service, p, i, id));
				const struct state_member *after = state_member_find(s, id);
				if (service->pools[p].members[i].site == site)
					stood_in = stood_in && before && before->withheld;
				else
					others_came = others_came || !before ||
					              (before->withheld && !after->withheld);
			}
			if (stood_in || others_came)
				continue;
			assert_non_null(is);
			assert_string_equal(is->site, site_names[site]);
			if (was && strcmp(was->site, is->site) != 0)
				assert_true(is->at_ms - was->at_ms >= window_ms);
		}
}

/* Rule 8: while people have stopped automation for a member, nothing takes it out. The end of what
 * people declared may hold it back for want of evidence. */
static void check_holds(const struct chaos *x, const struct state *s)
{
	const struct service *service = x->services[x->store_document];

	for (size_t p = 0; p < service->pools_count; p++)
		for (size_t i = 0; i < service->pools[p].members_count; i++) {
			const struct state_member *was = member_committed(service, x->store, p, i);
			const struct state_member *is = member_committed(service, s, p, i);
			if (!intent_hold(service, x->store, p, i) ||
			    !intent_hold(service, s, p, i) || !is ||
			    strstr(is->evidence, "expired"))
				continue;
			assert_true(!is->withheld || (was && was->withheld));
		}
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
	    .epoch = epoch > back ? epoch - back : 0};

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
