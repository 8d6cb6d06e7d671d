/* What TXT and PTR records say, as the one text that a look carries (core_look, detail). Pure: from
 * the octets of the records, whoever has asked for them.
 *
 * A part of an answer can be read as something else than the whole: "ip4:192.0.2.1" is the
 * beginning of "ip4:192.0.2.130", and a second name may be the one that counts. So whatever does
 * not fit or can not be read is a failure of the whole answer, and nothing is ever cut. */
#ifndef TANDEM_CONTROLPLANE_LOOK_TEXT_H
#define TANDEM_CONTROLPLANE_LOOK_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LOOK_TEXT_BYTES = 1000 + 1, LOOK_TEXT_NAMES = 16, LOOK_FAILURE_BYTES = 128 };

struct look_text { /* start from {0} */
	char text[LOOK_TEXT_BYTES];
	size_t bytes;
	size_t count; /* records in it */
};

/* Is an answer of this kind a text? And is it then an answer that there is none? Of TXT and PTR
 * NXDOMAIN and NODATA are answers, with the text "": what is missing contradicts what should be
 * there. Of all other kinds they are failures, as SERVFAIL and silence are of every kind. */
bool look_is_text(uint16_t kind);

/* Appends what a record says:
 *   TXT  the record, when it begins with v=spf1: its strings with nothing between (RFC 7208 3.3,
 *        4.5); other records are passed over
 *   PTR  the name, in lower case and absolute
 * with a blank after what is there already. `rdata` is as on the wire, uncompressed. False with
 * `failure`: the answer can not be used; more than 1,000 octets, more than 16 names, an octet that
 * is not printable ASCII, a name with a blank, or damaged. */
bool look_text_add(struct look_text *t, uint16_t kind, const uint8_t *rdata, size_t rdata_bytes,
    char failure[static LOOK_FAILURE_BYTES]);

#endif
