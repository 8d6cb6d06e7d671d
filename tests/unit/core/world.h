/* A small world around one core, so that tests read as narration: three sites, a store that takes
 * what it is told to take, a clock that only moves when a test says so.
 *
 * Every step checks what must hold after any step: one commit at a time, version and epoch grow by
 * one, no published pool is empty. */
#ifndef TANDEM_TESTS_CORE_WORLD_H
#define TANDEM_TESTS_CORE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/core.h"
#include "lib/base/mem.h"

#define CLUSTER "11111111-2222-3333-4444-555555555555"

enum { MINUTE = 60 * 1000, HOUR = 60 * MINUTE };
enum { UP = 1, DOWN = 0 };

struct world_reply {
	uint64_t id, epoch, revision;
	int result, rule;
	unsigned override;
	char *text;
	struct view *after;
	struct core_share share;
};

struct world {
	struct core *core;
	struct core_time now;
	uint64_t timer_ms;

	bool store_waits;                               /* commits stay open until commit_ends */
	void (*look)(const struct core_effect *commit); /* NULL: nobody does */
	struct state *store;
	struct service *store_service;
	char *store_document;
	bool open; /* a commit is open */
	char commit_id[40];
	struct state *written;
	struct service *applied; /* what the request that is open applies */
	struct service *written_service;
	uint64_t written_revision; /* of the document that is written */
	char *written_document;

	uint64_t requests;
	struct world_reply *replies;
	size_t replies_count;
	size_t commits, publications, probes, catalogs;
	size_t tried;        /* views for the one name server with a document on trial */
	size_t history_most; /* lines in one commit */
	uint64_t lift;       /* epochs that may be left out */
	char history[8192];  /* "action subject|" of everything committed */
	char told[8192];
};

/* ---- the service ---- */

static inline struct service_member member_at(size_t site, const char *address)
{
	struct service_member m = {.site = site, .weight = 1};

	assert_int_equal(addr_parse(address, &m.address, NULL), 0);
	return m;
}

static inline void service_add_site(struct service *s, const char *name, bool witness)
{
	VEC_PUSH(s->sites, s->sites_count) = (struct service_site){
	    .name = mem_strdup(name), .region = witness ? SIZE_MAX : 0, .witness = witness};
}

static inline struct service_pool *service_add_pool(struct service *s, const char *name)
{
	struct service_check check = {.name = mem_strdup("smtp"),
	    .type = CHECK_SMTP,
	    .port = 25,
	    .interval_ms = 200,
	    .timeout_ms = 400,
	    .fall = 3,
	    .rise = 2,
	    .expire_ms = 5000};
	struct service_pool pool = {
	    .name = mem_strdup(name), .ttl_s = 30, .witnesses = 2, .min_members = 1};

	VEC_PUSH(pool.checks, pool.checks_count) = check;
	VEC_PUSH(s->pools, s->pools_count) = pool;
	return &s->pools[s->pools_count - 1];
}

static inline void pool_add(struct service_pool *p, size_t site, const char *address)
{
	VEC_PUSH(p->members, p->members_count) = member_at(site, address);
}

static inline void service_add_name(struct service *s, const char *owner, size_t pool)
{
	VEC_PUSH(s->names, s->names_count) =
	    (struct service_name){.owner = mem_strdup(owner), .zone = 0, .pool = pool};
}

enum { MUC, FRA, WITNESS };

/* Three sites, a zone, and nothing in it. */
static inline struct service *service_bare(void)
{
	struct service *s = service_new();

	s->title = mem_strdup("test");
	VEC_PUSH(s->regions, s->regions_count) =
	    (struct service_region){.name = mem_strdup("eu-de")};
	service_add_site(s, "muc", false);
	service_add_site(s, "fra", false);
	service_add_site(s, "witness", true);
	struct service_zone zone = {.name = mem_strdup("retarus.com."),
	    .ttl_s = 300,
	    .soa_mname = mem_strdup("ns1.retarus.com."),
	    .soa_rname = mem_strdup("hostmaster.retarus.com."),
	    .soa_refresh_s = 3600,
	    .soa_retry_s = 900,
	    .soa_expire_s = 604800,
	    .soa_minimum_s = 60};
	VEC_PUSH(zone.records, zone.records_count) =
	    mem_strdup("retarus.com. 300 NS ns1.retarus.com.");
	VEC_PUSH(s->zones, s->zones_count) = zone;
	return s;
}

