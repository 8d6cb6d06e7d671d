/* How many bytes a state may come to take, before it does: a state that the store refuses would end
 * all decisions, so what could lead there is refused where it is admitted, and nothing else is.
 *
 * The figures are those of wire/state_encode.c; a test holds both together. */
#include "core/budget.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	HEAD_BYTES = 10 * 1024, /* numbers, paces, and the last document's way into force */
	MEMBER_BYTES = 192,
	POOL_BYTES = 48,    /* a short TTL */
	REGION_BYTES = 192, /* its last departure, with the names of both */
	SITE_BYTES = 4096,  /* a drain with all its steps, a practice run, a TTL that was longer */
	INTENT_BYTES = 224,
	SENDER_BYTES = 229, /* and its address and texts; the longest name of a host is in it */
	REMOVAL_BYTES = 26, /* and its numbers and texts; losses and leaves the same way */
	LOSS_BYTES = 36,
	LEAVE_BYTES = 24,
	LEAVES_TO_COME = 2, /* the document on trial, and its return */
	LEAVE_MOST = 64,
};

size_t budget_text_bytes(const char *text)
{
	size_t bytes = 0;

	for (const char *at = text ? text : ""; *at; at++)
		bytes += *at == '"' || *at == '\\' ? 2 : (unsigned char)*at < 0x20 ? 6 : 1;
	return bytes;
}

size_t budget_intent_bytes(const char *subject, const char *owner, const char *reason)
{
	return INTENT_BYTES + budget_text_bytes(subject) + budget_text_bytes(owner) +
	       budget_text_bytes(reason);
}

static size_t digits(uint64_t number)
{
	size_t count = 1;

	for (; number >= 10; number /= 10)
		count++;
	return count;
}

static size_t removed_bytes(const struct view_removal *removals, size_t removals_count,
    const struct view_loss *losses, size_t losses_count)
{
	size_t bytes = 0;

	for (size_t i = 0; i < removals_count; i++)
		bytes += REMOVAL_BYTES + budget_text_bytes(removals[i].owner) +
		         digits(removals[i].revision);
	for (size_t i = 0; i < losses_count; i++)
		bytes += LOSS_BYTES +
		         budget_text_bytes(losses[i].owner ? losses[i].owner : losses[i].pool) +
		         strlen(losses[i].type) + digits(losses[i].revision);
	return bytes;
}

static size_t declared_bytes(const struct state *s)
{
	size_t bytes = 0;

	for (size_t i = 0; i < s->intents_count; i++)
		bytes += budget_intent_bytes(
		    s->intents[i].subject, s->intents[i].owner, s->intents[i].reason);
	return bytes > BUDGET_DECLARED_BYTES ? bytes : BUDGET_DECLARED_BYTES;
}

static size_t sender_bytes(
    const struct addr *address, const char *site, const char *customer, const char *spf)
{
	char text[ADDR_TEXT_BYTES];

	return SENDER_BYTES + strlen(addr_format(address, text)) + budget_text_bytes(site) +
	       budget_text_bytes(customer) + budget_text_bytes(spf);
}

/* Those that are declared, and those of the state that are not, or not any more. */
static size_t senders_bytes(const struct state *s, const struct service *service)
{
	size_t bytes = 0, declared_too = 0;

	for (size_t i = 0; s && i < s->senders_count; i++) {
		const struct state_sender *has = &s->senders[i];
		bytes += sender_bytes(&has->address, has->site, has->customer, has->spf);
	}
	for (size_t i = 0; service && i < service->pairs_count; i++) {
		const struct service_pair *p = &service->pairs[i];
		for (size_t j = 0; p->spf && j < p->addresses_count; j++) {
			const struct addr *a = &p->addresses[j].address;
			const struct state_sender *has = s ? state_sender_find(s, a) : NULL;
			bytes += sender_bytes(
			    a, service->sites[p->addresses[j].site].name, p->customer, p->spf);
			if (has)
				declared_too += sender_bytes(a, has->site, has->customer, has->spf);
		}
	}
	return bytes - declared_too;
}

static void service_count(const struct service *s, struct budget *out)
{
	char address[ADDR_TEXT_BYTES];

	for (size_t i = 0; i < s->pools_count; i++) {
		const struct service_pool *p = &s->pools[i];
		size_t name = strlen(p->name);
		out->pools += POOL_BYTES + name;
		for (size_t j = 0; j < p->members_count; j++)
			out->members += MEMBER_BYTES + name + 1 +
			                strlen(addr_format(&p->members[j].address, address));
	}
	for (size_t i = 0; i < s->sites_count; i++)
		out->sites += s->sites[i].witness ? 0 : SITE_BYTES;
	out->sites += s->regions_count * REGION_BYTES;
}

void budget_state(const struct state *s, const struct service *service, struct budget *out)
{
	*out = (struct budget){.rest = HEAD_BYTES};
	if (service)
		service_count(service, out);
	out->senders = senders_bytes(s, service);
	if (!s)
		return;
	out->declared = declared_bytes(s);
	out->removed = removed_bytes(s->removals, s->removals_count, s->losses, s->losses_count) +
	               removed_bytes(s->trial.removals, s->trial.removals_count, s->trial.losses,
	                   s->trial.losses_count) +
	               (size_t)LEAVES_TO_COME * LEAVE_MOST;
	for (size_t i = 0; i < s->leaves_count; i++)
		out->removed +=
		    LEAVE_BYTES + digits(s->leaves[i].revision) + digits(s->leaves[i].count);
}

static void larger(size_t *to, size_t other)
{
	if (other > *to)
		*to = other;
}

void budget_join(struct budget *to, const struct budget *other)
{
	larger(&to->members, other->members);
	larger(&to->pools, other->pools);
	larger(&to->sites, other->sites);
	larger(&to->declared, other->declared);
	larger(&to->removed, other->removed);
	larger(&to->senders, other->senders);
	larger(&to->rest, other->rest);
}

size_t budget_bytes(const struct budget *b)
{
	return b->members + b->pools + b->sites + b->declared + b->removed + b->senders + b->rest;
}
