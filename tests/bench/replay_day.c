/* A day of changes in some minutes: does memory grow?
 *
 *   replay_day FOLDER HOURS
 *
 * As from controllers, a view is taken every 5 simulated seconds (the pools change) and every
 * minute (a revision: a record changes, a name comes, the oldest such name leaves); as alone, a
 * zone file is changed and read again every minute. All of it is signed with NSEC. Meanwhile one
 * thread asks for names that are there and that are not, with signatures, and another keeps a
 * secondary up to date by IXFR. Resident memory is looked at every simulated hour; what it has at
 * the end may not be more than after the warm-up, but for GROWTH. */
#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dnsd/answer.h"
#include "dnsd/octets.h"
#include "dnsd/serial.h"
#include "dnsd/signer.h"
#include "dnsd/taker.h"
#include "dnsd/transfer.h"
#include "dnsd/zone_files.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/file.h"
#include "lib/log.h"

enum {
	START_S = 1790000000,
	POOL_CHANGE_S = 5,
	REVISION_S = 60,
	NAMES = 2000,
	FLEETING = 20, /* names that have come by a revision and not left yet */
	SLICE_BYTES = 65536,
	SECONDARY_PAUSE_US = 5000,
	HISTORY = 64,        /* states remembered for IXFR: with a file that is as many minutes */
	WARM_UP_S = 80 * 60, /* until that is full */
};
#define GROWTH_SHARE 1.05
#define GROWTH_MIB 2.0
#define VIEW_ZONE "example.com."
#define FILE_ZONE "example.net."

struct world {
	struct snapshot_seat views, files; /* what the two kinds of server serve */
	atomic_uint now_s;
	atomic_bool over;
	atomic_ulong answers, transfers, differences;
};

static double rss_mib(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");
	int found = f ? fscanf(f, "%*u %lu", &pages) : 0;
	assert(found == 1);
	(void)fclose(f);
	return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1048576;
}

/* ---- what changes ---- */

static void record_add(struct view_zone *z, char *text)
{
	z->records[z->records_count++] = text;
}

static struct view_catalog *catalog_new(uint64_t revision)
{
	struct view_catalog *c = mem_new(1, sizeof(*c));
	c->zones = mem_new(1, sizeof(*c->zones));
	c->zones_count = 1;
	struct view_zone *z = c->zones;
	*z = (struct view_zone){.name = mem_strdup(VIEW_ZONE),
	    .ttl_s = 300,
	    .soa_mname = mem_strdup("ns1." VIEW_ZONE),
	    .soa_rname = mem_strdup("hostmaster." VIEW_ZONE),
	    .soa_minimum_s = 60,
	    .records = mem_new(FLEETING + 8, sizeof(char *))};
	record_add(z, mem_strdup(VIEW_ZONE " 300 NS ns1." VIEW_ZONE));
	record_add(z, mem_strdup("ns1." VIEW_ZONE " 300 A 192.0.2.53"));
	record_add(z, mem_strdup("*.wild." VIEW_ZONE " 300 CNAME pool0." VIEW_ZONE));
	record_add(z, mem_printf("changes." VIEW_ZONE " 300 TXT \"%" PRIu64 "\"", revision));
	for (uint64_t i = revision < FLEETING ? 0 : revision - FLEETING; i < revision; i++)
		record_add(z, mem_printf("fleeting%" PRIu64 "." VIEW_ZONE " 300 A 192.0.2.9", i));
	c->names = mem_new(NAMES, sizeof(*c->names));
	for (; c->names_count < NAMES; c->names_count++)
		c->names[c->names_count] =
		    (struct view_name){.owner = mem_printf("pool%zu." VIEW_ZONE, c->names_count),
		        .zone = mem_strdup(VIEW_ZONE),
		        .pool = mem_strdup("in")};
	if (revision > FLEETING) {
		c->removals = mem_new(1, sizeof(*c->removals));
		c->removals_count = 1;
		c->removals[0] = (struct view_removal){
		    mem_printf("fleeting%" PRIu64 "." VIEW_ZONE, revision - FLEETING - 1),
		    revision};
	}
	return c;
}

