/* Marks, heartbeats and the messages built from them. */
#include "healthd/report.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/json.h"
#include "wire/probes.h"

struct listener {            /* one controller */
	bool busy;           /* a message is on its way */
	uint64_t heard;      /* news up to this number has been told (or is being told) */
	uint64_t fallback;   /* `heard` again, should the message under way be lost */
	uint64_t news_at_ms; /* when to tell what is beyond `heard` */
	uint64_t not_before_ms;
	bool pass;           /* in the middle of telling everything */
	bool telling_pass;   /* the message under way belongs to the pass */
	size_t cursor;       /* the pass's next entry */
	size_t cursor_after; /* where it stands once the message under way has arrived */
};

struct report {
	char *site;
	uint64_t revision;
	uint32_t heartbeat_ms;
	struct report_sink sink;
	struct report_entry **entries;
	size_t entries_count;
	struct listener *listeners;
	size_t listeners_count;
	uint64_t news; /* number of the newest urgent change */
	uint64_t heartbeat_at_ms;
	struct core_observation *scratch; /* OBSERVATION_RESULTS_MAX */
};

struct report *report_new(const char *site, size_t controllers_count, uint32_t heartbeat_ms,
    const struct report_sink *sink, uint64_t now_ms)
{
	struct report *r = mem_new(1, sizeof(*r));
	assert(heartbeat_ms > 0);
	r->site = mem_strdup(site);
	r->heartbeat_ms = heartbeat_ms;
	r->sink = *sink;
	r->listeners = mem_new(controllers_count, sizeof(*r->listeners));
	r->listeners_count = controllers_count;
	r->heartbeat_at_ms = now_ms;
	r->scratch = mem_new(OBSERVATION_RESULTS_MAX, sizeof(*r->scratch));
	return r;
}

void report_free(struct report *r)
{
	if (r == NULL)
		return;
	free(r->site);
	free(r->entries);
	free(r->listeners);
	free(r->scratch);
	free(r);
}

void report_set_revision(struct report *r, uint64_t revision)
{
	r->revision = revision;
}

void report_attach(struct report *r, struct report_entry *entry)
{
	entry->index = r->entries_count;
	entry->news = 0;
	VEC_PUSH(r->entries, r->entries_count) = entry;
}

void report_detach(struct report *r, struct report_entry *entry)
{
	assert(entry->index < r->entries_count && r->entries[entry->index] == entry);
	struct report_entry *last = r->entries[--r->entries_count];
	r->entries[entry->index] = last;
	last->index = entry->index;
	/* The order changed: passes begin anew rather than leave somebody out. */
	for (size_t i = 0; i < r->listeners_count; i++)
		r->listeners[i].cursor = r->listeners[i].cursor_after = 0;
}

void report_urgent(struct report *r, struct report_entry *entry, uint64_t now_ms)
{
	bool first = false; /* of a batch: sets the time */
	for (size_t i = 0; i < r->listeners_count; i++) {
		if (r->listeners[i].heard < r->news)
			continue;
		r->listeners[i].news_at_ms = now_ms + REPORT_PATIENCE_MS;
		first = true;
	}
	entry->news = ++r->news;
	if (first)
		r->sink.wake(r->sink.ctx);
}

uint64_t report_due_ms(const struct report *r)
{
	uint64_t due = r->heartbeat_at_ms;
	for (size_t i = 0; i < r->listeners_count; i++) {
		const struct listener *l = &r->listeners[i];
		if (l->busy || (l->heard >= r->news && !l->pass))
			continue;
		uint64_t at = l->pass ? 0 : l->news_at_ms;
		if (at < l->not_before_ms)
			at = l->not_before_ms;
		if (at < due)
			due = at;
	}
	return due;
}

