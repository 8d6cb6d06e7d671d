/* Zones out of text: from a zone file, or from the record lines of a view. ldns parses; what comes
 * out is checked as a zone (RFC 1035 5.2, 2181 5 and 10.1, 4592 4) and ready for the catalog. */
#ifndef TANDEM_DNSD_ZONE_TEXT_H
#define TANDEM_DNSD_ZONE_TEXT_H

#include "core/view.h"
#include "dnsd/arena.h"
#include "dnsd/name.h"
#include "dnsd/zone_include.h"
#include "lib/base/err.h"

enum { /* RR types this program knows by name; the others are octets to it */
	TYPE_A = 1,
	TYPE_NS = 2,
	TYPE_CNAME = 5,
	TYPE_SOA = 6,
	TYPE_PTR = 12,
	TYPE_MX = 15,
	TYPE_TXT = 16,
	TYPE_AAAA = 28,
	TYPE_SRV = 33,
	TYPE_DNAME = 39,
	TYPE_OPT = 41,
	TYPE_DS = 43,
	TYPE_RRSIG = 46,
	TYPE_NSEC = 47,
	TYPE_DNSKEY = 48,
	TYPE_NSEC3 = 50,
	TYPE_NSEC3PARAM = 51,
	TYPE_CDS = 59,
	TYPE_CDNSKEY = 60,
	TYPE_NXNAME = 128, /* in a bitmap: the name does not exist (RFC 9824) */
	TYPE_TKEY = 249,
	TYPE_TSIG = 250,
	TYPE_IXFR = 251,
	TYPE_AXFR = 252,
	TYPE_ANY = 255,
	TYPE_CAA = 257,
};
enum { CLASS_IN = 1 };

enum {
	ZONE_FILE_BYTES = 512 * 1024 * 1024,
	ZONE_TTL_MAX = 0x7fffffff, /* RFC 2181 section 8 */
	SOA_TAIL_BYTES = 20,       /* serial, refresh, retry, expire, minimum */
};

enum { /* a record on the wire: owner pointer, type, class, TTL, rdata length, rdata */
	RR_OWNER = 0xc00c, /* a pointer to the question's name */
	RR_TTL_AT = 6,
	RR_RDATA_BYTES_AT = 10,
	RR_HEAD_BYTES = 12,
};

struct record {
	const uint8_t *owner; /* wire, folded */
	const uint8_t *rdata; /* names in it uncompressed, their case kept */
	uint32_t ttl_s;
	uint16_t type;
	uint16_t rdata_bytes;
	uint8_t owner_bytes;
	bool is_doubled; /* it stood there more than once */
	uint32_t line;   /* in the file, or the number of the record in the view */
};

struct zone_keys;
struct zone_blocks;
struct zone_data {
	struct arena arena;
	struct name apex;
	struct zone_places *places; /* of the lines, where files are included; or NULL */
	char *source;               /* where it comes from, for messages: a path or "zone NAME" */
	struct record *records;     /* sorted by owner, type and rdata; no duplicates */
	size_t records_count;
	struct zone_keys *keys;     /* held; NULL: it is not signed */
	struct zone_blocks *blocks; /* what is remembered of the file; NULL: nothing */
	uint32_t serial_base;       /* a file's own serial, or the view's base */
	bool is_hidden;             /* only who may transfer it gets answers: the catalog zone */
};

/* `name` is the zone's, absolute. E_INVALID "file:line: what is wrong", or somebody wrote to the
 * file meanwhile; E_NOT_FOUND, E_IO, E_LIMIT; *out is NULL then. */
int zone_data_read_file(const char *name, const char *path, struct zone_data **out, struct err *e);
int zone_data_read_view(const struct view_zone *zone, struct zone_data **out, struct err *e);
void zone_data_free(struct zone_data *z); /* NULL allowed */

#endif