/* mail-de in both sites, kdin-muc only in Munich. */
static inline struct service *service_usual(void)
{
	struct service *s = service_bare();
	struct service_pool *mail = service_add_pool(s, "mail-de");

	pool_add(mail, MUC, "127.10.0.25");
	pool_add(mail, FRA, "127.20.0.25");
	struct service_pool *kdin = service_add_pool(s, "kdin-muc");
	pool_add(kdin, MUC, "127.10.0.34");
	service_add_name(s, "mail-de.retarus.com.", 0);
	service_add_name(s, "kdinmx.rmx.de.retarus.com.", 1);
	return s;
}

/* ---- steps ---- */

static inline void world_check_view(const struct service *s, const struct view *v)
{
	assert_int_equal(v->pools_count, s->pools_count);
	for (size_t i = 0; i < v->pools_count; i++) {
		const struct view_pool *p = &v->pools[i];
		const struct service_pool *from = &s->pools[service_pool_find(s, p->name)];
		bool want[2] = {false, false}, have[2] = {false, false};
		assert_true(p->members_count > 0);
		for (size_t j = 0; j < from->members_count; j++)
			want[from->members[j].address.family == 6] = true;
		for (size_t j = 0; j < p->members_count; j++)
			have[p->members[j].address.family == 6] = true;
		assert_true(want[0] == have[0] && want[1] == have[1]);
		for (size_t j = 1; j < p->members_count; j++)
			assert_true(
			    addr_compare(&p->members[j - 1].address, &p->members[j].address) < 0);
	}
}

static inline void step(struct world *w, struct core_event event);

static inline void commit_ends(struct world *w, int result, bool landed)
{
	char id[40];

	assert_true(w->open);
	w->open = false;
	memcpy(id, w->commit_id, sizeof(id));
	if (landed) {
		if (w->written->revision != w->store->revision) {
			assert_int_equal(w->written_revision, w->written->revision);
			service_drop(w->store_service);
			w->store_service = service_hold(w->written_service);
			free(w->store_document);
			w->store_document = mem_strdup(w->written_document);
		}
		state_free(w->store);
		w->store = w->written;
	} else {
		state_free(w->written);
	}
	free(w->written_document);
	w->written_document = NULL;
	w->written = NULL;
	if (result == E_CONFLICT || result == E_TIMEOUT)
		step(w, (struct core_event){.type = CORE_ADOPT,
		            .adopt = {w->store_service, w->store, w->store_document,
		                w->store_document ? strlen(w->store_document) : 0}});
	step(w, (struct core_event){
	            .type = CORE_COMMITTED, .committed = {.commit_id = id, .result = result}});
}

static inline void world_text(char *list, size_t bytes, const char *a, const char *b)
{
	size_t used = strlen(list);

	if (used + strlen(a) + strlen(b) + 3 < bytes)
		snprintf(list + used, bytes - used, "%s%s%s|", a, *b ? " " : "", b);
}

