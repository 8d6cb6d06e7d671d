/* Rule 3: never remove the last site. Drains, bad health, what is about to be committed and a new
 * document are counted together, an address family at a time, and only members that fresh evidence
 * proves to work count as left. */
#include <stdlib.h>
#include <string.h>

#include "core/inside.h"

bool member_is_proven(const struct core *c, const struct state *s, size_t roster_index)
{
	const struct roster_member *m = &c->roster->members[roster_index];
	const struct state_intent *pin = intent_pin(s, m->id);

	return !(pin && pin->type == INTENT_PIN_DOWN) &&
	       verdict_is_proven(
	           state_member_find(s, m->id), &m->tally, c->service->pools[m->pool].witnesses);
}

bool member_may_work(const struct core *c, const struct state *s, size_t roster_index)
{
	const struct roster_member *m = &c->roster->members[roster_index];
	const struct state_intent *pin = intent_pin(s, m->id);
	const struct state_member *known = state_member_find(s, m->id);

	return !(pin && pin->type == INTENT_PIN_DOWN) &&
	       !(known && known->verdict == MEMBER_DOWN) &&
	       verdict_conclude(&m->tally, c->service->pools[m->pool].witnesses) != CONCLUDE_DOWN;
}

static bool site_is_drained(const struct service *service, const struct state *s, size_t site)
{
	return maintenance_of(s, service->sites[site].name) != NULL;
}

/* "mail-de/127.20.0.25 (fra) is down since …", for the members that do not help. */
static void member_tell(
    const struct core *c, const struct state *s, size_t pool, size_t member, struct buf *text)
{
	size_t at = roster_place(c->roster, pool, member);
	const struct roster_member *m = &c->roster->members[at];
	const char *site = c->service->sites[m->site].name;
	const struct state_drain *d = maintenance_of(s, site);
	const struct state_member *committed = state_member_find(s, m->id);

	buf_printf(text, "; %s (%s) is ", m->id, site);
	if (d)
		buf_printf(text, "drained by %s", d->owner);
	else if (m->live == MEMBER_UNKNOWN)
		buf_printf(text, "unknown: %u of %u vantages heard", m->tally.fresh,
		    c->service->pools[pool].witnesses);
	else if (intent_pin(s, m->id) && intent_pin(s, m->id)->type == INTENT_PIN_DOWN)
		buf_printf(text, "pinned down by %s", intent_pin(s, m->id)->owner);
	else if (committed && committed->withheld && committed->verdict == MEMBER_UP)
		buf_puts(text, "up, but waits for its return (tandem return)");
	else
		buf_printf(text, "%s: %s", member_state_name(m->live),
		    committed && *committed->evidence ? committed->evidence : "no verdict yet");
}

static bool drain_leaves_family(const struct core *c, const struct state *s, size_t pool,
    size_t site, uint8_t family, size_t *hard, struct buf *text)
{
	const struct service_pool *p = &c->service->pools[pool];
	bool here = false, elsewhere = false, proven = false, hope = false;

	for (size_t i = 0; i < p->members_count; i++) {
		const struct service_member *m = &p->members[i];
		if (m->address.family != family)
			continue;
		here = here || m->site == site;
		elsewhere = elsewhere || m->site != site;
		if (m->site == site || site_is_drained(c->service, s, m->site))
			continue;
		proven = proven || member_is_proven(c, s, roster_place(c->roster, pool, i));
		hope = hope || member_may_work(c, s, roster_place(c->roster, pool, i));
	}
	if (!here || !elsewhere || proven)
		return true;
	*hard += !hope;
	buf_printf(
	    text, "pool %s would have no IPv%u member left that is proven up", p->name, family);
	for (size_t i = 0; i < p->members_count; i++)
		if (p->members[i].address.family == family && p->members[i].site != site)
			member_tell(c, s, pool, i, text);
	buf_puts(text, "\n");
	return false;
}

/* Whether what the pool's fallback lends it, of a family (0: any) and in a site (SIZE_MAX: any), is
 * answered now. */
