/* Transfers as a secondary sees them: what is told, in which order, and that differences laid onto
 * what one has give what there is. Read by ldns, not by our own code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <ldns/ldns.h>

#include "dnsd/octets.h"
#include "dnsd/serial.h"
#include "dnsd/signer.h"
#include "dnsd/transfer.h"
#include "dnsd/zone_keys.h"
#include "lib/base/mem.h"
#include "tests/unit/dnsd/ask.h"

enum { NOW_S = 1790000000, RECORDS_MAX = 4096 };

static char folder[] = "/tmp/tandem-transfer-XXXXXX";
static char *key_path;
static struct signer *signer;

static int tools_make(void **state)
{
	static const uint8_t secret[DNSKEY_SECRET_BYTES] = {[31] = 42};
	static const struct signer_limits limits = {.entries = 4096,
	    .denial_entries = 4,
	    .share = 100,
	    .denial_share = 100,
	    .burst_ms = 60000};
	struct dnskey *k;
	(void)state;
	assert_non_null(mkdtemp(folder));
	key_path = mem_printf("%s/key", folder);
	assert_int_equal(
	    dnskey_new_of_secret("example.", DNSKEY_ECDSAP256SHA256, DNSKEY_CSK, secret, &k, NULL),
	    0);
	k->state = DNSKEY_ACTIVE;
	assert_int_equal(dnskey_write(k, key_path, NULL), 0);
	dnskey_free(k);
	signer = signer_new(&limits);
	return 0;
}

static int tools_remove(void **state)
{
	(void)state;
	unlink(key_path);
	rmdir(folder);
	free(key_path);
	signer_free(signer);
	return 0;
}

/* --- a zone --------------------------------------------------------------------------------- */

enum signing { UNSIGNED, CHAIN, COMPACT };

struct sample { /* a view in the making */
	const char *const *records;
	const struct view_name *names;
	size_t names_count;
	const struct view_pool *pools;
	size_t pools_count;
	enum signing signing;
	uint32_t serial_base;
	uint64_t epoch;
};

static struct catalog *catalog_of(const struct sample *in)
{
	struct err e = {0};
	struct zone_data *data;
	struct catalog *c;
	struct view_zone zone = {.name = (char[]){"example."},
	    .ttl_s = 300,
	    .soa_mname = (char[]){"ns1.example."},
	    .soa_rname = (char[]){"host.example."},
	    .soa_refresh_s = 1,
	    .soa_retry_s = 2,
	    .soa_expire_s = 3,
	    .soa_minimum_s = 60,
	    .serial_base = in->serial_base,
	    .records = (char **)(uintptr_t)in->records};
	while (in->records[zone.records_count])
		zone.records_count++;
	if (zone_data_read_view(&zone, &data, &e) != 0)
		fail_msg("%s", e.text);
	if (in->signing != UNSIGNED) {
		struct zone_keys *keys;
		const struct config_zone_file file = {.name = (char[]){"example."},
		    .keys = &key_path,
		    .keys_count = 1,
		    .denial = in->signing == CHAIN ? CONFIG_DENIAL_NSEC : CONFIG_DENIAL_COMPACT};
		if (zone_keys_read(&file, &keys, &e) != 0 || zone_keys_apply(keys, data, &e) != 0)
			fail_msg("%s", e.text);
		zone_keys_drop(keys);
	}
	const struct catalog_input input = {.zones = &data,
	    .zones_count = 1,
	    .names = in->names,
	    .names_count = in->names_count,
	    .pools = in->pools,
	    .pools_count = in->pools_count};
	if (catalog_build(&input, &c, &e) != 0)
		fail_msg("%s", e.text);
	zone_data_free(data);
	return c;
}

/* `c` NULL: a catalog of its own. */
static struct snapshot *snapshot_of(const struct sample *in, struct catalog *c)
{
	struct err e = {0};
	struct pooltable *pools;
	c = c ? catalog_hold(c) : catalog_of(in);
	if (pooltable_build(c, in->pools, in->pools_count, &pools, &e) != 0)
		fail_msg("%s", e.text);
	struct snapshot *s = snapshot_new(c, pools, in->epoch);
	s->time_s = NOW_S;
	return s;
}