static inline void world_carry_out(struct world *w, struct core_effect *e)
{
	switch (e->type) {
	case CORE_COMMIT:
		assert_false(w->open);
		assert_int_equal(e->commit.base_version, core_state(w->core)->version);
		assert_int_equal(e->commit.state->version, e->commit.base_version + 1);
		assert_in_range(e->commit.state->epoch, core_state(w->core)->epoch,
		    core_state(w->core)->epoch + 1 + w->lift);
		assert_string_equal(e->commit.state->commit_id, e->commit.commit_id);
		w->open = true;
		w->commits++;
		if (w->look)
			w->look(e);
		if (e->commit.history_count > w->history_most)
			w->history_most = e->commit.history_count;
		memcpy(w->commit_id, e->commit.commit_id, sizeof(w->commit_id));
		w->written = state_copy(e->commit.state);
		w->written_document =
		    e->commit.document ? mem_strndup(e->commit.document, e->commit.document_bytes)
		                       : NULL;
		service_drop(w->written_service);
		w->written_service =
		    e->commit.document
		        ? service_hold((struct service *)(uintptr_t)e->commit.service)
		        : NULL;
		w->written_revision = e->commit.document_revision;
		for (size_t i = 0; i < e->commit.history_count; i++)
			world_text(w->history, sizeof(w->history), e->commit.history[i].action,
			    e->commit.history[i].subject);
		break;
	case CORE_PUBLISH:
		w->publications++;
		w->catalogs += e->publish.catalog_changed;
		world_check_view(core_service(w->core), e->publish.view);
		assert_int_equal(e->publish.view->epoch, core_state(w->core)->epoch);
		break;
	case CORE_TRIAL:
		w->tried++;
		assert_int_equal(core_trial_view(w->core)->epoch, core_state(w->core)->trial.epoch);
		break;
	case CORE_REPLY:
		VEC_PUSH(w->replies, w->replies_count) = (struct world_reply){e->reply.id,
		    e->reply.epoch, e->reply.revision, e->reply.result, e->reply.rule,
		    e->reply.override, e->reply.text, e->reply.after, e->reply.share};
		e->reply.text = NULL;
		e->reply.after = NULL;
		break;
	case CORE_TIMER_AT:
		assert_true(e->timer_at_ms > w->now.mono_ms);
		w->timer_ms = e->timer_at_ms;
		break;
	case CORE_PROBES:
		w->probes++;
		break;
	case CORE_TELL:
		world_text(w->told, sizeof(w->told), e->tell.text, "");
		break;
	case CORE_ALARM:
		break;
	}
}

static inline void step(struct world *w, struct core_event event)
{
	uint64_t epoch = core_state(w->core) ? core_state(w->core)->epoch : 0;
	struct core_effects effects = {0};

	core_step(w->core, &event, w->now, &effects);
	for (size_t i = 0; i < effects.count; i++)
		world_carry_out(w, &effects.items[i]);
	core_effects_free(&effects);
	if (core_state(w->core))
		assert_true(core_state(w->core)->epoch >= epoch);
	if (w->open && !w->store_waits)
		commit_ends(w, 0, true);
}

/* Lets time pass; timers go off when they are due. */
static inline void pass(struct world *w, uint64_t ms)
{
	uint64_t end_ms = w->now.mono_ms + ms;

	while (w->timer_ms <= end_ms) {
		w->now.wall_ms += (int64_t)(w->timer_ms - w->now.mono_ms);
		w->now.mono_ms = w->timer_ms;
		w->timer_ms = UINT64_MAX;
		step(w, (struct core_event){.type = CORE_TIMER});
	}
	w->now.wall_ms += (int64_t)(end_ms - w->now.mono_ms);
	w->now.mono_ms = end_ms;
}

/* ---- what people and daemons do ---- */

static inline struct world_reply *request(struct world *w, struct core_request r)
{
	size_t before = w->replies_count;

	r.id = ++w->requests;
	r.actor = r.actor ? r.actor : "anna";
	step(w, (struct core_event){.type = CORE_REQUEST, .request = r});
	return w->replies_count > before ? &w->replies[w->replies_count - 1] : NULL;
}

static inline struct world_reply *drain_for(struct world *w, const char *site, int64_t ms)
{
	return request(w, (struct core_request){.type = CORE_REQUEST_DRAIN,
	                      .site = site,
	                      .reason = "new disks",
	                      .until_ms = w->now.wall_ms + ms});
}

