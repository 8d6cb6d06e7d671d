/* libFuzzer: any text as a zone file. What is taken becomes a catalog, every name of which is then
 * asked for: each answer must be a message that ldns can read. The records, recalled out of the
 * catalog, must be those that went in.
 *
 * Behind a line "%%" stands the text of another file, "other", for $INCLUDE. */
#include <assert.h>
#include <ldns/ldns.h>
#include <string.h>

#include "dnsd/answer.h"
#include "dnsd/octets.h"
#include "dnsd/zone_recall.h"
#include "lib/log.h"
#include "tests/fuzz/scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { ASKED_MAX = 40, RECORDS_MAX = 4000 };

static void answer_check(const struct snapshot *s, const struct node *n, uint16_t type, bool below)
{
	static uint8_t out[MESSAGE_BYTES_MAX];
	uint8_t query[DNS_HEADER_BYTES + NAME_BYTES + 4] = {[5] = 1};
	struct answer_facts facts;
	struct name name;
	size_t at = DNS_HEADER_BYTES;
	node_name(n, &name);
	if (below && name.bytes + 2 <= NAME_BYTES) {
		memcpy(query + at, "\1q", 2);
		at += 2;
	}
	memcpy(query + at, name.wire, name.bytes);
	at += name.bytes;
	put_u16(query + at, type);
	put_u16(query + at + 2, CLASS_IN);
	for (int tcp = 0; tcp <= 1; tcp++) {
		ldns_pkt *p;
		size_t room = tcp ? sizeof(out) : UDP_BYTES_MAX;
		size_t bytes =
		    answer_message(s, query, at + 4, tcp != 0, (uint32_t)at, out, room, &facts);
		assert(bytes >= DNS_HEADER_BYTES && bytes <= room);
		ldns_status status = ldns_wire2pkt(&p, out, bytes);
		assert(status == LDNS_STATUS_OK);
		assert(facts.rcode != RCODE_REFUSED && facts.rcode != RCODE_FORMERR);
		ldns_pkt_free(p);
	}
}

static void catalog_ask(struct catalog *c)
{
	struct pooltable *pools;
	size_t at = 0, asked = 0;
	int failed = pooltable_build(c, NULL, 0, &pools, NULL);
	assert(!failed);
	struct snapshot *s = snapshot_new(catalog_hold(c), pools, 7);
	for (const struct node *n; asked < ASKED_MAX && (n = catalog_next(c, &at)); asked++) {
		answer_check(s, n, TYPE_ANY, false);
		answer_check(s, n, TYPE_MX, true);
		for (size_t i = 0; i < n->rrsets_count && i < 4; i++)
			answer_check(s, n, node_rrset_at(n, i).type, false);
	}
	snapshot_free(s);
}

/* What a zone remembers of itself through the catalog is what it was. */
static void recall_check(
    struct zone_data *z, const struct catalog *c, const struct record *had, size_t had_count)
{
	zone_data_thin(z);
	zone_data_recall(z, c);
	assert(z->records_count == had_count);
	for (size_t i = 0; i < had_count; i++) {
		const struct record *a = &had[i], *b = &z->records[i];
		assert(a->type == b->type && a->ttl_s == b->ttl_s);
		assert(a->owner_bytes == b->owner_bytes && a->rdata_bytes == b->rdata_bytes);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct zone_data *z;
	struct catalog *c;
	struct err e = {0};
	log_open("fuzz", LOG_LEVEL_ERROR);
	const uint8_t *mark = bytes > 0 ? memmem(data, bytes, "\n%%\n", 4) : NULL;
	size_t main_bytes = mark ? (size_t)(mark - data) + 1 : bytes;
	(void)scratch_write("other", mark ? mark + 4 : data, mark ? bytes - main_bytes - 3 : 0);
	const char *path = scratch_write("zone", data, main_bytes);
	int failed = zone_data_read_file("example.com.", path, &z, &e);
	assert((failed != 0) == (z == NULL) && (failed != 0) == (e.text[0] != '\0'));
	if (failed)
		return 0;
	struct catalog_input in = {.zones = &z, .zones_count = 1};
	if (catalog_build(&in, &c, &e) == 0) {
		static struct record had[RECORDS_MAX];
		catalog_ask(c);
		size_t n = z->records_count;
		if (n <= RECORDS_MAX) {
			memcpy(had, z->records, n * sizeof(had[0]));
			recall_check(z, c, had, n);
		}
		catalog_drop(c);
	}
	zone_data_free(z);
	return 0;
}