/* --- a secondary ---------------------------------------------------------------------------- */

struct copy { /* what it got, as text, in the order it came */
	char *lines[RECORDS_MAX];
	size_t count, messages;
	struct transfer_facts facts;
};

static void copy_free(struct copy *c)
{
	for (size_t i = 0; i < c->count; i++)
		free(c->lines[i]);
	c->count = 0;
}

static size_t request_write(uint8_t *out, const char *zone, bool is_ixfr, uint32_t serial)
{
	struct name n;
	memset(out, 0, DNS_HEADER_BYTES);
	assert_int_equal(name_parse(&n, zone, NULL), 0);
	put_u16(out, 0x4711);
	put_u16(out + 4, 1);
	memcpy(out + 12, n.wire, n.bytes);
	size_t at = 12 + (size_t)n.bytes;
	put_u16(out + at, is_ixfr ? TYPE_IXFR : TYPE_AXFR);
	put_u16(out + at + 2, CLASS_IN);
	at += 4;
	if (!is_ixfr)
		return at;
	put_u16(out + 8, 1);
	put_u32(out + at, (uint32_t)0xc00c << 16 | TYPE_SOA);
	put_u32(out + at + 4, (uint32_t)CLASS_IN << 16);
	memset(out + at + 8, 0, 2);
	put_u16(out + at + 10, 2 + SOA_TAIL_BYTES);
	memset(out + at + 12, 0, 2 + SOA_TAIL_BYTES); /* both names the root */
	put_u32(out + at + 14, serial);
	return at + 12 + 2 + SOA_TAIL_BYTES;
}

static void message_read(const uint8_t *wire, size_t bytes, struct copy *out)
{
	ldns_pkt *p;
	ldns_status status = ldns_wire2pkt(&p, wire, bytes);
	if (status != LDNS_STATUS_OK)
		fail_msg("ldns: %s", ldns_get_errorstr_by_id(status));
	assert_int_equal(ldns_pkt_id(p), 0x4711);
	assert_int_equal(ldns_pkt_qdcount(p), out->messages == 0 ? 1 : 0);
	assert_true(ldns_pkt_aa(p));
	ldns_rr_list *list = ldns_pkt_answer(p);
	for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
		assert_true(out->count < RECORDS_MAX);
		out->lines[out->count++] = ldns_rr2str(ldns_rr_list_rr(list, i));
	}
	out->messages++;
	ldns_pkt_free(p);
}

/* Everything, in slices of `slice` octets. */
static enum dns_rcode transfer_all(const struct snapshot *s, const char *zone, bool is_ixfr,
    uint32_t serial, size_t slice, struct buf *out, struct transfer_facts *facts)
{
	uint8_t request[600];
	struct query q;
	struct transfer *t;
	size_t bytes = request_write(request, zone, is_ixfr, serial);
	query_parse(&q, request, bytes);
	assert_true(query_is_transfer(&q));
	enum dns_rcode rcode = transfer_open(s, &q, request, &t);
	if (rcode != RCODE_NOERROR) {
		assert_null(t);
		return rcode;
	}
	enum transfer_step step;
	do
		step = transfer_step(t, signer, NOW_S, out, out->bytes + slice);
	while (step == TRANSFER_MORE);
	assert_int_equal(step, TRANSFER_OVER);
	*facts = transfer_facts(t);
	transfer_free(t);
	return RCODE_NOERROR;
}

