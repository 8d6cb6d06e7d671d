/* From a query to its answer. */
#include "dnsd/answer.h"

#include <assert.h>
#include <string.h>

#include "dnsd/dname.h"
#include "dnsd/edns.h"
#include "dnsd/message.h"
#include "dnsd/octets.h"
#include "dnsd/proof.h"
#include "dnsd/serial.h"
#include "dnsd/tsig.h"

enum {
	FLAG_QR = 0x8000,
	FLAG_AA = 0x0400,
	FLAG_TC = 0x0200,
	KEPT_FLAGS = 0x7900, /* opcode and RD come back as they were */
	CHAIN_MAX = 8,       /* CNAMEs followed in one answer */
};

/* The state of one answer while it grows. */
struct answer {
	const struct snapshot *snapshot;
	const struct query *query;
	uint32_t turn;
	struct message m;
	uint16_t flags;
	uint16_t rcode;
	size_t name_at;           /* where the name in question now stands in the message */
	struct proof_place place; /* of that name */
	struct proof proof;
	size_t links;                             /* CNAMEs followed */
	struct name chain[CHAIN_MAX];             /* where they led */
	const struct node *dnames[CHAIN_MAX + 1]; /* that were told in this answer */
	size_t dnames_count;
	const struct node *subject;
};

/* Where a name leads in the catalog. */
struct place {
	struct node *node;     /* exactly this name, or NULL */
	struct node *encloser; /* it, or its nearest ancestor that exists; NULL: not our business */
};

static struct place place_find(const struct catalog *c, const struct name *n, uint64_t hash)
{
	struct node *node = catalog_find(c, hash, n->wire, n->bytes);
	if (node)
		return (struct place){node, node};
	uint64_t hashes[NAME_LABELS + 1];
	name_hash_all(n, hashes);
	/* No name of ours has more labels than labels_max: what is longer need not be looked up. */
	size_t label = n->labels > c->labels_max ? (size_t)n->labels - c->labels_max : 1;
	for (; label <= n->labels; label++) {
		size_t at = n->starts[label];
		node = catalog_find(c, hashes[label], n->wire + at, (size_t)n->bytes - at);
		if (node)
			return (struct place){NULL, node};
	}
	return (struct place){NULL, NULL};
}

/* Where an ancestor of the present name stands in the message. */
static size_t ancestor_at(const struct answer *a, const struct name *n, const struct node *above)
{
	return a->name_at + ((size_t)n->bytes - node_name_bytes(above));
}

static void soa_set_serial(const struct answer *a, const struct zone *z, size_t soa_end)
{
	put_u32(a->m.out + soa_end - SOA_TAIL_BYTES, serial_of(a->snapshot, z));
}

/* NXDOMAIN and NODATA carry the SOA, so that resolvers know for how long (RFC 2308). `node` has not
 * got the type; NULL: there is no such name. */
static void negative_put(
    struct answer *a, const struct name *n, const struct zone *z, const struct node *node)
{
	const struct zone_top *top = zone_top(a->snapshot->catalog, z);
	if (message_put(&a->m, SECTION_AUTHORITY, &top->soa, ancestor_at(a, n, z->apex),
	        top->negative_ttl_s, 0))
		soa_set_serial(a, z, a->m.used);
	proof_absence(&a->proof, z, &a->place, node);
}

/* Addresses of a name server, from below the zone's delegations. */
static void glue_put(struct answer *a, const struct node *cut, size_t target_at)
{
	struct name n;
	bool sound = name_read(&n, a->m.out + target_at, a->m.used - target_at);
	assert(sound); /* checked when the zone was read */
	const struct node *node =
	    catalog_find(a->snapshot->catalog, name_hash(&n), n.wire, n.bytes);
	if (!node || node->kin->zone != cut->kin->zone || target_at > POINTER_MAX)
		return;
	for (size_t i = 0; i < node->rrsets_count; i++) {
		struct rrset set = node_rrset_at(node, i);
		if (set.type != TYPE_A && set.type != TYPE_AAAA)
			continue;
		bool was_full = a->m.full;
		message_put(&a->m, SECTION_ADDITIONAL, &set, target_at, set.ttl_s, 0);
		if (node->kin->cut !=
		    cut) /* only glue below this very cut must not be missing: RFC 9471 */
			a->m.full = was_full;
	}
}

