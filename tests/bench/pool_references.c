/* A million names that refer to one pool: what they cost, and how long a change takes to be served.
 *
 *   pool_references STATE-FOLDER NAMES
 *
 * A view is taken as from a controller (judged, written to disk, served); then the pool changes
 * again and again, as when a site leaves and comes back, and each time the clock runs from the view
 * being there to the first answer that shows it. */
#include <assert.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dnsd/answer.h"
#include "dnsd/octets.h"
#include "dnsd/taker.h"
#include "lib/base/mem.h"
#include "lib/log.h"

enum { CHANGES = 101 };

static double now_ms(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double pss_mib(void)
{
	char line[200];
	unsigned long kib = 0;
	FILE *f = fopen("/proc/self/smaps_rollup", "r");
	while (f && kib == 0 && fgets(line, sizeof(line), f))
		if (strncmp(line, "Pss:", 4) == 0)
			kib = strtoul(line + 4, NULL, 10);
	if (f)
		(void)fclose(f);
	return (double)kib / 1024;
}

static struct view *view_of(uint64_t epoch, size_t members)
{
	struct view *v = view_new();
	(void)snprintf(v->cluster, sizeof(v->cluster), "00000000-0000-4000-8000-000000000001");
	v->epoch = epoch;
	v->revision = 1;
	v->pools = mem_new(1, sizeof(*v->pools));
	v->pools_count = 1;
	v->pools[0] = (struct view_pool){.name = mem_strdup("in"), .ttl_s = 30};
	v->pools[0].members = mem_new(members, sizeof(struct view_member));
	for (size_t i = 0; i < members; i++)
		v->pools[0].members[v->pools[0].members_count++] =
		    (struct view_member){.address = {4, {127, (uint8_t)(10 + 10 * i), 1, 1}},
		        .weight = 1,
		        .site = mem_strdup(i ? "fra" : "muc")};
	return v;
}

static struct view_catalog *catalog_of(size_t names)
{
	struct view_catalog *c = mem_new(1, sizeof(*c));
	c->zones = mem_new(1, sizeof(*c->zones));
	c->zones_count = 1;
	c->zones[0] = (struct view_zone){.name = mem_strdup("retarus.com."),
	    .ttl_s = 300,
	    .soa_mname = mem_strdup("ns1.retarus.com."),
	    .soa_rname = mem_strdup("hostmaster.retarus.com."),
	    .soa_minimum_s = 60};
	c->names = mem_new(names, sizeof(*c->names));
	for (; c->names_count < names; c->names_count++)
		c->names[c->names_count] = (struct view_name){
		    .owner = mem_printf("mx-%08zu.mail.eu.retarus.com.", c->names_count),
		    .zone = mem_strdup("retarus.com."),
		    .pool = mem_strdup("in")};
	return c;
}

/* How many addresses the name has now. */
static unsigned addresses(const struct snapshot_seat *seat)
{
	static const uint8_t query[] = "\0\1\0\0\0\1\0\0\0\0\0\0"
	                               "\13mx-00000007\4mail\2eu\7retarus\3com\0\0\1\0\1";
	uint8_t out[UDP_BYTES_MAX];
	struct answer_facts facts;
	struct query q;
	query_parse(&q, query, sizeof(query) - 1);
	const struct snapshot *s = snapshot_read_begin(seat);
	(void)answer_build(s, &q, query, false, 0, out, sizeof(out), &facts);
	snapshot_read_end();
	return get_u16(out + 6);
}

static int double_order(const void *a, const void *b)
{
	const double *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

static void changes_time(struct taker *t, const struct snapshot_seat *seat)
{
	double ms[CHANGES];
	struct err why = {0};
	for (unsigned i = 0; i < CHANGES; i++) {
		size_t members = i % 2 ? 2 : 1;
		struct view *v = view_of(2 + i, members);
		double start = now_ms();
		if (taker_take(t, v, &why) != ACCEPT_TAKE) {
			(void)fprintf(stderr, "refused: %s\n", why.text);
			exit(1);
		}
		assert(addresses(seat) == members);
		ms[i] = now_ms() - start;
	}
	qsort(ms, CHANGES, sizeof(ms[0]), double_order);
	printf("  pool changed -> on disk and served: median %.2f ms, worst %.2f ms of %d\n",
	    ms[CHANGES / 2], ms[CHANGES - 1], CHANGES);
}

int main(int argc, char **argv)
{
	struct err e = {0};
	struct snapshot_seat seat = {0};
	struct taker t = {.seat = &seat};
	size_t names = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	log_open("pool_references", LOG_LEVEL_ERROR);
	if (names < 8 || names > 8000000 || keeper_open(argv[1], &t.keeper, &e) != 0) {
		(void)fprintf(stderr, "usage: pool_references STATE-FOLDER NAMES %s\n", e.text);
		return 2;
	}
	snapshot_thread_enter();
	double before = pss_mib();
	struct view *v = view_of(1, 2);
	v->catalog = catalog_of(names);
	double start = now_ms();
	if (taker_take(&t, v, &e) != ACCEPT_TAKE) {
		(void)fprintf(stderr, "refused: %s\n", e.text);
		return 1;
	}
	printf("  taken, written and served after %.0f ms\n", now_ms() - start);
	changes_time(&t, &seat);
	(void)malloc_trim(0);
	printf("  PSS %.0f MiB (%.0f before)\n", pss_mib(), before);
	snapshot_thread_leave();
	taker_release(&t);
	keeper_close(t.keeper);
	return 0;
}
