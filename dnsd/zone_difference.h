/* The difference between two contents of a zone (RFC 1995): by walking both in order, record by
 * record and signature by signature. Nothing is signed here: a signature has changed if what it
 * follows from has. Pure. */
#ifndef TANDEM_DNSD_ZONE_DIFFERENCE_H
#define TANDEM_DNSD_ZONE_DIFFERENCE_H

#include "dnsd/zone_content.h"

struct zone_sink { /* takes what is told */
	void *ctx;
	/* A record as in an RRset's body. */
	void (*record)(void *ctx, const struct name *owner, const uint8_t *record, uint32_t ttl_s);
	/* All signatures of an RRset. */
	void (*signatures)(void *ctx, const struct zone_content *c, const struct name *owner,
	    const struct zone_item *item);
};

struct zone_difference { /* what `from` has and `to` has not; both open */
	const struct zone_content *from, *to;
	size_t at, other; /* in their orders */
	bool same_catalog, same_keys, same_turn;
};

void zone_difference_init(
    struct zone_difference *d, const struct zone_content *from, const struct zone_content *to);
/* Goes on by at most `names` names. False: that was all. Of the SOA only the signatures are told.
 */
bool zone_difference_step(struct zone_difference *d, const struct zone_sink *sink, size_t names);

/* All of one name, but for the SOA's record. */
void zone_content_tell(const struct zone_content *c, size_t at, const struct zone_sink *sink);

/* Octets without owner names, counted a few names at a time; both contents open. */
struct zone_count {
	const struct zone_content *a, *b; /* b NULL: all of `a` is counted, not a difference */
	struct zone_difference difference;
	bool second_half; /* what `b` has and `a` has not */
	size_t at;
	uint64_t bytes; /* so far */
};

/* Of both halves of the difference. */
void zone_count_difference(
    struct zone_count *count, const struct zone_content *a, const struct zone_content *b);
/* Of the zone (about: it is counted once for all epochs of a catalog). */
void zone_count_whole(struct zone_count *count, const struct zone_content *c);
/* Goes on by at most `names` names. False: that was all. */
bool zone_count_step(struct zone_count *count, size_t names);

#endif
