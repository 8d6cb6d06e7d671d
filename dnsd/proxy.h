/* The PROXY protocol, version 2, binary: a load balancer tells whose message it passes on
 * (haproxy's proxy-protocol.txt, section 2.2). Believed from listed addresses only. */
#ifndef TANDEM_DNSD_PROXY_H
#define TANDEM_DNSD_PROXY_H

#include <stddef.h>

#include "lib/base/addr.h"

enum {
	PROXY_FIXED_BYTES = 16,
	PROXY_BYTES_MAX = PROXY_FIXED_BYTES + 1024, /* addresses and TLVs; nobody needs more */
};

enum proxy_verdict {
	PROXY_BAD,  /* no such header, or longer than is accepted */
	PROXY_MORE, /* it may become one */
	PROXY_DONE,
};

/* Reads a header at the start of the octets. PROXY_DONE: *header_bytes is its length; *client who
 * sent it, family 0 where the proxy speaks for itself (LOCAL) or does not say. */
enum proxy_verdict proxy_read(
    const uint8_t *octets, size_t bytes, size_t *header_bytes, struct addr *client);

#endif
