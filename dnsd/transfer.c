/* A transfer of a zone, out. */
#include "dnsd/transfer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dnsd/octets.h"
#include "dnsd/serial.h"
#include "dnsd/transfer_message.h"
#include "dnsd/zone_difference.h"
#include "lib/base/mem.h"

enum {
	NAMES_A_STEP = 64,
	NAMES_A_SLICE = 16384, /* looked at without a word, then others have their turn */
	SIGNATURES_BYTES =
	    ZONE_SIGNERS_MAX * (RR_HEAD_BYTES + 18 + NAME_BYTES + DNSKEY_SIGNATURE_BYTES),
};

enum stage { STAGE_BEGIN, STAGE_NAMES, STAGE_LEAVING, STAGE_COMING, STAGE_OVER };

struct transfer {
	enum stage stage;
	struct transfer_facts facts;
	bool is_ixfr;
	struct zone_content now, base;
	size_t at; /* of a whole zone */
	struct zone_difference difference;
	struct name apex;
	struct transfer_message m;
	struct signer *signer; /* of the slice */
	struct buf *out;       /* the same */
};

const char *transfer_obstacle(const struct zone *z)
{
	if (z->keys && !z->chain)
		return "the zone is signed with compact denial, which is made up as asked for: its "
		       "transfer needs denial: nsec";
	return NULL;
}

enum dns_rcode transfer_open(
    const struct snapshot *s, struct query *q, const uint8_t *message, struct transfer **out)
{
	*out = NULL;
	if (!s)
		return RCODE_SERVFAIL;
	if (q->type == TYPE_IXFR && !q->has_serial)
		return RCODE_FORMERR;
	const struct node *apex = catalog_find(s->catalog, q->hash, q->name.wire, q->name.bytes);
	if (!apex || !apex->kin->is_apex)
		return RCODE_NOTAUTH; /* RFC 5936 section 2.2.1 */
	q->explanation = transfer_obstacle(apex->kin->zone);
	if (q->explanation)
		return RCODE_REFUSED;
	struct transfer *t = mem_new(1, sizeof(*t));
	t->is_ixfr = q->type == TYPE_IXFR;
	t->apex = q->name;
	zone_content_init(&t->now, s, apex->kin->zone);
	t->facts = (struct transfer_facts){
	    .zone = q->name, .from_serial = q->serial, .serial = t->now.serial};
	transfer_message_init(&t->m, q, message);
	*out = t;
	return RCODE_NOERROR;
}

void transfer_free(struct transfer *t)
{
	if (!t)
		return;
	zone_content_release(&t->now);
	zone_content_release(&t->base);
	tsig_key_wipe(&t->m.tsig.key);
	free(t);
}

struct transfer_facts transfer_facts(const struct transfer *t)
{
	struct transfer_facts facts = t->facts;
	facts.messages = t->m.messages;
	facts.bytes = t->m.bytes;
	return facts;
}

/* --- telling -------------------------------------------------------------------------------- */

static void record_put(void *ctx, const struct name *owner, const uint8_t *record, uint32_t ttl_s)
{
	struct transfer *t = ctx;
	transfer_message_put(&t->m, owner, record, ttl_s, t->out);
}

static void signatures_put(
    void *ctx, const struct zone_content *c, const struct name *owner, const struct zone_item *item)
{
	struct transfer *t = ctx;
	uint8_t records[SIGNATURES_BYTES];
	struct message m = {.out = records, .room = sizeof(records)};
	const struct signed_set what = {.set = &item->set,
	    .owner = owner->wire,
	    .owner_bytes = owner->bytes,
	    .ttl_s = item->ttl_s,
	    .start_s = zone_content_start(c, owner, item->set.type)};
	while (!signer_put(
	    t->signer, c->zone->keys, &what, &m, SECTION_ANSWER, DNS_HEADER_BYTES, item->ttl_s)) {
		assert(!m.full);
		m.used = 0; /* the signer's share was used up: all of the time is ours, it grows */
		signer_enter_now(t->signer);
	}
	for (size_t at = 0; at < m.used;) {
		record_put(t, owner, records + at, item->ttl_s);
		at += RR_HEAD_BYTES + (size_t)get_u16(records + at + RR_RDATA_BYTES_AT);
	}
}

static void soa_put(struct transfer *t, const struct zone_content *c)
{
	record_put(t, &t->apex, c->soa.body, c->soa.ttl_s);
}

