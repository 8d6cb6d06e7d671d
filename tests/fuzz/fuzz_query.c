/* libFuzzer: any octets as a message over UDP or TCP. Nothing may crash, nothing may be written
 * past the buffer, and what goes out must be a message that another implementation (ldns) can read.
 *
 * The first octet of the input: bit 0 chooses TCP, bits 1 and 2 the zone (0 plain, 1 signed with
 * compact denial, 2 signed with NSEC, 3 nothing to serve yet), the others the turn of the rotation.
 * The rest is the message. */
#include <assert.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

#include "dnsd/answer.h"
#include "dnsd/edns.h"
#include "dnsd/octets.h"
#include "dnsd/signer.h"
#include "lib/base/mem.h"
#include "tests/fuzz/scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define TEXT(literal) ((char[]){literal})

static char *records[] = {TEXT("example. 300 NS ns1.example."),
    TEXT("example. 300 MX 10 a.example."), TEXT("b.example. 300 CNAME a.example."),
    TEXT("c.example. 300 CNAME d.example."), TEXT("d.example. 300 CNAME c.example."),
    TEXT("*.w.example. 300 TXT \"wild\""), TEXT("*.v.example. 300 CNAME x.w.example."),
    TEXT("s.example. 300 NS n.s.example."), TEXT("n.s.example. 300 A 192.0.2.77"),
    TEXT("h.example. 60 DNAME g.h2.example."), TEXT("h2.example. 60 DNAME h.example."),
    TEXT("e.f.g.example. 300 SRV 1 2 3 a.example."), TEXT("x.example. 300 TYPE65280 \\# 3 aabbcc")};
static struct view_zone zone = {.name = TEXT("example."),
    .ttl_s = 300,
    .soa_mname = TEXT("ns1.example."),
    .soa_rname = TEXT("host.example."),
    .records = records,
    .records_count = sizeof(records) / sizeof(records[0])};
static struct view_member members[60];
static struct view_pool pool = {TEXT("p"), 30, members, 60};
static struct view_name name = {TEXT("a.example."), TEXT("example."), TEXT("p"), 7};

static struct zone_keys *keys_new_for_fuzzing(enum config_denial denial)
{
	static const uint8_t secret[DNSKEY_SECRET_BYTES] = {[31] = 42};
	struct dnskey *k;
	struct zone_keys *keys;
	char *path = (char *)(uintptr_t)scratch_write("key", secret, 0);
	int failed =
	    dnskey_new_of_secret("example.", DNSKEY_ECDSAP256SHA256, DNSKEY_CSK, secret, &k, NULL);
	assert(!failed);
	k->state = DNSKEY_ACTIVE;
	failed = dnskey_write(k, path, NULL);
	assert(!failed);
	dnskey_free(k);
	const struct config_zone_file z = {
	    .name = zone.name, .keys = &path, .keys_count = 1, .denial = denial};
	failed = zone_keys_read(&z, &keys, NULL);
	assert(!failed);
	return keys;
}

static struct snapshot *snapshot_new_for_fuzzing(bool is_signed, enum config_denial denial)
{
	struct zone_data *data;
	struct catalog *catalog;
	struct pooltable *pools;
	for (uint8_t i = 0; i < 60; i++)
		members[i] =
		    (struct view_member){{i % 2 ? 4 : 6, {192, 0, 2, i}}, (uint16_t)(i + 1), NULL};
	int failed = zone_data_read_view(&zone, &data, NULL);
	assert(!failed);
	if (is_signed) {
		struct zone_keys *keys = keys_new_for_fuzzing(denial);
		failed = zone_keys_apply(keys, data, NULL);
		assert(!failed);
		zone_keys_drop(keys);
	}
	struct catalog_input in = {.zones = &data,
	    .zones_count = 1,
	    .names = &name,
	    .names_count = 1,
	    .pools = &pool,
	    .pools_count = 1};
	failed = catalog_build(&in, &catalog, NULL);
	assert(!failed);
	failed = pooltable_build(catalog, &pool, 1, &pools, NULL);
	assert(!failed);
	zone_data_free(data);
	struct snapshot *s = snapshot_new(catalog, pools, 42);
	s->time_s = 1790000000;
	return s;
}

static const struct edns_policy policy = {
    .nsid = "fuzzed", .nsid_bytes = EDNS_NSID_BYTES_MAX, .cookies = {.count = 2}};
static const struct addr client = {4, {192, 0, 2, 1}};
static struct cookie_mill *mill;
static struct edns_reply reply;

static bool is_one_of(const ldns_rr *rr, const ldns_rr_type *types)
{
	while (*types != 0 && *types != ldns_rr_get_type(rr))
		types++;
	return *types != 0;
}

/* Each section has only what belongs there, so none was begun too early. */
static void sections_check(const ldns_pkt *p)
{
	static const ldns_rr_type authority[] = {LDNS_RR_TYPE_SOA, LDNS_RR_TYPE_NS, LDNS_RR_TYPE_DS,
	    LDNS_RR_TYPE_NSEC, LDNS_RR_TYPE_RRSIG, 0};
	static const ldns_rr_type additional[] = {
	    LDNS_RR_TYPE_A, LDNS_RR_TYPE_AAAA, LDNS_RR_TYPE_OPT, LDNS_RR_TYPE_TSIG, 0};
	const ldns_rr_list *list = ldns_pkt_authority(p);
	for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++)
		assert(is_one_of(ldns_rr_list_rr(list, i), authority));
	list = ldns_pkt_additional(p);
	for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++)
		assert(is_one_of(ldns_rr_list_rr(list, i), additional));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static struct snapshot *snapshots[4]; /* the last: none */
	static struct signer *signer;
	struct answer_facts facts;
	if (!signer) {
		snapshots[0] = snapshot_new_for_fuzzing(false, CONFIG_DENIAL_COMPACT);
		snapshots[1] = snapshot_new_for_fuzzing(true, CONFIG_DENIAL_COMPACT);
		snapshots[2] = snapshot_new_for_fuzzing(true, CONFIG_DENIAL_NSEC);
		signer = signer_new(&SIGNER_UDP);
		int failed = cookie_mill_new(&mill, NULL);
		assert(!failed);
	}
	if (bytes < 1)
		return 0;
	bool over_tcp = data[0] & 1;
	const struct snapshot *snapshot = snapshots[data[0] >> 1 & 3];
	static uint64_t now_ns; /* goes on, so that there is time for signatures */
	size_t room = over_tcp ? MESSAGE_BYTES_MAX : UDP_BYTES_MAX;
	uint8_t *out = malloc(room); /* of the very size, so that a step too far is seen */
	assert(out);
	struct query q;
	signer_enter(signer, now_ns += 1000000);
	query_parse(&q, data + 1, bytes - 1);
	q.signer = signer;
	if (edns_has_options(&q))
		edns_heed(&policy,
		    &(struct edns_asker){&client, mill, 0x10, over_tcp, 10000, false}, &q, &reply);
	size_t n = answer_build(snapshot, &q, data + 1, over_tcp, data[0] >> 3, out, room, &facts);
	assert(n <= room && (n == 0 || n >= DNS_HEADER_BYTES));
	if (n > 0) {
		ldns_pkt *p;
		assert(memcmp(out, data + 1, 2) == 0 && (out[2] & 0x80));
		ldns_status status = ldns_wire2pkt(&p, out, n);
		assert(status == LDNS_STATUS_OK);
		sections_check(p);
		ldns_pkt_free(p);
	}
	free(out);
	return 0;
}
