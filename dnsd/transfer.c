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

enum stage {
	STAGE_BEGIN,
	STAGE_BASE,    /* of an IXFR: looks for what the peer has */
	STAGE_SECOND,  /* compares it with a second content of that serial */
	STAGE_WHOLE,   /* counts the zone */
	STAGE_WEIGH,   /* counts the difference */
	STAGE_NAMES,   /* tells the zone */
	STAGE_LEAVING, /* tells the difference: what goes */
	STAGE_COMING,  /* and what comes */
	STAGE_OVER,
};

struct transfer {
	enum stage stage;
	struct transfer_facts facts;
	bool is_ixfr;
	struct zone_content now, base, second;
	size_t former; /* the next to be looked at */
	struct zone_count count;
	uint64_t whole_bytes;
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
	zone_content_release(&t->second);
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

/* The zone as a whole: the difference is not known, or no shorter. */
static void whole_begin(struct transfer *t)
{
	zone_content_open(&t->now);
	zone_content_release(&t->base);
	zone_content_release(&t->second);
	t->stage = STAGE_NAMES;
}

static void begin(struct transfer *t)
{
	soa_put(t, &t->now);
	if (t->is_ixfr && !serial_is_newer(t->now.serial, t->facts.from_serial)) {
		t->facts.kind = TRANSFER_CURRENT;
		t->stage = STAGE_OVER;
	} else if (t->is_ixfr) {
		t->stage = STAGE_BASE;
	} else {
		whole_begin(t);
	}
}

/* An epoch is one content: rule 2. */
static bool contents_surely_same(const struct zone_content *a, const struct zone_content *b)
{
	return a->snapshot->catalog == b->snapshot->catalog && a->turn == b->turn &&
	       a->snapshot->epoch == b->snapshot->epoch;
}

/* What the peer has, if that is remembered and had one content only: looks at one snapshot. */
static void base_look(struct transfer *t)
{
	const struct snapshot *now = t->now.snapshot;
	struct zone_content c;
	if (t->former == now->formers_count) {
		if (!t->base.snapshot) {
			whole_begin(t);
			return;
		}
		zone_content_open(&t->now);
		zone_content_open(&t->base);
		zone_count_whole(&t->count, &t->now);
		t->stage = STAGE_WHOLE;
		return;
	}
	if (!content_of(t, now->formers[t->former++], &c))
		return;
	bool is_it = c.serial == t->facts.from_serial;
	if (is_it && !t->base.snapshot) {
		t->base = c;
	} else if (is_it && !contents_surely_same(&c, &t->base)) {
		t->second = c;
		zone_content_open(&t->second);
		zone_content_open(&t->base);
		zone_count_difference(&t->count, &t->second, &t->base);
		t->stage = STAGE_SECOND;
	} else {
		zone_content_release(&c);
	}
}

/* Two snapshots gave the zone under one serial: with the same content? */
static void second_compare(struct transfer *t)
{
	bool is_more = zone_count_step(&t->count, NAMES_A_STEP);
	if (t->count.bytes > 0) {
		whole_begin(t);
	} else if (!is_more) {
		zone_content_release(&t->second);
		t->stage = STAGE_BASE;
	}
}

static void whole_count(struct transfer *t)
{
	if (zone_count_step(&t->count, NAMES_A_STEP))
		return;
	t->whole_bytes = t->count.bytes;
	zone_count_difference(&t->count, &t->base, &t->now);
	t->stage = STAGE_WEIGH;
}

/* Is the difference smaller than the zone? */
static void difference_weigh(struct transfer *t)
{
	bool is_more = zone_count_step(&t->count, NAMES_A_STEP);
	if (t->count.bytes >= t->whole_bytes) {
		whole_begin(t);
	} else if (!is_more) {
		t->facts.kind = TRANSFER_DIFFERENCE;
		soa_put(t, &t->base);
		zone_difference_init(&t->difference, &t->base, &t->now);
		t->stage = STAGE_LEAVING;
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

static void stage_step(struct transfer *t, const struct zone_sink *sink)
{
	switch (t->stage) {
	case STAGE_BASE:
		base_look(t);
		break;
	case STAGE_SECOND:
		second_compare(t);
		break;
	case STAGE_WHOLE:
		whole_count(t);
		break;
	case STAGE_WEIGH:
		difference_weigh(t);
		break;
	case STAGE_NAMES:
		names_tell(t, sink);
		break;
	case STAGE_LEAVING:
	case STAGE_COMING:
		difference_tell(t, sink);
		break;
	case STAGE_BEGIN:
	case STAGE_OVER:
		break;
	}
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
	     names += NAMES_A_STEP)
		stage_step(t, &sink);
	if (t->m.failed)
		return TRANSFER_FAILED;
	if (t->stage != STAGE_OVER)
		return TRANSFER_MORE;
	transfer_message_flush(&t->m, out);
	return TRANSFER_OVER;
}
