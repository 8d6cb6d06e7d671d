/* Writing a DNS message: prebuilt records are copied, then owner and TTL set where they differ. */
#include "dnsd/message.h"

#include <assert.h>
#include <string.h>

#include "dnsd/octets.h"
#include "dnsd/query.h"

static void records_patch(uint8_t *at, size_t count, size_t owner_at, uint32_t ttl_s)
{
	for (size_t i = 0; i < count; i++) {
		put_u16(at, 0xc000U | (unsigned)owner_at);
		put_u32(at + RR_TTL_AT, ttl_s);
		at += RR_HEAD_BYTES + get_u16(at + RR_RDATA_BYTES_AT);
	}
}

bool message_put(struct message *m, enum message_section section, const struct rrset *set,
    size_t owner_at, uint32_t ttl_s, size_t first)
{
	assert(m->used <= m->room && owner_at <= POINTER_MAX && first < set->count);
	if (set->bytes > m->room - m->used) {
		m->full = true;
		return false;
	}
	uint8_t *at = m->out + m->used;
	size_t head = rrset_start(set, first), tail = set->bytes - head;
	memcpy(at, set->body + head, tail);
	memcpy(at + tail, set->body, head);
	if (owner_at != DNS_HEADER_BYTES || ttl_s != set->ttl_s)
		records_patch(at, set->count, owner_at, ttl_s);
	m->used += set->bytes;
	m->counts[section] = (uint16_t)(m->counts[section] + set->count);
	return true;
}

size_t message_put_one(
    struct message *m, enum message_section section, size_t owner_at, const struct record *r)
{
	assert(m->used <= m->room && owner_at <= POINTER_MAX);
	size_t bytes = RR_HEAD_BYTES + (size_t)r->rdata_bytes;
	if (bytes > m->room - m->used) {
		m->full = true;
		return 0;
	}
	uint8_t *at = m->out + m->used;
	put_u16(at, 0xc000U | (unsigned)owner_at);
	put_u16(at + 2, r->type);
	put_u16(at + 4, CLASS_IN);
	put_u32(at + RR_TTL_AT, r->ttl_s);
	put_u16(at + RR_RDATA_BYTES_AT, r->rdata_bytes);
	memcpy(at + RR_HEAD_BYTES, r->rdata, r->rdata_bytes);
	m->used += bytes;
	m->counts[section]++;
	return m->used - r->rdata_bytes;
}
