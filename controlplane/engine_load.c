/* Reads what the store holds, follows it by its watch, and adopts it.
 *
 * State first, then the document of the state's revision, then CORE_ADOPT with both. A watch tells
 * of changes at once; every few seconds the state is read anyway, so that nothing depends on it. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "controlplane/engine_parts.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/log.h"
#include "wire/state.h"

enum {
	LOAD_RETRY_MS = 200,
	LOAD_REPEAT_MS = 5000, /* watches are good, reading again is sure */
	LOAD_REPAIR_MS = 2000, /* what is there can not be used: look again */
};

const char *key_format(char out[static ENGINE_KEY_BYTES], const char *prefix, uint64_t number)
{
	snprintf(out, ENGINE_KEY_BYTES, "%s%020" PRIu64, prefix, number);
	return out;
}

void load_later(struct engine *en, unsigned delay_ms)
{
	struct timeval delay = {
	    .tv_sec = delay_ms / 1000, .tv_usec = (suseconds_t)(delay_ms % 1000) * 1000};
	evtimer_add(en->load.timer, &delay);
}

/* `fresh`: what stands now is what was read. Only what was asked for shows what there is now: the
 * watch tells what it missed in the order in which it was written, the oldest first. */
static void load_end(struct engine *en, bool fresh, unsigned again_ms)
{
	bool shown = fresh && !en->load.watched;
	bool waits = en->behind || (en->role == ELECTION_LEADER && !en->leading);
	en->load.busy = en->load.watched = false;
	state_free(en->load.state);
	en->load.state = NULL;
	if (en->load.wanted) {
		load_begin(en);
		return;
	}
	load_later(en, waits && !shown && again_ms > LOAD_RETRY_MS ? LOAD_RETRY_MS : again_ms);
	if (shown && en->behind) {
		en->behind = false;
		engine_changed(en);
	}
	if (shown && !en->commit.busy)
		engine_lead_if_ready(en);
}

/* The content of the store can not be followed: keep what stands, lead no longer (rule 9), and
 * leave the office to a controller that can, such as one of another release. */
static void load_refuse(struct engine *en, const char *text)
{
	engine_trouble(en, text);
	engine_lead_end(en);
	election_stand(en->election, false);
	load_end(en, false, LOAD_REPAIR_MS);
}

static bool state_is_backwards(struct engine *en, const struct state *found, struct err *e)
{
	const struct state *have = core_state(en->core);
	if (!en->loaded || have == NULL)
		return false;
	if (strcmp(found->cluster, have->cluster) != 0) {
		err_set(e, E_REFUSED,
		    "the store holds another cluster now (%s, this controller follows %s): not "
		    "adopted; restart tandem-controld if this is intended",
		    found->cluster, have->cluster);
		return true;
	}
	if (found->epoch < have->epoch) {
		err_set(e, E_REFUSED,
		    "the store went back to epoch %" PRIu64 " after epoch %" PRIu64
		    " was published: not adopted; was an old backup restored?",
		    found->epoch, have->epoch);
		return true;
	}
	return false;
}

/* The core has the last word on whether what was read can follow what stands. */
static void load_followed(struct engine *en)
{
	const char *refusal = core_refusal(en->core);
	if (refusal == NULL)
		refusal = trial_obstacle(en);
	engine_trouble(en, refusal != NULL ? refusal : "");
	if (refusal != NULL)
		engine_lead_end(en);
	election_stand(en->election, refusal == NULL);
}

void load_adopt(struct engine *en, const struct state *state, uint64_t modified)
{
	const struct state *have = core_state(en->core);
	bool same = en->loaded && have != NULL && have->version == state->version &&
	            strcmp(have->commit_id, state->commit_id) == 0;
	en->modified = modified;
	en->version = state->version;
	if (same && !en->commit.settling) {
		load_followed(en);
		return;
	}
	en->loaded = true;
	en->counters.adoptions++;
	engine_step(en, &(struct core_event){.type = CORE_ADOPT,
	                    .adopt = {.service = en->service,
	                        .state = state,
	                        .document = en->document,
	                        .document_bytes = en->document_bytes}});
	trial_load(en);
	load_followed(en);
}

