/* The watches of the model of the store: told what changes, late, in order, or of a gap. */
#include <stdlib.h>
#include <string.h>

#include "controlplane/store.h"
#include "lib/base/mem.h"
#include "tests/sim/store_parts.h"

enum { WATCH_LOST_MS = 400 };

struct store_watch {
	struct store *store;
	struct process *node;
	char *prefix;
	size_t prefix_bytes;
	uint64_t position; /* of the next change to be told */
	store_watch_event event;
	store_watch_gap gap;
	void *ctx;
	struct task *task;
	struct store_watch *next;
};

static struct store_watch *watches;

static void watch_pump(void *arg);

static void watch_later(struct store_watch *w, uint64_t delay_us)
{
	if (!w->task)
		w->task = task_after(w->node, delay_us, watch_pump, NULL, w);
}

static void watch_remove(struct store_watch *w)
{
	struct store_watch **p = &watches;
	while (*p != w)
		p = &(*p)->next;
	*p = w->next;
	if (w->task)
		task_cancel(w->task);
	free(w->prefix);
	free(w);
}

static bool watch_alive(const struct store_watch *w)
{
	for (const struct store_watch *i = watches; i; i = i->next)
		if (i == w)
			return true;
	return false;
}

static void watch_pump(void *arg)
{
	struct store_watch *w = arg;
	w->task = NULL;
	if (!store_reached(w->node->site)) {
		watch_later(w, WATCH_LOST_MS * 1000);
		return;
	}
	uint64_t first =
	    store_data.changes_count > CHANGES ? store_data.changes_count - CHANGES : 0;
	if (w->position < first) {
		store_watch_gap gap = w->gap;
		void *ctx = w->ctx;
		watch_remove(w);
		gap(ctx);
		return;
	}
	while (w->position < store_data.changes_count) {
		struct change *c = &store_data.changes[w->position++ % CHANGES];
		if (strncmp(c->key, w->prefix, w->prefix_bytes) != 0)
			continue;
		struct blob *value = blob_hold(c->value);
		char *key = mem_strdup(c->key);
		const struct store_entry entry = {
		    key, value ? value->data : NULL, value ? value->bytes : 0, c->modified};
		w->event(w->ctx, c->modified, &entry);
		blob_drop(value);
		free(key);
		if (!watch_alive(w))
			return;
	}
}

void watches_tell(void)
{
	const struct change *last = &store_data.changes[(store_data.changes_count - 1) % CHANGES];
	for (struct store_watch *w = watches; w; w = w->next) {
		bool wanted = false;
		for (uint64_t i = store_data.changes_count; i-- > 0 && !wanted;) {
			const struct change *c = &store_data.changes[i % CHANGES];
			if (c->modified != last->modified)
				break;
			wanted = strncmp(c->key, w->prefix, w->prefix_bytes) == 0;
		}
		if (wanted)
			watch_later(w, 200 + chance_draw(&sim->store_chance, 4000));
	}
}

struct store_watch *store_watch(struct store *s, const char *prefix, uint64_t from_revision,
    store_watch_event event, store_watch_gap gap, void *ctx)
{
	struct store_watch *w = mem_new(1, sizeof(*w));
	*w = (struct store_watch){.store = s,
	    .node = s->node,
	    .prefix = mem_strdup(prefix),
	    .prefix_bytes = strlen(prefix),
	    .position = store_data.changes_count,
	    .event = event,
	    .gap = gap,
	    .ctx = ctx,
	    .next = watches};
	/* Older than what is kept: a gap, which the first look finds. */
	while (w->position > 0 && store_data.changes_count - w->position < CHANGES + 1 &&
	       store_data.changes[(w->position - 1) % CHANGES].modified > from_revision)
		w->position--;
	watches = w;
	watch_later(w, 500);
	return w;
}

void store_watch_end(struct store_watch *w)
{
	if (w)
		watch_remove(w);
}
