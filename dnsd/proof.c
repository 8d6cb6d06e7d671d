/* Signatures and proofs of absence, appended to an answer. */
#include "dnsd/proof.h"

#include <assert.h>
#include <string.h>

#include "dnsd/denial.h"
#include "dnsd/octets.h"
#include "dnsd/serial.h"

enum { SOA_BODY_BYTES = RR_HEAD_BYTES + 2 * NAME_BYTES + SOA_TAIL_BYTES };

static void sign(struct proof *p, const struct zone *z, struct signed_set *what,
    enum message_section section, size_t owner_at, uint32_t shown_ttl_s)
{
	if (p->m->full || !p->signer) /* an NSEC may be asked for without DO */
		return;
	what->start_s = serial_window_start(z, serial_turn(z, p->snapshot->time_s), what->owner,
	    what->owner_bytes, what->set->type);
	if (!signer_put(p->signer, z->keys, what, p->m, section, owner_at, shown_ttl_s) &&
	    !p->m->full) {
		p->is_starved = true;
		p->m->full = true;
	}
}

/* The SOA as it is shown: with the serial of the epoch. */
static void soa_sign(struct proof *p, const struct zone *z, enum message_section section,
    size_t owner_at, uint32_t shown_ttl_s)
{
	uint8_t body[SOA_BODY_BYTES];
	struct rrset soa = zone_top(p->snapshot->catalog, z)->soa;
	struct name top;
	if (soa.bytes > sizeof(body)) { /* one that was written as octets: RFC 3597 */
		p->m->full = true;
		p->is_starved = true;
		return;
	}
	memcpy(body, soa.body, soa.bytes);
	put_u32(body + soa.bytes - SOA_TAIL_BYTES, serial_of(p->snapshot, z));
	soa.body = body;
	node_name(z->apex, &top);
	struct signed_set what = {
	    .set = &soa, .owner = top.wire, .owner_bytes = top.bytes, .ttl_s = soa.ttl_s};
	sign(p, z, &what, section, owner_at, shown_ttl_s);
}

/* Where the zone's top stands in the message: at the end of the name in question. */
static size_t apex_at(const struct zone *z, const struct proof_place *at)
{
	return at->name_at + ((size_t)at->name->bytes - node_name_bytes(z->apex));
}

/* An NSEC and its signature, the owner written as labels in front of a pointer to the top. */
static void nsec_put(struct proof *p, const struct zone *z, const struct proof_place *at,
    enum message_section section, const struct nsec *nsec, const uint8_t *owner, size_t owner_bytes,
    bool is_denial)
{
	struct message *m = p->m;
	size_t labels_bytes = owner_bytes - node_name_bytes(z->apex), owner_at = m->used;
	bool is_question =
	    owner_bytes == at->name->bytes && memcmp(owner, at->name->wire, owner_bytes) == 0;
	if (is_question) {
		labels_bytes = 0;
		owner_at = at->name_at;
	}
	if (m->full || labels_bytes + nsec->set.bytes > m->room - m->used) {
		m->full = true;
		return;
	}
	if (owner_at >
	    POINTER_MAX) { /* behind an RRset of 16 KiB its signature can not refer to it */
		m->full = true;
		p->is_starved = true;
		return;
	}
	memcpy(m->out + m->used, owner, labels_bytes);
	m->used += labels_bytes;
	message_put(
	    m, section, &nsec->set, is_question ? owner_at : apex_at(z, at), nsec->set.ttl_s, 0);
	struct signed_set what = {.set = &nsec->set,
	    .owner = owner,
	    .owner_bytes = (uint8_t)owner_bytes,
	    .ttl_s = nsec->set.ttl_s,
	    .is_denial = is_denial};
	sign(p, z, &what, section, owner_at, nsec->set.ttl_s);
}

/* The NSEC of a name in the chain, once in an answer. */
static void chain_put(struct proof *p, const struct zone *z, const struct proof_place *at,
    enum message_section section, const struct node *n)
{
	uint16_t types[BITMAP_TYPES_MAX];
	struct nsec nsec;
	struct name name;
	for (size_t i = 0; i < p->nsecs_count; i++)
		if (p->nsecs[i] == n)
			return;
	if (p->nsecs_count < PROOF_NSECS_MAX)
		p->nsecs[p->nsecs_count++] = n;
	const struct node *next = denial_chain_next(z->chain, n);
	size_t count = denial_types(n, z, p->snapshot->pools, types);
	node_name(next, &name);
	nsec_build(&nsec, name.wire, name.bytes, types, count,
	    zone_top(p->snapshot->catalog, z)->negative_ttl_s);
	node_name(n, &name);
	nsec_put(p, z, at, section, &nsec, name.wire, name.bytes, false);
}

/* The NSEC at this name or, if it has none, the one that spans it. */
static void chain_prove(struct proof *p, const struct zone *z, const struct proof_place *at,
    const uint8_t *name, size_t bytes)
{
	bool matches;
	chain_put(p, z, at, SECTION_AUTHORITY, denial_chain_find(z->chain, name, bytes, &matches));
}

