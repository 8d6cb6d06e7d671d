/* Rule 3 for a new service document: every pool and every name that has members which are proven to
 * work keeps some, or gets others that are. */
#include <stdlib.h>
#include <string.h>

#include "core/inside.h"

/* Whether the pool has, in sites that are not drained, a member of the family that works now. */
static bool pool_has_proven(const struct core *c, const struct state *s, size_t pool, int family)
{
	const struct service_pool *p = &c->service->pools[pool];

	for (size_t i = 0; i < p->members_count; i++)
		if ((family == 0 || p->members[i].address.family == family) &&
		    !lastsite_is_drained(c->service, s, p->members[i].site) &&
		    member_is_proven(c, s, roster_place(c->roster, pool, i)))
			return true;
	return false;
}

/* What is asked of a member of a new document; `at` is its place in the roster, SIZE_MAX: it is
 * new.
 */
struct wanted {
	const struct core *c;
	const struct state *s;
	const struct addr *proven; /* addresses that are, in whatever pool; NULL: by its id only */
	size_t proven_count;
};
typedef bool (*member_test)(const struct wanted *w, size_t at, const struct addr *address);

static bool is_proven(const struct wanted *w, size_t at, const struct addr *address)
{
	if (at != SIZE_MAX && member_is_proven(w->c, w->s, at))
		return true;
	for (size_t i = 0; i < w->proven_count; i++)
		if (addr_equal(&w->proven[i], address))
			return true;
	return false;
}

/* Nothing says that it does not work. */
static bool is_hope(const struct wanted *w, size_t at, const struct addr *address)
{
	(void)address;
	return at == SIZE_MAX || member_may_work(w->c, w->s, at);
}

/* Whether a pool of the new document has such a member of the family (0: any), in a site that is
 * not drained. */
static bool new_pool_has(
    const struct wanted *w, const struct service *after, size_t pool, int family, member_test test)
{
	const struct service_pool *p = &after->pools[pool];
	char id[MEMBER_ID_BYTES];

	for (size_t i = 0; i < p->members_count; i++) {
		const struct service_member *m = &p->members[i];
		if ((family == 0 || m->address.family == family) &&
		    !lastsite_is_drained(after, w->s, m->site) &&
		    test(w, roster_find(w->c->roster, member_id(after, pool, i, id)), &m->address))
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
	const struct wanted w = {.c = c, .s = s};
	size_t bad = 0;

	for (size_t p = 0; p < c->service->pools_count; p++) {
		size_t new = service_pool_find(after, c->service->pools[p].name);
		for (int family = 4; new != SIZE_MAX &&family <= 6; family += 2) {
			bool own = pool_has_proven(c, s, p, family);
			bool lent = !own && lastsite_borrows(c, s, p, family, SIZE_MAX);
			size_t spare = lent ? new_fallback(after, new) : SIZE_MAX;
			if (!pool_has_family(&after->pools[new], family) || (!own && !lent) ||
			    new_pool_has(&w, after, new, family, is_proven) ||
			    (spare != SIZE_MAX &&
			        new_pool_has(&w, after, spare, family, is_proven)))
				continue;
			*hard +=
			    !new_pool_has(&w, after, new, family, is_hope) &&
			    (spare == SIZE_MAX || !new_pool_has(&w, after, spare, family, is_hope));
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
	const struct wanted w = {m->c, m->s, m->proven, m->proven_count};
	const char *pool = m->after->pools[to].name;

	if (strcmp(m->c->service->pools[from].name, pool) == 0 ||
	    (!pool_has_proven(m->c, m->s, from, 0) &&
	        !lastsite_borrows(m->c, m->s, from, 0, SIZE_MAX)))
		return;
	if (!m->judged[to])
		m->judged[to] = new_pool_has(&w, m->after, to, 0, is_proven) ? 1 : 2;
	if (m->judged[to] == 1)
		return;
	m->hard += !new_pool_has(&w, m->after, to, 0, is_hope);
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
