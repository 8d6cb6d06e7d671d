/* A histogram of latencies. */
#include "dnsd/latency.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/base/mem.h"
#include "lib/metrics.h"

#define US 1000
#define MS 1000000

static const uint64_t edges_ns[LATENCY_BUCKETS - 1] = {2 * US, 5 * US, 10 * US, 20 * US, 50 * US,
    100 * US, 200 * US, 500 * US, MS, 2 * MS, 5 * MS, 10 * MS, 20 * MS, 50 * MS, 100 * MS};

uint64_t latency_clock_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* One writer: no need of an atomic addition. */
static void add(atomic_uint_fast64_t *counter, uint64_t n)
{
	atomic_store_explicit(
	    counter, atomic_load_explicit(counter, memory_order_relaxed) + n, memory_order_relaxed);
}

void latency_add(struct latency *l, uint64_t ns, unsigned count)
{
	size_t i = 0;
	while (i < LATENCY_BUCKETS - 1 && ns > edges_ns[i])
		i++;
	add(&l->buckets[i], count);
	add(&l->sum_ns, ns * count);
}

void latency_end(struct latency *l, uint64_t start_ns, unsigned count)
{
	uint64_t now_ns = latency_clock_ns();
	latency_add(l, now_ns > start_ns ? now_ns - start_ns : 0, count);
}

void latency_sum_add(struct latency_sum *sum, const struct latency *l)
{
	for (size_t i = 0; i < LATENCY_BUCKETS; i++)
		sum->buckets[i] += atomic_load_explicit(&l->buckets[i], memory_order_relaxed);
	sum->sum_ns += atomic_load_explicit(&l->sum_ns, memory_order_relaxed);
}

/* In seconds, without an exponent: people read it too. */
static void edge_print(uint64_t ns, char *text, size_t room)
{
	int bytes = snprintf(text, room, "%.6f", (double)ns / 1e9);
	while (bytes > 0 && text[bytes - 1] == '0')
		text[--bytes] = '\0';
}

void latency_print(
    const struct latency_sum *sum, const char *name, const char *transport, struct buf *out)
{
	char *bucket = mem_printf("%s_bucket", name), *total = mem_printf("%s_sum", name),
	     *count = mem_printf("%s_count", name);
	uint64_t below = 0;
	for (size_t i = 0; i < LATENCY_BUCKETS; i++) {
		char edge[32] = "+Inf";
		if (i < LATENCY_BUCKETS - 1)
			edge_print(edges_ns[i], edge, sizeof(edge));
		below += sum->buckets[i];
		metrics_value(out, bucket,
		    (const char *[]){"transport", transport, "le", edge, NULL}, (double)below);
	}
	const char *const labels[] = {"transport", transport, NULL};
	metrics_value(out, total, labels, (double)sum->sum_ns / 1e9);
	metrics_value(out, count, labels, (double)below);
	free(bucket);
	free(total);
	free(count);
}
