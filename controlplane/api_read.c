/* What an operator may read: status, explain, history, documents; and everybody's health check. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/api_parts.h"
#include "controlplane/history.h"
#include "controlplane/status.h"
#include "lib/base/mem.h"
#include "lib/base/release.h"
#include "lib/json.h"
#include "wire/backup.h"

enum {
	HISTORY_LINES = 50,
	HISTORY_LINES_MAX = 1000,
	EXPLAIN_LINES = 10,
	REVISION_LINES = 100,
	BACKUP_KEYS = 32, /* a page; a value has 1 MiB at most, and few have more than some KiB */
};

struct answer { /* an answer that waits for the store */
	LIST_ENTRY(answer) next;
	struct history_reading *reading; /* under way, or NULL */
	struct api *api;
	struct http_request *request;
	json_t *json;
	uint64_t revision;
	bool nearby; /* asked of one member of the store */
};

static struct answer *answer_new(struct api *a, struct http_request *r, json_t *json)
{
	struct answer *an = mem_new(1, sizeof *an);
	*an = (struct answer){.api = a, .request = r, .json = json};
	LIST_INSERT_HEAD(&a->answers, an, next);
	return an;
}

static void answer_free(struct answer *an)
{
	LIST_REMOVE(an, next);
	json_decref(an->json);
	free(an);
}

static void answer_send(struct answer *an)
{
	http_reply_json(an->request, 200, json_incref(an->json));
	answer_free(an);
}

static void answer_fail(struct answer *an, const struct err *e, const char *what)
{
	struct err copy = *e;
	char obstacle[STATUS_TEXT_BYTES];
	status_obstacle(an->api->engine, obstacle);
	if (*obstacle != '\0')
		err_set(&copy, E_UNAVAILABLE, "%s", obstacle);
	if (copy.code == E_TIMEOUT)
		copy.code = E_UNAVAILABLE; /* a read: nothing hangs on it */
	err_prefix(&copy, "%s can not be read", what);
	http_reply_error(an->request, &copy);
	answer_free(an);
}

void api_read_release(struct api *a)
{
	struct err e;
	err_set(&e, E_UNAVAILABLE, "this controller is being stopped");
	for (struct answer *an = LIST_FIRST(&a->answers), *next; an != NULL; an = next) {
		next = LIST_NEXT(an, next);
		if (an->reading != NULL)
			history_cancel(an->reading);
		store_forget(a->store, an);
		care_forget(a->care, an);
		http_reply_error(an->request, &e);
		answer_free(an);
	}
}

/* A number in the query; absent gives the default. */
static int query_number(struct http_request *r, const char *key, uint64_t fallback, uint64_t max,
    uint64_t *out, struct err *e)
{
	const char *text = http_request_query(r, key);
	char *end = NULL;
	*out = fallback;
	if (text == NULL || *text == '\0')
		return 0;
	errno = 0;
	*out = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || *out > max)
		return err_set(e, E_INVALID,
		    "%s: found \"%.40s\", expected a number up to %" PRIu64, key, text, max);
	return 0;
}

void api_status(struct http_request *r, void *ctx)
{
	struct api *a = ctx;
	http_reply_json(r, 200, status_encode(a->engine, a->store_kind, a->care));
}

static void cluster_answer(void *ctx)
{
	struct answer *an = ctx;
	const struct api *a = an->api;
	const struct state *state = core_state(engine_core(a->engine));
	json_t *controller = status_controller(a->engine, a->store_kind);
	json_object_set_new(controller, "release", json_string(TANDEM_RELEASE));
	an->json = json_pack("{s:i, s:o, s:s, s:I, s:I}", "version", 1, "controller", controller,
	    "cluster", state != NULL ? state->cluster : "", "epoch",
	    (json_int_t)(state != NULL ? state->epoch : 0), "revision",
	    (json_int_t)(state != NULL ? state->revision : 0));
	json_t *care = care_encode(a->care);
	json_object_update(an->json, care);
	json_decref(care);
	answer_send(an);
}

/* The store is looked at now: who asks is about to take something away. */
void api_cluster(struct http_request *r, void *ctx)
{
	struct api *a = ctx;
	struct answer *an = answer_new(a, r, NULL);
	if (a->care != NULL)
		care_look(a->care, cluster_answer, an);
	else
		cluster_answer(an);
}

