/* Signed zones: the same octets everywhere, proofs that hold, and bounds on what can be asked for.
 * Whether validators agree is told by tests/e2e/test_dnssec.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dnsd/canonical.h"
#include "dnsd/denial.h"
#include "dnsd/octets.h"
#include "dnsd/serial.h"
#include "dnsd/signature_cache.h"
#include "dnsd/signer.h"
#include "dnsd/zone_files.h"
#include "lib/base/mem.h"
#include "lib/file.h"
#include "tests/unit/dnsd/ask.h"

enum { NOW_S = 1790000000 };

static const char zone_text[] = "$TTL 300\n"
                                "@ SOA ns1 host 7 3600 900 604800 60\n"
                                "@ NS ns1\n"
                                "ns1 A 192.0.2.53\n"
                                "mail A 192.0.2.2\n"
                                "mail A 192.0.2.1\n"
                                "*.wild TXT \"any\"\n"
                                "*.alias CNAME Mail\n"
                                "*.beyond CNAME h.sub\n"
                                "*.hop CNAME x.alias\n"
                                "*.lost CNAME nope\n"
                                "www CNAME Mail\n"
                                "sub NS ns1\n";
static char folder[] = "/tmp/tandem-signing-XXXXXX";
static char *zone_path, *key_path;

static int files_make(void **state)
{
	static const uint8_t secret[DNSKEY_SECRET_BYTES] = {[31] = 42};
	struct dnskey *k;
	(void)state;
	assert_non_null(mkdtemp(folder));
	zone_path = mem_printf("%s/zone", folder);
	key_path = mem_printf("%s/key", folder);
	assert_int_equal(
	    file_write_atomic(zone_path, zone_text, sizeof(zone_text) - 1, 0600, NULL), 0);
	assert_int_equal(
	    dnskey_new_of_secret("example.", DNSKEY_ECDSAP256SHA256, DNSKEY_CSK, secret, &k, NULL),
	    0);
	k->state = DNSKEY_ACTIVE;
	assert_int_equal(dnskey_write(k, key_path, NULL), 0);
	dnskey_free(k);
	return 0;
}

static int files_remove(void **state)
{
	(void)state;
	unlink(zone_path);
	unlink(key_path);
	rmdir(folder);
	free(zone_path);
	free(key_path);
	return 0;
}

struct server { /* as if in a process of its own */
	struct zone_files files;
	struct snapshot *snapshot;
	struct signer *signer;
	uint64_t now_ns;
};

static struct server server_new(enum config_denial denial, const struct signer_limits *limits)
{
	struct server v = {.signer = signer_new(limits), .now_ns = 1};
	struct err e = {0};
	const struct config_zone_file zone = {.name = (char[]){"example."},
	    .file = zone_path,
	    .keys = (char *[]){key_path},
	    .keys_count = 1,
	    .denial = denial};
	if (zone_files_load(&v.files, &zone, 1, &v.snapshot, &e) != 0)
		fail_msg("%s", e.text);
	return v;
}

static void server_free(struct server *v)
{
	snapshot_free(v->snapshot);
	zone_files_free(&v->files);
	signer_free(v->signer);
}

static size_t server_ask(
    struct server *v, const char *text, uint32_t now_s, uint8_t *out, struct answer_facts *facts)
{
	struct question question;
	struct query q;
	question_parse(&question, text);
	query_parse(&q, question.wire, question.bytes);
	v->snapshot->time_s = now_s;
	/* Later than the former, so that what a slow machine used up is there again. */
	signer_enter(v->signer, v->now_ns += 900000000);
	q.signer = v->signer;
	return answer_build(
	    v->snapshot, &q, question.wire, question.tcp, 0, out, MESSAGE_BYTES_MAX, facts);
}

static const char *const questions[] = {"example. SOA +edns=1232 +do",
    "example. DNSKEY +edns=1232 +do", "mail.example. A +edns=1232 +do",
    "mail.example. TXT +edns=1232 +do", "nope.example. A +edns=1232 +do",
    "x.wild.example. TXT +edns=1232 +do", "x.wild.example. A +edns=1232 +do",
    "www.example. A +edns=1232 +do", "h.sub.example. A +edns=1232 +do"};

