/* A model of the store with etcd's contract: linearizable transactions with revisions, watches,
 * writes without an answer that may happen later, and no answers without a majority. This file:
 * requests on their way, at the store and back.
 *
 * What the rules want to know is told where it happens: when a state is sent (it was decided now)
 * and when it is taken. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/election_seat.h"
#include "controlplane/store.h"
#include "lib/base/mem.h"
#include "lib/json.h"
#include "tests/sim/store_parts.h"
#include "wire/state.h"

#define KEY_STATE "/tandem/state"
#define KEY_CONFIG "/tandem/config/"

enum { TRY_MS = 150, TOTAL_MS = 1000 };

static struct model {
	unsigned mutes;
	unsigned lost_per_mille, late_per_mille;
	struct state *state;
	const struct process *holder; /* who took the office last */
	uint32_t holder_life;
	size_t *variants; /* of the document of revision i + 1 */
	size_t variants_count;
} model;

const struct state *store_state(void)
{
	return model.state;
}

size_t store_document_variant(uint64_t revision)
{
	return revision >= 1 && revision <= model.variants_count ? model.variants[revision - 1]
	                                                         : SIZE_MAX;
}

void store_mute(bool on, unsigned how)
{
	model.mutes += on ? 1 : -1U;
	model.lost_per_mille = model.mutes ? 100 + how % 400 : 0;
	model.late_per_mille = model.mutes ? 50 + how / 7 % 300 : 0;
}

struct request {
	struct store *store;
	struct process *node;
	uint32_t life;
	void *ctx;
	bool forgotten, answered;
	store_read_done read_done;
	store_commit_done commit_done;
	/* a read */
	char *key;
	bool is_prefix, descending;
	size_t limit;
	/* a commit */
	struct store_compare compares[4];
	size_t compares_count;
	struct {
		char *key;
		struct blob *value;
	} writes[STORE_TXN_ITEMS];
	size_t writes_count;
	struct state *state; /* decoded, where it writes one */
	struct said *said;   /* by its history; NULL: it has none */
	/* the answer */
	int result;
	uint64_t revision;
	struct store_entry *found;
	struct blob **values;
	char **keys;
	size_t found_count;
	unsigned references;
	struct request *next; /* of the store */
};

struct store *store_model_open(struct process *node)
{
	struct store *s = mem_new(1, sizeof(*s));
	s->node = node;
	return s;
}

static void request_unlink(struct request *r)
{
	for (struct request **p = r->store ? &r->store->requests : NULL; p && *p; p = &(*p)->next)
		if (*p == r) {
			*p = r->next;
			return;
		}
}

static void request_drop(void *arg)
{
	struct request *r = arg;
	if (--r->references > 0)
		return;
	request_unlink(r);
	for (size_t i = 0; i < r->compares_count; i++)
		free((char *)r->compares[i].key);
	for (size_t i = 0; i < r->writes_count; i++) {
		free(r->writes[i].key);
		blob_drop(r->writes[i].value);
	}
	for (size_t i = 0; i < r->found_count; i++) {
		free(r->keys[i]);
		blob_drop(r->values[i]);
	}
	free(r->found);
	free(r->values);
	free(r->keys);
	free(r->key);
	state_free(r->state);
	said_free(r->said);
	free(r);
}

void store_free(struct store *s)
{
	if (!s)
		return;
	while (s->requests) {
		struct request *r = s->requests;
		s->requests = r->next;
		r->store = NULL;
		r->forgotten = true;
	}
	free(s);
}

static void request_answer(void *arg)
{
	struct request *r = arg;
	static const char *const words[] = {[0] = "done",
	    [-E_CONFLICT] = "a comparison did not hold",
	    [-E_TIMEOUT] = "no answer in time",
	    [-E_UNAVAILABLE] = "no quorum"};
	struct err e = {.code = r->result};
	if (!r->answered && !r->forgotten) {
		r->answered = true;
		snprintf(e.text, sizeof(e.text), "%s", words[-r->result]);
		if (r->result == 0 || r->result == E_CONFLICT)
			r->store->heard_ms = node_mono_ms(r->node);
		if (r->commit_done)
			r->commit_done(r->ctx, r->result, &e, r->revision);
		else
			r->read_done(r->ctx, r->result, &e, r->revision, r->found, r->found_count);
	}
	request_drop(r);
}

static void request_fail(struct request *r, int result, uint64_t delay_us)
{
	r->references++;
	r->result = result;
	(void)task_after(r->node, delay_us, request_answer, request_drop, r);
}

/* The answer goes back, or does not; the client has a timer of its own. */
static void request_return(struct request *r)
{
	size_t site = r->node->site;
	uint64_t delay_us = 100 + chance_draw(&sim->store_chance, 2000);
	if (!store_reached(site) || chance_hit(&sim->store_chance, model.lost_per_mille)) {
		request_fail(r, E_TIMEOUT,
		    (TRY_MS + chance_draw(&sim->store_chance, TOTAL_MS - TRY_MS)) * 1000);
		return;
	}
	r->references++;
	(void)task_after(r->node, delay_us, request_answer, request_drop, r);
}

