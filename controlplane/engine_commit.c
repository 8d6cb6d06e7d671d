/* One commit at a time: a fenced transaction, and the truth about those without an answer.
 *
 * A write that timed out may still be on its way. So its fate is settled before anyone is told:
 * read; if the write is not there, write the state once more as it is ("seal"), under the same
 * fence and comparison. If the seal succeeds, the comparison of the lost write fails for ever; if
 * it conflicts, somebody else wrote and the same holds; one more read then tells what stands. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/engine_parts.h"
#include "core/budget.h"
#include "lib/base/mem.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/log.h"
#include "wire/state.h"

enum {
	COMMIT_REST_BYTES = 8 * 1024, /* keys, and which lists of names the document uses */
	SETTLE_AGAIN_MS = 100,
	PRUNE_KEYS = 40,     /* a step; STORE_TXN_ITEMS is the bound of a transaction */
	PRUNE_DOCUMENTS = 4, /* documents may be 1 MiB each, and a list brings the values */
	PRUNE_EVERY = 16,    /* versions */
};

static void prune_begin(struct engine *en, const char *prefix, uint64_t newest, uint64_t keep);

static void commit_finish(struct engine *en, int result)
{
	struct engine_commit *c = &en->commit;
	struct core_event event = {.type = CORE_COMMITTED};
	char id[sizeof c->id];
	memcpy(id, c->id, sizeof id);
	event.committed.commit_id = id;
	event.committed.result = result;
	/* The step may ask for the next commit at once: this one must be over before. */
	uint64_t decided_ms = c->decided_ms;
	free(c->document);
	state_free(c->found);
	*c = (struct engine_commit){.decided_ms = decided_ms, .pruning = c->pruning};
	engine_step(en, &event);
	if (!en->commit.busy)
		en->commit.decided_ms = 0;
	if (en->load.seen > en->modified || (en->role == ELECTION_LEADER && !en->leading))
		load_begin(en);
	en->load.seen = 0;
}

static void commit_settle(struct engine *en, int result)
{
	en->commit.settling = true;
	en->commit.result = result;
	load_begin(en);
}

/* The core holds what was written; keep our own copy of the service in step with it. */
static void commit_succeeded(struct engine *en, uint64_t revision, uint64_t took_ms)
{
	struct engine_latency *l = &en->counters.commit;
	size_t bucket = 0;
	while (bucket < ENGINE_LATENCY_BUCKETS && took_ms > engine_latency_bounds_ms[bucket])
		bucket++;
	l->buckets[bucket]++;
	l->sum_ms += took_ms;
	l->count++;
	en->counters.commits_ok++;
	en->modified = revision;
	en->version = en->commit.version;
	char *document = en->commit.document;
	size_t document_bytes = en->commit.document_bytes;
	uint64_t document_revision = en->commit.document_revision;
	en->commit.document = NULL;
	commit_finish(en, 0);
	const struct state *state = core_state(en->core);
	if (document != NULL && document_revision > state->revision) {
		trial_keep(en, document_revision, document, document_bytes);
		return;
	}
	if (document == NULL) {
		if (state->version % PRUNE_EVERY == 0)
			prune_begin(en, KEY_HISTORY, state->version, ENGINE_HISTORY_KEEP);
		return;
	}
	prune_begin(en, KEY_CONFIG, state->revision, ENGINE_CONFIG_KEEP);
	service_drop(en->service);
	free(en->document);
	en->service = service_hold((struct service *)core_service(en->core));
	en->document = document;
	en->document_bytes = document_bytes;
	en->service_revision = state->revision;
}

static void on_commit(void *ctx, int result, const struct err *e, uint64_t revision)
{
	struct engine *en = ctx;
	assert(en->commit.busy && !en->commit.settling);
	switch (result) {
	case 0:
		commit_succeeded(en, revision, clock_mono_ms() - en->commit.sent_ms);
		break;
	case E_CONFLICT:
		en->counters.commits_conflict++;
		log_info("commit %s: somebody else was faster, reading again", en->commit.id);
		commit_settle(en, result);
		break;
	case E_UNAVAILABLE:
	case E_LIMIT:
		en->counters.commits_failed++;
		log_warn("commit %s did not happen: %s", en->commit.id, e->text);
		commit_finish(en, result);
		break;
	default:
		en->counters.commits_timeout++;
		log_warn("commit %s: not known whether it happened (%s), finding out",
		    en->commit.id, e->text);
		commit_settle(en, result);
		break;
	}
}