static void two_servers_answer_with_the_same_octets(void **state)
{
	(void)state;
	static uint8_t a[MESSAGE_BYTES_MAX], b[MESSAGE_BYTES_MAX];
	for (int denial = CONFIG_DENIAL_COMPACT; denial <= CONFIG_DENIAL_NSEC; denial++) {
		struct server one = server_new((enum config_denial)denial, &SIGNER_UDP);
		struct server two = server_new((enum config_denial)denial, &SIGNER_TCP);
		for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
			struct answer_facts facts;
			size_t bytes = server_ask(&one, questions[i], NOW_S, a, &facts);
			assert_int_equal(server_ask(&two, questions[i], NOW_S, b, &facts), bytes);
			assert_memory_equal(a, b, bytes);
			/* Remembered, and not made again. */
			struct signer_counts before = signer_counts_take(one.signer);
			assert_int_equal(server_ask(&one, questions[i], NOW_S, b, &facts), bytes);
			assert_memory_equal(a, b, bytes);
			struct signer_counts after = signer_counts_take(one.signer);
			assert_int_equal(after.made, 0);
			assert_int_equal(after.remembered, before.made + before.remembered);
		}
		server_free(&one);
		server_free(&two);
	}
}

/* The types in each section, as "A RRSIG | NSEC RRSIG | ". */
static char *sections_text(const uint8_t *wire, size_t bytes)
{
	struct buf out = {0};
	ldns_pkt *p;
	ldns_status status = ldns_wire2pkt(&p, wire, bytes);
	assert_int_equal(status, LDNS_STATUS_OK);
	const ldns_rr_list *lists[] = {
	    ldns_pkt_answer(p), ldns_pkt_authority(p), ldns_pkt_additional(p)};
	for (size_t i = 0; i < 3; i++) {
		for (size_t k = 0; k < ldns_rr_list_rr_count(lists[i]); k++) {
			char *type =
			    ldns_rr_type2str(ldns_rr_get_type(ldns_rr_list_rr(lists[i], k)));
			buf_printf(&out, "%s ", type);
			free(type);
		}
		buf_puts(&out, i < 2 ? "| " : "");
	}
	ldns_pkt_free(p);
	return buf_take(&out);
}

/* The proof that nothing closer stands there is for the authority section: it was put between the
 * alias and what it led to, and validators then believed neither. */
static void what_a_wildcard_alias_leads_to_stands_before_the_proof_of_the_wildcard(void **state)
{
	static const struct {
		const char *question, *sections;
	} table[] = {{"x.alias.example. A", "CNAME RRSIG A A RRSIG | NSEC RRSIG | "},
	    {"x.hop.example. A", "CNAME RRSIG CNAME RRSIG A A RRSIG | NSEC RRSIG NSEC RRSIG | "},
	    {"x.beyond.example. A", "CNAME RRSIG | NSEC RRSIG NS NSEC RRSIG | A "},
	    {"x.lost.example. A", "CNAME RRSIG | SOA RRSIG NSEC RRSIG NSEC RRSIG NSEC RRSIG | "},
	    {"x.wild.example. TXT", "TXT RRSIG | NSEC RRSIG | "}};
	static uint8_t out[MESSAGE_BYTES_MAX];
	struct server v = server_new(CONFIG_DENIAL_NSEC, &SIGNER_UDP);
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct answer_facts facts;
		char question[100];
		(void)snprintf(
		    question, sizeof(question), "%s +do +tcp +edns=1232", table[i].question);
		size_t n = server_ask(&v, question, NOW_S, out, &facts);
		char *found = sections_text(out, n);
		if (strcmp(found, table[i].sections) != 0)
			fail_msg("%s\n  expected: %s\n  found:    %s", table[i].question,
			    table[i].sections, found);
		free(found);
	}
	server_free(&v);
}

/* No pointer reaches beyond 16 KiB: a proof behind such an RRset can not be written, and must not
 * end the server. */
static void a_wildcard_too_large_to_be_proven_is_a_servfail(void **state)
{
	static uint8_t out[MESSAGE_BYTES_MAX];
	struct answer_facts facts;
	struct buf text = {0};
	char *small = zone_path;
	(void)state;
	buf_puts(&text, zone_text);
	for (int i = 0; i < 200; i++)
		buf_printf(&text, "*.large TXT \"%0100d\"\n", i);
	zone_path = mem_printf("%s/large", folder);
	assert_int_equal(file_write_atomic(zone_path, text.data, text.bytes, 0600, NULL), 0);
	struct server v = server_new(CONFIG_DENIAL_NSEC, &SIGNER_UDP);
	(void)server_ask(&v, "x.large.example. TXT +do +tcp +edns=1232", NOW_S, out, &facts);
	assert_int_equal(facts.rcode, RCODE_SERVFAIL);
	(void)server_ask(&v, "x.large.example. TXT +tcp +edns=1232", NOW_S, out, &facts);
	assert_int_equal(facts.rcode, RCODE_NOERROR);
	server_free(&v);
	unlink(zone_path);
	free(zone_path);
	buf_free(&text);
	zone_path = small;
}