static void referral_put(struct answer *a, const struct name *n, const struct node *cut)
{
	struct rrset ns;
	bool found = node_rrset(cut, TYPE_NS, &ns);
	assert(found);
	proof_late(&a->proof);
	size_t at = a->m.used;
	if (a->m.counts[SECTION_ANSWER] == 0)
		a->flags &= (uint16_t)~FLAG_AA;
	if (!message_put(&a->m, SECTION_AUTHORITY, &ns, ancestor_at(a, n, cut), ns.ttl_s, 0))
		return;
	proof_referral(&a->proof, cut->kin->zone, &a->place, cut, ancestor_at(a, n, cut));
	for (size_t i = 0; i < ns.count; i++)
		glue_put(a, cut, at + rrset_start(&ns, i) + RR_HEAD_BYTES);
}

static bool is_address(uint16_t type)
{
	return type == TYPE_A || type == TYPE_AAAA;
}

static void rrset_put(struct answer *a, const struct zone *z, const struct rrset *set)
{
	size_t first = is_address(set->type) ? rotation_pick(NULL, set->count, a->turn) : 0;
	if (message_put(&a->m, SECTION_ANSWER, set, a->name_at, set->ttl_s, first) &&
	    set->type == TYPE_SOA)
		soa_set_serial(a, z, a->m.used);
	proof_answer(&a->proof, z, &a->place, set, set->ttl_s);
}

/* The node's pool, if it has addresses of that type. */
static bool pool_put(struct answer *a, const struct node *node, uint16_t type)
{
	if (node->kin->pool == CATALOG_NO_POOL || !is_address(type))
		return false;
	assert(node->kin->pool < a->snapshot->pools->pools_count);
	const struct pool *pool = &a->snapshot->pools->pools[node->kin->pool];
	const struct pool_family *f = type == TYPE_A ? &pool->a : &pool->aaaa;
	if (f->set.count == 0)
		return false;
	uint32_t ttl_s = node->kin->pool_ttl_s != 0 ? node->kin->pool_ttl_s : f->set.ttl_s;
	message_put(&a->m, SECTION_ANSWER, &f->set, a->name_at, ttl_s,
	    rotation_pick(f->shares, f->set.count, a->turn));
	proof_answer(&a->proof, node->kin->zone, &a->place, &f->set, ttl_s);
	return true;
}

/* ANY gets one RRset, not all (RFC 8482 section 4.1). */
static bool any_put(struct answer *a, const struct node *node)
{
	if (pool_put(a, node, TYPE_A) || pool_put(a, node, TYPE_AAAA))
		return true;
	if (node->rrsets_count == 0)
		return false;
	struct rrset set = node_rrset_at(node, 0);
	rrset_put(a, node->kin->zone, &set);
	return true;
}

static bool signatures_put_wanted(
    struct answer *a, const struct node *node, const struct zone *zone)
{
	struct rrset set = {0};
	uint32_t ttl_s = 0;
	if (!proof_is_due(&a->proof, zone))
		return false;
	if (node->kin->pool != CATALOG_NO_POOL) {
		const struct pool *pool = &a->snapshot->pools->pools[node->kin->pool];
		set = pool->a.set.count > 0 ? pool->a.set : pool->aaaa.set;
		ttl_s = node->kin->pool_ttl_s != 0 ? node->kin->pool_ttl_s : set.ttl_s;
	}
	for (size_t i = 0; set.count == 0 && i < node->rrsets_count; i++) {
		set = node_rrset_at(node, i);
		ttl_s = set.ttl_s;
		if (set.type == TYPE_DS && node->kin->is_apex) /* that is the parent's */
			set.count = 0;
	}
	if (set.count == 0)
		return false;
	proof_answer(&a->proof, zone, &a->place, &set, ttl_s);
	return true;
}

