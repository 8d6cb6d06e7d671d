/* The snapshot's life, and its swap by RCU (liburcu's memb flavour: a read section is free). */
#include "dnsd/snapshot.h"

#include <stdlib.h>
#include <urcu/urcu-memb.h>

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

void snapshot_grace_wait(void)
{
	urcu_memb_synchronize_rcu();
	GRACE_OVER();
}

void snapshot_swap(struct snapshot_seat *seat, struct snapshot *new_one)
{
	struct snapshot *old = __atomic_exchange_n(&seat->now, new_one, __ATOMIC_ACQ_REL);
	snapshot_grace_wait();
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
	return __atomic_load_n(&seat->now, __ATOMIC_ACQUIRE);
}

void snapshot_read_end(void)
{
	GRACE_READER_DONE();
	urcu_memb_read_unlock();
}
