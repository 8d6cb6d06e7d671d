/* A million names that come as a list: what they cost, and how long changes take to be served.
 *
 *   names_list STATE-FOLDER NAMES
 *
 * The list lies in the pack, as if fetched. Then: the view is taken, judged, written and served;
 * the pool changes; names are added and removed one by one, each time from the new list's parts
 * being there until an answer shows it, the disk included; and the server starts from its disk. */
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
#include "wire/names_bag.h"

enum { CHANGES = 51 };

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

static struct view *view_of(uint64_t epoch, uint64_t revision, size_t members)
{
	struct view *v = view_new();
	(void)snprintf(v->cluster, sizeof(v->cluster), "00000000-0000-4000-8000-000000000001");
	v->epoch = epoch;
	v->revision = revision;
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

static struct view_catalog *catalog_of(const struct names_manifest *m, uint64_t revision)
{
	struct view_catalog *c = mem_new(1, sizeof(*c));
	c->zones = mem_new(1, sizeof(*c->zones));
	c->zones_count = 1;
	c->zones[0] = (struct view_zone){.name = mem_strdup("retarus.com."),
	    .ttl_s = 300,
	    .soa_mname = mem_strdup("ns1.retarus.com."),
	    .soa_rname = mem_strdup("hostmaster.retarus.com."),
	    .soa_minimum_s = 60};
	c->lists = mem_new(1, sizeof(*c->lists));
	c->lists[c->lists_count++] = (struct view_names){
	    .zone = mem_strdup("retarus.com."), .pool = mem_strdup("in"), .count = m->names};
	memcpy(c->lists[0].digest, m->digest, VIEW_DIGEST_BYTES);
	c->leaves = mem_new(1, sizeof(*c->leaves));
	c->leaves[c->leaves_count++] = (struct view_leave){revision, 1};
	return c;
}

/* How many addresses the name of that number has now. */
static unsigned addresses(const struct snapshot_seat *seat, size_t number)
{
	uint8_t query[] = "\0\1\0\0\0\1\0\0\0\0\0\0"
	                  "\13mx-00000000\4mail\2eu\7retarus\3com\0\0\1\0\1";
	uint8_t out[UDP_BYTES_MAX];
	struct answer_facts facts;
	struct query q;
	char digits[16];
	(void)snprintf(digits, sizeof(digits), "%08zu", number);
	memcpy(query + 16, digits, 8);
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

static void figures_print(const char *what, double *ms)
{
	qsort(ms, CHANGES, sizeof(ms[0]), double_order);
	printf("  %s: median %.2f ms, worst %.2f ms of %d\n", what, ms[CHANGES / 2],
	    ms[CHANGES - 1], CHANGES);
}

static void take(struct taker *t, struct view *v)
{
	struct err why = {0};
	if (taker_take(t, v, &why) != ACCEPT_TAKE) {
		(void)fprintf(stderr, "refused: %s\n", why.text);
		exit(1);
	}
}

static void pools_time(struct taker *t, const struct snapshot_seat *seat)
{
	double ms[CHANGES];
	for (unsigned i = 0; i < CHANGES; i++) {
		size_t members = i % 2 ? 2 : 1;
		struct view *v = view_of(t->held->epoch + 1, t->held->revision, members);
		double start = now_ms();
		take(t, v);
		assert(addresses(seat, 7) == members);
		ms[i] = now_ms() - start;
	}
	figures_print("pool changed -> on disk and served", ms);
}

static char **names_make(size_t count)
{
	char **names = mem_new(count, sizeof(char *));
	for (size_t i = 0; i < count; i++)
		names[i] = mem_printf("mx-%08zu.mail.eu.retarus.com.", i);
	return names;
}

/* What the new list has more than the pack, as fetched. */
static void parts_add(struct names_pack *pack, const struct names_bag *bag,
    const struct names_manifest *m, const char *text, size_t text_bytes)
{
	for (size_t i = 0; i < m->chunks_count; i++) {
		size_t bytes;
		const void *data = names_bag_get(bag, m->chunks[i].digest, &bytes);
		int r = names_pack_add(pack, m->chunks[i].digest, data, bytes, NULL);
		assert(r == 0);
	}
	int r = names_pack_add(pack, m->digest, text, text_bytes, NULL);
	assert(r == 0);
}

/* Names are there but for number `i` * 17 + 5: each time the former comes back and the next goes.
 */
static void names_time(
    struct taker *t, const struct snapshot_seat *seat, char **names, size_t count)
{
	double ms[CHANGES];
	const char **some = mem_new(count, sizeof(char *));
	for (size_t i = 0; i < CHANGES; i++) {
		struct names_bag bag = {0};
		struct names_manifest m;
		size_t gone = i * 17 + 5, used = 0, bytes;
		for (size_t j = 0; j < count; j++)
			if (j != gone)
				some[used++] = names[j];
		names_pack(some, used, names_bag_made, &bag, &m);
		char *text = names_manifest_text(&m, &bytes);
		struct view *v = view_of(t->held->epoch + 1, t->held->revision + 1, 2);
		v->catalog = catalog_of(&m, v->revision);
		double start = now_ms();
		parts_add(t->names, &bag, &m, text, bytes);
		take(t, v);
		assert(addresses(seat, gone) == 0);
		assert(i == 0 || addresses(seat, gone - 17) == 2);
		ms[i] = now_ms() - start;
		free(text);
		names_manifest_release(&m);
		names_bag_release(&bag);
	}
	free(some);
	figures_print("one name added, one removed -> on disk and served", ms);
}

static void first_take(struct taker *t, char **names, size_t count)
{
	struct names_bag bag = {0};
	struct names_manifest m;
	size_t bytes;
	double start = now_ms();
	names_pack((const char *const *)names, count, names_bag_made, &bag, &m);
	char *text = names_manifest_text(&m, &bytes);
	printf("  packed after %.0f ms: %zu chunks, %zu bytes\n", now_ms() - start, m.chunks_count,
	    bag.bytes + bytes);
	parts_add(t->names, &bag, &m, text, bytes);
	struct view *v = view_of(1, 1, 2);
	v->catalog = catalog_of(&m, 1);
	start = now_ms();
	take(t, v);
	printf("  taken, written and served after %.0f ms\n", now_ms() - start);
	free(text);
	names_manifest_release(&m);
	names_bag_release(&bag);
}

int main(int argc, char **argv)
{
	struct err e = {0};
	struct snapshot_seat seat = {0};
	struct taker t = {.seat = &seat};
	size_t count = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	log_open("names_list", LOG_LEVEL_ERROR);
	if (count < 1000 || count > NAMES_LIST_NAMES || keeper_open(argv[1], &t.keeper, &e) != 0 ||
	    names_pack_open(argv[1], &t.names, &e) != 0) {
		(void)fprintf(stderr, "usage: names_list STATE-FOLDER NAMES %s\n", e.text);
		return 2;
	}
	snapshot_thread_enter();
	char **names = names_make(count);
	(void)malloc_trim(0);
	double before = pss_mib();
	first_take(&t, names, count);
	(void)malloc_trim(0);
	printf(
	    "  PSS %.0f MiB above the %.0f of the test's own names\n", pss_mib() - before, before);
	pools_time(&t, &seat);
	names_time(&t, &seat, names, count);
	(void)malloc_trim(0);
	printf("  PSS %.0f MiB above after that\n", pss_mib() - before);
	taker_release(&t);
	double start = now_ms();
	t = (struct taker){.seat = &seat, .keeper = t.keeper, .names = t.names};
	if (taker_start(&t, &e) != 0) {
		(void)fprintf(stderr, "not started: %s\n", e.text);
		return 1;
	}
	printf("  started from disk after %.0f ms\n", now_ms() - start);
	snapshot_thread_leave();
	taker_release(&t);
	keeper_close(t.keeper);
	names_pack_close(t.names);
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
	return 0;
}
