/* The latest changes in memory and their watchers: see the header. */
#include "controlplane/store_changes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

struct change {
	TAILQ_ENTRY(change) next;
	uint64_t number; /* 1, 2, 3 … in the order they happened */
	uint64_t revision;
	char *key;
	void *value; /* NULL: deleted */
	size_t bytes;
};

struct watch {
	struct store_watch base;
	LIST_ENTRY(watch) next;
	struct store_changes *changes;
	char *prefix;
	uint64_t from_revision;
	uint64_t seen; /* number of the last change looked at */
	store_watch_event event;
	store_watch_gap gap;
	void *ctx;
	bool ended; /* freed once nobody walks the list */
};

struct store_changes {
	struct store *store;
	struct event *deliver;
	TAILQ_HEAD(, change) list;
	LIST_HEAD(, watch) watches;
	size_t count;
	size_t bytes;
	uint64_t numbered;       /* the last number given */
	uint64_t begin_revision; /* changes after it are all in the list */
	bool walking;            /* watchers are being called: nothing is freed */
};

static size_t change_cost(const struct change *c)
{
	return sizeof(*c) + strlen(c->key) + c->bytes;
}

static void changes_drop_first(struct store_changes *c)
{
	struct change *first = TAILQ_FIRST(&c->list);
	TAILQ_REMOVE(&c->list, first, next);
	c->count--;
	c->bytes -= change_cost(first);
	c->begin_revision = first->revision;
	free(first->key);
	free(first->value);
	free(first);
}

static void watch_free(struct watch *w)
{
	LIST_REMOVE(w, next);
	free(w->prefix);
	free(w);
}

static void watch_tell(struct watch *w, const struct change *change)
{
	if (change->revision <= w->from_revision ||
	    strncmp(change->key, w->prefix, strlen(w->prefix)) != 0)
		return;
	const struct store_entry entry = {.key = change->key,
	    .value = change->value,
	    .bytes = change->bytes,
	    .modified = change->revision};
	w->event(w->ctx, change->revision, &entry);
}

/* `last`: changes that callbacks add while we walk wait for the next round, so that a watcher
 * that writes can not keep the loop to itself. */
static void watch_catch_up(struct watch *w, uint64_t last)
{
	struct store_changes *c = w->changes;
	if (w->seen == 0 && w->from_revision < c->begin_revision) {
		w->ended = true;
		w->gap(w->ctx);
		return;
	}
	const struct change *change;
	TAILQ_FOREACH(change, &c->list, next)
	{
		if (w->ended || change->number > last)
			break;
		if (change->number > w->seen) {
			w->seen = change->number;
			watch_tell(w, change);
		}
	}
	w->seen = last;
}

static void changes_deliver(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	struct store_changes *c = arg;
	struct watch *w, *following;
	uint64_t last = c->numbered;
	c->walking = true;
	c->store->delivering = true;
	LIST_FOREACH(w, &c->watches, next)
	{
		if (!w->ended)
			watch_catch_up(w, last);
	}
	c->walking = false;
	c->store->delivering = false;
	for (w = LIST_FIRST(&c->watches); w != NULL; w = following) {
		following = LIST_NEXT(w, next);
		if (w->ended)
			watch_free(w);
	}
	/* Every watcher has seen up to `last`; only what is beyond it must be kept for them. */
	while ((c->count > STORE_CHANGES_KEPT || c->bytes > STORE_CHANGES_BYTES) &&
	       TAILQ_FIRST(&c->list)->number <= last)
		changes_drop_first(c);
}

struct store_changes *store_changes_new(struct store *s, struct event_base *base, uint64_t revision)
{
	struct store_changes *c = mem_new(1, sizeof(*c));
	c->store = s;
	c->numbered = 1; /* a watch that has seen nothing yet is at 0 */
	c->begin_revision = revision;
	TAILQ_INIT(&c->list);
	LIST_INIT(&c->watches);
	c->deliver = event_new(base, -1, 0, changes_deliver, c);
	assert(c->deliver != NULL);
	return c;
}

void store_changes_free(struct store_changes *c)
{
	if (c == NULL)
		return;
	assert(!c->walking);
	while (!LIST_EMPTY(&c->watches))
		/* LIST_REMOVE moves the head through a pointer the analyzer loses. */
		watch_free(LIST_FIRST(&c->watches)); /* NOLINT(clang-analyzer-unix.Malloc) */
	while (!TAILQ_EMPTY(&c->list))
		changes_drop_first(c);
	event_free(c->deliver);
	free(c);
}

void store_changes_add(
    struct store_changes *c, uint64_t revision, const char *key, const void *value, size_t bytes)
{
	struct change *change = mem_new(1, sizeof(*change));
	*change = (struct change){.number = ++c->numbered,
	    .revision = revision,
	    .key = mem_strdup(key),
	    .value = value == NULL ? NULL : mem_new(bytes + 1, 1),
	    .bytes = value == NULL ? 0 : bytes};
	if (change->bytes > 0)
		memcpy(change->value, value, bytes);
	TAILQ_INSERT_TAIL(&c->list, change, next);
	c->count++;
	c->bytes += change_cost(change);
	event_active(c->deliver, EV_TIMEOUT, 0);
}

struct store_watch *store_changes_watch(struct store_changes *c, const char *prefix,
    uint64_t from_revision, store_watch_event event, store_watch_gap gap, void *ctx)
{
	struct watch *w = mem_new(1, sizeof(*w));
	*w = (struct watch){.base = {.store = c->store},
	    .changes = c,
	    .prefix = mem_strdup(prefix),
	    .from_revision = from_revision,
	    .event = event,
	    .gap = gap,
	    .ctx = ctx};
	LIST_INSERT_HEAD(&c->watches, w, next);
	event_active(c->deliver, EV_TIMEOUT, 0);
	return &w->base;
}

void store_changes_watch_end(struct store_watch *watch)
{
	struct watch *w = (struct watch *)watch;
	if (w->changes->walking)
		w->ended = true;
	else
		watch_free(w);
}
