/* Rule 1 for what a view answers: what is gone must have been removed by name. */
#include "dnsd/accept.h"

#include <inttypes.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

/* --- what left on purpose ------------------------------------------------------------------- */

struct loss { /* a type that one name may be without */
	struct name name;
	uint16_t type; /* 0: any */
};

/* What the revisions between two views name, for look-ups. */
struct gone {
	struct name *names;
	size_t count;
	struct loss *losses;
	size_t losses_count;
	bool *
	    of_pools; /* that some pool lost a family: two a pool of the held catalog, A and AAAA */
	bool has_types; /* losses are told: a type may leave only so */
};

static int name_order(const void *a, const void *b)
{
	const struct name *x = a, *y = b;
	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? -1 : 1;
	return memcmp(x->wire, y->wire, x->bytes);
}

static int loss_order(const void *a, const void *b)
{
	const struct loss *x = a, *y = b;
	int order = name_order(&x->name, &y->name);
	return order != 0 ? order : (int)x->type - (int)y->type;
}

static int text_order(const void *key, const void *item)
{
	return strcmp(key, *(char *const *)item);
}

/* SIZE_MAX: the catalog refers to no such pool. */
static size_t pool_index(const struct catalog *c, const char *name)
{
	char **at = c->pools_count == 0
	                ? NULL
	                : bsearch(name, c->pools, c->pools_count, sizeof(*c->pools), text_order);
	return at ? (size_t)(at - c->pools) : SIZE_MAX;
}

static void loss_collect(struct gone *g, const struct view_loss *l, const struct catalog *held)
{
	bool is_any = strcmp(l->type, VIEW_TYPE_ANY) == 0;
	struct loss loss = {.type = is_any ? 0 : (uint16_t)ldns_get_rr_type_by_name(l->type)};
	if (!is_any && loss.type == 0)
		return; /* a type that this server does not know is none that it answers */
	if (l->owner && name_parse(&loss.name, l->owner, NULL) == 0)
		VEC_PUSH(g->losses, g->losses_count) = loss;
	size_t pool = l->owner ? SIZE_MAX : pool_index(held, l->pool);
	if (pool != SIZE_MAX && (is_any || loss.type == TYPE_A || loss.type == TYPE_AAAA)) {
		g->of_pools[2 * pool] |= is_any || loss.type == TYPE_A;
		g->of_pools[2 * pool + 1] |= is_any || loss.type == TYPE_AAAA;
	}
}

static bool revision_is_between(
    uint64_t revision, const struct view *held, const struct view *offered)
{
	return revision > held->revision && revision <= offered->revision;
}

static void gone_collect(struct gone *g, const struct view *held_view, const struct catalog *held,
    const struct view *offered)
{
	const struct view_catalog *c = offered->catalog;
	*g = (struct gone){.of_pools = mem_new(held->pools_count + 1, 2 * sizeof(bool)),
	    .has_types = offered->revision == held_view->revision ||
	                 (c->types_since > 0 && held_view->revision + 1 >= c->types_since)};
	for (size_t i = 0; i < c->removals_count; i++) {
		struct name n;
		if (revision_is_between(c->removals[i].revision, held_view, offered) &&
		    name_parse(&n, c->removals[i].owner, NULL) == 0)
			VEC_PUSH(g->names, g->count) = n;
	}
	for (size_t i = 0; i < c->losses_count; i++)
		if (revision_is_between(c->losses[i].revision, held_view, offered))
			loss_collect(g, &c->losses[i], held);
	if (g->count > 1)
		qsort(g->names, g->count, sizeof(*g->names), name_order);
	if (g->losses_count > 1)
		qsort(g->losses, g->losses_count, sizeof(*g->losses), loss_order);
}

static void gone_release(struct gone *g)
{
	free(g->names);
	free(g->losses);
	free(g->of_pools);
}