static inline struct world_reply *drain(struct world *w, const char *site)
{
	return drain_for(w, site, 2 * HOUR);
}

static inline struct world_reply *undrain(struct world *w, const char *site)
{
	return request(w, (struct core_request){.type = CORE_REQUEST_UNDRAIN, .site = site});
}

/* Takes the reference of `s`. */
static inline struct world_reply *apply_on(
    struct world *w, struct service *s, const char *document, uint64_t planned_on, bool plan_only)
{
	service_drop(w->applied);
	w->applied = s;
	return request(w, (struct core_request){.type = CORE_REQUEST_APPLY,
	                      .service = s,
	                      .document = document,
	                      .document_bytes = strlen(document),
	                      .planned_on = planned_on,
	                      .plan_only = plan_only});
}

static inline struct world_reply *apply(struct world *w, struct service *s, const char *document)
{
	return apply_on(w, s, document, UINT64_MAX, false);
}

static inline void observe(struct world *w, const char *vantage, const char *member,
    const char *check, bool ok, uint32_t streak)
{
	step(w, (struct core_event){.type = CORE_OBSERVATION,
	            .observation = {.vantage = vantage,
	                .member = member,
	                .check = check,
	                .ok = ok,
	                .streak = streak,
	                .latency_ms = 3,
	                .detail = ok ? "" : "connection refused"}});
}

static inline void vantage_says(struct world *w, const char *vantage, const char *member, int up)
{
	observe(w, vantage, member, "smtp", up == UP, 5);
}

static inline void everyone_says(struct world *w, const char *member, int up)
{
	vantage_says(w, "muc", member, up);
	vantage_says(w, "fra", member, up);
	vantage_says(w, "witness", member, up);
}

static inline void all_is_up(struct world *w)
{
	const struct service *s = core_service(w->core);
	char id[128], address[ADDR_TEXT_BYTES];

	for (size_t p = 0; p < s->pools_count; p++)
		for (size_t i = 0; i < s->pools[p].members_count; i++) {
			snprintf(id, sizeof(id), "%s/%s", s->pools[p].name,
			    addr_format(&s->pools[p].members[i].address, address));
			everyone_says(w, id, UP);
			s = core_service(w->core);
		}
}

static inline void dnsd_keeps(struct world *w, const char *site, uint64_t epoch, uint64_t kept)
{
	char name[64];

	snprintf(name, sizeof(name), "dnsd-%s-1", site);
	step(w, (struct core_event){.type = CORE_ACK,
	            .ack = {.site = site,
	                .name = name,
	                .epoch = epoch,
	                .kept = kept,
	                .revision = 1,
	                .refused = ""}});
}

static inline void dnsd_acks(struct world *w, const char *site, uint64_t epoch)
{
	dnsd_keeps(w, site, epoch, epoch);
}

/* ---- beginning and end ---- */

static inline void world_adopt(struct world *w)
{
	step(w, (struct core_event){.type = CORE_ADOPT,
	            .adopt = {w->store_service, w->store, w->store_document,
	                w->store_document ? strlen(w->store_document) : 0}});
}

static inline void world_lead(struct world *w, bool lead)
{
	step(w, (struct core_event){.type = CORE_LEAD, .lead = lead});
}

/* A core that has read the store of `w`; it does not lead yet. */
static inline void world_core_new(struct world *w)
{
	static uint64_t seed = 1;
	struct core_options options = {.name = "muc", .seed = seed++};

	core_free(w->core);
	w->core = core_new(&options);
	w->timer_ms = UINT64_MAX;
	world_adopt(w);
}

/* Leads over an empty store. */
static inline struct world *world_empty(void)
{
	struct world *w = mem_new(1, sizeof(*w));

	w->now = (struct core_time){1000000, 1795000000000}; /* 2026-11-18T11:06:40Z */
	w->store = state_new();
	strcpy(w->store->cluster, CLUSTER);
	world_core_new(w);
	world_lead(w, true);
	return w;
}

