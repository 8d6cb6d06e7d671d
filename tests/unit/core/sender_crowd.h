/* For the tests of many sending addresses: what is asked is answered, and nothing else. */
#ifndef TANDEM_TESTS_CORE_SENDER_CROWD_H
#define TANDEM_TESTS_CORE_SENDER_CROWD_H

#include "tests/unit/core/sender_world.h"

enum { CROWD_MOST = 2000 };

/* "10.A.B.C" with the addresses of one set in one /16. */
static inline const char *crowd_address(unsigned i, char out[static ADDR_TEXT_BYTES])
{
	snprintf(out, ADDR_TEXT_BYTES, "10.%u.%u.%u", i >> 16 & 255U, i >> 8 & 255U, i & 255U);
	return out;
}

/* Each customer has an address in Munich, and one in Frankfurt where `both`. */
static inline void crowd_declare(struct service *s, unsigned count, unsigned sets, bool both)
{
	char name[64], muc[ADDR_TEXT_BYTES], fra[ADDR_TEXT_BYTES], customer[32];

	for (unsigned i = 0; i < sets; i++) {
		snprintf(name, sizeof(name), "_spf%u.retarus.com.", i);
		spf_add(s, name, "ip4:10.0.0.0/8 ~all");
	}
	for (unsigned i = 0; i < count; i += both ? 2 : 1) {
		snprintf(customer, sizeof(customer), "customer-%u", i);
		snprintf(name, sizeof(name), "_spf%u.retarus.com.", i % sets);
		pair_add(s, customer, name, crowd_address(i, muc),
		    both ? crowd_address(i + 1, fra) : NULL);
	}
}

static inline void crowd_answer(struct world *w, const struct core_question *q)
{
	unsigned a = 0, b = 0, c = 0, d = 0;
	char detail[256] = "", *subject = mem_strdup(q->subject), *owner = mem_strdup(q->owner);

	if (q->kind == LOOK_TXT) {
		says(w, q->type, subject, owner, LOOK_TXT, "v=spf1 ip4:10.0.0.0/8 ~all");
	} else if (q->kind == LOOK_PTR) {
		assert_int_equal(sscanf(owner, "%u.%u.%u.%u.", &a, &b, &c, &d), 4);
		snprintf(detail, sizeof(detail), "out-%u-%u-%u-%u.retarus.com.", d, c, b, a);
		says(w, q->type, subject, owner, LOOK_PTR, detail);
	} else if (sscanf(owner, "out-%u-%u-%u-%u.", &a, &b, &c, &d) == 4) {
		snprintf(detail, sizeof(detail), "%u.%u.%u.%u", a, b, c, d);
		answers(w, q->type, subject, owner, detail);
	}
	free(owner);
	free(subject);
}

/* What is asked is answered within the look: names by `names_ms`, PTRs by `ptr_ms`. */
static inline void crowd_look(struct world *w, unsigned names_ms, unsigned ptr_ms)
{
	struct core_question q[CORE_QUESTIONS];
	size_t count = core_questions(w->core, q, CORE_QUESTIONS);

	for (size_t i = 0; i < count; i++) { /* what it points to may go meanwhile */
		q[i].subject = mem_strdup(q[i].subject);
		q[i].owner = mem_strdup(q[i].owner);
	}
	for (unsigned ms = 0; ms < 1000; ms++) {
		for (size_t i = 0; i < count; i++)
			if ((q[i].kind == LOOK_PTR ? ptr_ms : names_ms) == ms)
				crowd_answer(w, &q[i]);
		pass(w, 1);
	}
	for (size_t i = 0; i < count; i++) {
		free((char *)(uintptr_t)q[i].subject);
		free((char *)(uintptr_t)q[i].owner);
	}
}

static inline void crowd_host(struct world *w, const char *site, const char *name)
{
	static struct core_bound list[CROWD_MOST];
	const struct view *v = core_view(w->core);
	size_t count = 0;

	for (size_t i = 0; i < v->senders_count; i++)
		if (strcmp(v->senders[i].site, site) == 0)
			list[count++].address = v->senders[i].address;
	step(w,
	    (struct core_event){.type = CORE_HOST, .host = {site, name, epoch_of(w), list, count}});
}

/* So many looks, one every two seconds, with all that belongs to them. */
static inline void crowd_well(struct world *w, unsigned looks, unsigned names_ms, unsigned ptr_ms)
{
	for (unsigned i = 0; i < looks; i++) {
		acks(w);
		crowd_host(w, "muc", "out-muc");
		crowd_host(w, "fra", "out-fra");
		crowd_look(w, names_ms, ptr_ms);
		pass(w, 1000);
	}
}

static inline size_t crowd_count(const struct world *w, enum sender_state state)
{
	size_t count = 0;

	for (size_t i = 0; i < state_of(w)->senders_count; i++)
		count += state_of(w)->senders[i].state == state;
	return count;
}

/* As another leader left it: all of them are in use, by one host of each site. */
static inline void crowd_is_active(struct world *w)
{
	w->store->version++;
	w->store->epoch++;
	snprintf(
	    w->store->commit_id, sizeof(w->store->commit_id), "another-%d", (int)w->store->version);
	for (size_t i = 0; i < w->store->senders_count; i++) {
		struct state_sender *s = &w->store->senders[i];
		s->state = SENDER_ACTIVE;
		s->used = true;
		s->host = mem_printf("out-%s", s->site);
		s->since_ms = w->now.wall_ms;
	}
	world_adopt(w);
	all_is_up(w);
	acks(w);
	crowd_host(w, "muc", "out-muc");
	crowd_host(w, "fra", "out-fra");
}

#endif
