/* Dedicated sending addresses as they are: who they are, over all documents of a run, and their
 * PTRs, which others serve: there from some time on, and wrong for a while now and then. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

#define NAMES ".out.example"

enum broken { NO_PTR, OTHER_PTR, NO_FORWARD, OTHER_FORWARD };

size_t sender_find(const struct addr *a)
{
	for (size_t i = 0; i < sim->senders_count; i++)
		if (addr_equal(&sim->senders[i].address, a))
			return i;
	return SIZE_MAX;
}

static void sender_add(const struct addr *a)
{
	assert(sim->senders_count < SIM_SENDERS);
	struct sim_sender *s = &sim->senders[sim->senders_count++];
	*s = (struct sim_sender){.address = *a};
	(void)addr_format(a, s->text);
	if (chance_hit(&sim->senders_chance, 400))
		s->ptr_us = chance_draw(&sim->senders_chance, 90 * sim->layout->pace * SIM_SECOND);
}

void senders_collect(void)
{
	for (size_t d = 0; d < sim->layout->documents; d++) {
		const struct service *s = sim->layout->services[d];
		for (size_t p = 0; p < s->pairs_count; p++)
			for (size_t i = 0; i < s->pairs[p].addresses_count; i++)
				if (sender_find(&s->pairs[p].addresses[i].address) == SIZE_MAX)
					sender_add(&s->pairs[p].addresses[i].address);
	}
}

static bool has_ptr(const struct sim_sender *s)
{
	return sim->now_us >= s->ptr_us && s->broken[NO_PTR] == 0;
}

static bool ptr_is_right(const struct sim_sender *s)
{
	return has_ptr(s) && s->broken[OTHER_PTR] == 0;
}

static bool forward_is_right(const struct sim_sender *s)
{
	return s->broken[NO_FORWARD] == 0 && s->broken[OTHER_FORWARD] == 0;
}

void sender_break(size_t sender, unsigned kind, bool on)
{
	struct sim_sender *s = &sim->senders[sender];
	if (ptr_is_right(s))
		s->ptr_right_us = sim->now_us;
	if (forward_is_right(s))
		s->forward_right_us = sim->now_us;
	s->broken[kind % 4] += on ? 1 : -1U;
}

uint64_t sender_ptr_right_us(size_t sender)
{
	const struct sim_sender *s = &sim->senders[sender];
	return ptr_is_right(s) ? sim->now_us : s->ptr_right_us;
}

uint64_t sender_forward_right_us(size_t sender)
{
	const struct sim_sender *s = &sim->senders[sender];
	return forward_is_right(s) ? sim->now_us : s->forward_right_us;
}

/* "130.2.0.192.in-addr.arpa", or 32 digits and "ip6.arpa". */
static void reverse_name(const struct addr *a, char *out, size_t bytes)
{
	size_t used = 0;
	if (a->family == 4) {
		(void)snprintf(out, bytes, "%u.%u.%u.%u.in-addr.arpa", a->bytes[3], a->bytes[2],
		    a->bytes[1], a->bytes[0]);
		return;
	}
	for (size_t i = 16; i-- > 0;)
		used += (size_t)snprintf(
		    out + used, bytes - used, "%x.%x.", a->bytes[i] & 15U, a->bytes[i] >> 4);
	(void)snprintf(out + used, bytes - used, "ip6.arpa");
}

void sender_answer_ptr(const char *owner, char *names, size_t bytes)
{
	char name[80];
	size_t length = strlen(owner);
	*names = '\0';
	for (size_t i = 0; i < sim->senders_count; i++) {
		const struct sim_sender *s = &sim->senders[i];
		reverse_name(&s->address, name, sizeof(name));
		if (strncmp(owner, name, strlen(name)) != 0 || length > strlen(name) + 1 ||
		    !has_ptr(s))
			continue;
		/* One in three has a name beside the one that leads back. */
		(void)snprintf(names, bytes, "%s%s%zu" NAMES ".",
		    i % 3 == 0 ? "generic" NAMES ". " : "", ptr_is_right(s) ? "mx" : "other", i);
	}
}

bool sender_answer_forward(const char *owner, uint8_t family, struct addr *out)
{
	char *end;
	if (strncmp(owner, "mx", 2) != 0)
		return false;
	size_t i = strtoul(owner + 2, &end, 10);
	if (i >= sim->senders_count || strncmp(end, NAMES, strlen(NAMES)) != 0 ||
	    sim->senders[i].address.family != family || sim->senders[i].broken[NO_FORWARD] > 0)
		return false;
	*out = sim->senders[i].address;
	if (sim->senders[i].broken[OTHER_FORWARD] > 0)
		out->bytes[1] ^= 1;
	return true;
}