static bool gone_has(const struct gone *g, const struct name *n)
{
	return g->count > 0 && bsearch(n, g->names, g->count, sizeof(*g->names), name_order);
}

static bool gone_has_type(const struct gone *g, const struct name *n, uint16_t type)
{
	struct loss key = {.name = *n};
	if (g->losses_count == 0)
		return false;
	if (bsearch(&key, g->losses, g->losses_count, sizeof(key), loss_order))
		return true;
	key.type = type;
	return bsearch(&key, g->losses, g->losses_count, sizeof(key), loss_order) != NULL;
}

uint64_t accept_leaves(const struct view *offered, uint64_t held_revision)
{
	uint64_t count = 0;
	for (size_t i = 0; i < offered->catalog->leaves_count; i++) {
		const struct view_leave *l = &offered->catalog->leaves[i];
		if (l->revision > held_revision && l->revision <= offered->revision)
			count += l->count;
	}
	return count;
}

/* --- pools ---------------------------------------------------------------------------------- */

static bool pool_has(const struct view_pool *p, uint8_t family)
{
	for (size_t i = 0; i < p->members_count; i++)
		if (p->members[i].address.family == family)
			return true;
	return false;
}

static int pool_order(const void *key, const void *item)
{
	const struct view_pool *p = item;
	return strcmp(key, p->name);
}

static const struct view_pool *pool_find(const struct view *v, const char *name)
{
	return v->pools_count == 0
	           ? NULL
	           : bsearch(name, v->pools, v->pools_count, sizeof(*v->pools), pool_order);
}

/* Which families each pool of a catalog has in a view: two a pool, A and AAAA. The caller frees. */
static bool *families_of(const struct catalog *c, const struct view *v)
{
	bool *families = mem_new(c->pools_count + 1, 2 * sizeof(bool));
	for (size_t i = 0; i < c->pools_count; i++) {
		const struct view_pool *p = pool_find(v, c->pools[i]);
		families[2 * i] = p && pool_has(p, 4);
		families[2 * i + 1] = p && pool_has(p, 6);
	}
	return families;
}

bool accept_families(
    const struct view *held_view, const struct catalog *held, const struct view *offered)
{
	struct gone gone;
	gone_collect(&gone, held_view, held, offered);
	bool *was = families_of(held, held_view), *is = families_of(held, offered);
	bool is_kept = true;
	for (size_t i = 0; gone.has_types && i < 2 * held->pools_count; i++)
		is_kept = is_kept && (!was[i] || is[i] || gone.of_pools[i]);
	free(was);
	free(is);
	gone_release(&gone);
	return is_kept;
}

int accept_pools(const struct view *held, const struct view *offered, struct err *why)
{
	for (size_t i = 0; i < held->pools_count; i++) {
		const struct view_pool *was = &held->pools[i], *is = pool_find(offered, was->name);
		if (!is)
			return err_set(why, E_REFUSED,
			    "rule 1: epoch %" PRIu64 " drops the pool \"%s\"", offered->epoch,
			    was->name);
		for (uint8_t family = 4; family <= 6; family += 2)
			if (pool_has(was, family) && !pool_has(is, family))
				return err_set(why, E_REFUSED,
				    "rule 1: epoch %" PRIu64
				    " leaves the pool \"%s\" without an IPv%d address",
				    offered->epoch, was->name, family);
	}
	return 0;
}

/* --- names ---------------------------------------------------------------------------------- */

struct comparison {
	struct gone gone;
	bool *was, *is;           /* families */
	uint64_t may_leave, left; /* names of lists */
	const struct node *first; /* that lost something; NULL: none */
	uint16_t first_type;      /* 0: as a whole */
	size_t lost_count;
};

/* What comes with the keys goes with them; the document has no say in it. */
static bool type_is_of_keys(uint16_t type)
{
	return type == TYPE_DNSKEY || type == TYPE_CDS || type == TYPE_CDNSKEY ||
	       type == TYPE_RRSIG || type == TYPE_NSEC || type == TYPE_NSEC3PARAM;
}