static void copy_get(const struct snapshot *s, bool is_ixfr, uint32_t serial, struct copy *out)
{
	struct buf wire = {0};
	out->count = out->messages = 0;
	assert_int_equal(
	    transfer_all(s, "example.", is_ixfr, serial, 65536, &wire, &out->facts), RCODE_NOERROR);
	const uint8_t *at = (const uint8_t *)wire.data, *end = at + wire.bytes;
	while (at < end) {
		size_t bytes = get_u16(at);
		assert_true(bytes <= 16384 && bytes <= (size_t)(end - at - 2));
		message_read(at + 2, bytes, out);
		at += 2 + bytes;
	}
	assert_int_equal(out->messages, out->facts.messages);
	buf_free(&wire);
}

static bool is_soa(const char *line)
{
	return strstr(line, "\tIN\tSOA\t") != NULL;
}

static int line_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A whole zone as a set: the SOA at its end goes. */
static void copy_settle(struct copy *c)
{
	assert_true(c->count >= 2 && is_soa(c->lines[0]));
	assert_string_equal(c->lines[0], c->lines[c->count - 1]);
	free(c->lines[--c->count]);
	for (size_t i = 1; i < c->count; i++)
		assert_false(is_soa(c->lines[i]));
	qsort(c->lines, c->count, sizeof(c->lines[0]), line_order);
	for (size_t i = 1; i < c->count; i++)
		assert_string_not_equal(c->lines[i], c->lines[i - 1]);
}

static size_t copy_find(const struct copy *c, const char *line)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->lines[i] && strcmp(c->lines[i], line) == 0)
			return i;
	return SIZE_MAX;
}

/* Lays an IXFR onto the zone: what leaves must be there, what comes must not. */
static void copy_apply(struct copy *zone, const struct copy *difference)
{
	size_t i = 1, last = difference->count - 1;
	assert_true(difference->count >= 4 && is_soa(difference->lines[1]));
	for (bool leaves = true; i < last; i++) {
		const char *line = difference->lines[i];
		leaves = leaves && !(i > 1 && is_soa(line));
		size_t at = copy_find(zone, line);
		if (leaves) {
			if (at == SIZE_MAX)
				fail_msg("leaves, but is not there: %s", line);
			free(zone->lines[at]);
			zone->lines[at] = zone->lines[--zone->count];
		} else {
			if (at != SIZE_MAX)
				fail_msg("comes, but is there: %s", line);
			zone->lines[zone->count++] = mem_strdup(line);
		}
	}
	assert_string_equal(difference->lines[0], difference->lines[last]);
	qsort(zone->lines, zone->count, sizeof(zone->lines[0]), line_order);
}

static void copy_expect(const struct copy *found, const struct copy *wanted)
{
	for (size_t i = 0; i < found->count || i < wanted->count; i++) {
		if (i == found->count || i == wanted->count ||
		    strcmp(found->lines[i], wanted->lines[i]) != 0)
			fail_msg("found %s  wanted %s",
			    i < found->count ? found->lines[i] : "nothing",
			    i < wanted->count ? wanted->lines[i] : "nothing");
	}
}

/* --- tests ---------------------------------------------------------------------------------- */

static struct view_member members[] = {{{.family = 4, .bytes = {192, 0, 2, 1}}, 1, (char[]){"a"}},
    {{.family = 4, .bytes = {192, 0, 2, 2}}, 5, (char[]){"b"}},
    {{.family = 4, .bytes = {192, 0, 2, 3}}, 1, (char[]){"c"}},
    {{.family = 6, .bytes = {0x20, 1, [15] = 1}}, 1, (char[]){"a"}}};
static const struct view_pool pools[] = {{(char[]){"mail"}, 30, members, 4}};
static const struct view_name names[] = {
    {(char[]){"mail.example."}, (char[]){"example."}, (char[]){"mail"}, 0},
    {(char[]){"b.mail.example."}, (char[]){"example."}, (char[]){"mail"}, 60}};
static const char *const records[] = {"example. NS ns1.example.", "ns1.example. A 192.0.2.53",
    "Z.example. TXT \"last\"", "sub.example. NS ns.sub.example.", "ns.sub.example. A 192.0.2.54",
    "*.wild.example. TXT \"any\"", "a.deep.down.example. AAAA 2001:db8::1",
    "example. MX 10 mail.example.", "alias.example. CNAME mail.example.", NULL};
