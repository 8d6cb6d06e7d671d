/* Counters. Each thread writes its own, the metrics listener sums them up. */
#ifndef TANDEM_DNSD_STATS_H
#define TANDEM_DNSD_STATS_H

#include <stdalign.h>
#include <stdatomic.h>

#include "dnsd/answer.h"
#include "dnsd/latency.h"
#include "dnsd/signer.h"
#include "lib/base/buf.h"

enum stats_transport { STATS_UDP, STATS_TCP, STATS_TRANSPORTS };
enum { STATS_TYPES = 13, STATS_RCODES = 24 };

struct stats { /* of one thread; only that thread counts */
	alignas(64) atomic_uint_fast64_t queries[STATS_TRANSPORTS][STATS_TYPES];
	atomic_uint_fast64_t answers[STATS_TRANSPORTS][STATS_RCODES];
	atomic_uint_fast64_t truncated;
	atomic_uint_fast64_t dropped; /* came in, but deserved no answer */
	atomic_uint_fast64_t send_failed;
	atomic_uint_fast64_t tcp_connections, tcp_cut;
	atomic_uint_fast64_t cookies_valid, proxy_refused;
	atomic_uint_fast64_t transfers[3]; /* by enum transfer_kind */
	atomic_uint_fast64_t transfers_cut, transfers_refused;
	atomic_uint_fast64_t tsig_verified, tsig_refused;
	atomic_uint_fast64_t rate_dropped, rate_slipped, rate_dry;
	atomic_uint_fast64_t signatures_made, signatures_remembered, signatures_starved;
	atomic_uint_fast64_t tap_sent, tap_lost;
	struct latency latency[STATS_TRANSPORTS];
};

struct stats *stats_new(
    size_t count); /* an array, of threads that do not share cache lines; free() */

static inline void stats_add(atomic_uint_fast64_t *counter, uint64_t n)
{
	/* One writer: no need of an atomic addition. */
	atomic_store_explicit(
	    counter, atomic_load_explicit(counter, memory_order_relaxed) + n, memory_order_relaxed);
}

/* One answer built; `bytes` 0: dropped. */
void stats_count(struct stats *s, enum stats_transport transport, const struct answer_facts *facts,
    size_t bytes);

/* What the thread's signer has done since the last call. */
void stats_count_signatures(struct stats *s, struct signer *signer);
void stats_add_signatures(struct stats *s, struct signer_counts counts);

/* Prometheus text of all threads' counters together. */
void stats_print(const struct stats *threads, size_t count, struct buf *out);

#endif
