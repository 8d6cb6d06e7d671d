/* A packet becomes a look. */
#include <stdio.h>
#include <string.h>

#include "controlplane/asker.h"

enum { ALIASES = 16 }; /* in a chain of CNAME */

static bool address_take(const ldns_rdf *rdf, struct addr *out)
{
	size_t bytes = ldns_rdf_size(rdf);

	*out = (struct addr){.family = bytes == 4 ? 4 : 6};
	if (bytes != 4 && bytes != 16)
		return false;
	memcpy(out->bytes, ldns_rdf_data(rdf), bytes);
	return true;
}

static void rcode_tell(const ldns_pkt *answer, struct asker_room *room)
{
	ldns_lookup_table *name = ldns_lookup_by_id(ldns_rcodes, (int)ldns_pkt_get_rcode(answer));

	snprintf(
	    room->failure, sizeof(room->failure), "it answers %s", name ? name->name : "an error");
}

/* ---- texts ---- */

static bool is_of(const ldns_rr *rr, uint16_t kind, const ldns_rdf *owner)
{
	return (uint16_t)ldns_rr_get_type(rr) == kind &&
	       ldns_rr_get_class(rr) == LDNS_RR_CLASS_IN &&
	       ldns_dname_compare(ldns_rr_owner(rr), owner) == 0;
}

static const ldns_rdf *alias_target(const ldns_rr_list *records, const ldns_rdf *owner)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(records); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(records, i);
		if (is_of(rr, LDNS_RR_TYPE_CNAME, owner))
			return ldns_rr_rdf(rr, 0);
	}
	return NULL;
}

/* NULL: there is none, it goes round or on and on. */
static const ldns_rdf *chain_end(const ldns_rr_list *records, const ldns_rdf *owner)
{
	const ldns_rdf *next = owner;

	for (size_t i = 0; next && i <= ALIASES; i++) {
		owner = next;
		next = alias_target(records, owner);
	}
	return next ? NULL : owner;
}

static bool record_add(
    struct look_text *t, uint16_t kind, const ldns_rr *rr, char failure[static LOOK_FAILURE_BYTES])
{
	ldns_buffer *rdata = ldns_buffer_new(LDNS_MAX_PACKETLEN);
	bool added = false;

	*failure = '\0';
	if (rdata && ldns_rr_rdata2buffer_wire(rdata, rr) == LDNS_STATUS_OK)
		added = look_text_add(
		    t, kind, ldns_buffer_begin(rdata), ldns_buffer_position(rdata), failure);
	if (!added && !*failure)
		snprintf(failure, LOOK_FAILURE_BYTES, "its answer can not be read");
	ldns_buffer_free(rdata);
	return added;
}

/* How many records there are of that owner, or SIZE_MAX with a failure. */
static size_t records_add(struct look_text *t, uint16_t kind, const ldns_rr_list *records,
    const ldns_rdf *owner, char failure[static LOOK_FAILURE_BYTES])
{
	size_t count = 0;

	for (size_t i = 0; i < ldns_rr_list_rr_count(records); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(records, i);
		if (!is_of(rr, kind, owner))
			continue;
		count++;
		if (!record_add(t, kind, rr, failure))
			return SIZE_MAX;
	}
	return count;
}

static bool has_soa(const ldns_rr_list *records)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(records); i++)
		if (ldns_rr_get_type(ldns_rr_list_rr(records, i)) == LDNS_RR_TYPE_SOA)
			return true;
	return false;
}

static void text_judge(const struct core_question *q, const ldns_pkt *answer,
    struct core_look *look, struct asker_room *room)
{
	const ldns_rr_list *records = ldns_pkt_answer(answer);
	bool exists = ldns_pkt_get_rcode(answer) == LDNS_RCODE_NOERROR;
	ldns_rdf *owner = ldns_dname_new_frm_str(q->owner);
	const ldns_rdf *end = owner ? chain_end(records, owner) : NULL;
	size_t count = 0;

	if (!exists && ldns_pkt_get_rcode(answer) != LDNS_RCODE_NXDOMAIN)
		rcode_tell(answer, room);
	else if (!ldns_pkt_aa(answer))
		snprintf(room->failure, sizeof(room->failure),
		    "it answers without authority: it may be a cache");
	else if (!end)
		snprintf(room->failure, sizeof(room->failure),
		    "it answers with aliases that do not end, or more than %d", ALIASES);
	else
		count = records_add(&room->text, q->kind, records, end, room->failure);
	if (!*room->failure && count == 0 && !has_soa(ldns_pkt_authority(answer)))
		snprintf(room->failure, sizeof(room->failure),
		    "it answers nothing, and not that there is nothing");
	if (!*room->failure && count > 0 && !exists)
		snprintf(room->failure, sizeof(room->failure),
		    "it answers with records, and that there is no such name");
	if (!*room->failure)
		look->detail = room->text.text;
	ldns_rdf_deep_free(owner);
}

/* ---- serials and addresses ---- */

static void records_judge(const struct core_question *q, const ldns_rr_list *records,
    struct core_look *look, struct asker_room *room)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(records); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(records, i);
		if ((uint16_t)ldns_rr_get_type(rr) != q->kind)
			continue;
		if (ldns_rr_rd_count(rr) < (q->kind == LOOK_SOA ? 3u : 1u)) /* ldns takes it so */
			continue;
		if (q->kind == LOOK_SOA) {
			look->serial = ldns_rdf2native_int32(ldns_rr_rdf(rr, 2));
			return;
		}
		if (look->addresses_count == ASKER_ADDRESSES) { /* not judged by a part */
			snprintf(room->failure, sizeof(room->failure),
			    "it answers with too many addresses, more than %d", ASKER_ADDRESSES);
			return;
		}
		if (address_take(ldns_rr_rdf(rr, 0), &room->addresses[look->addresses_count]))
			look->addresses_count++;
	}
	if (q->kind == LOOK_SOA)
		snprintf(room->failure, sizeof(room->failure), "it answers without a SOA");
}

void asker_judge(const struct core_question *q, const ldns_pkt *answer, struct core_look *look,
    struct asker_room *room)
{
	*room->failure = '\0';
	room->text = (struct look_text){0};
	*look = (struct core_look){
	    .failure = room->failure, .addresses = room->addresses, .detail = ""};
	if (ldns_pkt_tc(answer))
		snprintf(room->failure, sizeof(room->failure),
		    "its answer is truncated: too large for a packet");
	else if (look_is_text(q->kind))
		text_judge(q, answer, look, room);
	else if (ldns_pkt_get_rcode(answer) != LDNS_RCODE_NOERROR)
		rcode_tell(answer, room);
	else
		records_judge(q, ldns_pkt_answer(answer), look, room);
}