static char *history_text(const struct core_history *lines, size_t count)
{
	json_t *array = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, history_encode(&lines[i]));
	char *text = json_text(array);
	json_decref(array);
	return text;
}

_Static_assert(BUDGET_STATE_BYTES <= STORE_VALUE_BYTES, "what the core admits fits the store");
_Static_assert(
    BUDGET_COMMIT_BYTES + COMMIT_REST_BYTES <= STORE_TXN_BYTES, "and so does all of a commit");

/* For the state, beside what is written with it. */
static size_t state_room(size_t others)
{
	const size_t all = STORE_TXN_BYTES - COMMIT_REST_BYTES;
	size_t room = others < all ? all - others : 0;
	return room < STORE_VALUE_BYTES ? room : STORE_VALUE_BYTES;
}

void commit_start(struct engine *en, const struct core_effect *effect)
{
	struct engine_commit *c = &en->commit;
	const struct state *state = effect->commit.state;
	assert(!c->busy && en->leading && en->loaded);
	bool pruning = c->pruning;
	*c = (struct engine_commit){.busy = true,
	    .pruning = pruning,
	    .version = state->version,
	    .fence = election_fence(en->election),
	    .decided_ms = en->step_ms,
	    .sent_ms = clock_mono_ms()};
	snprintf(c->id, sizeof c->id, "%s", effect->commit.commit_id);
	if (effect->commit.base_version != en->version) {
		commit_settle(en, E_CONFLICT); /* decided from something else than what stands */
		return;
	}
	if (effect->commit.document != NULL) {
		c->document = mem_strndup(effect->commit.document, effect->commit.document_bytes);
		c->document_bytes = effect->commit.document_bytes;
		c->document_revision = effect->commit.document_revision;
	}

	char config_key[ENGINE_KEY_BYTES], history_key[ENGINE_KEY_BYTES];
	char use_key[ENGINE_KEY_BYTES];
	char *use = c->document != NULL ? names_use_text(effect->commit.service) : NULL;
	char *history = history_text(effect->commit.history, effect->commit.history_count);
	char *text = state_text(state,
	    state_room(c->document_bytes + strlen(history) + (use != NULL ? strlen(use) : 0)));
	struct store_write writes[4];
	size_t count = 0;
	writes[count++] =
	    (struct store_write){.key = KEY_STATE, .value = text, .bytes = strlen(text)};
	if (c->document != NULL)
		writes[count++] = (struct store_write){
		    .key = key_format(config_key, KEY_CONFIG, c->document_revision),
		    .value = effect->commit.document,
		    .bytes = effect->commit.document_bytes};
	if (use != NULL)
		writes[count++] = (struct store_write){
		    .key = key_format(use_key, KEY_NAMES_USE, c->document_revision),
		    .value = use,
		    .bytes = strlen(use)};
	if (effect->commit.history_count > 0)
		writes[count++] = (struct store_write){
		    .key = key_format(history_key, KEY_HISTORY, state->version),
		    .value = history,
		    .bytes = strlen(history)};
	const struct store_compare compares[] = {
	    c->fence, {.key = KEY_STATE, .modified = en->modified}};
	c->sent = true;
	store_commit(en->options.store,
	    &(struct store_txn){
	        .compares = compares, .compares_count = 2, .writes = writes, .writes_count = count},
	    on_commit, en);
	free(text);
	free(history);
	free(use);
}

/* Settled: what stands is adopted first, then the core hears of its commit. */
static void commit_settled(struct engine *en)
{
	struct engine_commit *c = &en->commit;
	bool happened = strcmp(c->found->commit_id, c->id) == 0;
	/* Another leader has gone on, perhaps from what we wrote: its commit has no trace of ours.
	 */
	bool passed = !happened && c->sent && c->found->version > c->version;
	log_info("commit %s %s", c->id,
	    happened ? "has happened after all"
	    : passed ? "may have happened: others have written since"
	             : "has not happened and never will");
	load_adopt(en, c->found, c->found_modified);
	/* What happened is told as a time-out: the core recognises its commit in the state it just
	 * adopted, and of what it does not find there it says that it may have happened. What can
	 * not happen any more is told as a conflict: the core decides again. */
	commit_finish(en, happened || passed ? E_TIMEOUT : c->result == E_IO ? E_IO : E_CONFLICT);
}

