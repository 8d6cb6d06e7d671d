/* Which addresses an SPF record, a term, or a set of the service document lets send (RFC 7208).
 *
 * Only ip4 and ip6 count as letting an address send: they say so without asking anybody, and sets
 * are made of them. Where a receiver might decide otherwise the answer is no, for an address that
 * is used too late costs nothing (rule 11). */
#ifndef TANDEM_CORE_SPF_H
#define TANDEM_CORE_SPF_H

#include "core/service.h"

enum spf_says {
	SPF_NONE,    /* there is no record */
	SPF_SEVERAL, /* more than one: receivers take none of them (RFC 7208 4.5) */
	SPF_COVERS,
	SPF_LACKS, /* it is not named, or denied before; or the record can not be read */
};

/* "192.0.2.0/24" or "2001:db8::1", what stands behind "ip4:" or "ip6:". Bits behind the prefix are
 * taken as 0. */
bool spf_network_parse(const char *text, uint8_t family, struct addr_prefix *out);

/* A term such as "ip4:192.0.2.0/24" or "+ip6:2001:db8::/32", in letters of any case. False for one
 * that denies (- ~ ?), is no ip4 or ip6, or can not be read. */
bool spf_term_covers(const char *term, const struct addr *a);

/* `records`: one or more, each beginning with "v=spf1", blanks between terms and records. The
 * first term that matches decides. */
enum spf_says spf_record_says(const char *records, const struct addr *a);

/* What the record says that a set of the document is published as. False also where there is no
 * such set. */
bool spf_set_covers(const struct service *s, const char *set_name, const struct addr *a);

/* Whether a set of the document includes the other, itself or through other sets of it (RFC 7208
 * 5.2), within the look-ups that receivers do. A set reaches itself. */
bool spf_set_reaches(const struct service *s, const char *from, const char *to);

#endif
