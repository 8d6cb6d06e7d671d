/* The snapshot's life, and its swap by RCU (liburcu's memb flavour: a read section is free). */
#include "dnsd/snapshot.h"

#include <stdlib.h>
#include <urcu/urcu-memb.h>

#include "lib/base/mem.h"

struct snapshot *snapshot_new(struct catalog *catalog, struct pooltable *pools, uint64_t epoch)
{
	struct snapshot *s = mem_new(1, sizeof(*s));
	s->catalog = catalog;
	s->pools = pools;
	s->epoch = (uint32_t)epoch;
	return s;
}

void snapshot_free(struct snapshot *s)
{
	if (!s)
		return;
	catalog_drop(s->catalog);
	pooltable_free(s->pools);
	free(s);
}

void snapshot_swap(struct snapshot_seat *seat, struct snapshot *new_one)
{
	struct snapshot *old = rcu_xchg_pointer(&seat->now, new_one);
	urcu_memb_synchronize_rcu();
	snapshot_free(old);
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
	return rcu_dereference(seat->now);
}

void snapshot_read_end(void)
{
	urcu_memb_read_unlock();
}
