/* libFuzzer, differential: any text as a line of a zone file. What our reader of the common form
 * takes, ldns must read too, and as the same octets. */
#include <assert.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

#include "dnsd/zone_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { LINE_BYTES_MAX = 4096, TTL_S = 1234 };
static const uint8_t origin[] = "\7example\3Com";

static void owner_compare(const struct zone_line *l, const ldns_rr *rr)
{
	struct name ours, theirs;
	bool reads =
	    name_read(&ours, l->owner, l->owner_bytes) &&
	    name_read(&theirs, ldns_rdf_data(ldns_rr_owner(rr)), ldns_rdf_size(ldns_rr_owner(rr)));
	assert(reads && ours.bytes == theirs.bytes);
	assert(memcmp(ours.wire, theirs.wire, ours.bytes) == 0);
}

static void rdata_compare(const struct zone_line *l, const ldns_rr *rr)
{
	size_t at = 0;
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
		const ldns_rdf *field = ldns_rr_rdf(rr, i);
		size_t n = ldns_rdf_size(field);
		assert(n <= (size_t)l->rdata_bytes - at);
		assert(memcmp(l->rdata + at, ldns_rdf_data(field), n) == 0);
		at += n;
	}
	assert(at == l->rdata_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct zone_line l;
	ldns_rr *rr = NULL;
	if (bytes > LINE_BYTES_MAX || memchr(data, '\n', bytes) || memchr(data, 0, bytes))
		return 0;
	char *line = malloc(bytes + 1);
	assert(line);
	memcpy(line, data, bytes);
	line[bytes] = '\0';
	memset(&l, 0x55, sizeof(l));
	/* not the copy: the reader must keep within the octets, without a NUL behind them */
	if (zone_line_read(&l, (const char *)data, bytes, origin, sizeof(origin), TTL_S)) {
		ldns_rdf *o = ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, sizeof(origin), origin);
		ldns_rdf *former = ldns_dname_new_frm_str("former.example.com.");
		ldns_status s = ldns_rr_new_frm_str(&rr, line, TTL_S, o, &former);
		assert(s == LDNS_STATUS_OK);
		assert(l.type == ldns_rr_get_type(rr) && l.ttl_s == ldns_rr_ttl(rr));
		assert(ldns_rr_get_class(rr) == LDNS_RR_CLASS_IN);
		if (l.has_owner)
			owner_compare(&l, rr);
		rdata_compare(&l, rr);
		ldns_rr_free(rr);
		ldns_rdf_deep_free(o);
		ldns_rdf_deep_free(former);
	}
	free(line);
	return 0;
}