static void found_add(struct request *r, const struct entry *e)
{
	size_t n = r->found_count;
	vec_grow(&r->found, n, sizeof(*r->found));
	vec_grow(&r->values, n, sizeof(*r->values));
	vec_grow(&r->keys, n, sizeof(*r->keys));
	r->keys[n] = mem_strdup(e->key);
	r->values[n] = blob_hold(e->value);
	r->found[n] =
	    (struct store_entry){r->keys[n], e->value->data, e->value->bytes, e->modified};
	r->found_count++;
}

static void read_collect(struct request *r)
{
	bool there;
	size_t first = entry_place(r->key, &there), end = first;
	size_t bytes = strlen(r->key);
	if (!r->is_prefix) {
		if (there)
			found_add(r, &store_data.entries[first]);
		return;
	}
	while (end < store_data.count && strncmp(store_data.entries[end].key, r->key, bytes) == 0)
		end++;
	for (size_t i = first; i < end && r->found_count < r->limit; i++)
		found_add(r, &store_data.entries[r->descending ? end - 1 - (i - first) : i]);
}

static void variant_note(uint64_t revision, const struct blob *text)
{
	const char *mark = strstr(text->data, "title: variant ");
	assert(mark);
	size_t variant = (size_t)strtoul(mark + strlen("title: variant "), NULL, 10);
	assert(revision >= 1 && revision <= model.variants_count + 1);
	if (revision <= model.variants_count) /* written again as it comes into force */
		assert(model.variants[revision - 1] == variant);
	else
		VEC_PUSH(model.variants, model.variants_count) = variant;
}

static bool request_in_office(const struct request *r)
{
	return model.holder == r->node && model.holder_life == r->life;
}

/* A late write of a process that has died is still its own: the life at the time of sending. */
static void office_note(const struct request *r, const char *key, const struct blob *value)
{
	if (strcmp(key, SEAT_TERM_KEY) != 0)
		return;
	bool vacant = !value || strstr(value->data, "\"holder\":\"\"");
	model.holder = vacant ? NULL : r->node;
	model.holder_life = r->life;
}

static void commit_apply(struct request *r)
{
	r->revision = store_data.revision;
	for (size_t i = 0; i < r->compares_count; i++)
		if (entry_modified(r->compares[i].key) != r->compares[i].modified) {
			r->result = E_CONFLICT;
			return;
		}
	r->result = 0;
	if (r->writes_count == 0)
		return;
	store_data.revision++;
	r->revision = store_data.revision;
	for (size_t i = 0; i < r->writes_count; i++) {
		trace_add(r->writes[i].key, strlen(r->writes[i].key));
		if (r->writes[i].value)
			trace_add(r->writes[i].value->data, r->writes[i].value->bytes);
		if (r->state && strncmp(r->writes[i].key, KEY_CONFIG, strlen(KEY_CONFIG)) == 0 &&
		    r->writes[i].value)
			variant_note(strtoull(strrchr(r->writes[i].key, '/') + 1, NULL, 10),
			    r->writes[i].value);
		office_note(r, r->writes[i].key, r->writes[i].value);
		entry_put(r->writes[i].key, r->writes[i].value);
	}
	if (r->state) {
		rules_on_commit(r->node, request_in_office(r), r->said, model.state, r->state);
		state_free(model.state);
		model.state = r->state;
		r->state = NULL;
	}
	watches_tell();
}

/* At the store. It has come this far whatever becomes of its sender. */
static void request_arrive(void *arg)
{
	struct request *r = arg;
	if (!store_reached(r->node->site)) { /* the way was cut meanwhile */
		request_fail(r, r->commit_done ? E_TIMEOUT : E_UNAVAILABLE, TOTAL_MS * 1000);
	} else if (r->commit_done) {
		commit_apply(r);
		request_return(r);
	} else {
		r->revision = store_data.revision;
		read_collect(r);
		request_return(r);
	}
	request_drop(r);
}

/* A write that comes after its sender has given up on it. */
static void request_arrive_late(void *arg)
{
	struct request *r = arg;
	bool decides = r->state != NULL;
	commit_apply(r);
	if (decides)
		story_tell("a late write of %s reaches the store: %s", r->node->name,
		    r->result == 0 ? "it is taken" : "it is refused, what it compares has changed");
	request_drop(r);
}