/* State and document are here. */
static void load_take(struct engine *en)
{
	struct err e = {0};
	if (en->commit.busy && !en->commit.settling) { /* begun since; its result comes first */
		load_end(en, false, LOAD_RETRY_MS);
		return;
	}
	if (state_is_backwards(en, en->load.state, &e)) {
		load_refuse(en, e.text);
		return;
	}
	if (en->commit.settling) {
		struct state *found = en->load.state;
		en->load.state = NULL;
		load_end(en, false, LOAD_REPEAT_MS);
		commit_found(en, found, en->load.modified);
		return;
	}
	load_adopt(en, en->load.state, en->load.modified);
	load_end(en, true, LOAD_REPEAT_MS);
}

/* NULL: there is no document. */
static void service_keep(struct engine *en, struct parser_result *parsed, uint64_t revision)
{
	service_drop(en->service);
	free(en->document);
	en->service = parsed != NULL ? parsed->service : NULL;
	en->document = parsed != NULL ? parsed->text : NULL;
	en->document_bytes = parsed != NULL ? parsed->bytes : 0;
	en->service_revision = revision;
	if (parsed != NULL) {
		parsed->service = NULL;
		parsed->text = NULL;
	}
}

static void on_parsed(void *ctx, struct parser_result *parsed)
{
	struct engine *en = ctx;
	char text[ERR_TEXT_BYTES];
	assert(en->load.busy && en->load.state != NULL);
	if (parsed->result != 0) {
		snprintf(text, sizeof text,
		    "this release does not accept the service document in force, revision %" PRIu64
		    ": what is published stays, and this controller does not lead; run the former "
		    "release, apply a document that \"tandem check\" of this one accepts, then "
		    "upgrade; %.160s",
		    en->load.state->revision,
		    parsed->errors.count > 0 ? parsed->errors.lines[0] : "");
		load_refuse(en, text);
		return;
	}
	service_keep(en, parsed, en->load.state->revision);
	load_take(en);
}

static void on_document(void *ctx, int result, const struct err *e, uint64_t revision,
    const struct store_entry *entries, size_t count)
{
	struct engine *en = ctx;
	char name[ENGINE_KEY_BYTES], text[ERR_TEXT_BYTES];
	(void)e, (void)revision;
	if (result != 0) {
		load_end(en, false, LOAD_RETRY_MS);
		return;
	}
	snprintf(name, sizeof name, "revision %" PRIu64, en->load.state->revision);
	if (count == 0) {
		snprintf(text, sizeof text, "the service document of %s is not in the store", name);
		load_refuse(en, text);
		return;
	}
	if (parser_parse(
	        en->parser, name, entries[0].value, entries[0].bytes, on_parsed, en, NULL) != 0)
		load_end(en, false, LOAD_RETRY_MS);
}

/* Goes on with a state text, from a read or from the watch. `busy` is set. */
static void load_state_text(struct engine *en, const struct store_entry *entry)
{
	struct err e = {0};
	json_t *json = NULL;
	assert(en->load.state == NULL);
	if (json_parse(entry->value, entry->bytes, &json, &e) != 0 ||
	    state_decode(json, &en->load.state, &e) != 0) {
		json_decref(json);
		err_prefix(&e, "the state in the store can not be read by this program");
		load_refuse(en, e.text);
		return;
	}
	json_decref(json);
	en->load.modified = entry->modified;
	if (en->load.state->revision == en->service_revision ||
	    trial_take_over(en, en->load.state->revision)) {
		load_take(en);
		return;
	}
	if (en->load.state->revision == 0) {
		service_keep(en, NULL, 0);
		load_take(en);
		return;
	}
	char key[ENGINE_KEY_BYTES];
	store_get(en->options.store, key_format(key, KEY_CONFIG, en->load.state->revision),
	    on_document, en);
}

static void on_watch(void *ctx, uint64_t revision, const struct store_entry *entry)
{
	struct engine *en = ctx;
	(void)revision;
	if (strcmp(entry->key, KEY_STATE) != 0 || (en->loaded && entry->modified <= en->modified))
		return;
	if (en->load.busy || en->commit.busy || entry->value == NULL) {
		/* A commit under way may be the writer: its result tells. */
		if (en->commit.busy && !en->commit.settling)
			en->load.seen = entry->modified;
		else
			load_begin(en);
		return;
	}
	en->load.busy = en->load.watched = true;
	load_state_text(en, entry);
}

static void on_watch_gap(void *ctx)
{
	struct engine *en = ctx;
	log_warn("the store's watch has a gap: reading again");
	en->load.watch_ended = true;
	load_begin(en);
}

