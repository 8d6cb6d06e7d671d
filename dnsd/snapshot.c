/* The snapshot's life, and its swap by RCU (liburcu's memb flavour: a read section is free). */
#include "dnsd/snapshot.h"

#include <stdlib.h>
#include <urcu/urcu-memb.h>

#include "dnsd/serial.h"
#include "lib/base/mem.h"

/* ThreadSanitizer does not see the order that membarrier(2) gives: told here. */
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
static char grace;
#define GRACE_READER_DONE() __tsan_release(&grace)
#define GRACE_OVER() __tsan_acquire(&grace)
#else
#define GRACE_READER_DONE() ((void)0)
#define GRACE_OVER() ((void)0)
#endif

struct snapshot *snapshot_new(struct catalog *catalog, struct pooltable *pools, uint64_t epoch)
{
	struct snapshot *s = mem_new(1, sizeof(*s));
	atomic_init(&s->references, 1);
	s->catalog = catalog;
	s->pools = pools;
	s->epoch = (uint32_t)epoch;
	return s;
}

struct snapshot *snapshot_hold(const struct snapshot *s)
{
	struct snapshot *held = (struct snapshot *)(uintptr_t)s; /* immutable but for this number */
	atomic_fetch_add(&held->references, 1);
	return held;
}

void snapshot_free(struct snapshot *s)
{
	if (!s || atomic_fetch_sub(&s->references, 1) > 1)
		return;
	for (size_t i = 0; i < s->formers_count; i++)
		snapshot_free(s->formers[i]);
	free(s->formers);
	catalog_drop(s->catalog);
	pooltable_free(s->pools);
	free(s);
}

/* The same content, without a memory. */
static struct snapshot *snapshot_copy(const struct snapshot *s)
{
	struct snapshot *copy =
	    snapshot_new(catalog_hold(s->catalog), pooltable_hold(s->pools), s->epoch);
	copy->time_s = s->time_s;
	return copy;
}

/* Lets `s` remember what `before` was and remembered, as far as the limits go. */
static void formers_take(
    struct snapshot *s, const struct snapshot *before, const struct snapshot_limits *limits)
{
	size_t foreign_bytes = 0;
	const struct catalog *own = catalog_root(s->catalog), *last = own;
	if (!before || limits->entries == 0)
		return;
	s->formers = mem_new(limits->entries, sizeof(struct snapshot *));
	for (size_t i = 0; i <= before->formers_count && i < limits->entries; i++) {
		const struct snapshot *former = i == 0 ? before : before->formers[i - 1];
		const struct catalog *storage = catalog_root(former->catalog);
		if (storage != last && storage != own)
			foreign_bytes += catalog_bytes(storage);
		last = storage;
		if (foreign_bytes > limits->bytes)
			return; /* what is older can not be told without this one either */
		s->formers[s->formers_count++] =
		    i == 0 ? snapshot_copy(before) : snapshot_hold(former);
	}
}

void snapshot_grace_wait(void)
{
	urcu_memb_synchronize_rcu();
	GRACE_OVER();
}

void snapshot_swap(struct snapshot_seat *seat, struct snapshot *new_one)
{
	if (new_one) {
		new_one->time_s = seat->time_s;
		formers_take(new_one, seat->now, &seat->limits);
	}
	struct snapshot *old = __atomic_exchange_n(&seat->now, new_one, __ATOMIC_ACQ_REL);
	snapshot_grace_wait();
	snapshot_free(old);
	if (seat->swapped)
		seat->swapped(seat->swapped_ctx);
}

bool snapshot_turn(struct snapshot_seat *seat, uint32_t time_s)
{
	bool is_another = seat->now && serial_turns(seat->now->catalog, seat->now->time_s, time_s);
	seat->time_s = time_s;
	if (is_another)
		snapshot_swap(seat, snapshot_copy(seat->now));
	return is_another;
}

void snapshot_thread_enter(void)
{
	urcu_memb_register_thread();
}

void snapshot_thread_leave(void)
{
	urcu_memb_unregister_thread();
}

const struct snapshot *snapshot_read_begin(const struct snapshot_seat *seat)
{
	urcu_memb_read_lock();
	return __atomic_load_n(&seat->now, __ATOMIC_ACQUIRE);
}

void snapshot_read_end(void)
{
	GRACE_READER_DONE();
	urcu_memb_read_unlock();
}