static bool pool_borrows(
    const struct core *c, const struct state *s, size_t pool, int family, size_t site)
{
	const struct service_pool *p = &c->service->pools[pool];
	struct offers offers;

	if (p->all_down != ALL_DOWN_FALLBACK)
		return false;
	offer_decide(c->service, s, pool, &offers);
	const struct service_pool *other = &c->service->pools[p->fallback];
	for (size_t i = 0; offers.borrows && i < other->members_count; i++)
		if (offers.lent[i] && (family == 0 || other->members[i].address.family == family) &&
		    (site == SIZE_MAX || other->members[i].site == site))
			return true;
	return false;
}

/* Who of the family is left outside the site, which may be that of nobody. */
static void family_left(const struct core *c, const struct state *s, size_t pool, size_t site,
    uint8_t family, bool *elsewhere, bool *proven, bool *hope)
{
	const struct service_pool *p = &c->service->pools[pool];

	for (size_t i = 0; i < p->members_count; i++) {
		size_t at = roster_place(c->roster, pool, i);
		if (p->members[i].address.family != family || p->members[i].site == site)
			continue;
		*elsewhere = true;
		if (site_is_drained(c->service, s, p->members[i].site))
			continue;
		*proven = *proven || member_is_proven(c, s, at);
		*hope = *hope || member_may_work(c, s, at);
	}
}

/* The site takes away what stands in for a pool of which nobody works. */
static bool drain_leaves_fallback(const struct core *c, const struct state *s, size_t pool,
    size_t site, uint8_t family, size_t *hard, struct buf *text)
{
	const struct service_pool *p = &c->service->pools[pool];
	bool elsewhere = false, proven = false, hope = false;

	if (!pool_borrows(c, s, pool, family, site))
		return true;
	family_left(c, s, pool, site, family, &elsewhere, &proven, &hope);
	family_left(c, s, p->fallback, site, family, &elsewhere, &proven, &hope);
	if (!elsewhere || proven)
		return true;
	*hard += !hope;
	buf_printf(text,
	    "pool %s has nobody who works but its fallback, pool %s, and that would have no IPv%u "
	    "member left that is proven up\n",
	    p->name, c->service->pools[p->fallback].name, family);
	return false;
}

size_t lastsite_check_drain(
    const struct core *c, const struct state *s, size_t site, size_t *hard, struct buf *text)
{
	size_t bad = 0;

	*hard = 0;
	for (size_t p = 0; p < c->service->pools_count; p++)
		for (uint8_t family = 4; family <= 6; family = (uint8_t)(family + 2)) {
			struct buf line = {0};
			if ((!drain_leaves_family(c, s, p, site, family, hard, &line) ||
			        !drain_leaves_fallback(c, s, p, site, family, hard, &line)) &&
			    ++bad <= CORE_TEXT_LINES)
				buf_puts(text, buf_text(&line));
			buf_free(&line);
		}
	return bad;
}

/* Whether the pool has, in sites that are not drained, a member of the family that works now. */
static bool pool_has_proven(const struct core *c, const struct state *s, size_t pool, int family)
{
	const struct service_pool *p = &c->service->pools[pool];

	for (size_t i = 0; i < p->members_count; i++)
		if ((family == 0 || p->members[i].address.family == family) &&
		    !site_is_drained(c->service, s, p->members[i].site) &&
		    member_is_proven(c, s, roster_place(c->roster, pool, i)))
			return true;
	return false;
}

/* The same of a pool of the new document. A member is known by its id, or where `by_address` by its
 * address in any pool of the present document. */
static bool new_pool_has_proven(const struct core *c, const struct state *s,
    const struct service *after, size_t pool, int family, const struct addr *proven,
    size_t proven_count)
{
	const struct service_pool *p = &after->pools[pool];
	char id[MEMBER_ID_BYTES];

	for (size_t i = 0; i < p->members_count; i++) {
		const struct service_member *m = &p->members[i];
		if ((family != 0 && m->address.family != family) ||
		    site_is_drained(after, s, m->site))
			continue;
		size_t at = roster_find(c->roster, member_id(after, pool, i, id));
		if (at != SIZE_MAX && member_is_proven(c, s, at))
			return true;
		for (size_t j = 0; j < proven_count; j++)
			if (addr_equal(&proven[j], &m->address))
				return true;
	}
	return false;
}