static const struct sample sample = {.records = records,
    .names = names,
    .names_count = 2,
    .pools = pools,
    .pools_count = 1,
    .serial_base = 100,
    .epoch = 7};

static void a_zone_is_told_in_canonical_order_with_its_pools(void **state)
{
	(void)state;
	static const char *const wanted[] = {"example. 300 SOA", "example. 300 NS ns1.example.",
	    "example. 300 MX 10 mail.example.", "alias.example. 300 CNAME mail.example.",
	    "a.deep.down.example. 300 AAAA 2001:db8::1", "mail.example. 30 A 192.0.2.1",
	    "mail.example. 30 A 192.0.2.2", "mail.example. 30 A 192.0.2.3",
	    "mail.example. 30 AAAA 2001::1", "b.mail.example. 60 A 192.0.2.1",
	    "b.mail.example. 60 A 192.0.2.2", "b.mail.example. 60 A 192.0.2.3",
	    "b.mail.example. 60 AAAA 2001::1", "ns1.example. 300 A 192.0.2.53",
	    "sub.example. 300 NS ns.sub.example.", "ns.sub.example. 300 A 192.0.2.54",
	    "*.wild.example. 300 TXT \"any\"", "z.example. 300 TXT \"last\"", "example. 300 SOA"};
	struct snapshot *s = snapshot_of(&sample, NULL);
	struct copy c;
	copy_get(s, false, 0, &c);
	for (size_t i = 0; i < c.count; i++) {
		char *text = c.lines[i];
		for (char *t = text; *t; t++)
			*t = *t == '\t' ? ' ' : *t;
		char *class = strstr(text, " IN ");
		memmove(class, class + 3, strlen(class + 3) + 1);
		assert_true(i < sizeof(wanted) / sizeof(wanted[0]));
		if (strncmp(text, wanted[i], strlen(wanted[i])) != 0)
			fail_msg("%zu: found %s wanted %s", i, text, wanted[i]);
	}
	assert_int_equal(c.count, sizeof(wanted) / sizeof(wanted[0]));
	assert_int_equal(c.facts.serial, 107);
	copy_free(&c);
	snapshot_free(s);
}

static void two_servers_tell_the_same_octets_in_slices_of_any_size(void **state)
{
	(void)state;
	struct sample in = sample;
	for (in.signing = UNSIGNED; in.signing <= CHAIN; in.signing++) {
		struct snapshot *one = snapshot_of(&in, NULL), *two = snapshot_of(&in, NULL);
		struct buf a = {0}, b = {0};
		struct transfer_facts facts;
		assert_int_equal(
		    transfer_all(one, "example.", false, 0, 65536, &a, &facts), RCODE_NOERROR);
		assert_int_equal(
		    transfer_all(two, "example.", false, 0, 1, &b, &facts), RCODE_NOERROR);
		assert_int_equal(a.bytes, b.bytes);
		assert_memory_equal(a.data, b.data, a.bytes);
		buf_free(&a);
		buf_free(&b);
		snapshot_free(one);
		snapshot_free(two);
	}
}

static void what_can_not_be_given_is_refused_with_a_reason(void **state)
{
	(void)state;
	struct sample in = sample;
	struct buf out = {0};
	struct transfer_facts facts;
	in.signing = COMPACT;
	struct snapshot *s = snapshot_of(&in, NULL);
	assert_int_equal(transfer_all(s, "example.", false, 0, 1, &out, &facts), RCODE_REFUSED);
	assert_non_null(strstr(transfer_obstacle(s->catalog->zones[0]), "denial: nsec"));
	assert_int_equal(
	    transfer_all(s, "mail.example.", false, 0, 1, &out, &facts), RCODE_NOTAUTH);
	assert_int_equal(transfer_all(s, "other.", false, 0, 1, &out, &facts), RCODE_NOTAUTH);
	assert_int_equal(transfer_all(NULL, "example.", false, 0, 1, &out, &facts), RCODE_SERVFAIL);
	assert_int_equal(out.bytes, 0);
	snapshot_free(s);
}