void api_health(struct http_request *r, void *ctx)
{
	struct api *a = ctx;
	struct engine_standing st;
	char obstacle[STATUS_TEXT_BYTES];
	engine_stand(a->engine, &st);
	status_obstacle(a->engine, obstacle);
	bool ok = st.role != ELECTION_NO_QUORUM && st.loaded && *st.trouble == '\0';
	const struct state *state = core_state(engine_core(a->engine));
	http_reply_json(r, ok ? 200 : 503,
	    json_pack("{s:b, s:b, s:I, s:s}", "ok", ok, "leading", st.leading, "epoch",
	        (json_int_t)(state != NULL ? state->epoch : 0), "text", obstacle));
}

static void on_explain_history(
    void *ctx, int result, const struct err *e, json_t *lines, uint64_t next)
{
	struct answer *an = ctx;
	(void)next;
	an->reading = NULL;
	if (result == 0) {
		json_object_set(an->json, "history", lines);
	} else {
		char *text = mem_printf("the history can not be read now: %s", e->text);
		json_array_append_new(json_object_get(an->json, "text"), json_string(text));
		json_object_set_new(an->json, "history", json_array());
		free(text);
	}
	answer_send(an);
}

void api_explain(struct http_request *r, void *ctx)
{
	struct api *a = ctx;
	struct err e;
	const char *subject = http_request_path_rest(r);
	json_t *json = status_explain(a->engine, subject);
	if (json == NULL) {
		err_set(&e, E_NOT_FOUND,
		    "nothing is called \"%.100s\": expected a DNS name, a pool, a site, a member "
		    "(POOL/ADDRESS) or an address; \"tandem status\" lists them",
		    subject);
		http_reply_error(r, &e);
		return;
	}
	char obstacle[STATUS_TEXT_BYTES];
	status_obstacle(a->engine, obstacle);
	if (*obstacle != '\0') { /* what follows is what was known then */
		char *note = mem_printf("As this controller knows it: %s.", obstacle);
		json_array_insert_new(json_object_get(json, "text"), 0, json_string(note));
		free(note);
	}
	struct history_query query = {
	    .limit = EXPLAIN_LINES, .subject = json_string_value(json_object_get(json, "subject"))};
	struct answer *an = answer_new(a, r, json);
	an->reading = history_read(a->engine, &query, on_explain_history, an);
}

/* What to say of an answer that one member of the store gave alone; "" if a majority did. */
static char *nearby_note(const struct err *e)
{
	return e == NULL ? mem_strdup("")
	                 : mem_printf("From one member of the store, which may lack the newest: %s",
	                       e->text);
}

static void on_history(void *ctx, int result, const struct err *e, json_t *lines, uint64_t next)
{
	struct answer *an = ctx;
	an->reading = NULL;
	if (result != 0) {
		answer_fail(an, e, "the history");
		return;
	}
	char *note = nearby_note(e);
	an->json =
	    json_pack("{s:O, s:I, s:s}", "entries", lines, "next", (json_int_t)next, "text", note);
	free(note);
	answer_send(an);
}

void api_history(struct http_request *r, void *ctx)
{
	struct api *a = ctx;
	struct err e = {0};
	uint64_t limit, before;
	if (query_number(r, "limit", HISTORY_LINES, HISTORY_LINES_MAX, &limit, &e) != 0 ||
	    query_number(r, "before", 0, INT64_MAX, &before, &e) != 0) {
		http_reply_error(r, &e);
		return;
	}
	struct history_query query = {.before = before,
	    .limit = limit > 0 ? limit : 1,
	    .subject = http_request_query(r, "subject")};
	struct answer *an = answer_new(a, r, NULL);
	an->reading = history_read(a->engine, &query, on_history, an);
}

/* The line of the history that tells who applied a revision, and when; it may be gone by now. */
static void on_config_history(
    void *ctx, int result, const struct err *e, json_t *lines, uint64_t next)
{
	struct answer *an = ctx;
	char subject[32], words[48];
	size_t i;
	json_t *line;
	(void)result, (void)e, (void)next;
	an->reading = NULL;
	snprintf(subject, sizeof subject, "%" PRIu64, an->revision);
	snprintf(words, sizeof words, "revision %" PRIu64, an->revision);
	json_array_foreach(lines, i, line)
	{
		const char *about = json_string_value(json_object_get(line, "subject"));
		if (about == NULL || (strcmp(about, subject) != 0 && strcmp(about, words) != 0))
			continue;
		json_object_set(an->json, "applied", json_object_get(line, "time"));
		json_object_set(an->json, "actor", json_object_get(line, "actor"));
		break;
	}
	answer_send(an);
}