/* Whether the new pool has somebody of whom nothing says that it does not work. */
static bool new_pool_has_hope(const struct core *c, const struct state *s,
    const struct service *after, size_t pool, int family)
{
	const struct service_pool *p = &after->pools[pool];
	char id[MEMBER_ID_BYTES];

	for (size_t i = 0; i < p->members_count; i++) {
		const struct service_member *m = &p->members[i];
		if ((family != 0 && m->address.family != family) ||
		    site_is_drained(after, s, m->site))
			continue;
		size_t at = roster_find(c->roster, member_id(after, pool, i, id));
		if (at == SIZE_MAX || member_may_work(c, s, at))
			return true;
	}
	return false;
}

static bool pool_has_family(const struct service_pool *p, int family)
{
	for (size_t i = 0; i < p->members_count; i++)
		if (p->members[i].address.family == family)
			return true;
	return false;
}

/* What stands in for a pool, or SIZE_MAX. */
static size_t new_fallback(const struct service *after, size_t pool)
{
	return after->pools[pool].all_down == ALL_DOWN_FALLBACK ? after->pools[pool].fallback
	                                                        : SIZE_MAX;
}

static size_t check_pools(const struct core *c, const struct state *s, const struct service *after,
    size_t *hard, struct buf *text)
{
	size_t bad = 0;

	for (size_t p = 0; p < c->service->pools_count; p++) {
		size_t new = service_pool_find(after, c->service->pools[p].name);
		for (int family = 4; new != SIZE_MAX &&family <= 6; family += 2) {
			bool own = pool_has_proven(c, s, p, family);
			bool lent = !own && pool_borrows(c, s, p, family, SIZE_MAX);
			size_t spare = lent ? new_fallback(after, new) : SIZE_MAX;
			if (!pool_has_family(&after->pools[new], family) || (!own && !lent) ||
			    new_pool_has_proven(c, s, after, new, family, NULL, 0) ||
			    (spare != SIZE_MAX &&
			        new_pool_has_proven(c, s, after, spare, family, NULL, 0)))
				continue;
			*hard +=
			    !new_pool_has_hope(c, s, after, new, family) &&
			    (spare == SIZE_MAX || !new_pool_has_hope(c, s, after, spare, family));
			if (++bad <= CORE_TEXT_LINES)
				buf_printf(text,
				    "pool %s has IPv%d members that are proven up%s, and would "
				    "have none: add the new ones first, and remove the old ones "
				    "when those are up\n",
				    c->service->pools[p].name, family,
				    lent ? " in its fallback" : "");
		}
	}
	return bad;
}

static int name_compare(const void *a, const void *b)
{
	const struct service_name *const *x = a, *const *y = b;

	return strcmp((*x)->owner, (*y)->owner);
}

/* Names that move from a pool that works to another one. */
struct moves {
	const struct core *c;
	const struct state *s;
	const struct service *after;
	struct addr *proven; /* addresses of all members that are */
	size_t proven_count;
	char *judged; /* pools of `after`: 0 not yet, 1 good, 2 bad */
	size_t bad, hard;
	struct buf *text;
};

static void move_check(struct moves *m, size_t from, size_t to, const char *what)
{
	const char *pool = m->after->pools[to].name;

	if (strcmp(m->c->service->pools[from].name, pool) == 0 ||
	    (!pool_has_proven(m->c, m->s, from, 0) && !pool_borrows(m->c, m->s, from, 0, SIZE_MAX)))
		return;
	if (!m->judged[to])
		m->judged[to] =
		    new_pool_has_proven(m->c, m->s, m->after, to, 0, m->proven, m->proven_count)
		        ? 1
		        : 2;
	if (m->judged[to] == 1)
		return;
	m->hard += !new_pool_has_hope(m->c, m->s, m->after, to, 0);
	if (++m->bad <= CORE_TEXT_LINES)
		buf_printf(m->text,
		    "%s is answered with members that are proven up, and would move to pool %s, "
		    "which has none yet\n",
		    what, pool);
}