static void watch_begin(struct engine *en, uint64_t revision)
{
	if (en->load.watch != NULL && !en->load.watch_ended)
		return;
	en->load.watch_ended = false;
	en->load.watch =
	    store_watch(en->options.store, KEY_STATE, revision, on_watch, on_watch_gap, en);
}

static void uuid_make(char out[static VIEW_CLUSTER_BYTES])
{
	uint8_t b[16];
	if (getrandom(b, sizeof b, 0) != (ssize_t)sizeof b)
		abort(); /* never for 16 bytes once the pool is up: getrandom(2) */
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40); /* RFC 4122 section 4.4: version 4 */
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	snprintf(out, VIEW_CLUSTER_BYTES,
	    "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
	    b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
	    b[15]);
}

static void on_created(void *ctx, int result, const struct err *e, uint64_t revision)
{
	struct engine *en = ctx;
	(void)revision;
	if (result == 0)
		log_info("the store was empty: a new cluster begins");
	else if (result != E_CONFLICT)
		log_error("a new cluster could not be written: %s", e->text);
	load_end(en, false, result == 0 || result == E_CONFLICT ? 0 : LOAD_RETRY_MS);
}

/* An empty store. Whoever writes first makes the cluster; the others read it. */
static void cluster_create(struct engine *en)
{
	struct state *state = state_new();
	uuid_make(state->cluster);
	snprintf(state->commit_id, sizeof state->commit_id, "%s", state->cluster);
	struct core_history line = {.wall_ms = clock_wall_ms(),
	    .actor = (char *)en->options.name,
	    .action = (char *)"cluster-created",
	    .subject = state->cluster,
	    .text = (char *)"the store was empty: a new cluster begins"};
	json_t *json = state_encode(state);
	json_t *history = json_pack("[o]", history_encode(&line));
	char *text = json_text(json), *history_text = json_text(history);
	char history_key[ENGINE_KEY_BYTES];
	key_format(history_key, KEY_HISTORY, 0);
	const struct store_compare absent = {.key = KEY_STATE};
	const struct store_write writes[] = {
	    {.key = KEY_STATE, .value = text, .bytes = strlen(text)},
	    {.key = history_key, .value = history_text, .bytes = strlen(history_text)}};
	store_commit(en->options.store,
	    &(struct store_txn){
	        .compares = &absent, .compares_count = 1, .writes = writes, .writes_count = 2},
	    on_created, en);
	free(text);
	free(history_text);
	json_decref(json);
	json_decref(history);
	state_free(state);
}

static void on_state(void *ctx, int result, const struct err *e, uint64_t revision,
    const struct store_entry *entries, size_t count)
{
	struct engine *en = ctx;
	if (result != 0) {
		if (result == E_IO || result == E_INVALID)
			engine_trouble(en, e->text);
		load_end(en, false, LOAD_RETRY_MS);
		return;
	}
	watch_begin(en, revision);
	if (count == 0 && !en->loaded) {
		cluster_create(en);
	} else if (count == 0) {
		load_refuse(en,
		    "the store has lost the state of the cluster: what was published stays in "
		    "force, nothing can be changed; restore the store from a backup");
	} else if (en->loaded && entries[0].modified < en->modified &&
	           en->load.floor < en->modified) {
		load_end(en, false, 0); /* a commit of ours overtook this read */
	} else if (en->loaded && entries[0].modified == en->modified && !en->commit.settling) {
		load_followed(en);
		load_end(en, true, LOAD_REPEAT_MS);
	} else {
		load_state_text(en, &entries[0]);
	}
}

static void on_load_timer(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd, (void)what;
	load_begin(ctx);
}

void load_begin(struct engine *en)
{
	if (en->load.timer == NULL)
		en->load.timer = evtimer_new(en->options.base, on_load_timer, en);
	en->load.wanted = en->load.busy;
	if (en->load.busy)
		return;
	if (en->commit.busy && !en->commit.settling) {
		load_later(en, LOAD_RETRY_MS); /* its result comes first */
		return;
	}
	evtimer_del(en->load.timer);
	en->load.busy = true;
	en->load.floor = en->modified;
	store_get(en->options.store, KEY_STATE, on_state, en);
}

void load_release(struct engine *en)
{
	if (en->load.watch != NULL && !en->load.watch_ended)
		store_watch_end(en->load.watch);
	if (en->load.timer != NULL)
		event_free(en->load.timer);
	state_free(en->load.state);
	store_forget(en->options.store, en);
}