static void on_seal(void *ctx, int result, const struct err *e, uint64_t revision)
{
	struct engine *en = ctx;
	struct engine_commit *c = &en->commit;
	(void)e;
	c->sealing = false;
	if (result == 0) {
		c->found_modified = revision;
		commit_settled(en);
		return;
	}
	c->sealed = result == E_CONFLICT; /* one more read, no further seal */
	state_free(c->found);
	c->found = NULL;
	load_later(en, result == E_CONFLICT ? 0 : SETTLE_AGAIN_MS);
}

static void commit_seal(struct engine *en)
{
	struct engine_commit *c = &en->commit;
	char *text = state_text(c->found, STORE_VALUE_BYTES);
	const struct store_compare compares[] = {
	    c->fence, {.key = KEY_STATE, .modified = c->found_modified}};
	const struct store_write write = {.key = KEY_STATE, .value = text, .bytes = strlen(text)};
	c->sealing = true;
	store_commit(en->options.store,
	    &(struct store_txn){
	        .compares = compares, .compares_count = 2, .writes = &write, .writes_count = 1},
	    on_seal, en);
	free(text);
}

void commit_found(struct engine *en, struct state *state, uint64_t modified)
{
	struct engine_commit *c = &en->commit;
	assert(c->busy && c->settling);
	if (c->sealing) { /* a second read came in between; the seal's answer counts */
		state_free(state);
		return;
	}
	state_free(c->found);
	c->found = state;
	c->found_modified = modified;
	bool happened = strcmp(state->commit_id, c->id) == 0;
	bool overtaken = modified != en->modified; /* its comparison can not hold any more */
	if (c->result == E_TIMEOUT && !happened && !overtaken && !c->sealed)
		commit_seal(en);
	else
		commit_settled(en);
}

void commit_release(struct engine *en)
{
	state_free(en->commit.found);
	free(en->commit.document);
}

/* ---- old history and documents leave, a few at a time ---- */

static void on_pruned(void *ctx, int result, const struct err *e, uint64_t revision)
{
	struct engine *en = ctx;
	(void)result, (void)e, (void)revision; /* what stayed is tried again after a later commit */
	en->commit.pruning = false;
}

/* Numbers end the keys; those that `keep` does not cover any more are deleted. The document in
 * force is the newest revision, so it is always covered. */
static void prune_listed(struct engine *en, const struct store_entry *entries, size_t count,
    const char *prefix, uint64_t newest, uint64_t keep)
{
	struct store_write writes[PRUNE_KEYS];
	size_t writes_count = 0;
	for (size_t i = 0; i < count && writes_count < PRUNE_KEYS; i++) {
		uint64_t number = strtoull(entries[i].key + strlen(prefix), NULL, 10);
		if (number + keep <= newest)
			writes[writes_count++] = (struct store_write){.key = entries[i].key};
	}
	if (writes_count == 0 || !en->leading) {
		en->commit.pruning = false;
		return;
	}
	const struct store_compare fence = election_fence(en->election);
	store_commit(en->options.store,
	    &(struct store_txn){.compares = &fence,
	        .compares_count = 1,
	        .writes = writes,
	        .writes_count = writes_count},
	    on_pruned, en);
}

static void on_old_history(void *ctx, int result, const struct err *e, uint64_t revision,
    const struct store_entry *entries, size_t count)
{
	struct engine *en = ctx;
	(void)e, (void)revision;
	prune_listed(en, entries, result == 0 ? count : 0, KEY_HISTORY,
	    core_state(en->core)->version, ENGINE_HISTORY_KEEP);
}

static void on_old_documents(void *ctx, int result, const struct err *e, uint64_t revision,
    const struct store_entry *entries, size_t count)
{
	struct engine *en = ctx;
	(void)e, (void)revision;
	prune_listed(en, entries, result == 0 ? count : 0, KEY_CONFIG,
	    core_state(en->core)->revision, ENGINE_CONFIG_KEEP);
}

static void prune_begin(struct engine *en, const char *prefix, uint64_t newest, uint64_t keep)
{
	if (en->commit.pruning || newest <= keep)
		return;
	en->commit.pruning = true;
	bool documents = strcmp(prefix, KEY_CONFIG) == 0;
	store_list(en->options.store, prefix, documents ? PRUNE_DOCUMENTS : PRUNE_KEYS, false,
	    documents ? on_old_documents : on_old_history, en);
}
