/* What a zone holds in one snapshot, RRset by RRset in the order of a transfer: names in canonical
 * order, at each the types by number. Pure; nothing is copied. */
#ifndef TANDEM_DNSD_ZONE_CONTENT_H
#define TANDEM_DNSD_ZONE_CONTENT_H

#include "dnsd/denial.h"
#include "dnsd/signer.h"
#include "dnsd/snapshot.h"
#include "dnsd/zone_order.h"

struct zone_content {
	struct snapshot *snapshot; /* held */
	const struct zone *zone;
	const struct zone_order *order; /* of the zone; NULL: not needed yet */
	uint32_t serial, turn;
	uint8_t *soa_body; /* with that serial; own */
	struct rrset soa;
};

/* Holds the snapshot, of which `z` is a zone. */
void zone_content_init(struct zone_content *c, const struct snapshot *s, const struct zone *z);
void zone_content_release(struct zone_content *c); /* one of zeros too */
/* Sorts the names, if nobody did before. Due before what follows. */
void zone_content_open(struct zone_content *c);

struct zone_item { /* an RRset */
	struct rrset set;
	uint32_t ttl_s;
	bool is_signed;
};

struct zone_cursor { /* stands at a name */
	const struct zone_content *content;
	size_t at;     /* of the order */
	int last_type; /* told */
	struct nsec nsec;
};

/* The RRsets of the name at place `at`, one after the other; the SOA is among them. */
void zone_cursor_init(struct zone_cursor *cursor, const struct zone_content *c, size_t at);
/* False: there is no other. The item is good until the next call. */
bool zone_cursor_next(struct zone_cursor *cursor, struct zone_item *item);

/* When the signature of such an RRset begins. */
uint32_t zone_content_start(const struct zone_content *c, const struct name *owner, uint16_t type);

#endif