/* Leads, with `s` (its reference is taken) in force and every member proven up. */
static inline struct world *world_with(struct service *s)
{
	struct world *w = world_empty();

	assert_int_equal(apply(w, s, "document 1")->result, 0);
	all_is_up(w);
	return w;
}

static inline struct world *world_usual(void)
{
	return world_with(service_usual());
}

static inline void world_end(struct world *w)
{
	core_free(w->core);
	state_free(w->store);
	state_free(w->written);
	service_drop(w->store_service);
	service_drop(w->applied);
	service_drop(w->written_service);
	free(w->store_document);
	free(w->written_document);
	for (size_t i = 0; i < w->replies_count; i++) {
		free(w->replies[i].text);
		view_free(w->replies[i].after);
	}
	free(w->replies);
	free(w);
}

/* ---- what tests look at ---- */

static inline const struct state *state_of(const struct world *w)
{
	return core_state(w->core);
}

static inline uint64_t epoch_of(const struct world *w)
{
	return core_state(w->core)->epoch;
}

/* "address address", as a view offers them. */
static inline const char *view_offers(const struct view *v, const char *pool)
{
	static char text[1024];

	text[0] = '\0';
	for (size_t i = 0; i < v->pools_count; i++)
		for (size_t j = 0;
		     strcmp(v->pools[i].name, pool) == 0 && j < v->pools[i].members_count; j++) {
			char address[ADDR_TEXT_BYTES];
			size_t used = strlen(text);
			snprintf(text + used, sizeof(text) - used, "%s%s", used ? " " : "",
			    addr_format(&v->pools[i].members[j].address, address));
		}
	return text;
}

static inline void assert_offered(const struct world *w, const char *pool, const char *addresses)
{
	assert_string_equal(view_offers(core_view(w->core), pool), addresses);
}

static inline void assert_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" does not contain \"%s\"", text, part);
}

static inline bool alarm_stands(const struct world *w, const char *key)
{
	struct core_report r;
	bool found = false;

	core_report(w->core, w->now, &r);
	for (size_t i = 0; i < r.alarms_count; i++)
		found = found || strcmp(r.alarms[i].key, key) == 0;
	core_report_free(&r);
	return found;
}

static inline size_t alarms_standing(const struct world *w)
{
	struct core_report r;

	core_report(w->core, w->now, &r);
	size_t count = r.alarms_count;
	core_report_free(&r);
	return count;
}

static inline enum member_state verdict_of(const struct world *w, const char *id)
{
	struct core_report r;
	enum member_state verdict = MEMBER_UNKNOWN;
	bool found = false;

	core_report(w->core, w->now, &r);
	for (size_t i = 0; i < r.members_count; i++)
		if (strcmp(r.members[i].id, id) == 0) {
			verdict = r.members[i].verdict;
			found = true;
		}
	core_report_free(&r);
	assert_true(found);
	return verdict;
}

/* The sentence for a member ("why"), a drained site or a pool; valid until the next call. */
static inline const char *sentence_for(const struct world *w, const char *subject)
{
	static char text[2048];
	struct core_report r;

	text[0] = '\0';
	core_report(w->core, w->now, &r);
	for (size_t i = 0; i < r.members_count; i++)
		if (strcmp(r.members[i].id, subject) == 0)
			snprintf(text, sizeof(text), "%s", r.members[i].why);
	for (size_t i = 0; i < r.drains_count; i++)
		if (strcmp(r.drains[i].site, subject) == 0)
			snprintf(text, sizeof(text), "%s", r.drains[i].text);
	for (size_t i = 0; i < r.pools_count; i++)
		if (strcmp(r.pools[i].name, subject) == 0)
			snprintf(text, sizeof(text), "%s", r.pools[i].text);
	core_report_free(&r);
	return text;
}

#endif
