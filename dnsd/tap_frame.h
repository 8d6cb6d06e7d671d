/* One dnstap message in protocol buffers (dnstap.proto): pure.
 *
 * Written by hand: fourteen fields in one fixed order, none of them repeated
 * (docs/decisions/027-dnstap-by-hand.md). */
#ifndef TANDEM_DNSD_TAP_FRAME_H
#define TANDEM_DNSD_TAP_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "lib/base/addr.h"

enum tap_type { TAP_QUERY = 1, TAP_RESPONSE = 2 }; /* AUTH_QUERY, AUTH_RESPONSE */

enum {
	TAP_IDENTITY_BYTES = 255,
	TAP_VERSION_BYTES = 63,
	/* All a frame has beside the DNS message. */
	TAP_FRAME_BYTES = 128 + TAP_IDENTITY_BYTES + TAP_VERSION_BYTES,
};

struct tap_event {
	enum tap_type type;
	bool over_tcp;
	struct addr asker, server; /* family 0: not known */
	uint16_t asker_port, server_port;
	struct timespec asked, answered; /* since 1970; `answered` of a response */
	const uint8_t *message;
	size_t message_bytes;
};

/* The frame's size; `out` has room for TAP_FRAME_BYTES and the message. Texts that are too long are
 * cut; "" or NULL: none. */
size_t tap_frame(
    const struct tap_event *event, const char *identity, const char *version, uint8_t *out);

#endif
