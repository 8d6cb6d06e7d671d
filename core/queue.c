/* Requests wait in a bounded queue until they can be decided, and each is answered exactly once. */
#include <stdlib.h>
#include <string.h>

#include "core/inside.h"

struct core_names *names_copy(const struct core_names *from)
{
	if (!from)
		return NULL;
	struct core_names *copy = mem_dup(from, sizeof(*from));
	struct core_listed *listed = mem_new(from->listed_count + 1, sizeof(*listed));
	struct core_pool_loss *losses = mem_new(from->losses_count + 1, sizeof(*losses));
	struct core_named *sample = mem_new(from->sample_count + 1, sizeof(*sample));

	for (size_t i = 0; i < from->listed_count; i++) {
		const struct core_listed *l = &from->listed[i];
		listed[i] = (struct core_listed){mem_strdup(l->owner),
		    l->pool_before ? mem_strdup(l->pool_before) : NULL,
		    l->pool_after ? mem_strdup(l->pool_after) : NULL};
	}
	for (size_t i = 0; i < from->losses_count; i++)
		losses[i] = (struct core_pool_loss){
		    mem_strdup(from->losses[i].pool), mem_strdup(from->losses[i].type)};
	for (size_t i = 0; i < from->sample_count; i++)
		sample[i] = (struct core_named){
		    mem_strdup(from->sample[i].owner), mem_strdup(from->sample[i].pool)};
	copy->listed = listed;
	copy->losses = losses;
	copy->sample = sample;
	return copy;
}

static void text_free(const char *text)
{
	free((char *)(uintptr_t)text);
}

void names_free(struct core_names *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n->listed_count; i++) {
		text_free(n->listed[i].owner);
		text_free(n->listed[i].pool_before);
		text_free(n->listed[i].pool_after);
	}
	for (size_t i = 0; i < n->losses_count; i++) {
		text_free(n->losses[i].pool);
		text_free(n->losses[i].type);
	}
	for (size_t i = 0; i < n->sample_count; i++) {
		text_free(n->sample[i].owner);
		text_free(n->sample[i].pool);
	}
	free((void *)(uintptr_t)n->listed);
	free((void *)(uintptr_t)n->losses);
	free((void *)(uintptr_t)n->sample);
	free(n);
}

void request_free(struct request *r)
{
	if (!r)
		return;
	names_free(r->names);
	free(r->actor);
	free(r->site);
	free(r->reason);
	free(r->override);
	free(r->document);
	free(r->text);
	service_drop(r->service);
	free(r);
}

static struct request *request_copy(
    const struct core_request *r, int64_t jumped_ms, struct core_time now)
{
	struct request *copy = mem_new(1, sizeof(*copy));

	copy->id = r->id;
	copy->type = r->type;
	copy->plan_only = r->plan_only;
	copy->practice = r->practice;
	copy->actor = text_clean(r->actor, CORE_ACTOR_BYTES);
	copy->site = text_clean(r->site, CORE_SUBJECT_BYTES);
	/* One byte more than allowed, so that one too long is noticed instead of cut. */
	copy->reason = text_clean(r->reason, CORE_REASON_BYTES + 2);
	copy->override = text_clean(r->override, SERVICE_NAME_BYTES);
	/* The shell has added a duration to its own clock. */
	if (r->start_ms > 0 || __builtin_sub_overflow(r->until_ms, jumped_ms, &copy->until_ms))
		copy->until_ms = r->until_ms;
	copy->start_ms = r->start_ms;
	copy->extend_ms = r->extend_ms;
	copy->service = r->service ? service_hold(r->service) : NULL;
	copy->planned_on = r->planned_on;
	copy->names = names_copy(r->names);
	copy->remove_names = r->remove_names;
	copy->changes = r->changes;
	copy->at_once = r->at_once;
	copy->received_ms = now.mono_ms;
	copy->received_wall_ms = now.wall_ms;
	if (r->document) {
		copy->document = mem_strndup(r->document, r->document_bytes);
		copy->document_bytes = r->document_bytes;
	}
	return copy;
}

static const char *not_leading(const struct core *c)
{
	if (!c->leading)
		return "this controller does not lead";
	return c->state ? NULL : "nothing has been read from the store yet";
}

void queue_take(
    struct core *c, const struct core_request *r, struct core_time now, struct core_effects *out)
{
	struct request *copy = request_copy(r, c->clock_jumped_ms, now);
	const char *why = not_leading(c);

	if (r->plan_only && !c->leading && c->state && !c->adopt_refused) {
		request_plan_known(
		    c, copy, now, out); /* nothing hangs on it: no quorum is needed */
	} else if (why) {
		effect_reply(c, copy, E_UNAVAILABLE, 0, mem_strdup(why), NULL, out);
	} else if (c->adopt_refused) {
		effect_reply(c, copy, E_UNAVAILABLE, 2, mem_strdup(c->adopt_refused), NULL, out);
	} else if (c->requests_count >= CORE_QUEUE_REQUESTS) {
		effect_reply(c, copy, E_LIMIT, 0,
		    mem_printf("%d requests are waiting already", CORE_QUEUE_REQUESTS), NULL, out);
	} else {
		struct request **end = &c->requests;
		while (*end)
			end = &(*end)->next;
		*end = copy;
		c->requests_count++;
	}
}

struct request *queue_pop(struct core *c)
{
	struct request *r = c->requests;

	if (r) {
		c->requests = r->next;
		c->requests_count--;
		r->next = NULL;
	}
	return r;
}

void queue_return(struct core *c, struct request *r)
{
	r->next = c->requests;
	c->requests = r;
	c->requests_count++;
}

static bool request_landed(const struct core *c, const struct request *r)
{
	for (size_t i = 0; i < r->attempts_count; i++)
		if (strcmp(r->attempts[i], c->state->commit_id) == 0)
			return true;
	return false;
}

void queue_landed(struct core *c, struct core_effects *out)
{
	struct request **at = &c->requests;

	while (*at) {
		struct request *r = *at;
		if (!request_landed(c, r)) {
			at = &r->next;
			continue;
		}
		*at = r->next;
		c->requests_count--;
		char *text = r->text;
		r->text = NULL;
		effect_reply(c, r, 0, 0, text, NULL, out);
	}
}

static void request_give_up(
    struct core *c, struct request *r, const char *why, struct core_effects *out)
{
	char *text =
	    r->attempts_count > 0 ? mem_strdup(why) : mem_printf("%s: nothing was changed", why);

	effect_reply(c, r, E_UNAVAILABLE, 0, text, NULL, out);
}

void queue_expire(struct core *c, struct core_time now, struct core_effects *out)
{
	while (c->requests && now.mono_ms - c->requests->received_ms > CORE_REQUEST_PATIENCE_MS)
		request_give_up(c, queue_pop(c), "the store did not take the change in time", out);
}

void queue_dismiss(struct core *c, const char *why, struct core_effects *out)
{
	while (c->requests)
		request_give_up(c, queue_pop(c), why, out);
}