static void who_is_current_or_ahead_gets_the_soa_alone(void **state)
{
	(void)state;
	struct snapshot *s = snapshot_of(&sample, NULL);
	struct copy c;
	for (uint32_t ahead = 0; ahead < 2; ahead++) {
		copy_get(s, true, 107 + ahead, &c);
		assert_int_equal(c.count, 1);
		assert_int_equal(c.facts.kind, TRANSFER_CURRENT);
		copy_free(&c);
	}
	/* A serial that nobody remembers: the zone. */
	copy_get(s, true, 3, &c);
	assert_int_equal(c.facts.kind, TRANSFER_WHOLE);
	copy_settle(&c);
	copy_free(&c);
	snapshot_free(s);
}

static void over_udp_an_ixfr_gets_the_soa(void **state)
{
	(void)state;
	struct sample in = sample;
	in.signing = CHAIN;
	struct snapshot *s = snapshot_of(&in, NULL);
	uint8_t request[600], out[UDP_BYTES_MAX];
	struct answer_facts facts;
	struct query q;
	query_parse(&q, request, request_write(request, "example.", true, 3));
	/* Not yet allowed, then allowed. */
	size_t bytes = answer_build(s, &q, request, false, 0, out, sizeof(out), &facts);
	assert_int_equal(facts.rcode, RCODE_REFUSED);
	q.rcode = RCODE_NOERROR;
	q.signer = signer;
	q.dnssec_ok = true;
	bytes = answer_build(s, &q, request, false, 0, out, sizeof(out), &facts);
	assert_int_equal(facts.rcode, RCODE_NOERROR);
	assert_int_equal(get_u16(out + 6), 1);
	assert_int_equal(get_u32(out + bytes - SOA_TAIL_BYTES), serial_of(s, s->catalog->zones[0]));
	snapshot_free(s);
}

/* --- random changes ------------------------------------------------------------------------- */

struct dice {
	uint64_t state;
};

static size_t roll(struct dice *d, size_t sides)
{
	d->state = d->state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (size_t)(d->state >> 33) % sides;
}

enum { STEPS = 24, TEXTS = 64 };

/* Records out of few names and data, so that the same come and go. */
static void records_draw(struct dice *d, char *texts[static TEXTS])
{
	static const char *const kinds[] = {
	    "TXT \"", "A 192.0.2.", "AAAA 2001:db8::", "MX 1 mx", "TYPE65400 \\# 1 0"};
	static const char *const ends[] = {"\"", "", "", "", ""};
	size_t count = 0;
	texts[count++] = mem_strdup("example. NS ns1.example.");
	texts[count++] = mem_strdup("ns1.example. A 192.0.2.53");
	if (roll(d, 2))
		texts[count++] = mem_strdup("*.n3.example. TXT \"wild\"");
	if (roll(d, 2)) {
		texts[count++] = mem_strdup("cut.example. NS ns.cut.example.");
		texts[count++] = mem_printf("ns.cut.example. A 192.0.2.%zu", roll(d, 4));
	}
	texts[count++] = mem_printf("ttl.example. %zu TXT \"stays\"", 60 * roll(d, 3));
	for (size_t i = 0; i < 20; i++) /* most of a zone stays */
		texts[count++] =
		    mem_printf("m%zu.example. TXT \"a rather long text that stays\"", i);
	for (size_t i = roll(d, 20); i > 0; i--) {
		size_t kind = roll(d, 5);
		const char *above = roll(d, 3) ? "n" : "x.y.n";
		size_t number = roll(d, 8);
		texts[count++] = mem_printf("%s%zu.example. %s%zu%s", above, number, kinds[kind],
		    roll(d, 4) + 1, ends[kind]);
	}
	texts[count] = NULL;
}