/* RRSIG asked for by its type: the signatures of one RRset, as for ANY (RFC 8482 section 4.1). Who
 * does not say DO gets these and no more (RFC 4035 section 3.2.1). */
static bool signatures_put(struct answer *a, const struct node *node, const struct zone *zone)
{
	struct signer *for_all = a->proof.signer;
	size_t late_count = a->proof.late_count;
	a->proof.signer = a->query->signer;
	bool are_put = signatures_put_wanted(a, node, zone);
	a->proof.signer = for_all;
	if (!for_all)
		a->proof.late_count = late_count;
	return are_put;
}

/* Takes over a CNAME's target as the name in question. False: it leads back, or too far, or stands
 * where no pointer reaches (long names, several signatures each): the asker goes on from there. */
static bool chain_follow(struct answer *a, size_t target_at, const struct name **n)
{
	if (a->links == CHAIN_MAX || target_at > POINTER_MAX)
		return false;
	struct name *target = &a->chain[a->links];
	bool sound = name_read(target, a->m.out + target_at, a->m.used - target_at);
	assert(sound);
	const struct name *first = &a->query->name;
	if (target->bytes == first->bytes && memcmp(target->wire, first->wire, first->bytes) == 0)
		return false;
	for (size_t i = 0; i < a->links; i++)
		if (target->bytes == a->chain[i].bytes &&
		    memcmp(target->wire, a->chain[i].wire, target->bytes) == 0)
			return false;
	a->links++;
	a->name_at = target_at;
	*n = target;
	return true;
}

/* What stands at a node that is ours. True: it was a CNAME to follow, *n is its target. */
static bool node_answer(struct answer *a, const struct node *node, const struct name **n)
{
	uint16_t type = a->query->type;
	const struct zone *zone = node->kin->zone;
	if (type == TYPE_DS && node->kin->is_apex && zone->parent)
		zone = zone->parent; /* RFC 4035 3.1.4.1: a DS is the parent's */
	if (pool_put(a, node, type) || (type == TYPE_ANY && any_put(a, node)))
		return false;
	struct rrset set;
	if (node_rrset(node, type, &set)) {
		rrset_put(a, zone, &set);
		return false;
	}
	if (type == TYPE_NSEC && proof_nsec(&a->proof, zone, &a->place, node))
		return false; /* it may stand beside a CNAME */
	if (type == TYPE_RRSIG && signatures_put(a, node, zone))
		return false;
	if (node_rrset(node, TYPE_CNAME, &set)) {
		size_t alias_at = a->m.used;
		rrset_put(a, zone, &set);
		return !a->m.full && chain_follow(a, alias_at + RR_HEAD_BYTES, n);
	}
	negative_put(a, *n, zone, node);
	return false;
}

static bool dname_is_told(const struct answer *a, const struct node *above)
{
	for (size_t i = 0; i < a->dnames_count; i++)
		if (a->dnames[i] == above)
			return true;
	return false;
}

/* A name below a DNAME: the record itself, then the CNAME that follows from it (RFC 6672 section
 * 3.1). True: go on with *n, the name it leads to. */
static bool dname_answer(
    struct answer *a, const struct node *above, const struct rrset *set, const struct name **n)
{
	uint8_t target[NAME_BYTES];
	const struct name *from = *n;
	if (!dname_is_told(a, above)) {
		if (!message_put(
		        &a->m, SECTION_ANSWER, set, ancestor_at(a, from, above), set->ttl_s, 0))
			return false;
		a->dnames[a->dnames_count++] = above; /* one for each link, and the first */
		proof_above(&a->proof, above, set, ancestor_at(a, from, above));
	}
	size_t bytes = dname_substitute(a->m.out + a->name_at, from->bytes, node_name_bytes(above),
	    set->body + RR_HEAD_BYTES, set->bytes - RR_HEAD_BYTES, target);
	if (bytes == 0) {
		a->rcode = RCODE_YXDOMAIN;
		return false;
	}
	const struct record alias = {.type = TYPE_CNAME,
	    .ttl_s = set->ttl_s,
	    .rdata = target,
	    .rdata_bytes = (uint16_t)bytes};
	size_t target_at = message_put_one(&a->m, SECTION_ANSWER, a->name_at, &alias);
	if (target_at == 0 || a->query->type == TYPE_CNAME || a->query->type == TYPE_ANY)
		return false;
	return chain_follow(a, target_at, n);
}