static void who_does_not_ask_gets_what_an_unsigned_zone_gives(void **state)
{
	(void)state;
	static uint8_t out[MESSAGE_BYTES_MAX];
	struct answer_facts facts;
	struct server v = server_new(CONFIG_DENIAL_COMPACT, &SIGNER_UDP);
	server_ask(&v, "mail.example. TXT +edns=1232", NOW_S, out, &facts);
	server_ask(&v, "nope.example. A +edns=1232", NOW_S, out, &facts);
	assert_int_equal(facts.rcode, RCODE_NXDOMAIN);
	struct signer_counts counts = signer_counts_take(v.signer);
	assert_int_equal(counts.made + counts.remembered + counts.starved, 0);
	server_free(&v);
}

static void signatures_asked_for_by_type_are_those_of_one_rrset(void **state)
{
	(void)state;
	static uint8_t out[MESSAGE_BYTES_MAX];
	static const struct {
		const char *question, *wanted;
	} table[] = {{"mail.example. RRSIG", " | mail.example. 300 RRSIG A 13 2 300 "},
	    {"www.example. RRSIG +edns=1232 +do", " | www.example. 300 RRSIG CNAME 13 2 300 "},
	    {"wild.example. RRSIG", " |  | example. 60 SOA "},
	    {"nope.nope.example. RRSIG", " |  | example. 60 SOA "}};
	struct answer_facts facts;
	struct server v = server_new(CONFIG_DENIAL_NSEC, &SIGNER_UDP);
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		size_t bytes = server_ask(&v, table[i].question, NOW_S, out, &facts);
		char *found = answer_text(out, bytes);
		if (!strstr(found, table[i].wanted) || strstr(found, "; mail") ||
		    strstr(found, "NSEC"))
			fail_msg("%s: %s", table[i].question, found);
		free(found);
	}
	server_free(&v);
}

/* It is in the zone, beside a CNAME too; its signature is for those who say DO. */
static void nsec_asked_for_by_its_type_is_given_without_do(void **state)
{
	(void)state;
	static uint8_t out[MESSAGE_BYTES_MAX];
	struct answer_facts facts;
	struct server v = server_new(CONFIG_DENIAL_NSEC, &SIGNER_UDP);
	size_t bytes = server_ask(&v, "www.example. NSEC", NOW_S, out, &facts);
	char *found = answer_text(out, bytes);
	assert_non_null(strstr(found, " | www.example. 60 NSEC "));
	assert_null(strstr(found, "RRSIG A"));
	assert_int_equal(get_u16(out + 6), 1);
	free(found);
	(void)server_ask(&v, "www.example. NSEC +edns=1232 +do", NOW_S, out, &facts);
	assert_int_equal(get_u16(out + 6), 2);
	server_free(&v);
}

static void a_flood_of_names_leaves_signatures_for_those_that_exist(void **state)
{
	(void)state;
	static uint8_t out[MESSAGE_BYTES_MAX];
	static const struct signer_limits limits = {
	    .entries = 64, .denial_entries = 4, .share = 100, .denial_share = 0, .burst_ms = 1000};
	struct answer_facts facts;
	struct server v = server_new(CONFIG_DENIAL_COMPACT, &limits);
	size_t cut = 0;
	/* What was saved up is used, then nothing more is made for names that are made up. */
	for (size_t i = 0; i < 100000 && cut == 0; i++) {
		char text[64];
		(void)snprintf(text, sizeof(text), "n%zu.example. A +edns=1232 +do", i);
		server_ask(&v, text, NOW_S, out, &facts);
		cut += facts.truncated;
	}
	assert_int_equal(cut, 1);
	server_ask(&v, "mail.example. A +edns=1232 +do", NOW_S, out, &facts);
	assert_false(facts.truncated);
	server_ask(&v, "more.example. A +edns=1232 +do +tcp", NOW_S, out, &facts);
	assert_int_equal(facts.rcode, RCODE_SERVFAIL);
	server_free(&v);
}

