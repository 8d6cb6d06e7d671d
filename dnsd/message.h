/* Writing a DNS message into a buffer of fixed size: what does not fit is not begun. */
#ifndef TANDEM_DNSD_MESSAGE_H
#define TANDEM_DNSD_MESSAGE_H

#include "dnsd/catalog.h"

enum { POINTER_MAX = 0x3fff }; /* RFC 1035 4.1.4: what a compression pointer can reach */

enum message_section { SECTION_ANSWER, SECTION_AUTHORITY, SECTION_ADDITIONAL, SECTIONS };

struct message {
	uint8_t *out;
	size_t used, room; /* room: without what is kept back for OPT */
	uint16_t counts[SECTIONS];
	bool full; /* something had to stay out */
};

/* Appends the whole RRset, its record number `first` in front, with the owner name found at octet
 * `owner_at` of this message. False and m->full: it does not fit, nothing was written. */
bool message_put(struct message *m, enum message_section section, const struct rrset *set,
    size_t owner_at, uint32_t ttl_s, size_t first);

/* Appends one record made for this message. Returns where its rdata begins; 0 and m->full: it does
 * not fit. */
size_t message_put_one(
    struct message *m, enum message_section section, size_t owner_at, const struct record *r);

#endif