/* Adds an entry to the message in the making, unless it has nothing to say. */
static void entry_tell(
    struct report *r, const struct report_entry *e, size_t *count, uint64_t now_ms)
{
	const struct streak *s = e->streak;
	uint64_t age_ms = now_ms > s->ended_ms ? now_ms - s->ended_ms : 0;
	if (s->count == 0)
		return;
	/* However old: the core knows when it expires. */
	if (age_ms > UINT32_MAX)
		age_ms = UINT32_MAX;
	assert(*count < OBSERVATION_RESULTS_MAX);
	r->scratch[(*count)++] = (struct core_observation){
	    .vantage = r->site,
	    .member = e->member,
	    .check = e->check,
	    .ok = s->ok,
	    .streak = s->count,
	    .age_ms = (uint32_t)age_ms,
	    .latency_ms = s->latency_ms,
	    .detail = s->detail,
	};
}

static void message_send(struct report *r, size_t controller, size_t count)
{
	json_t *message = observations_encode(r->site, r->revision, r->scratch, count);
	char *body = json_text(message);
	json_decref(message);
	r->listeners[controller].busy = true;
	r->sink.send(r->sink.ctx, controller, body, strlen(body));
}

/* Everything that changed since this controller last heard. False if that is too much for one
 * message: then a pass over everything tells it. */
static bool news_tell(struct report *r, size_t controller, uint64_t now_ms)
{
	struct listener *l = &r->listeners[controller];
	size_t count = 0;
	for (size_t i = 0; i < r->entries_count; i++) {
		if (r->entries[i]->news <= l->heard)
			continue;
		if (count == OBSERVATION_RESULTS_MAX)
			return false;
		entry_tell(r, r->entries[i], &count, now_ms);
	}
	if (!l->pass) /* else what the pass has still to tell would count as told */
		l->fallback = l->heard;
	l->heard = r->news;
	if (count > 0) { /* else what was news has left the plan */
		l->telling_pass = false;
		message_send(r, controller, count);
	}
	return true;
}

static void pass_begin(struct report *r, struct listener *l)
{
	l->pass = true;
	l->cursor = 0;
	if (!l->busy) /* else the message under way may still be lost */
		l->fallback = l->heard;
	l->heard = r->news;
}

static void pass_tell(struct report *r, size_t controller, uint64_t now_ms)
{
	struct listener *l = &r->listeners[controller];
	size_t count = 0, i = l->cursor;
	for (; i < r->entries_count && count < OBSERVATION_RESULTS_MAX; i++)
		entry_tell(r, r->entries[i], &count, now_ms);
	l->cursor_after = i;
	l->telling_pass = true;
	message_send(r, controller, count);
}

static void listener_serve(struct report *r, size_t controller, bool heartbeat, uint64_t now_ms)
{
	struct listener *l = &r->listeners[controller];

	if (heartbeat && !l->pass)
		pass_begin(r, l);
	if (l->busy)
		return;
	/* A lost message is not repeated at once, but the heartbeat never waits for that. */
	if (now_ms < l->not_before_ms && !heartbeat)
		return;
	if (l->heard < r->news && now_ms >= l->news_at_ms) {
		if (news_tell(r, controller, now_ms)) {
			if (l->busy)
				return;
		} else if (!l->pass) {
			pass_begin(r, l);
		}
	}
	if (l->pass)
		pass_tell(r, controller, now_ms);
}

void report_run(struct report *r, uint64_t now_ms)
{
	bool heartbeat = now_ms >= r->heartbeat_at_ms;
	if (heartbeat) {
		r->heartbeat_at_ms += r->heartbeat_ms;
		if (r->heartbeat_at_ms <= now_ms) /* we slept */
			r->heartbeat_at_ms = now_ms + r->heartbeat_ms;
	}
	for (size_t i = 0; i < r->listeners_count; i++)
		listener_serve(r, i, heartbeat, now_ms);
}

void report_finished(struct report *r, size_t controller, bool ok, uint64_t now_ms)
{
	assert(controller < r->listeners_count);
	struct listener *l = &r->listeners[controller];
	assert(l->busy);
	l->busy = false;
	if (!ok) {
		l->heard = l->fallback;
		if (l->telling_pass)
			l->pass = false; /* the next heartbeat begins a new one */
		l->not_before_ms = now_ms + REPORT_RETRY_MS;
	} else if (l->telling_pass) {
		l->cursor = l->cursor_after;
		l->pass = l->cursor < r->entries_count;
	}
}