/* Names of a zone that is signed, or not. */
static struct zone zone_of(const struct zone_keys *keys)
{
	static const struct zone_top top = {.serial_base = 7};
	return (struct zone){
	    .keys = keys, .top = &top, .phase_s = serial_phase((const uint8_t *)"\7example", 9)};
}

static void signatures_turn_a_few_at_a_time_and_stay_four_days(void **state)
{
	(void)state;
	static const struct zone_keys keys;
	const struct zone z = zone_of(&keys);
	uint32_t turn = serial_turn(&z, NOW_S),
	         begin = (uint32_t)SERIAL_FIRST_S + z.phase_s + turn * SERIAL_TURN_S;
	size_t turned = 0, all = 1000;
	assert_true(begin <= NOW_S && NOW_S - begin < SERIAL_TURN_S);
	assert_int_equal(begin % SERIAL_PHASE_S, 0);
	for (size_t i = 0; i < all; i++) {
		char name[] = "\4n000\7example";
		(void)snprintf(name + 2, 4, "%03zu", i);
		name[5] = 7;
		uint32_t start =
		    serial_window_start(&z, turn, (const uint8_t *)name, sizeof(name), TYPE_A);
		uint32_t next =
		    serial_window_start(&z, turn + 1, (const uint8_t *)name, sizeof(name), TYPE_A);
		assert_true(start <= begin && begin - start < SERIAL_WINDOW_TURNS * SERIAL_TURN_S);
		assert_true(next == start || next == begin + SERIAL_TURN_S);
		turned += next != start;
	}
	assert_in_range(turned, all / 32, all / 8);
	/* What tells the keys is never older than the turn. */
	assert_int_equal(
	    serial_window_start(&z, turn, (const uint8_t *)"\7example", 9, TYPE_DNSKEY), begin);
}

static void serials_of_signed_zones_grow_with_epochs_and_turns(void **state)
{
	(void)state;
	static const struct zone_keys keys;
	const struct zone z = zone_of(&keys), plain = zone_of(NULL);
	struct catalog catalog = {0};
	struct snapshot now = {.catalog = &catalog, .epoch = 40, .time_s = NOW_S}, turned = now,
	                next = now;
	turned.time_s += SERIAL_TURN_S;
	next.epoch++;
	assert_int_equal(serial_of(&now, &plain), 47);
	assert_int_equal(serial_of(&turned, &plain), 47);
	assert_true(serial_is_newer(serial_of(&next, &z), serial_of(&now, &z)));
	/* Whichever comes first on a server: no serial stands for both. */
	assert_true(serial_is_newer(serial_of(&turned, &z), serial_of(&next, &z)));
	assert_int_equal((serial_of(&now, &z) - 7) % SERIAL_TURN_STEP, 40);
	/* The first to sign: still newer than it was without. */
	assert_true(serial_is_newer(serial_of(&now, &z), serial_of(&now, &plain)));
	assert_int_equal(serial_turn(&z, 0), 0);
}

static void a_turn_is_a_snapshot_of_its_own_and_the_former_ones_are_remembered(void **state)
{
	(void)state;
	struct server v = server_new(CONFIG_DENIAL_NSEC, &SIGNER_UDP);
	struct snapshot_seat seat = {.time_s = NOW_S, .limits = {.entries = 2, .bytes = 0}};
	const struct zone *z = v.snapshot->catalog->zones[0];
	snapshot_swap(&seat, v.snapshot);
	uint32_t first = serial_of(seat.now, z);
	assert_false(snapshot_turn(&seat, NOW_S + 0));
	for (uint32_t i = 1; i <= 3; i++) {
		assert_true(snapshot_turn(&seat, NOW_S + i * SERIAL_TURN_S));
		assert_int_equal(serial_of(seat.now, z), first + i * SERIAL_TURN_STEP);
		assert_int_equal(seat.now->formers_count, i < 2 ? i : 2);
		assert_int_equal(
		    serial_of(seat.now->formers[0], z), first + (i - 1) * SERIAL_TURN_STEP);
	}
	/* Who holds it keeps it, whatever is swapped in. Catalogs that are served no longer count.
	 */
	struct snapshot *held = snapshot_hold(seat.now);
	struct server other = server_new(CONFIG_DENIAL_NSEC, &SIGNER_UDP);
	snapshot_swap(&seat, other.snapshot);
	assert_int_equal(seat.now->formers_count, 0);
	assert_int_equal(serial_of(held, z), first + 3 * SERIAL_TURN_STEP);
	snapshot_free(held);
	snapshot_swap(&seat, NULL);
	v.snapshot = other.snapshot = NULL;
	server_free(&v);
	server_free(&other);
}