/* TTLs of one RRset must agree, TXT at a delegation is below it: what is not sound is drawn again.
 */
static struct catalog *catalog_draw(struct dice *d, struct sample *in)
{
	char *texts[TEXTS];
	records_draw(d, texts);
	in->records = (const char *const *)texts;
	struct catalog *c = catalog_of(in);
	in->records = NULL;
	for (size_t i = 0; texts[i]; i++)
		free(texts[i]);
	return c;
}

static void differences_give_what_a_whole_transfer_gives(void **state)
{
	(void)state;
	static struct copy copies[STEPS];
	static uint32_t serials[STEPS];
	size_t differences = 0;
	for (uint64_t seed = 1; seed <= 12; seed++) {
		struct dice d = {seed};
		struct sample in = sample;
		struct snapshot_seat seat = {
		    .time_s = NOW_S, .limits = {.entries = STEPS, .bytes = 1 << 24}};
		struct view_pool pool = pools[0];
		in.pools = &pool;
		in.signing = seed % 2 ? CHAIN : UNSIGNED;
		struct catalog *c = catalog_draw(&d, &in);
		for (size_t step = 0; step < STEPS; step++) {
			size_t what = roll(&d, 4);
			if (what == 0) {
				catalog_drop(c);
				c = catalog_draw(&d, &in);
			}
			if (what == 3)
				seat.time_s += SERIAL_TURN_S;
			pool.members = members + roll(&d, 3);
			pool.members_count = (size_t)(members + 4 - pool.members);
			in.epoch++;
			snapshot_swap(&seat, snapshot_of(&in, c));
			copy_get(seat.now, false, 0, &copies[step]);
			copy_settle(&copies[step]);
			serials[step] = serial_of(seat.now, seat.now->catalog->zones[0]);
			struct copy difference;
			size_t from = step - roll(&d, step < 6 ? step + 1 : 6);
			copy_get(seat.now, true, serials[from], &difference);
			if (difference.facts.kind == TRANSFER_DIFFERENCE) {
				struct copy base = {.count = copies[from].count};
				for (size_t i = 0; i < base.count; i++)
					base.lines[i] = mem_strdup(copies[from].lines[i]);
				copy_apply(&base, &difference);
				copy_expect(&base, &copies[step]);
				copy_free(&base);
				differences++;
			}
			copy_free(&difference);
		}
		for (size_t step = 0; step < STEPS; step++)
			copy_free(&copies[step]);
		catalog_drop(c);
		snapshot_swap(&seat, NULL);
	}
	assert_true(differences > 100);
}

static void a_site_that_leaves_is_told_as_a_difference(void **state)
{
	(void)state;
	struct sample in = sample;
	struct snapshot_seat seat = {.time_s = NOW_S, .limits = {.entries = 4}};
	struct view_pool pool = pools[0];
	struct copy c;
	in.pools = &pool;
	struct catalog *catalog = catalog_of(&in);
	snapshot_swap(&seat, snapshot_of(&in, catalog));
	pool.members = members + 1;
	pool.members_count = 3;
	in.epoch++;
	snapshot_swap(&seat, snapshot_of(&in, catalog));
	copy_get(seat.now, true, 107, &c);
	assert_int_equal(c.facts.kind, TRANSFER_DIFFERENCE);
	assert_int_equal(c.count, 6); /* four SOAs, and one address at each name */
	assert_string_equal(c.lines[2], "mail.example.\t30\tIN\tA\t192.0.2.1\n");
	assert_string_equal(c.lines[3], "b.mail.example.\t60\tIN\tA\t192.0.2.1\n");
	copy_free(&c);
	catalog_drop(catalog);
	snapshot_swap(&seat, NULL);
}

