/* Owning the sending addresses of the state, sorted by address. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/state.h"
#include "lib/base/mem.h"

static void sender_release(struct state_sender *s)
{
	free(s->site);
	free(s->customer);
	free(s->spf);
	free(s->host);
	free(s->evidence);
}

/* Index of the first that is not before `address`. */
static size_t sender_place(const struct state *s, const struct addr *address)
{
	size_t low = 0, high = s->senders_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (addr_compare(&s->senders[middle].address, address) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct state_sender *state_sender_find(const struct state *s, const struct addr *address)
{
	size_t at = sender_place(s, address);

	return at < s->senders_count && addr_equal(&s->senders[at].address, address)
	           ? &s->senders[at]
	           : NULL;
}

struct state_sender *state_sender_add(struct state *s, const struct addr *address)
{
	size_t at = sender_place(s, address);

	assert(!state_sender_find(s, address) && s->senders_count < STATE_SENDERS);
	(void)VEC_PUSH(s->senders, s->senders_count);
	memmove(&s->senders[at + 1], &s->senders[at],
	    (s->senders_count - 1 - at) * sizeof(*s->senders));
	s->senders[at] = (struct state_sender){.address = *address,
	    .site = mem_strdup(""),
	    .customer = mem_strdup(""),
	    .spf = mem_strdup(""),
	    .evidence = mem_strdup("")};
	return &s->senders[at];
}

void state_sender_remove(struct state *s, const struct addr *address)
{
	size_t at = sender_place(s, address);

	assert(state_sender_find(s, address));
	sender_release(&s->senders[at]);
	s->senders_count--;
	memmove(
	    &s->senders[at], &s->senders[at + 1], (s->senders_count - at) * sizeof(*s->senders));
}

void state_senders_copy(struct state *to, const struct state *from)
{
	to->senders = NULL;
	to->senders_count = 0;
	for (size_t i = 0; i < from->senders_count; i++) {
		struct state_sender s = from->senders[i]; /* whatever else it has */
		s.site = mem_strdup(s.site);
		s.customer = mem_strdup(s.customer);
		s.spf = mem_strdup(s.spf);
		s.host = s.host ? mem_strdup(s.host) : NULL;
		s.evidence = mem_strdup(s.evidence);
		VEC_PUSH(to->senders, to->senders_count) = s;
	}
}

void state_senders_free(struct state *s)
{
	for (size_t i = 0; i < s->senders_count; i++)
		sender_release(&s->senders[i]);
	free(s->senders);
}

const char *sender_state_name(enum sender_state s)
{
	static const char *const names[SENDER_STATES] = {"allocated", "in-spf", "visible", "ptr-ok",
	    "bound", "active", "suspended", "leaving", "retired"};

	assert(s < SENDER_STATES);
	return names[s];
}
