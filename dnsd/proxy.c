/* PROXY protocol, version 2: the header. */
#include "dnsd/proxy.h"

#include <string.h>

#include "dnsd/octets.h"

enum {
	SIGNATURE_BYTES = 12,
	VERSION_AT = 12,
	FAMILY_AT = 13,
	LENGTH_AT = 14,
	COMMAND_LOCAL = 0x20, /* with the version in front */
	COMMAND_PROXY = 0x21,
	FAMILY_INET = 1,
	FAMILY_INET6 = 2,
	FAMILY_UNIX = 3,
	TRANSPORT_MAX = 2,
	INET_BYTES = 12, /* two addresses, two ports */
	INET6_BYTES = 36,
};

static const uint8_t signature[SIGNATURE_BYTES] = {
    '\r', '\n', '\r', '\n', 0, '\r', '\n', 'Q', 'U', 'I', 'T', '\n'};

/* False: the family is none, or its addresses are not whole. */
static bool client_read(const uint8_t *octets, size_t bytes, struct addr *client)
{
	unsigned family = octets[FAMILY_AT] >> 4, transport = octets[FAMILY_AT] & 0x0f;
	const uint8_t *addresses = octets + PROXY_FIXED_BYTES;
	if (family > FAMILY_UNIX || transport > TRANSPORT_MAX)
		return false;
	if (family == FAMILY_INET) {
		if (bytes < INET_BYTES)
			return false;
		client->family = 4;
		memcpy(client->bytes, addresses, 4);
	} else if (family == FAMILY_INET6) {
		if (bytes < INET6_BYTES)
			return false;
		client->family = 6;
		memcpy(client->bytes, addresses, 16);
	}
	return true;
}

enum proxy_verdict proxy_read(
    const uint8_t *octets, size_t bytes, size_t *header_bytes, struct addr *client)
{
	size_t known = bytes < SIGNATURE_BYTES ? bytes : SIGNATURE_BYTES;
	*client = (struct addr){0};
	*header_bytes = 0;
	if (memcmp(octets, signature, known) != 0)
		return PROXY_BAD;
	if (bytes < PROXY_FIXED_BYTES)
		return PROXY_MORE;
	size_t rest = get_u16(octets + LENGTH_AT);
	uint8_t command = octets[VERSION_AT];
	if ((command != COMMAND_LOCAL && command != COMMAND_PROXY) ||
	    rest > PROXY_BYTES_MAX - PROXY_FIXED_BYTES)
		return PROXY_BAD;
	if (bytes - PROXY_FIXED_BYTES < rest)
		return PROXY_MORE;
	if (command == COMMAND_PROXY && !client_read(octets, rest, client))
		return PROXY_BAD;
	*header_bytes = PROXY_FIXED_BYTES + rest;
	return PROXY_DONE;
}
