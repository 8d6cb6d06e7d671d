/* The messages of a transfer. */
#include "dnsd/transfer_message.h"

#include <assert.h>
#include <string.h>

#include "dnsd/message.h"
#include "dnsd/octets.h"

enum {
	FLAGS_ANSWER = 0x8400, /* QR, AA */
	FLAG_RD = 0x0100,
	LENGTH_BYTES = 2,
	HEAD_TAIL_BYTES = RR_HEAD_BYTES - 2, /* type, class, TTL, length */
};

void transfer_message_init(
    struct transfer_message *m, const struct query *q, const uint8_t *message)
{
	/* Not zeroed as a whole: it is large. */
	memset(m, 0, offsetof(struct transfer_message, last));
	put_u16(m->head, q->id);
	put_u16(m->head + 2, FLAGS_ANSWER | (q->flags & FLAG_RD));
	m->question = q->name;
	assert(q->question_bytes <= sizeof(m->question_wire));
	memcpy(m->question_wire, message + DNS_HEADER_BYTES, q->question_bytes);
	m->question_bytes = q->question_bytes;
	if (q->has_edns)
		m->opt_bytes = edns_opt_put(q, RCODE_NOERROR, m->opt, sizeof(m->opt));
	if (q->tsig)
		m->tsig = *q->tsig;
	m->has_last = false;
}

/* What is kept back for the end of the message. */
static size_t tail_bytes(const struct transfer_message *m)
{
	return tsig_bytes(&m->tsig) + (m->messages == 0 ? m->opt_bytes : 0);
}

/* Only the first message has the question: section 2.2.1. */
static void message_begin(struct transfer_message *m)
{
	memcpy(m->wire, m->head, sizeof(m->head));
	m->used = sizeof(m->head);
	m->answers = 0;
	m->has_last = false;
	if (m->messages > 0)
		return;
	memcpy(m->wire + m->used, m->question_wire, m->question_bytes);
	m->last = m->question;
	for (size_t i = 0; i <= m->last.labels; i++)
		m->last_at[i] = m->used + m->last.starts[i];
	m->has_last = true;
	m->used += m->question_bytes;
	put_u16(m->wire + 4, 1);
}

void transfer_message_flush(struct transfer_message *m, struct buf *out)
{
	uint8_t length[LENGTH_BYTES];
	if (m->used == 0)
		return;
	put_u16(m->wire + 6, m->answers);
	if (m->messages == 0 && m->opt_bytes > 0) {
		memcpy(m->wire + m->used, m->opt, m->opt_bytes);
		m->used += m->opt_bytes;
		put_u16(m->wire + 10, 1);
	}
	size_t bytes = tsig_sign(&m->tsig, m->wire, m->used, sizeof(m->wire), m->now_s);
	put_u16(length, (unsigned)bytes);
	buf_add(out, length, sizeof(length));
	buf_add(out, m->wire, bytes);
	m->messages++;
	m->bytes += bytes;
	m->used = 0;
}

/* How many labels of the owner are not at the end of the last one too. */
static size_t labels_of_its_own(const struct transfer_message *m, const struct name *owner)
{
	size_t own = owner->labels, last = m->last.labels;
	while (m->has_last && own > 0 && last > 0) {
		const uint8_t *a = owner->wire + owner->starts[own - 1];
		const uint8_t *b = m->last.wire + m->last.starts[last - 1];
		if (a[0] != b[0] || memcmp(a, b, (size_t)a[0] + 1) != 0 ||
		    m->last_at[last - 1] > POINTER_MAX)
			break;
		own--;
		last--;
	}
	return own;
}

static void owner_put(struct transfer_message *m, const struct name *owner)
{
	size_t own = labels_of_its_own(m, owner), shared = owner->labels - own;
	size_t bytes = owner->starts[own], former = m->last.labels - shared, at[NAME_LABELS + 1];
	for (size_t i = 0; i < own; i++)
		at[i] = m->used + owner->starts[i];
	for (size_t i = own; i < owner->labels; i++)
		at[i] = m->last_at[former + i - own];
	memcpy(m->wire + m->used, owner->wire, bytes);
	m->used += bytes;
	if (shared > 0) {
		assert(own < owner->labels);
		put_u16(m->wire + m->used, 0xc000U | (unsigned)at[own]);
		m->used += 2;
	} else {
		m->wire[m->used++] = 0;
	}
	memcpy(m->last_at, at, owner->labels * sizeof(at[0]));
	m->last = *owner;
	m->has_last = true;
}

static bool is_last(const struct transfer_message *m, const struct name *owner)
{
	return m->has_last && m->last.bytes == owner->bytes &&
	       memcmp(m->last.wire, owner->wire, owner->bytes) == 0;
}

void transfer_message_put(struct transfer_message *m, const struct name *owner,
    const uint8_t *record, uint32_t ttl_s, struct buf *out)
{
	size_t rdata_bytes = get_u16(record + RR_RDATA_BYTES_AT);
	size_t most = owner->bytes + HEAD_TAIL_BYTES + rdata_bytes;
	if (m->used > 0 && m->answers > 0 &&
	    m->used + most + tail_bytes(m) > TRANSFER_MESSAGE_BYTES)
		transfer_message_flush(m, out);
	if (m->used == 0)
		message_begin(m);
	/* A record alone in its message may be larger; with a signature some do not fit at all. */
	if (m->used + most + tail_bytes(m) > sizeof(m->wire)) {
		m->failed = true;
		return;
	}
	if (is_last(m, owner) && owner->labels > 0 && m->last_at[0] <= POINTER_MAX) {
		put_u16(m->wire + m->used, 0xc000U | (unsigned)m->last_at[0]);
		m->used += 2;
	} else {
		owner_put(m, owner);
	}
	memcpy(m->wire + m->used, record + 2, HEAD_TAIL_BYTES + rdata_bytes);
	put_u32(m->wire + m->used + RR_TTL_AT - 2, ttl_s);
	m->used += HEAD_TAIL_BYTES + rdata_bytes;
	m->answers++;
}
