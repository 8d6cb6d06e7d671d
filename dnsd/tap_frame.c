/* dnstap's protocol buffers. */
#include "dnsd/tap_frame.h"

#include <assert.h>
#include <string.h>

enum { /* of https://github.com/dnstap/dnstap.pb */
	DNSTAP_IDENTITY = 1,
	DNSTAP_VERSION = 2,
	DNSTAP_MESSAGE = 14,
	DNSTAP_TYPE = 15,
	TYPE_MESSAGE = 1,

	MESSAGE_TYPE = 1,
	MESSAGE_FAMILY = 2,
	MESSAGE_PROTOCOL = 3,
	MESSAGE_QUERY_ADDRESS = 4,
	MESSAGE_RESPONSE_ADDRESS = 5,
	MESSAGE_QUERY_PORT = 6,
	MESSAGE_RESPONSE_PORT = 7,
	MESSAGE_QUERY_TIME_S = 8,
	MESSAGE_QUERY_TIME_NS = 9,
	MESSAGE_QUERY = 10,
	MESSAGE_RESPONSE_TIME_S = 12,
	MESSAGE_RESPONSE_TIME_NS = 13,
	MESSAGE_RESPONSE = 14,
	FAMILY_INET = 1,
	FAMILY_INET6 = 2,
	PROTOCOL_UDP = 1,
	PROTOCOL_TCP = 2,
};
enum wire_type { VARINT = 0, OCTETS = 2, FIXED32 = 5 };

static uint8_t *varint_put(uint8_t *at, uint64_t value)
{
	while (value >= 0x80) {
		*at++ = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	*at++ = (uint8_t)value;
	return at;
}

static uint8_t *field_put(uint8_t *at, unsigned field, enum wire_type type)
{
	return varint_put(at, field << 3 | (unsigned)type);
}

static uint8_t *number_put(uint8_t *at, unsigned field, uint64_t value)
{
	return varint_put(field_put(at, field, VARINT), value);
}

static uint8_t *fixed_put(uint8_t *at, unsigned field, uint32_t value)
{
	at = field_put(at, field, FIXED32);
	for (unsigned shift = 0; shift < 32; shift += 8)
		*at++ = (uint8_t)(value >> shift);
	return at;
}

static uint8_t *octets_put(uint8_t *at, unsigned field, const void *octets, size_t bytes)
{
	at = varint_put(field_put(at, field, OCTETS), bytes);
	memcpy(at, octets, bytes);
	return at + bytes;
}

static uint8_t *text_put(uint8_t *at, unsigned field, const char *text, size_t max)
{
	return text && text[0] != '\0' ? octets_put(at, field, text, strnlen(text, max)) : at;
}

static uint8_t *place_put(
    uint8_t *at, unsigned address_field, unsigned port_field, const struct addr *a, uint16_t port)
{
	if (a->family == 0)
		return at;
	at = octets_put(at, address_field, a->bytes, a->family == 4 ? 4 : 16);
	return port != 0 ? number_put(at, port_field, port) : at;
}

static uint8_t *time_put(
    uint8_t *at, unsigned s_field, unsigned ns_field, const struct timespec *when)
{
	at = number_put(at, s_field, (uint64_t)when->tv_sec);
	return fixed_put(at, ns_field, (uint32_t)when->tv_nsec);
}

/* All of the message but the DNS message itself, which comes last. */
static size_t head_put(const struct tap_event *e, uint8_t *out)
{
	uint8_t *at = number_put(out, MESSAGE_TYPE, e->type);
	if (e->asker.family != 0)
		at = number_put(
		    at, MESSAGE_FAMILY, e->asker.family == 4 ? FAMILY_INET : FAMILY_INET6);
	at = number_put(at, MESSAGE_PROTOCOL, e->over_tcp ? PROTOCOL_TCP : PROTOCOL_UDP);
	at = place_put(at, MESSAGE_QUERY_ADDRESS, MESSAGE_QUERY_PORT, &e->asker, e->asker_port);
	at = place_put(
	    at, MESSAGE_RESPONSE_ADDRESS, MESSAGE_RESPONSE_PORT, &e->server, e->server_port);
	at = time_put(at, MESSAGE_QUERY_TIME_S, MESSAGE_QUERY_TIME_NS, &e->asked);
	if (e->type == TAP_RESPONSE)
		at = time_put(at, MESSAGE_RESPONSE_TIME_S, MESSAGE_RESPONSE_TIME_NS, &e->answered);
	return (size_t)(at - out);
}

size_t tap_frame(const struct tap_event *e, const char *identity, const char *version, uint8_t *out)
{
	uint8_t head[128], tail[16];
	size_t head_bytes = head_put(e, head);
	uint8_t *end =
	    field_put(tail, e->type == TAP_QUERY ? MESSAGE_QUERY : MESSAGE_RESPONSE, OCTETS);
	size_t tail_bytes = (size_t)(varint_put(end, e->message_bytes) - tail);
	uint8_t *at = text_put(out, DNSTAP_IDENTITY, identity, TAP_IDENTITY_BYTES);
	at = text_put(at, DNSTAP_VERSION, version, TAP_VERSION_BYTES);
	at = number_put(at, DNSTAP_TYPE, TYPE_MESSAGE);
	at = varint_put(
	    field_put(at, DNSTAP_MESSAGE, OCTETS), head_bytes + tail_bytes + e->message_bytes);
	memcpy(at, head, head_bytes);
	memcpy(at + head_bytes, tail, tail_bytes);
	memcpy(at + head_bytes + tail_bytes, e->message, e->message_bytes);
	at += head_bytes + tail_bytes + e->message_bytes;
	assert((size_t)(at - out) <= TAP_FRAME_BYTES + e->message_bytes);
	return (size_t)(at - out);
}