/* The catalog zone is between primary and secondaries: RFC 9432 section 7. */
static bool is_shown(const struct answer *a, const struct node *encloser)
{
	const struct zone *hidden = a->snapshot->catalog->hidden;
	return !hidden || encloser->kin->zone != hidden || a->query->is_trusted;
}

/* IXFR over UDP: our SOA, which either ends the matter or sends the asker to TCP (RFC 1995 section
 * 2). It goes without a signature, which would look like a zone. */
static void serial_answer(struct answer *a)
{
	const struct query *q = a->query;
	const struct node *apex =
	    catalog_find(a->snapshot->catalog, q->hash, q->name.wire, q->name.bytes);
	if (!q->has_serial) {
		a->rcode = RCODE_FORMERR;
		return;
	}
	if (!apex || !apex->kin->is_apex) {
		a->rcode = RCODE_NOTAUTH;
		return;
	}
	const struct zone *z = apex->kin->zone;
	a->flags |= FLAG_AA;
	const struct rrset *soa = &zone_top(a->snapshot->catalog, z)->soa;
	if (message_put(&a->m, SECTION_ANSWER, soa, a->name_at, soa->ttl_s, 0))
		soa_set_serial(a, z, a->m.used);
}

static void question_answer(struct answer *a)
{
	const struct catalog *c = a->snapshot->catalog;
	const struct name *n = &a->query->name;
	uint64_t hash = a->query->hash;
	for (;; hash = name_hash(n)) {
		struct place place = place_find(c, n, hash);
		if (!place.encloser || !is_shown(a, place.encloser)) {
			/* a chain may lead out of our zones, a question must not */
			if (a->links == 0)
				a->rcode = RCODE_REFUSED;
			return;
		}
		a->place = (struct proof_place){n, a->name_at, place.node, place.encloser};
		a->flags |= FLAG_AA;
		const struct node *cut = place.encloser->kin->cut;
		if (cut && !(place.node == cut && a->query->type == TYPE_DS)) {
			a->subject = cut;
			referral_put(a, n, cut);
			return;
		}
		struct rrset dname;
		if (!place.node && node_rrset(place.encloser, TYPE_DNAME, &dname)) {
			a->subject = place.encloser;
			if (!dname_answer(a, place.encloser, &dname, &n))
				return;
			continue;
		}
		struct node *node = place.node ? place.node : place.encloser->kin->wildcard;
		a->subject = node ? node : place.encloser->kin->zone->apex;
		if (!node) {
			negative_put(a, n, place.encloser->kin->zone, NULL);
			/* RFC 9824: the proof says that the name exists and has nothing. */
			if (!a->proof.is_compact || a->query->compact_ok)
				a->rcode = RCODE_NXDOMAIN;
			return;
		}
		if (!node_answer(a, node, &n))
			return;
	}
}

static void header_put(const struct answer *a, bool with_question)
{
	uint8_t *out = a->m.out;
	put_u16(out, a->query->id);
	put_u16(
	    out + 2, FLAG_QR | (a->query->flags & KEPT_FLAGS) | a->flags | (a->rcode & 0x000fU));
	put_u16(out + 4, with_question ? 1 : 0);
	for (size_t i = 0; i < SECTIONS; i++)
		put_u16(out + 6 + 2 * i, a->m.counts[i]);
}

/* What does not fit is asked for again over TCP: the answer goes out empty (RFC 2181 section 9). */
static void answer_truncate(struct answer *a, size_t question_end)
{
	a->m.used = question_end;
	memset(a->m.counts, 0, sizeof(a->m.counts));
	a->flags |= FLAG_TC;
}

static size_t size_limit(const struct query *q, bool over_tcp)
{
	if (over_tcp)
		return MESSAGE_BYTES_MAX;
	if (q->udp_bytes <= UDP_BYTES_PLAIN)
		return UDP_BYTES_PLAIN;
	return q->udp_bytes < UDP_BYTES_MAX ? q->udp_bytes : UDP_BYTES_MAX;
}