/* An NSEC made for this very name: it has the types of `node`, and nothing is right behind it. */
static void compact_put(struct proof *p, const struct zone *z, const struct proof_place *at,
    enum message_section section, const struct name *owner, const struct node *node)
{
	uint16_t types[BITMAP_TYPES_MAX];
	uint8_t next[NAME_BYTES];
	struct nsec nsec;
	struct name top;
	node_name(z->apex, &top);
	size_t next_bytes = denial_successor(owner, &top, next);
	size_t count = denial_types(node, z, p->snapshot->pools, types);
	nsec_build(&nsec, next, next_bytes, types, count,
	    zone_top(p->snapshot->catalog, z)->negative_ttl_s);
	/* The asker made the name up, unless it stands in the zone. */
	nsec_put(p, z, at, section, &nsec, owner->wire, owner->bytes,
	    !node || node_name_bytes(node) != owner->bytes);
}

static void wildcard_name(
    const struct node *encloser, uint8_t out[static NAME_BYTES], size_t *bytes)
{
	struct name n;
	node_name(encloser, &n);
	assert(n.bytes + 2 <= NAME_BYTES);
	out[0] = 1;
	out[1] = '*';
	memcpy(out + 2, n.wire, n.bytes);
	*bytes = (size_t)n.bytes + 2;
}

void proof_answer(struct proof *p, const struct zone *z, const struct proof_place *at,
    const struct rrset *set, uint32_t ttl_s)
{
	uint8_t wildcard[NAME_BYTES];
	size_t wildcard_bytes;
	if (!proof_is_due(p, z))
		return;
	if (set->type == TYPE_SOA) {
		soa_sign(p, z, SECTION_ANSWER, at->name_at, ttl_s);
		return;
	}
	struct signed_set what = {
	    .set = set, .owner = at->name->wire, .owner_bytes = at->name->bytes, .ttl_s = ttl_s};
	if (at->node) {
		sign(p, z, &what, SECTION_ANSWER, at->name_at, ttl_s);
		return;
	}
	if (!z->chain) { /* compact: signed as if it stood there, so nothing else is to prove */
		what.is_denial = true;
		sign(p, z, &what, SECTION_ANSWER, at->name_at, ttl_s);
		return;
	}
	wildcard_name(at->encloser, wildcard, &wildcard_bytes);
	what.owner = wildcard;
	what.owner_bytes = (uint8_t)wildcard_bytes;
	sign(p, z, &what, SECTION_ANSWER, at->name_at, ttl_s);
	assert(p->late_count < PROOF_LATE_MAX);
	p->late[p->late_count++] = (struct proof_late){z, *at};
}

void proof_late(struct proof *p)
{
	for (size_t i = 0; i < p->late_count; i++) {
		const struct proof_place *at = &p->late[i].place;
		chain_prove(p, p->late[i].zone, at, at->name->wire, at->name->bytes);
	}
	p->late_count = 0;
}

void proof_above(
    struct proof *p, const struct node *above, const struct rrset *set, size_t owner_at)
{
	struct name owner;
	if (!proof_is_due(p, above->kin->zone))
		return;
	node_name(above, &owner);
	struct signed_set what = {
	    .set = set, .owner = owner.wire, .owner_bytes = owner.bytes, .ttl_s = set->ttl_s};
	sign(p, above->kin->zone, &what, SECTION_ANSWER, owner_at, set->ttl_s);
}

void proof_absence(
    struct proof *p, const struct zone *z, const struct proof_place *at, const struct node *node)
{
	uint8_t wildcard[NAME_BYTES];
	size_t wildcard_bytes;
	if (!proof_is_due(p, z))
		return;
	soa_sign(p, z, SECTION_AUTHORITY, apex_at(z, at),
	    zone_top(p->snapshot->catalog, z)->negative_ttl_s);
	if (!z->chain) {
		p->is_compact = p->is_compact || !node;
		compact_put(p, z, at, SECTION_AUTHORITY, at->name, node);
		return;
	}
	chain_prove(p, z, at, at->name->wire, at->name->bytes);
	if (!at->node) {
		wildcard_name(at->encloser, wildcard, &wildcard_bytes);
		chain_prove(p, z, at, wildcard, wildcard_bytes);
	}
}

void proof_referral(struct proof *p, const struct zone *z, const struct proof_place *at,
    const struct node *cut, size_t cut_at)
{
	struct name owner;
	if (!proof_is_due(p, z) || p->m->full)
		return;
	struct rrset ds;
	node_name(cut, &owner);
	if (node_rrset(cut, TYPE_DS, &ds)) {
		struct signed_set what = {
		    .set = &ds, .owner = owner.wire, .owner_bytes = owner.bytes, .ttl_s = ds.ttl_s};
		if (message_put(p->m, SECTION_AUTHORITY, &ds, cut_at, ds.ttl_s, 0))
			sign(p, z, &what, SECTION_AUTHORITY, cut_at, ds.ttl_s);
	} else if (z->chain) {
		chain_prove(p, z, at, owner.wire, owner.bytes);
	} else {
		compact_put(p, z, at, SECTION_AUTHORITY, &owner, cut);
	}
}

bool proof_nsec(
    struct proof *p, const struct zone *z, const struct proof_place *at, const struct node *node)
{
	bool matches;
	if (!z->keys || (!z->chain && !p->signer))
		return false;
	if (!z->chain) {
		compact_put(p, z, at, SECTION_ANSWER, at->name, node);
		return true;
	}
	const struct node *n =
	    denial_chain_find(z->chain, at->name->wire, at->name->bytes, &matches);
	if (matches)
		chain_put(p, z, at, SECTION_ANSWER, n);
	return matches;
}
