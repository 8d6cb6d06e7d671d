/* Results that wait for the loop: a callback never runs inside the call it belongs to. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/store_engine.h"
#include "lib/base/mem.h"

struct store_answer {
	TAILQ_ENTRY(store_answer) next;
	uint64_t number;
	store_read_done read_done; /* one of the two */
	store_commit_done commit_done;
	void *ctx;
	int result;
	struct err e;
	uint64_t revision;
	struct store_found found;
};

void store_found_add(
    struct store_found *f, const char *key, const void *value, size_t bytes, uint64_t modified)
{
	char *copy = mem_new(bytes + 1, 1); /* terminated, for values that are text */
	if (bytes > 0)
		memcpy(copy, value, bytes);
	VEC_PUSH(f->entries, f->count) = (struct store_entry){
	    .key = mem_strdup(key), .value = copy, .bytes = bytes, .modified = modified};
}

void store_found_free(struct store_found *f)
{
	for (size_t i = 0; i < f->count; i++) {
		free((void *)(uintptr_t)f->entries[i].key);
		free((void *)(uintptr_t)f->entries[i].value);
	}
	free(f->entries);
	*f = (struct store_found){0};
}

static void answer_free(struct store_answer *a)
{
	store_found_free(&a->found);
	free(a);
}

/* Delivers what was there when it began; what callbacks add comes in the next round of the loop. */
static void outbox_deliver(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	struct store *s = arg;
	uint64_t last = s->numbered;
	struct store_answer *a;
	assert(!s->delivering);
	s->delivering = true;
	/* TAILQ_REMOVE moves the head through a pointer the analyzer loses. */
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
	while ((a = TAILQ_FIRST(&s->outbox)) != NULL && a->number <= last) {
		TAILQ_REMOVE(&s->outbox, a, next);
		const struct err *e = a->result != 0 ? &a->e : NULL;
		if (a->read_done != NULL)
			a->read_done(
			    a->ctx, a->result, e, a->revision, a->found.entries, a->found.count);
		else
			a->commit_done(a->ctx, a->result, e, a->revision);
		answer_free(a);
	}
	s->delivering = false;
}

void store_outbox_forget(struct store *s, const void *ctx)
{
	struct store_answer *a = TAILQ_FIRST(&s->outbox);
	while (a != NULL) {
		struct store_answer *following = TAILQ_NEXT(a, next);
		if (a->ctx == ctx) {
			TAILQ_REMOVE(&s->outbox, a, next);
			answer_free(a);
		}
		a = following;
	}
}

void store_init(struct store *s, const struct store_engine *engine, struct event_base *base)
{
	s->engine = engine;
	s->delivering = false;
	s->numbered = 0;
	TAILQ_INIT(&s->outbox);
	s->deliver = event_new(base, -1, 0, outbox_deliver, s);
	assert(s->deliver != NULL);
}

void store_release(struct store *s)
{
	while (!TAILQ_EMPTY(&s->outbox)) {
		struct store_answer *a = TAILQ_FIRST(&s->outbox);
		TAILQ_REMOVE(&s->outbox, a, next);
		answer_free(a);
	}
	event_free(s->deliver);
}

static void outbox_put(struct store *s, struct store_answer answer, const struct err *e)
{
	assert(answer.read_done != NULL || answer.commit_done != NULL);
	if (answer.result != 0) {
		assert(e != NULL);
		answer.e = *e;
	}
	struct store_answer *a = mem_dup(&answer, sizeof(answer));
	a->number = ++s->numbered;
	TAILQ_INSERT_TAIL(&s->outbox, a, next);
	event_active(s->deliver, EV_TIMEOUT, 0);
}

void store_answer_read(struct store *s, store_read_done done, void *ctx, int result,
    const struct err *e, uint64_t revision, struct store_found *found)
{
	struct store_answer a = {
	    .read_done = done, .ctx = ctx, .result = result, .revision = revision};
	if (found != NULL) {
		a.found = *found;
		*found = (struct store_found){0};
	}
	outbox_put(s, a, e);
}

void store_answer_commit(struct store *s, store_commit_done done, void *ctx, int result,
    const struct err *e, uint64_t revision)
{
	struct store_answer a = {
	    .commit_done = done, .ctx = ctx, .result = result, .revision = revision};
	outbox_put(s, a, e);
}