static void bitmaps_are_those_of_rfc_4034(void **state)
{
	(void)state;
	/* Section 4.3: A MX RRSIG NSEC TYPE1234, next host.example.com. */
	static const uint16_t types[] = {1, 15, 46, 47, 1234};
	static const uint8_t next[] = "\4host\7example\3com";
	static const uint8_t wanted[] = {0x00, 0x06, 0x40, 0x01, 0x00, 0x00, 0x00, 0x03, 0x04, 0x1b,
	    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x20};
	struct nsec n;
	nsec_build(&n, next, sizeof(next), types, 5, 60);
	assert_int_equal(n.set.bytes, RR_HEAD_BYTES + sizeof(next) + sizeof(wanted));
	assert_memory_equal(n.body + RR_HEAD_BYTES + sizeof(next), wanted, sizeof(wanted));
	assert_int_equal(get_u16(n.body + RR_RDATA_BYTES_AT), sizeof(next) + sizeof(wanted));
}

static void names_order_as_in_rfc_4034(void **state)
{
	(void)state;
	static const char *const order[] = {"example.", "a.example.", "yljkjljk.a.example.",
	    "Z.a.example.", "zABC.a.EXAMPLE.", "z.example.", "\\001.z.example.", "*.z.example.",
	    "\\200.z.example."};
	for (size_t i = 0; i < 9; i++)
		for (size_t j = 0; j < 9; j++) {
			struct name a, b;
			assert_int_equal(name_parse(&a, order[i], NULL), 0);
			assert_int_equal(name_parse(&b, order[j], NULL), 0);
			int found = canonical_compare(a.wire, a.bytes, b.wire, b.bytes);
			assert_int_equal((found > 0) - (found < 0), (i > j) - (i < j));
		}
}

static void nothing_lies_between_a_name_and_its_successor(void **state)
{
	(void)state;
	static const uint8_t apex_name[] = "\7example";
	struct name apex;
	assert_int_equal(name_parse(&apex, "example.", NULL), 0);
	uint8_t next[NAME_BYTES];
	struct name n = {0}, long_one;
	assert_int_equal(name_parse(&n, "a.example.", NULL), 0);
	assert_int_equal(denial_successor(&n, &apex, next), n.bytes + 2);
	assert_memory_equal(next, "\1\0\1a\7example", 13);
	/* 255 octets: there is no longer one, so the leftmost label grows. */
	uint8_t wire[NAME_BYTES];
	size_t at = 0;
	static const uint8_t lengths[] = {51, 63, 63, 63};
	for (size_t i = 0; i < 4; i++) {
		wire[at++] = lengths[i];
		memset(wire + at, i == 0 ? '@' : 'x', lengths[i]);
		at += lengths[i];
	}
	wire[at++] = 1;
	wire[at++] = 'e';
	memcpy(wire + at, apex_name, sizeof(apex_name));
	assert_true(name_read(&long_one, wire, sizeof(wire)));
	assert_int_equal(long_one.bytes, NAME_BYTES);
	size_t bytes = denial_successor(&long_one, &apex, next);
	assert_int_equal(bytes, long_one.bytes);
	assert_int_equal(
	    next[next[0]], 'Z' + 1); /* behind "@" come the capitals, which count as small */
	assert_true(canonical_compare(next, bytes, long_one.wire, long_one.bytes) > 0);
}

static void cache_keeps_its_size_and_what_is_used(void **state)
{
	(void)state;
	struct signature_cache *c = signature_cache_new(4);
	struct fingerprint hot = {{0, 1}};
	memset(signature_cache_add(c, &hot), 7, DNSKEY_SIGNATURE_BYTES);
	for (uint64_t i = 0; i < 1000; i++) {
		struct fingerprint f = {{i, 1000 + i}};
		assert_null(signature_cache_find(c, &f));
		signature_cache_add(c, &f);
		const uint8_t *found = signature_cache_find(c, &hot);
		assert_non_null(found);
		assert_int_equal(found[0], 7);
	}
	signature_cache_free(c);
}