/* --- what to tell --------------------------------------------------------------------------- */

/* The zone as that snapshot had it; false: it had not, or could not have given it. */
static bool content_of(const struct transfer *t, const struct snapshot *s, struct zone_content *out)
{
	const struct node *apex =
	    catalog_find(s->catalog, name_hash(&t->apex), t->apex.wire, t->apex.bytes);
	if (!apex || !apex->kin->is_apex || transfer_obstacle(apex->kin->zone))
		return false;
	zone_content_init(out, s, apex->kin->zone);
	return true;
}

/* Two snapshots gave the zone under one serial: with the same content? */
static bool contents_same(struct zone_content *a, struct zone_content *b)
{
	if (a->snapshot->catalog == b->snapshot->catalog && a->turn == b->turn &&
	    a->snapshot->epoch == b->snapshot->epoch)
		return true; /* an epoch is one content: rule 2 */
	zone_content_open(a);
	zone_content_open(b);
	return zone_difference_bytes(a, b, 0) == 0;
}

/* What the peer has, if that is remembered and had one content only. */
static bool base_find(struct transfer *t)
{
	const struct snapshot *now = t->now.snapshot;
	for (size_t i = 0; i < now->formers_count; i++) {
		struct zone_content c;
		if (!content_of(t, now->formers[i], &c))
			continue;
		bool is_it = c.serial == t->facts.from_serial;
		if (is_it && !t->base.snapshot) {
			t->base = c;
			continue;
		}
		bool is_second = is_it && !contents_same(&c, &t->base);
		zone_content_release(&c);
		if (is_second)
			return false;
	}
	return t->base.snapshot != NULL;
}

/* Is the difference known, and smaller than the zone? */
static bool difference_find(struct transfer *t)
{
	if (!base_find(t))
		return false;
	zone_content_open(&t->now);
	zone_content_open(&t->base);
	uint64_t whole = zone_content_bytes(&t->now);
	return zone_difference_bytes(&t->base, &t->now, whole) < whole;
}

static void begin(struct transfer *t)
{
	soa_put(t, &t->now);
	if (t->is_ixfr && !serial_is_newer(t->now.serial, t->facts.from_serial)) {
		t->facts.kind = TRANSFER_CURRENT;
		t->stage = STAGE_OVER;
	} else if (t->is_ixfr && difference_find(t)) {
		t->facts.kind = TRANSFER_DIFFERENCE;
		soa_put(t, &t->base);
		zone_difference_init(&t->difference, &t->base, &t->now);
		t->stage = STAGE_LEAVING;
	} else {
		zone_content_open(&t->now);
		zone_content_release(&t->base);
		t->stage = STAGE_NAMES;
	}
}

static void names_tell(struct transfer *t, const struct zone_sink *sink)
{
	for (size_t i = 0; i < NAMES_A_STEP && t->at < t->now.order->count; i++)
		zone_content_tell(&t->now, t->at++, sink);
	if (t->at < t->now.order->count)
		return;
	soa_put(t, &t->now);
	t->stage = STAGE_OVER;
}

static void difference_tell(struct transfer *t, const struct zone_sink *sink)
{
	if (zone_difference_step(&t->difference, sink, NAMES_A_STEP))
		return;
	soa_put(t, &t->now);
	if (t->stage == STAGE_LEAVING)
		zone_difference_init(&t->difference, &t->now, &t->base);
	t->stage = t->stage == STAGE_LEAVING ? STAGE_COMING : STAGE_OVER;
}

enum transfer_step transfer_step(
    struct transfer *t, struct signer *signer, uint64_t now_s, struct buf *out, size_t bytes)
{
	const struct zone_sink sink = {t, record_put, signatures_put};
	size_t names = 0;
	assert(bytes > out->bytes); /* or it would never end */
	t->signer = signer;
	t->out = out;
	t->m.now_s = now_s;
	signer_enter_now(signer);
	if (t->stage == STAGE_BEGIN)
		begin(t);
	for (; names < NAMES_A_SLICE && out->bytes < bytes && t->stage != STAGE_OVER;
	     names += NAMES_A_STEP) {
		if (t->stage == STAGE_NAMES)
			names_tell(t, &sink);
		else
			difference_tell(t, &sink);
	}
	if (t->m.failed)
		return TRANSFER_FAILED;
	if (t->stage != STAGE_OVER)
		return TRANSFER_MORE;
	transfer_message_flush(&t->m, out);
	return TRANSFER_OVER;
}