static void on_config(void *ctx, int result, const struct err *e, uint64_t revision,
    const struct store_entry *entries, size_t count);

/* A document never changes: what one member has of it is as good as what a majority has. */
static void document_get(struct answer *an)
{
	char key[64];
	snprintf(key, sizeof key, "/tandem/config/%020" PRIu64, an->revision);
	if (an->nearby)
		store_read_nearby(an->api->store, key, 0, false, on_config, an);
	else
		store_get(an->api->store, key, on_config, an);
}

static void on_config(void *ctx, int result, const struct err *e, uint64_t revision,
    const struct store_entry *entries, size_t count)
{
	struct answer *an = ctx;
	struct err missing;
	(void)revision;
	if ((result == E_UNAVAILABLE || result == E_TIMEOUT) && !an->nearby) {
		an->nearby = true;
		document_get(an);
		return;
	}
	if (result != 0) {
		answer_fail(an, e, "the service document");
		return;
	}
	if (count == 0) {
		err_set(&missing, E_NOT_FOUND,
		    "there is no revision %" PRIu64
		    " in the store: the last 100 are kept; \"tandem history\" lists them",
		    an->revision);
		http_reply_error(an->request, &missing);
		answer_free(an);
		return;
	}
	an->json =
	    json_pack("{s:I, s:s, s:s, s:o}", "revision", (json_int_t)an->revision, "applied", "",
	        "actor", "", "document", json_stringn(entries[0].value, entries[0].bytes));
	struct history_query query = {.limit = REVISION_LINES, .action = "apply"};
	an->reading = history_read(an->api->engine, &query, on_config_history, an);
}

void api_config(struct http_request *r, void *ctx)
{
	struct api *a = ctx;
	struct err e = {0};
	uint64_t revision;
	const struct state *state = core_state(engine_core(a->engine));
	if (query_number(r, "revision", 0, INT64_MAX, &revision, &e) != 0) {
		http_reply_error(r, &e);
		return;
	}
	if (revision == 0 && state != NULL)
		revision = state->revision;
	if (revision == 0) {
		err_set(&e, E_NOT_FOUND,
		    "no service document has been applied yet: tandem apply -f FILE");
		http_reply_error(r, &e);
		return;
	}
	struct answer *an = answer_new(a, r, NULL);
	an->revision = revision;
	document_get(an);
}

static void on_backup(void *ctx, int result, const struct err *e, uint64_t revision,
    const struct store_entry *entries, size_t count)
{
	struct answer *an = ctx;
	(void)revision;
	if (result != 0) {
		answer_fail(an, e, "the store");
		return;
	}
	json_t *list = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(
		    list, backup_entry_encode(entries[i].key, entries[i].value, entries[i].bytes));
	an->json = json_pack("{s:i, s:o, s:s}", "version", 1, "entries", list, "next",
	    count == BACKUP_KEYS ? entries[count - 1].key : "");
	answer_send(an);
}

/* A page of everything that the store holds. The reader sees to it that the pages fit together:
 * wire/backup.h. */
void api_backup(struct http_request *r, void *ctx)
{
	struct api *a = ctx;
	struct err e;
	const char *after = http_request_query(r, "after");
	if (after != NULL && (strncmp(after, BACKUP_PREFIX, strlen(BACKUP_PREFIX)) != 0 ||
	                         strlen(after) > STORE_KEY_BYTES)) {
		err_set(&e, E_INVALID,
		    "after: found \"%.40s\", expected a key below " BACKUP_PREFIX, after);
		http_reply_error(r, &e);
		return;
	}
	struct answer *an = answer_new(a, r, NULL);
	store_page(a->store, BACKUP_PREFIX, after, BACKUP_KEYS, on_backup, an);
}

static void on_revisions(void *ctx, int result, const struct err *e, json_t *lines, uint64_t next)
{
	struct answer *an = ctx;
	const struct state *state = core_state(engine_core(an->api->engine));
	(void)next;
	an->reading = NULL;
	if (result != 0) {
		answer_fail(an, e, "the history");
		return;
	}
	an->json = json_pack("{s:I, s:O}", "in_force",
	    (json_int_t)(state != NULL ? state->revision : 0), "entries", lines);
	answer_send(an);
}

void api_config_revisions(struct http_request *r, void *ctx)
{
	struct api *a = ctx;
	struct history_query query = {.limit = REVISION_LINES, .action = "apply"};
	struct answer *an = answer_new(a, r, NULL);
	an->reading = history_read(a->engine, &query, on_revisions, an);
}