static struct view *view_make(uint64_t epoch, uint64_t revision, bool with_catalog)
{
	struct view *v = view_new();
	size_t members = 1 + epoch % 3;
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
	if (with_catalog)
		v->catalog = catalog_new(revision);
	return v;
}

static void view_take(struct taker *t, uint64_t epoch, uint64_t revision, bool with_catalog)
{
	struct err why = {0};
	if (taker_take(t, view_make(epoch, revision, with_catalog), &why) != ACCEPT_TAKE) {
		(void)fprintf(stderr, "epoch %" PRIu64 " refused: %s\n", epoch, why.text);
		exit(1);
	}
}

static void file_change(
    struct world *w, struct zone_files *files, const struct config_zone_file *zone, uint64_t serial)
{
	struct buf b = {0};
	struct snapshot *s;
	struct err e = {0};
	buf_printf(
	    &b, "$TTL 300\n@ SOA ns1 host %" PRIu64 " 3600 900 604800 60\n@ NS ns1\n", serial);
	buf_printf(&b, "ns1 A 192.0.2.53\nchanges TXT \"%" PRIu64 "\"\n*.wild CNAME ns1\n", serial);
	for (int i = 0; i < NAMES; i++)
		buf_printf(&b, "pool%d A 192.0.2.%" PRIu64 "\n", i, i == 7 ? serial % 250 : 1);
	if (file_write_atomic(zone->file, b.data, b.bytes, 0600, &e) != 0 ||
	    zone_files_load(files, zone, 1, &s, &e) != 0) {
		(void)fprintf(stderr, "%s\n", e.text);
		exit(1);
	}
	snapshot_swap(&w->files, s);
	buf_free(&b);
}

/* ---- who asks ---- */

static size_t question_write(uint8_t *out, const char *name, const char *zone, uint16_t type)
{
	char text[200];
	struct name n;
	(void)snprintf(text, sizeof(text), "%s%s%s", name, *name ? "." : "", zone);
	int failed = name_parse(&n, text, NULL);
	assert(!failed);
	memset(out, 0, DNS_HEADER_BYTES);
	put_u16(out + 4, 1);
	memcpy(out + DNS_HEADER_BYTES, n.wire, n.bytes);
	size_t at = DNS_HEADER_BYTES + (size_t)n.bytes;
	put_u16(out + at, type);
	put_u16(out + at + 2, CLASS_IN);
	return at + 4;
}

static size_t edns_write(uint8_t *out, size_t at) /* with DO */
{
	static const uint8_t opt[] = {0, 0, TYPE_OPT, 4, 0xd0, 0, 0, 0x80, 0, 0, 0};
	put_u16(out + 10, 1);
	memcpy(out + at, opt, sizeof(opt));
	return at + sizeof(opt);
}

static void *asker_run(void *ctx)
{
	struct world *w = ctx;
	struct signer *signer = signer_new(&SIGNER_UDP);
	static uint8_t out[MESSAGE_BYTES_MAX];
	uint8_t query[400];
	uint64_t now_ns = 0;
	snapshot_thread_enter();
	for (unsigned i = 0; !atomic_load(&w->over); i++) {
		char name[40];
		struct query q;
		struct answer_facts facts;
		const bool alone = i % 2;
		(void)snprintf(name, sizeof(name),
		    i % 5 == 0   ? "no%u"
		    : i % 7 == 0 ? "w%u.wild"
		                 : "pool%u",
		    i % 5 == 0 || i % 7 == 0 ? i : i % NAMES);
		size_t bytes = edns_write(
		    query, question_write(query, name, alone ? FILE_ZONE : VIEW_ZONE, TYPE_A));
		signer_enter(signer, now_ns += 1000000);
		query_parse(&q, query, bytes);
		q.signer = signer;
		const struct snapshot *s = snapshot_read_begin(alone ? &w->files : &w->views);
		size_t n = answer_build(s, &q, query, true, i, out, sizeof(out), &facts);
		snapshot_read_end();
		assert(n > DNS_HEADER_BYTES);
		atomic_fetch_add(&w->answers, 1);
	}
	snapshot_thread_leave();
	signer_free(signer);
	return NULL;
}

