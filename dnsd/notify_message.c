/* A NOTIFY message and its answer. */
#include "dnsd/notify_message.h"

#include <assert.h>
#include <string.h>

#include "dnsd/octets.h"

enum {
	OPCODE_NOTIFY = 4,
	FLAG_QR = 0x8000,
	FLAG_AA = 0x0400,
};

size_t notify_message_put(uint16_t id, const uint8_t *zone, size_t zone_bytes,
    const struct rrset *soa, uint32_t serial, uint8_t out[static NOTIFY_BYTES])
{
	size_t at = DNS_HEADER_BYTES;
	assert(zone_bytes <= NAME_BYTES);
	memset(out, 0, DNS_HEADER_BYTES);
	put_u16(out, id);
	put_u16(out + 2, OPCODE_NOTIFY << 11 | FLAG_AA);
	put_u16(out + 4, 1);
	memcpy(out + at, zone, zone_bytes);
	at += zone_bytes;
	put_u16(out + at, TYPE_SOA);
	put_u16(out + at + 2, CLASS_IN);
	at += 4;
	if (!soa || soa->bytes > UDP_BYTES_PLAIN - at)
		return at;
	memcpy(out + at, soa->body, soa->bytes); /* its owner points to the question */
	at += soa->bytes;
	put_u32(out + at - SOA_TAIL_BYTES, serial);
	put_u16(out + 6, 1);
	return at;
}

bool notify_answer_read(const uint8_t *message, size_t bytes, struct notify_answer *out)
{
	if (bytes < DNS_HEADER_BYTES)
		return false;
	unsigned flags = get_u16(message + 2);
	out->id = get_u16(message);
	out->rcode = flags & 0x000f;
	return (flags & FLAG_QR) != 0 && (flags >> 11 & 0xf) == OPCODE_NOTIFY;
}
