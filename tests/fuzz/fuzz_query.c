/* libFuzzer: any octets as a message over UDP or TCP. Nothing may crash, nothing may be written
 * past the buffer, and what goes out must be a message that another implementation (ldns) can read.
 *
 * The first octet of the input chooses transport, snapshot and turn; the rest is the message.
 *
 * By hand, from the top folder:
 *   clang -std=gnu11 -g -O1 -I. -D_GNU_SOURCE -fsanitize=fuzzer,address,undefined \
 *       tests/fuzz/fuzz_query.c \
 *       dnsd/{answer,edns,cookie,message,query,name,catalog,catalog_build,catalog_grow}.c \
 *       dnsd/{pooltable,snapshot,zone_text,zone_line,zone_include,zone_check,dname,arena}.c \
 *       lib/base/[!j]*.c lib/file.c core/view.c \
 *       -lldns -lurcu-memb -lurcu-common -lcrypto -o build/fuzz_query
 *   build/fuzz_query -max_len=600 -max_total_time=60 */
#include <assert.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

#include "dnsd/answer.h"
#include "dnsd/edns.h"
#include "dnsd/octets.h"
#include "lib/base/mem.h"

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

static struct snapshot *snapshot_new_for_fuzzing(void)
{
	struct zone_data *data;
	struct catalog *catalog;
	struct pooltable *pools;
	for (uint8_t i = 0; i < 60; i++)
		members[i] =
		    (struct view_member){{i % 2 ? 4 : 6, {192, 0, 2, i}}, (uint16_t)(i + 1), NULL};
	int failed = zone_data_read_view(&zone, &data, NULL);
	assert(!failed);
	struct catalog_input in = {&data, 1, &name, 1, &pool, 1};
	failed = catalog_build(&in, &catalog, NULL);
	assert(!failed);
	failed = pooltable_build(catalog, &pool, 1, &pools, NULL);
	assert(!failed);
	zone_data_free(data);
	return snapshot_new(catalog, pools, 42);
}

static const struct edns_policy policy = {
    .nsid = "fuzzed", .nsid_bytes = EDNS_NSID_BYTES_MAX, .cookies = {.count = 2}};
static const struct addr client = {4, {192, 0, 2, 1}};
static struct cookie_mill *mill;
static struct edns_reply reply;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static struct snapshot *snapshot;
	struct answer_facts facts;
	if (!snapshot) {
		snapshot = snapshot_new_for_fuzzing();
		int failed = cookie_mill_new(&mill, NULL);
		assert(!failed);
	}
	if (bytes < 1)
		return 0;
	bool over_tcp = data[0] & 1, without_view = (data[0] & 6) == 6;
	size_t room = over_tcp ? MESSAGE_BYTES_MAX : UDP_BYTES_MAX;
	uint8_t *out = malloc(room); /* of the very size, so that a step too far is seen */
	assert(out);
	struct query q;
	query_parse(&q, data + 1, bytes - 1);
	if (edns_has_options(&q))
		edns_heed(&policy, &(struct edns_asker){&client, mill, 0x10, over_tcp, 10000}, &q,
		    &reply);
	size_t n = answer_build(without_view ? NULL : snapshot, &q, data + 1, over_tcp,
	    data[0] >> 3, out, room, &facts);
	assert(n <= room && (n == 0 || n >= DNS_HEADER_BYTES));
	if (n > 0) {
		ldns_pkt *p;
		assert(memcmp(out, data + 1, 2) == 0 && (out[2] & 0x80));
		ldns_status status = ldns_wire2pkt(&p, out, n);
		assert(status == LDNS_STATUS_OK);
		ldns_pkt_free(p);
	}
	free(out);
	return 0;
}