/* Does a question for that type get an answer of its own? Of a delegation only NS and DS are ours.
 */
static bool node_answers(const struct node *n, uint16_t type, const bool *families)
{
	if (n->kin->cut == n && type != TYPE_NS && type != TYPE_DS)
		return false;
	if (n->kin->pool != CATALOG_NO_POOL && (type == TYPE_A || type == TYPE_AAAA) &&
	    families[2 * n->kin->pool + (type == TYPE_AAAA)])
		return true;
	return node_has(n, type);
}

static void lost_note(struct comparison *c, const struct node *was, uint16_t type)
{
	c->lost_count++;
	if (!c->first) {
		c->first = was;
		c->first_type = type;
	}
}

static void type_compare(struct comparison *c, const struct node *was, const struct node *now,
    const struct name *n, uint16_t type)
{
	uint32_t pool = was->kin->pool;
	if (type_is_of_keys(type) || !node_answers(was, type, c->was) ||
	    node_answers(now, type, c->is) || gone_has_type(&c->gone, n, type))
		return;
	if (pool != CATALOG_NO_POOL && (type == TYPE_A || type == TYPE_AAAA) &&
	    c->gone.of_pools[2 * pool + (type == TYPE_AAAA)])
		return;
	lost_note(c, was, type);
}

/* Is everything still answered that was? */
static void node_compare(
    struct comparison *c, const struct node *was, const struct node *now, const struct name *n)
{
	if (now && node_has_answer(now)) {
		if (!c->gone.has_types || gone_has(&c->gone, n))
			return;
		for (size_t i = 0; i < was->rrsets_count; i++)
			type_compare(c, was, now, n, node_rrset_at(was, i).type);
		if (was->kin->pool != CATALOG_NO_POOL) {
			type_compare(c, was, now, n, TYPE_A);
			type_compare(c, was, now, n, TYPE_AAAA);
		}
	} else if (gone_has(&c->gone, n)) {
		return;
	} else if (was->kin->is_listed && c->left < c->may_leave) {
		c->left++;
	} else {
		lost_note(c, was, 0);
	}
}

static int comparison_end(const struct comparison *c, const struct view *offered, struct err *why)
{
	char text[NAME_TEXT_BYTES];
	struct name n;
	if (!c->first)
		return 0;
	node_name(c->first, &n);
	char *type = c->first_type != 0 ? ldns_rr_type2str(c->first_type) : NULL;
	err_set(why, E_REFUSED,
	    "rule 1: revision %" PRIu64 " drops \"%.200s\"%s%s%s without a removal that names %s; "
	    "what is served stays (after a restored store: apply a document that has %s)",
	    offered->revision, name_format(n.wire, text), type ? " " : "", type ? type : "",
	    c->lost_count > 1 ? " and others" : "", c->lost_count > 1 ? "them" : "it",
	    c->lost_count > 1 ? "them" : "it");
	free(type);
	return E_REFUSED;
}

int accept_names(const struct view *held_view, const struct catalog *held,
    const struct view *offered_view, const struct catalog *offered, struct err *why)
{
	struct comparison c = {.may_leave = accept_leaves(offered_view, held_view->revision),
	    .was = families_of(held, held_view),
	    .is = families_of(offered, offered_view)};
	const struct node *node;
	size_t at = 0;
	struct name n;
	gone_collect(&c.gone, held_view, held, offered_view);
	while ((node = catalog_next(held, &at)) != NULL) {
		if (!node_has_answer(node) || node->kin->zone == held->hidden)
			continue; /* the catalog zone follows from the others */
		node_name(node, &n);
		node_compare(&c, node, catalog_find(offered, name_hash(&n), n.wire, n.bytes), &n);
	}
	gone_release(&c.gone);
	free(c.was);
	free(c.is);
	return comparison_end(&c, offered_view, why);
}