static void fingerprints_are_siphash(void **state)
{
	(void)state;
	/* The reference's vectors: key 00 … 0f, message 00 01 …, of 0, 1 and 15 octets; read as
	 * little-endian words. */
	static const struct {
		size_t bytes;
		uint64_t halves[2];
	} table[] = {{0, {0xe6a825ba047f81a3, 0x930255c71472f66d}},
	    {1, {0x44af996bd8c187da, 0x45fc229b11597634}}};
	const struct fingerprint_key key = {{0x0706050403020100, 0x0f0e0d0c0b0a0908}};
	uint8_t message[64];
	for (size_t i = 0; i < sizeof(message); i++)
		message[i] = (uint8_t)i;
	for (size_t i = 0; i < 2; i++) {
		struct fingerprint_state s;
		fingerprint_begin(&s, &key);
		fingerprint_add(&s, message, table[i].bytes);
		struct fingerprint f = fingerprint_end(&s);
		assert_true(f.halves[0] == table[i].halves[0]);
		assert_true(f.halves[1] == table[i].halves[1]);
	}
	/* However the octets come in. */
	struct fingerprint_state whole, parts;
	fingerprint_begin(&whole, &key);
	fingerprint_begin(&parts, &key);
	fingerprint_add(&whole, message, 61);
	for (size_t at = 0, step = 1; at < 61; at += step, step = step % 11 + 1)
		fingerprint_add(&parts, message + at, step < 61 - at ? step : 61 - at);
	struct fingerprint a = fingerprint_end(&whole), b = fingerprint_end(&parts);
	assert_memory_equal(&a, &b, sizeof(a));
}

static void keys_that_do_not_fit_together_are_refused(void **state)
{
	(void)state;
	struct err e = {0};
	struct zone_keys *k;
	struct config_zone_file zone = {
	    .name = (char[]){"other."}, .keys = (char *[]){key_path, key_path}, .keys_count = 1};
	assert_int_equal(zone_keys_read(&zone, &k, &e), E_INVALID);
	assert_non_null(strstr(e.text, "is a key of \"example.\""));
	zone.name = (char[]){"example."};
	zone.keys_count = 2;
	assert_int_equal(zone_keys_read(&zone, &k, &e), E_INVALID);
	assert_non_null(strstr(e.text, "is that of another key"));
	struct dnskey *key;
	assert_int_equal(dnskey_read(key_path, &key, NULL), 0);
	key->state = DNSKEY_PUBLISHED;
	char *path = mem_printf("%s/second", folder);
	assert_int_equal(dnskey_write(key, path, NULL), 0);
	zone.keys = &path;
	zone.keys_count = 1;
	assert_int_equal(zone_keys_read(&zone, &k, &e), E_INVALID);
	assert_non_null(strstr(e.text, "no active csk or ksk"));
	key->state = DNSKEY_ACTIVE;
	key->role = DNSKEY_KSK;
	assert_int_equal(dnskey_write(key, path, NULL), 0);
	assert_int_equal(zone_keys_read(&zone, &k, &e), E_INVALID);
	assert_non_null(strstr(e.text, "no active csk or zsk of algorithm ecdsap256sha256"));
	dnskey_free(key);
	unlink(path);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(two_servers_answer_with_the_same_octets),
	    cmocka_unit_test(
	        what_a_wildcard_alias_leads_to_stands_before_the_proof_of_the_wildcard),
	    cmocka_unit_test(a_wildcard_too_large_to_be_proven_is_a_servfail),
	    cmocka_unit_test(who_does_not_ask_gets_what_an_unsigned_zone_gives),
	    cmocka_unit_test(signatures_asked_for_by_type_are_those_of_one_rrset),
	    cmocka_unit_test(nsec_asked_for_by_its_type_is_given_without_do),
	    cmocka_unit_test(a_flood_of_names_leaves_signatures_for_those_that_exist),
	    cmocka_unit_test(signatures_turn_a_few_at_a_time_and_stay_four_days),
	    cmocka_unit_test(serials_of_signed_zones_grow_with_epochs_and_turns),
	    cmocka_unit_test(a_turn_is_a_snapshot_of_its_own_and_the_former_ones_are_remembered),
	    cmocka_unit_test(bitmaps_are_those_of_rfc_4034),
	    cmocka_unit_test(names_order_as_in_rfc_4034),
	    cmocka_unit_test(nothing_lies_between_a_name_and_its_successor),
	    cmocka_unit_test(cache_keeps_its_size_and_what_is_used),
	    cmocka_unit_test(fingerprints_are_siphash),
	    cmocka_unit_test(keys_that_do_not_fit_together_are_refused),
	};
	return cmocka_run_group_tests(tests, files_make, files_remove);
}
