/* libFuzzer: any octets as a request for a transfer, to a zone that has changed three times. What
 * is asked for comes to its end, in messages that another implementation (ldns) can read, with our
 * SOA at both ends, however small the slices; over UDP an IXFR gets that SOA alone.
 *
 * The first octet of the input: bit 0 chooses UDP, the others the slice. The rest is the message.
 */
#include <assert.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

#include "dnsd/answer.h"
#include "dnsd/octets.h"
#include "dnsd/signer.h"
#include "dnsd/transfer.h"
#include "lib/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define TEXT(literal) ((char[]){literal})

static char *records[] = {TEXT("example. 300 NS ns1.example."),
    TEXT("b.example. 300 CNAME a.example."), TEXT("*.w.example. 300 TXT \"wild\""),
    TEXT("s.example. 300 NS n.s.example."), TEXT("n.s.example. 300 A 192.0.2.77"),
    TEXT("x.example. 300 TYPE65280 \\# 3 aabbcc")};
static struct view_member members[] = {
    {{4, {192, 0, 2, 1}}, 1, NULL}, {{4, {192, 0, 2, 2}}, 1, NULL}, {{6, {32, 1}}, 1, NULL}};
static const struct view_name name = {TEXT("a.example."), TEXT("example."), TEXT("p"), 7};
static struct snapshot_seat seat = {.limits = {.entries = 8, .bytes = 1 << 20}};
static struct signer *signer;

static struct catalog *catalog_of(size_t records_count, const struct view_pool *pool)
{
	const struct view_zone zone = {.name = TEXT("example."),
	    .ttl_s = 300,
	    .soa_mname = TEXT("ns1.example."),
	    .soa_rname = TEXT("host.example."),
	    .records = records,
	    .records_count = records_count};
	struct zone_data *z;
	struct catalog *c;
	int failed = zone_data_read_view(&zone, &z, NULL);
	assert(!failed);
	const struct catalog_input in = {.zones = &z,
	    .zones_count = 1,
	    .names = &name,
	    .names_count = 1,
	    .pools = pool,
	    .pools_count = 1};
	failed = catalog_build(&in, &c, NULL);
	assert(!failed);
	zone_data_free(z);
	return c;
}

/* Serials 40 to 43: another pool twice, then other records. */
static void world_make(void)
{
	struct view_pool pool = {TEXT("p"), 30, members, 3};
	struct catalog *first = catalog_of(4, &pool), *last = catalog_of(6, &pool);
	for (uint32_t epoch = 40; epoch <= 43; epoch++) {
		struct catalog *c = epoch < 43 ? first : last;
		struct pooltable *pools;
		pool.members = members + epoch % 2;
		pool.members_count = 3 - epoch % 2;
		int failed = pooltable_build(c, &pool, 1, &pools, NULL);
		assert(!failed);
		snapshot_swap(&seat, snapshot_new(catalog_hold(c), pools, epoch));
	}
	catalog_drop(first);
	catalog_drop(last);
	signer = signer_new(&SIGNER_TCP);
}

static bool is_soa(const ldns_rr *rr)
{
	return ldns_rr_get_type(rr) == LDNS_RR_TYPE_SOA;
}

static void messages_check(const struct buf *out, const struct transfer_facts *facts)
{
	const uint8_t *at = (const uint8_t *)out->data, *end = at + out->bytes;
	uint64_t messages = 0;
	const ldns_rr *last;
	ldns_pkt *p = NULL;
	for (; at < end; at += 2 + get_u16(at)) {
		assert(end - at > 2 && end - at >= 2 + get_u16(at));
		ldns_pkt_free(p);
		ldns_status status = ldns_wire2pkt(&p, at + 2, get_u16(at));
		assert(status == LDNS_STATUS_OK);
		const ldns_rr_list *list = ldns_pkt_answer(p);
		assert(messages > 0 || is_soa(ldns_rr_list_rr(list, 0)));
		last = ldns_rr_list_rr(list, ldns_rr_list_rr_count(list) - 1);
		messages++;
	}
	assert(messages == facts->messages && messages > 0);
	assert(is_soa(last));
	ldns_pkt_free(p);
}

static void transfer_feed(struct query *q, const uint8_t *message, size_t slice)
{
	struct transfer *t;
	struct buf out = {0};
	enum dns_rcode rcode = transfer_open(seat.now, q, message, &t);
	assert((rcode == RCODE_NOERROR) == (t != NULL));
	if (!t)
		return;
	enum transfer_step step;
	do
		step = transfer_step(t, signer, 1790000000, &out, out.bytes + slice);
	while (step == TRANSFER_MORE);
	assert(step == TRANSFER_OVER);
	const struct transfer_facts facts = transfer_facts(t);
	assert(facts.kind != TRANSFER_DIFFERENCE ||
	       (facts.from_serial >= 40 && facts.from_serial < 43));
	messages_check(&out, &facts);
	buf_free(&out);
	transfer_free(t);
}

static void udp_feed(struct query *q, const uint8_t *message)
{
	uint8_t out[UDP_BYTES_MAX];
	struct answer_facts facts;
	if (q->type != TYPE_IXFR)
		return;
	q->rcode = RCODE_NOERROR;
	size_t bytes = answer_build(seat.now, q, message, false, 0, out, sizeof(out), &facts);
	assert(bytes >= DNS_HEADER_BYTES && get_u16(out + 6) <= 1);
	assert(facts.rcode != RCODE_NOERROR || q->has_serial);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct query q;
	if (!signer)
		world_make();
	if (bytes < 1)
		return 0;
	uint8_t *exact = mem_dup(data + 1, bytes - 1); /* so that a step too far is seen */
	query_parse(&q, exact, bytes - 1);
	if (query_is_transfer(&q) && data[0] % 2)
		udp_feed(&q, exact);
	else if (query_is_transfer(&q))
		transfer_feed(&q, exact, (size_t)data[0] * 8 + 1);
	free(exact);
	return 0;
}