static void a_serial_that_had_two_contents_is_no_base(void **state)
{
	(void)state;
	static const char *const other[] = {"example. NS ns1.example.", "ns1.example. A 192.0.2.99",
	    "other.example. TXT \"new\"", NULL};
	struct sample in = sample;
	struct snapshot_seat seat = {.time_s = NOW_S, .limits = {.entries = 8, .bytes = 1 << 24}};
	struct copy c;
	/* Read again without a change: still one content. */
	snapshot_swap(&seat, snapshot_of(&in, NULL));
	snapshot_swap(&seat, snapshot_of(&in, NULL));
	in.epoch++;
	in.records = other;
	snapshot_swap(&seat, snapshot_of(&in, NULL));
	copy_get(seat.now, true, 107, &c);
	assert_int_equal(c.facts.kind, TRANSFER_DIFFERENCE);
	copy_free(&c);
	/* Another content, the same serial; then a new one. */
	in.records = records;
	snapshot_swap(&seat, snapshot_of(&in, NULL));
	in.epoch++;
	snapshot_swap(&seat, snapshot_of(&in, NULL));
	copy_get(seat.now, true, 108, &c);
	assert_int_equal(c.facts.kind, TRANSFER_WHOLE);
	copy_free(&c);
	snapshot_swap(&seat, NULL);
}

static void catalogs_that_are_too_large_are_forgotten(void **state)
{
	(void)state;
	struct sample in = sample;
	struct snapshot_seat seat = {.time_s = NOW_S, .limits = {.entries = 8, .bytes = 1}};
	struct copy c;
	snapshot_swap(&seat, snapshot_of(&in, NULL));
	in.epoch++;
	snapshot_swap(&seat, snapshot_of(&in, NULL));
	assert_int_equal(seat.now->formers_count, 0);
	copy_get(seat.now, true, 107, &c);
	assert_int_equal(c.facts.kind, TRANSFER_WHOLE);
	copy_free(&c);
	snapshot_swap(&seat, NULL);
}

static void a_zone_below_is_delegated_with_its_glue(void **state)
{
	(void)state;
	static const char *const above[] = {"example. NS ns.example.", "ns.example. A 192.0.2.1",
	    "ns.sub.example. A 192.0.2.9", NULL};
	static const char *const below[] = {"sub.example. NS ns.sub.example.",
	    "sub.example. NS out.other.", "ns.sub.example. A 192.0.2.2",
	    "ns.sub.example. TXT \"mine\"", "www.sub.example. A 192.0.2.3", NULL};
	static const struct world_zone zones[] = {
	    {"example.", above, 1}, {"sub.example.", below, 1}};
	const struct world w = {.zones = zones, .zones_count = 2, .epoch = 1};
	struct snapshot *s = world_new(&w);
	struct copy c;
	copy_get(s, false, 0, &c);
	assert_int_equal(c.count, 7);
	assert_string_equal(c.lines[3], "sub.example.\t300\tIN\tNS\tns.sub.example.\n");
	assert_string_equal(c.lines[4], "sub.example.\t300\tIN\tNS\tout.other.\n");
	assert_string_equal(c.lines[5], "ns.sub.example.\t300\tIN\tA\t192.0.2.2\n");
	copy_free(&c);
	snapshot_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_zone_is_told_in_canonical_order_with_its_pools),
	    cmocka_unit_test(two_servers_tell_the_same_octets_in_slices_of_any_size),
	    cmocka_unit_test(what_can_not_be_given_is_refused_with_a_reason),
	    cmocka_unit_test(who_is_current_or_ahead_gets_the_soa_alone),
	    cmocka_unit_test(over_udp_an_ixfr_gets_the_soa),
	    cmocka_unit_test(differences_give_what_a_whole_transfer_gives),
	    cmocka_unit_test(a_site_that_leaves_is_told_as_a_difference),
	    cmocka_unit_test(a_serial_that_had_two_contents_is_no_base),
	    cmocka_unit_test(catalogs_that_are_too_large_are_forgotten),
	    cmocka_unit_test(a_zone_below_is_delegated_with_its_glue),
	};
	return cmocka_run_group_tests(tests, tools_make, tools_remove);
}