static void request_send(struct request *r)
{
	struct chance *c = &sim->store_chance;
	uint64_t delay_us = 200 + chance_draw(c, 3000);
	r->node = r->store->node;
	r->life = r->node->life;
	r->next = r->store->requests;
	r->store->requests = r;
	r->references = 1;
	uint64_t ambush_us = r->state && r->node == model.holder ? ambush_spring(r->node) : 0;
	if (ambush_us == 0 && !store_reached(r->node->site)) {
		bool unsure = r->commit_done && chance_hit(c, 500);
		request_fail(r, unsure ? E_TIMEOUT : E_UNAVAILABLE,
		    (TRY_MS + chance_draw(c, TOTAL_MS - TRY_MS)) * 1000);
		if (unsure && chance_hit(c, 600)) { /* buffered somewhere on the way */
			r->references++;
			(void)task_after(NULL, SIM_SECOND + chance_draw(c, 10 * SIM_SECOND),
			    request_arrive_late, request_drop, r);
		}
	} else if (ambush_us > 0 || (r->commit_done && chance_hit(c, model.late_per_mille))) {
		uint64_t late_us = TRY_MS * 1000 + chance_draw(c, 8 * SIM_SECOND);
		request_fail(r, E_TIMEOUT, (TRY_MS + chance_draw(c, 300)) * 1000);
		r->references++;
		(void)task_after(NULL, ambush_us > 0 ? ambush_us : late_us, request_arrive_late,
		    request_drop, r);
	} else if (chance_hit(c, model.lost_per_mille)) {
		request_fail(r, E_TIMEOUT, (TRY_MS + chance_draw(c, TOTAL_MS)) * 1000);
	} else {
		r->references++;
		(void)task_after(NULL, delay_us, request_arrive, request_drop, r);
	}
	request_drop(r);
}

void store_get(struct store *s, const char *key, store_read_done done, void *ctx)
{
	struct request *r = mem_new(1, sizeof(*r));
	*r = (struct request){
	    .store = s, .ctx = ctx, .read_done = done, .key = mem_strdup(key), .limit = 1};
	request_send(r);
}

void store_list(struct store *s, const char *prefix, size_t limit, bool descending,
    store_read_done done, void *ctx)
{
	struct request *r = mem_new(1, sizeof(*r));
	*r = (struct request){.store = s,
	    .ctx = ctx,
	    .read_done = done,
	    .key = mem_strdup(prefix),
	    .is_prefix = true,
	    .limit = limit,
	    .descending = descending};
	request_send(r);
}

/* A controller of a later release writes fields that this one does not know. */
static struct blob *value_written(const struct process *node, const struct store_write *w)
{
	static const char later[] = "{\"x_later\":{\"a\":[1,{\"b\":null}]},";
	if (!w->value)
		return NULL;
	const char *text = w->value;
	if (!controller_is_newer(node->index) || w->bytes < 2 || text[0] != '{')
		return blob_new(w->value, w->bytes);
	struct blob *b = mem_new(1, sizeof(*b) + w->bytes + sizeof(later));
	b->references = 1;
	memcpy(b->data, later, sizeof(later) - 1);
	memcpy(b->data + sizeof(later) - 1, text + 1, w->bytes - 1);
	b->bytes = sizeof(later) - 1 + w->bytes - 1;
	return b;
}

static struct state *state_read(const struct blob *b)
{
	struct err e = {0};
	json_t *json = NULL;
	struct state *s = NULL;
	if (json_parse(b->data, b->bytes, &json, &e) != 0 || state_decode(json, &s, &e) != 0)
		sim_fail(0, "a controller writes a state that nobody can read: %s", e.text);
	json_decref(json);
	return s;
}

void store_commit(struct store *s, const struct store_txn *txn, store_commit_done done, void *ctx)
{
	struct request *r = mem_new(1, sizeof(*r));
	*r = (struct request){.store = s, .ctx = ctx, .commit_done = done};
	assert(txn->compares_count <= 4 && txn->writes_count <= STORE_TXN_ITEMS);
	for (size_t i = 0; i < txn->compares_count; i++)
		r->compares[r->compares_count++] = (struct store_compare){
		    mem_strdup(txn->compares[i].key), txn->compares[i].modified};
	for (size_t i = 0; i < txn->writes_count; i++) {
		const struct store_write *w = &txn->writes[i];
		r->writes[i].key = mem_strdup(w->key);
		r->writes[i].value = value_written(s->node, w);
		r->writes_count++;
		if (strcmp(w->key, KEY_STATE) == 0 && w->value) {
			r->state = state_read(r->writes[i].value);
			rules_on_decide(s->node, r->state);
		} else if (strncmp(w->key, "/tandem/history/", 16) == 0 && w->value) {
			r->said = rules_on_history(w->value, w->bytes);
		}
	}
	request_send(r);
}

void store_forget(struct store *s, const void *ctx)
{
	for (struct request *r = s->requests; r; r = r->next)
		r->forgotten = r->forgotten || r->ctx == ctx;
}

uint64_t store_silence_ms(const struct store *s)
{
	return s->heard_ms == 0 ? UINT64_MAX : node_mono_ms(s->node) - s->heard_ms;
}

void store_model_reset(void)
{
	store_data_reset();
	store_reach_reset();
	state_free(model.state);
	free(model.variants);
	model = (struct model){0};
}