/* As a secondary that has `serial`; what it has afterwards. */
static uint32_t secondary_ask(struct world *w, struct snapshot_seat *seat, const char *zone,
    uint32_t serial, struct signer *signer)
{
	uint8_t request[400];
	struct query q;
	struct transfer *t = NULL;
	struct buf out = {0};
	size_t at = question_write(request, "", zone, TYPE_IXFR);
	put_u16(request + 8, 1);
	put_u16(request + at, 0xc00c);
	put_u16(request + at + 2, TYPE_SOA);
	put_u16(request + at + 4, CLASS_IN);
	put_u32(request + at + 6, 0);
	put_u16(request + at + 10, 22);
	put_u16(request + at + 12, 0); /* both names the root */
	put_u32(request + at + 14, serial);
	memset(request + at + 18, 0, 16);
	query_parse(&q, request, at + 34);
	const struct snapshot *s = snapshot_read_begin(seat);
	enum dns_rcode rcode = transfer_open(s, &q, request, &t);
	snapshot_read_end();
	assert(rcode == RCODE_NOERROR);
	enum transfer_step step = TRANSFER_MORE;
	uint64_t now_ns = 0;
	while (step == TRANSFER_MORE) {
		signer_enter(signer, now_ns += UINT64_C(1000000000));
		buf_clear(&out);
		step = transfer_step(t, signer, atomic_load(&w->now_s), &out, SLICE_BYTES);
	}
	assert(step == TRANSFER_OVER);
	struct transfer_facts facts = transfer_facts(t);
	atomic_fetch_add(&w->transfers, facts.kind != TRANSFER_CURRENT);
	atomic_fetch_add(&w->differences, facts.kind == TRANSFER_DIFFERENCE);
	transfer_free(t);
	buf_free(&out);
	return facts.serial;
}

static void *secondary_run(void *ctx)
{
	struct world *w = ctx;
	struct signer *signer = signer_new(&SIGNER_TCP);
	uint32_t views = 0, files = 0;
	snapshot_thread_enter();
	while (!atomic_load(&w->over)) {
		views = secondary_ask(w, &w->views, VIEW_ZONE, views, signer);
		files = secondary_ask(w, &w->files, FILE_ZONE, files, signer);
		(void)usleep(SECONDARY_PAUSE_US);
	}
	snapshot_thread_leave();
	signer_free(signer);
	return NULL;
}

/* ---- the day ---- */

struct day {
	struct taker taker;
	struct zone_files files;
	struct config_zone_file view_zone, file_zone;
	uint64_t epoch, revision;
};

static char *key_write(const char *folder, const char *zone)
{
	struct dnskey *k;
	char *path = mem_printf("%s/%skey", folder, zone);
	int failed = dnskey_new(zone, DNSKEY_ECDSAP256SHA256, DNSKEY_CSK, &k, NULL);
	assert(!failed);
	k->state = DNSKEY_ACTIVE;
	failed = dnskey_write(k, path, NULL);
	assert(!failed);
	dnskey_free(k);
	return path;
}

static struct config_zone_file zone_of(const char *folder, const char *name)
{
	struct config_zone_file z = {.name = mem_strdup(name),
	    .file = mem_printf("%s/%szone", folder, name),
	    .keys = mem_new(1, sizeof(char *)),
	    .keys_count = 1,
	    .denial = CONFIG_DENIAL_NSEC};
	z.keys[0] = key_write(folder, name);
	return z;
}

