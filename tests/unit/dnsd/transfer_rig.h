/* What tests of transfers share: a zone in the making, and a secondary that takes it over. */
#ifndef TANDEM_TESTS_TRANSFER_RIG_H
#define TANDEM_TESTS_TRANSFER_RIG_H

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

static inline int tools_make(void **state)
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

static inline int tools_remove(void **state)
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

static inline struct catalog *catalog_of(const struct sample *in)
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
static inline struct snapshot *snapshot_of(const struct sample *in, struct catalog *c)
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

static inline void copy_free(struct copy *c)
{
	for (size_t i = 0; i < c->count; i++)
		free(c->lines[i]);
	c->count = 0;
}

static inline size_t request_write(uint8_t *out, const char *zone, bool is_ixfr, uint32_t serial)
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

static inline void message_read(const uint8_t *wire, size_t bytes, struct copy *out)
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
static inline enum dns_rcode transfer_all(const struct snapshot *s, const char *zone, bool is_ixfr,
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

static inline void copy_get(
    const struct snapshot *s, bool is_ixfr, uint32_t serial, struct copy *out)
{
	struct buf wire = {0};
	*out = (struct copy){0};
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

static inline bool is_soa(const char *line)
{
	return strstr(line, "\tIN\tSOA\t") != NULL;
}

static inline int line_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A whole zone as a set: the SOA at its end goes. */
static inline void copy_settle(struct copy *c)
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

/* --- the sample ----------------------------------------------------------------------------- */

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

#endif
