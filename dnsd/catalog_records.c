/* Other records at a few names: first everything is looked at, then nothing can fail. */
#include "dnsd/catalog_records.h"

#include <assert.h>

#include "dnsd/catalog_edit.h"
#include "dnsd/octets.h"

/* What makes more of a name than records of its own. */
static bool is_plain_type(uint16_t type, bool is_apex)
{
	return type != TYPE_DNAME && type != TYPE_DS && (is_apex || type != TYPE_NS);
}

static bool has_wildcard(const struct name *n)
{
	for (size_t label = 0; label < n->labels; label++) {
		const uint8_t *at = n->wire + n->starts[label];
		if (at[0] == 1 && at[1] == '*')
			return true;
	}
	return false;
}

static bool node_is_plain(const struct node *n, const struct zone *z)
{
	if (n->kin->zone != z || n->kin->cut || n->kin->pool != CATALOG_NO_POOL)
		return false;
	for (size_t i = 0; i < n->rrsets_count; i++)
		if (!is_plain_type(node_rrset_at(n, i).type, n->kin->is_apex))
			return false;
	return true;
}

static const struct record *soa_find(const struct catalog_owner *o)
{
	for (size_t i = 0; i < o->count; i++)
		if (o->first[i].type == TYPE_SOA)
			return &o->first[i];
	return NULL;
}

static bool apex_is_whole(const struct catalog_owner *o)
{
	bool has_ns = false;
	const struct record *soa = soa_find(o);
	for (size_t i = 0; i < o->count; i++)
		has_ns = has_ns || o->first[i].type == TYPE_NS;
	return has_ns && soa && soa->rdata_bytes >= SOA_TAIL_BYTES + 2;
}

/* Nothing above the name keeps records from standing there. */
static bool place_is_plain(const struct catalog *c, const struct zone *z, const struct name *n)
{
	for (size_t label = 1; label <= n->labels; label++) {
		const struct node *above = edit_node(c, n, label);
		if (!above)
			continue;
		if (!node_is_plain(above, z))
			return false;
		if (above->kin->is_apex)
			return true;
	}
	return false;
}

static bool can_put(const struct catalog *c, const struct zone *z, const struct catalog_owner *o)
{
	const struct node *node = edit_node(c, &o->name, 0);
	bool is_apex = node && node->kin->is_apex;
	if (has_wildcard(&o->name) || (node && !node_is_plain(node, z)))
		return false;
	for (size_t i = 0; i < o->count; i++)
		if (!is_plain_type(o->first[i].type, is_apex))
			return false;
	if (is_apex)
		return apex_is_whole(o);
	if (o->count == 0)
		return node && node->rrsets_count > 0;
	return !soa_find(o) && place_is_plain(c, z, &o->name);
}

bool catalog_change_records(struct catalog *from, struct zone *z,
    const struct catalog_owner *owners, size_t count, struct catalog **out)
{
	struct catalog_edit ed;
	size_t room = 0;
	if (count > CATALOG_OWNERS_MAX || z->keys || z->chain || from->hidden == z)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!can_put(from, z, &owners[i]))
			return false;
		room += owners[i].name.labels + 1U; /* names above it may have to be made */
	}
	if (!catalog_edit_fits(from, room))
		return false;
	catalog_edit_begin(&ed, from);
	for (size_t i = 0; i < count; i++) {
		const struct catalog_owner *o = &owners[i];
		const struct kin like = {.pool = CATALOG_NO_POOL};
		if (o->count == 0) {
			edit_remove(&ed, &o->name);
			continue;
		}
		const struct node *node = edit_put(&ed, &o->name, &like, o->first, o->count);
		if (!node->kin->is_apex)
			continue;
		const struct record *soa = soa_find(o);
		zone_top_set(ed.root, z, node,
		    get_u32(soa->rdata + soa->rdata_bytes - SOA_TAIL_BYTES), ed.c->generation);
	}
	*out = catalog_edit_end(&ed);
	return true;
}