static void check_names(struct moves *m)
{
	const struct service *before = m->c->service, *after = m->after;
	const struct service_name **sorted = mem_new(before->names_count + 1, sizeof(*sorted));

	for (size_t i = 0; i < before->names_count; i++)
		sorted[i] = &before->names[i];
	qsort(sorted, before->names_count, sizeof(*sorted), name_compare);
	for (size_t i = 0; i < after->names_count; i++) {
		const struct service_name *name = &after->names[i],
		                          **was = before->names_count == 0
		                                      ? NULL
		                                      : bsearch(&name, sorted, before->names_count,
		                                            sizeof(*sorted), name_compare);
		if (was)
			move_check(m, (*was)->pool, name->pool, name->owner);
	}
	free(sorted);
}

static const struct service_names *file_find(const struct service *s, const char *file)
{
	for (size_t i = 0; i < s->names_files_count; i++)
		if (strcmp(s->names_files[i].file, file) == 0)
			return &s->names_files[i];
	return NULL;
}

/* A file's names move as a whole; one that is there no more may be any new one of its zone. */
static void check_files(struct moves *m)
{
	const struct service *before = m->c->service, *after = m->after;

	for (size_t i = 0; i < before->names_files_count; i++) {
		const struct service_names *was = &before->names_files[i];
		const struct service_names *same = file_find(after, was->file);
		const char *zone = before->zones[was->zone].name;
		for (size_t j = 0; j < after->names_files_count; j++) {
			const struct service_names *now = &after->names_files[j];
			if (same ? now == same
			         : !file_find(before, now->file) &&
			               strcmp(after->zones[now->zone].name, zone) == 0)
				move_check(m, was->pool, now->pool, now->file);
		}
	}
}

static size_t check_moves(const struct core *c, const struct state *s, const struct service *after,
    size_t *hard, struct buf *text)
{
	struct moves m = {.c = c,
	    .s = s,
	    .after = after,
	    .proven = mem_new(c->roster->members_count + 1, sizeof(struct addr)),
	    .judged = mem_new(after->pools_count + 1, 1),
	    .text = text};

	for (size_t i = 0; i < c->roster->members_count; i++)
		if (member_is_proven(c, s, i))
			m.proven[m.proven_count++] = c->service->pools[c->roster->members[i].pool]
			                                 .members[c->roster->members[i].member]
			                                 .address;
	check_names(&m);
	check_files(&m);
	free(m.proven);
	free(m.judged);
	*hard += m.hard;
	return m.bad;
}

size_t lastsite_check_apply(const struct core *c, const struct state *s,
    const struct service *after, size_t *hard, struct buf *text)
{
	*hard = 0;
	if (!c->service)
		return 0;
	return check_pools(c, s, after, hard, text) + check_moves(c, s, after, hard, text);
}

bool lastsite_allows(
    struct request *r, const char *what, size_t bad, size_t hard, struct buf *why, struct buf *text)
{
	if (bad == 0 || (hard == 0 && override_takes(r, OVERRIDE_UNPROVEN)))
		return true;
	while (why->bytes > 0 && why->data[why->bytes - 1] == '\n')
		why->data[--why->bytes] = '\0';
	buf_printf(
	    text, "%s refused by rule 3, never remove the last site:\n%s", what, buf_text(why));
	if (bad > CORE_TEXT_LINES)
		buf_printf(text, "\nand %zu more", bad - CORE_TEXT_LINES);
	if (hard == 0)
		override_offer(r, OVERRIDE_UNPROVEN, text);
	else
		buf_puts(text, "; that is not overridden for anybody");
	return false;
}