size_t answer_build(const struct snapshot *s, const struct query *q, const uint8_t *message,
    bool over_tcp, uint32_t turn, uint8_t *out, size_t room, struct answer_facts *facts)
{
	struct answer a; /* not zeroed as a whole: the chain is large and seldom used */
	size_t limit = size_limit(q, over_tcp);
	assert(room >= limit);
	a.snapshot = s;
	a.query = q;
	a.turn = turn;
	a.flags = 0;
	a.rcode = (uint16_t)q->rcode;
	a.name_at = DNS_HEADER_BYTES;
	a.links = 0;
	a.dnames_count = 0;
	a.subject = NULL;
	a.proof.signer = q->dnssec_ok ? q->signer : NULL;
	a.proof.snapshot = s;
	a.proof.m = &a.m;
	a.proof.is_starved = a.proof.is_compact = false;
	a.proof.nsecs_count = a.proof.late_count = 0;
	a.m = (struct message){.out = out, .used = DNS_HEADER_BYTES, .room = limit};
	*facts = (struct answer_facts){.type = q->type, .rcode = a.rcode};
	if (q->verdict == QUERY_DROP)
		return 0;
	if (q->verdict == QUERY_ERROR) {
		header_put(&a, false);
		return a.m.used;
	}
	memcpy(out + DNS_HEADER_BYTES, message + DNS_HEADER_BYTES, q->question_bytes);
	a.m.used += q->question_bytes;
	size_t question_end = a.m.used,
	       kept = edns_opt_bytes(q) + (q->tsig ? tsig_bytes(q->tsig) : 0);
	if (limit < question_end + kept) /* 512 octets may be too few for a TSIG with long names */
		limit = question_end + kept;
	assert(room >= limit);
	a.m.room = limit - kept;
	if (q->verdict == QUERY_QUESTION && a.rcode == RCODE_NOERROR) {
		if (!s)
			a.rcode = RCODE_SERVFAIL;
		else if (q->type == TYPE_IXFR)
			serial_answer(&a);
		else
			question_answer(&a);
		proof_late(&a.proof);
	}
	if (a.m.full)
		answer_truncate(&a, question_end);
	if (a.proof.is_starved && over_tcp) { /* there is no other way left to ask */
		a.flags = 0;
		a.rcode = RCODE_SERVFAIL;
	}
	if (q->has_edns) {
		a.m.used += edns_opt_put(
		    q, a.rcode, out + a.m.used, a.m.room + edns_opt_bytes(q) - a.m.used);
		a.m.counts[SECTION_ADDITIONAL]++;
	}
	header_put(&a, q->verdict == QUERY_QUESTION);
	facts->rcode = a.rcode;
	facts->truncated = a.m.full;
	facts->subject = a.subject;
	return a.m.used;
}

size_t answer_slip(const struct query *q, const uint8_t *message, uint8_t *out, size_t room)
{
	struct answer a;
	assert(q->verdict == QUERY_QUESTION && room >= UDP_BYTES_PLAIN);
	a.query = q;
	a.flags = FLAG_TC;
	a.rcode = RCODE_NOERROR;
	a.m = (struct message){.out = out, .used = DNS_HEADER_BYTES, .room = room};
	memcpy(out + DNS_HEADER_BYTES, message + DNS_HEADER_BYTES, q->question_bytes);
	a.m.used += q->question_bytes;
	if (q->has_edns) {
		a.m.used += edns_opt_put(q, a.rcode, out + a.m.used, room - a.m.used);
		a.m.counts[SECTION_ADDITIONAL]++;
	}
	header_put(&a, true);
	return a.m.used;
}

size_t answer_message(const struct snapshot *s, const uint8_t *message, size_t bytes, bool over_tcp,
    uint32_t turn, uint8_t *out, size_t room, struct answer_facts *facts)
{
	struct query q;
	query_parse(&q, message, bytes);
	return answer_build(s, &q, message, over_tcp, turn, out, room, facts);
}