static void day_begin(struct day *d, struct world *w, const char *folder)
{
	struct key_ring ring;
	struct err e = {0};
	w->views.limits = w->files.limits = (struct snapshot_limits){HISTORY, 64 << 20};
	w->views.time_s = w->files.time_s = START_S;
	atomic_store(&w->now_s, START_S);
	d->view_zone = zone_of(folder, VIEW_ZONE);
	d->file_zone = zone_of(folder, FILE_ZONE);
	d->taker.seat = &w->views;
	if (keeper_open(folder, &d->taker.keeper, &e) != 0 ||
	    key_ring_read(&d->view_zone, 1, &ring, &e) != 0 ||
	    taker_rekey(&d->taker, &ring, &e) != 0) {
		(void)fprintf(stderr, "%s\n", e.text);
		exit(2);
	}
	d->epoch = d->revision = 1;
	view_take(&d->taker, 1, 1, true);
	file_change(w, &d->files, &d->file_zone, 1);
}

static void day_tick(struct day *d, struct world *w, uint32_t second)
{
	atomic_store(&w->now_s, START_S + second);
	(void)snapshot_turn(&w->views, START_S + second);
	(void)snapshot_turn(&w->files, START_S + second);
	bool is_revision = second % REVISION_S == 0;
	if (is_revision) {
		d->revision++;
		file_change(w, &d->files, &d->file_zone, d->revision);
	}
	view_take(&d->taker, ++d->epoch, d->revision, is_revision);
}

static void day_end(struct day *d, struct world *w)
{
	taker_release(&d->taker);
	keeper_close(d->taker.keeper);
	snapshot_swap(&w->files, NULL);
	zone_files_free(&d->files);
}

/* True: the memory did not grow. */
static bool day_run(struct day *d, struct world *w, double hours)
{
	uint32_t end = (uint32_t)(hours * 3600), told = 0;
	double base = 0, most = 0, now = 0;
	for (uint32_t second = POOL_CHANGE_S; second <= end; second += POOL_CHANGE_S) {
		day_tick(d, w, second);
		if (second < WARM_UP_S)
			continue;
		now = rss_mib();
		if (base == 0)
			most = base = now;
		most = now > most ? now : most;
		if (second / 3600 > told) {
			told = second / 3600;
			(void)printf("  hour %2u: %.1f MiB\n", told, now);
			(void)fflush(stdout);
		}
	}
	double bound = base * GROWTH_SHARE + GROWTH_MIB;
	(void)printf("%" PRIu64 " epochs, %" PRIu64
	             " revisions and reloads, %lu answers, %lu transfers "
	             "(%lu differences)\nresident: %.1f MiB after the warm-up, %.1f at the end, "
	             "%.1f at most (allowed at the end: %.1f)\n",
	    d->epoch, d->revision, atomic_load(&w->answers), atomic_load(&w->transfers),
	    atomic_load(&w->differences), base, now, most, bound);
	return now <= bound;
}

int main(int argc, char **argv)
{
	static struct world w;
	static struct day d;
	pthread_t asker, secondary;
	double hours = argc == 3 ? strtod(argv[2], NULL) : 0;
	if (hours < 2 || hours > 1000) {
		(void)fprintf(stderr, "usage: replay_day FOLDER HOURS (from 2)\n");
		return 2;
	}
	log_open("replay_day", LOG_LEVEL_WARN);
	snapshot_thread_enter();
	day_begin(&d, &w, argv[1]);
	int failed = pthread_create(&asker, NULL, asker_run, &w) ||
	             pthread_create(&secondary, NULL, secondary_run, &w);
	assert(!failed);
	bool held = day_run(&d, &w, hours);
	atomic_store(&w.over, true);
	(void)pthread_join(asker, NULL);
	(void)pthread_join(secondary, NULL);
	day_end(&d, &w);
	snapshot_thread_leave();
	return held ? 0 : 1;
}
