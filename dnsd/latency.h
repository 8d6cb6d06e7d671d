/* How long answers take, from reading a query to handing its answer to the kernel: a histogram.
 *
 * Measured on every LATENCY_EVERY-th batch (UDP) or query (TCP) of a thread, so that it costs the
 * others a look at a counter. What waits in the kernel's queue is not seen here. */
#ifndef TANDEM_DNSD_LATENCY_H
#define TANDEM_DNSD_LATENCY_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"

enum { LATENCY_EVERY = 16, LATENCY_BUCKETS = 16 /* the last one has no upper edge */ };

struct latency { /* of one thread; only that thread counts */
	atomic_uint_fast64_t buckets[LATENCY_BUCKETS];
	atomic_uint_fast64_t sum_ns;
};

uint64_t latency_clock_ns(void);

/* A moment to measure from, or 0: not this time. `*turn` is the thread's own. */
static inline uint64_t latency_start(uint32_t *turn)
{
	return (*turn)++ % LATENCY_EVERY == 0 ? latency_clock_ns() : 0;
}

/* `count` queries were answered since `start_ns`, which is not 0. */
void latency_end(struct latency *l, uint64_t start_ns, unsigned count);
void latency_add(struct latency *l, uint64_t ns, unsigned count);

struct latency_sum { /* of all threads */
	uint64_t buckets[LATENCY_BUCKETS];
	uint64_t sum_ns;
};
void latency_sum_add(struct latency_sum *sum, const struct latency *l);
/* Prometheus samples of one transport; the family is the caller's. */
void latency_print(
    const struct latency_sum *sum, const char *name, const char *transport, struct buf *out);

#endif
