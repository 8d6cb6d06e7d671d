/* Judging a new service document: nobody is left without an answer by it, no intent gets lost. */
#include "core/apply.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/inside.h"
#include "core/share.h"

enum { LOSSES_TOLD = 3 };

static int pool_check(const struct service *s, const struct service_pool *p, struct err *e)
{
	if (!p->name || strlen(p->name) >= SERVICE_NAME_BYTES)
		return err_set(e, E_INVALID, "a pool without a name, or with one too long");
	if (p->members_count == 0 || p->members_count > SERVICE_POOL_MEMBERS)
		return err_set(e, E_INVALID, "pool %s has %zu members, expected 1 to %d", p->name,
		    p->members_count, SERVICE_POOL_MEMBERS);
	if (p->checks_count > SERVICE_POOL_CHECKS)
		return err_set(e, E_INVALID, "pool %s has too many checks", p->name);
	if (p->region >= s->regions_count)
		return err_set(e, E_INVALID, "pool %s is in no region", p->name);
	if (p->witnesses < 2)
		return err_set(e, E_INVALID,
		    "pool %s: witnesses: found %u, expected at least 2 "
		    "(rule 6)",
		    p->name, p->witnesses);
	for (size_t i = 0; i < p->members_count; i++) {
		const struct service_member *m = &p->members[i];
		if (m->site >= s->sites_count || s->sites[m->site].witness)
			return err_set(
			    e, E_INVALID, "pool %s has a member outside the mail sites", p->name);
		if (m->address.family != 4 && m->address.family != 6)
			return err_set(
			    e, E_INVALID, "pool %s has a member without an address", p->name);
		for (size_t j = 0; j < i; j++)
			if (addr_equal(&p->members[j].address, &m->address))
				return err_set(
				    e, E_INVALID, "pool %s has an address twice", p->name);
	}
	return 0;
}

static bool has_family(const struct service_pool *p, uint8_t family)
{
	for (size_t i = 0; i < p->members_count; i++)
		if (p->members[i].address.family == family)
			return true;
	return false;
}

/* After pool_check of all: no circle, and nobody gets an empty answer of a family (rule 1). */
static int fallback_check(const struct service *s, const struct service_pool *p, struct err *e)
{
	if (p->all_down != ALL_DOWN_FALLBACK)
		return 0;
	if (p->fallback >= s->pools_count)
		return err_set(e, E_INVALID, "pool %s: its fallback is missing", p->name);
	const struct service_pool *other = &s->pools[p->fallback];
	if (other->all_down == ALL_DOWN_FALLBACK)
		return err_set(e, E_INVALID,
		    "pool %s: its fallback, pool %s, has a fallback itself, or is the same",
		    p->name, other->name);
	if ((has_family(p, 4) && !has_family(other, 4)) ||
	    (has_family(p, 6) && !has_family(other, 6)))
		return err_set(e, E_INVALID,
		    "pool %s: its fallback, pool %s, lacks an address family of it", p->name,
		    other->name);
	return 0;
}

static int files_check(const struct service *s, struct err *e)
{
	uint64_t names = 0;

	if (s->names_files_count > SERVICE_NAMES_FILES)
		return err_set(e, E_INVALID, "more than %d names files", SERVICE_NAMES_FILES);
	for (size_t i = 0; i < s->names_files_count; i++) {
		const struct service_names *f = &s->names_files[i];
		if (!f->file || f->pool >= s->pools_count || f->zone >= s->zones_count)
			return err_set(e, E_INVALID, "a names file without its pool or zone");
		if (!f->is_listed || f->count == 0)
			return err_set(e, E_INVALID,
			    "the names of \"%.200s\" are missing: names_lists, which \"tandem "
			    "apply\" writes, has no digest for it",
			    f->file);
		names += f->count;
	}
	if (names > SERVICE_LIST_NAMES)
		return err_set(e, E_INVALID,
		    "%" PRIu64 " names in all names files, expected at most %d", names,
		    SERVICE_LIST_NAMES);
	return 0;
}

int apply_check(const struct service *s, struct err *e)
{
	size_t members = 0;

	if (s->sites_count == 0 || s->sites_count > SERVICE_SITES)
		return err_set(e, E_INVALID, "found %zu sites, expected 1 to %d", s->sites_count,
		    SERVICE_SITES);
	if (s->pools_count > SERVICE_POOLS || s->names_count > SERVICE_NAMES ||
	    s->regions_count > SERVICE_REGIONS || s->zones_count > SERVICE_ZONES)
		return err_set(e, E_INVALID, "too many pools, names or zones");
	for (size_t i = 0; i < s->sites_count; i++)
		if (!s->sites[i].name || strlen(s->sites[i].name) >= SERVICE_NAME_BYTES)
			return err_set(e, E_INVALID, "a site without a name, or with one too long");
	for (size_t i = 0; i < s->pools_count; i++) {
		int r = pool_check(s, &s->pools[i], e);
		if (r != 0)
			return r;
		members += s->pools[i].members_count;
	}
	for (size_t i = 0; i < s->pools_count; i++)
		if (fallback_check(s, &s->pools[i], e) != 0)
			return E_INVALID;
	if (members > STATE_MEMBERS)
		return err_set(e, E_INVALID,
		    "%zu members in all pools, expected at most %d: what is concluded of them "
		    "must fit the store",
		    members, STATE_MEMBERS);
	for (size_t i = 0; i < s->names_count; i++)
		if (!s->names[i].owner || s->names[i].pool >= s->pools_count ||
		    s->names[i].zone >= s->zones_count)
			return err_set(e, E_INVALID, "a name without its owner, pool or zone");
	return files_check(s, e);
}

int declarations_check(const struct state *s, const struct service *after, struct buf *text)
{
	for (size_t i = 0; i < s->drains_count; i++) {
		const struct state_drain *d = &s->drains[i];
		size_t site = service_site_find(after, d->site);
		if (site != SIZE_MAX && !after->sites[site].witness)
			continue;
		buf_printf(text,
		    "refused by rule 8, people outrank automation: %s is drained by %s (%s) and "
		    "the "
		    "document has no such mail site; undrain it first, which is not overridden",
		    d->site, d->owner, d->reason);
		return E_REFUSED;
	}
	for (size_t i = 0; i < s->intents_count; i++) {
		if (intent_fits(after, s->intents[i].type, s->intents[i].subject))
			continue;
		char *told = intent_tell(&s->intents[i]);
		buf_printf(text,
		    "refused by rule 8, people outrank automation: %s; the document has no such "
		    "subject: end that first, which is not overridden",
		    told);
		free(told);
		return E_REFUSED;
	}
	return 0;
}

static int apply_refuse(
    struct core *c, const struct draft *d, struct request *r, struct buf *text, int *rule)
{
	const struct state *s = draft_read(d);
	struct buf why = {0};
	size_t hard;
	struct err e;

	if (!r->service || !r->document) {
		buf_puts(text, "the document is missing");
		return E_INVALID;
	}
	if (apply_check(r->service, &e) != 0) {
		buf_printf(text, "the document can not be used: %s", e.text);
		return E_INVALID;
	}
	if (r->planned_on != UINT64_MAX && r->planned_on != s->revision) {
		buf_printf(text,
		    "it was planned on revision %" PRIu64 ", but revision %" PRIu64
		    " is in force: plan again",
		    r->planned_on, s->revision);
		return E_CONFLICT;
	}
	if (declarations_check(s, r->service, text) != 0) {
		*rule = 8;
		return E_REFUSED;
	}
	int result = senders_refuse(c->service, s, r, text, rule);
	if (result != 0)
		return result;
	size_t bad = lastsite_check_apply(c, s, r->service, &hard, &why);
	bool allowed = lastsite_allows(r, "the document is", bad, hard, &why, text);
	buf_free(&why);
	*rule = allowed ? 0 : 3;
	return allowed ? 0 : E_REFUSED;
}

static void evidence_cut(struct state_member *m, size_t limit)
{
	if (strlen(m->evidence) < limit)
		return;
	char *cut = text_clean(m->evidence, limit);
	free(m->evidence);
	m->evidence = cut;
}

/* Rule 1 for names files: what leaves was counted, and more than a few only with the number said
 * (decision 031). */
static int names_refuse(const struct core *c, const struct request *r, struct buf *text, int *rule)
{
	const struct core_names *n = r->names;
	bool has_files =
	    r->service->names_files_count > 0 || (c->service && c->service->names_files_count > 0);

	if (!has_files)
		return 0;
	if (!n || n->base != c->state->revision) {
		buf_printf(text,
		    "the names files were compared with another revision than %" PRIu64
		    ", which is in force: try again",
		    c->state->revision);
		return E_CONFLICT;
	}
	bool many = n->removed > CORE_NAMES_MANY ||
	            (n->removed > CORE_NAMES_FEW && n->removed > n->before / CORE_NAMES_SHARE);
	if (n->removed == r->remove_names || (!many && r->remove_names == 0))
		return 0;
	*rule = 1;
	buf_printf(text,
	    "refused by rule 1, a name leaves only on purpose: %" PRIu64 " of %" PRIu64
	    " names in names files leave with this document",
	    n->removed, n->before);
	if (r->remove_names > 0)
		buf_printf(text, ", but %" PRIu64 " were confirmed", r->remove_names);
	buf_printf(text, "; if that is meant, say --remove-names %" PRIu64, n->removed);
	return E_REFUSED;
}

/* A change of much at once has its number said: one that was copied from somewhere does not fit
 * (decision 054). A plan goes on, and tells. */
static int share_refuse(const struct core *c, struct request *r, struct buf *told, struct buf *text)
{
	const struct service_guard *g;

	if (!c->service)
		return 0;
	g = &c->service->guard;
	r->share = share_count(c->service, r->service, r->names, told);
	if (r->changes == r->share.changed && r->changes > 0) {
		buf_puts(told, ", as confirmed");
		return 0;
	}
	if (r->changes == 0 && !share_is_large(c->service, &r->share))
		return 0;
	r->share.confirm = r->share.changed;
	if (r->plan_only)
		buf_printf(told, "\nTHE GUARD on large changes will refuse it: ");
	else
		buf_printf(text, "refused by the guard on large changes: %s; ", buf_text(told));
	struct buf *to = r->plan_only ? told : text;
	if (r->changes > 0)
		buf_printf(to, "%" PRIu64 " were confirmed", r->changes);
	else
		buf_printf(to,
		    "more than %u answers, and more than %u %% of them, do not change without "
		    "the number being said",
		    g->floor, g->max_percent);
	if (r->share.changed > 0)
		buf_printf(
		    to, "; if all of that is meant, say --changes %" PRIu64, r->share.changed);
	else
		buf_puts(to, "; leave --changes away");
	return r->plan_only ? 0 : E_REFUSED;
}

/* Drops what the state knows of members that are configured no longer. */
size_t members_prune(struct state *s, struct service *after)
{
	struct roster *new = roster_new(after, NULL, 0);
	size_t kept = 0, dropped = 0, limit = state_evidence_limit(new->members_count);

	for (size_t i = 0; i < s->members_count; i++) {
		if (roster_find(new, s->members[i].id) != SIZE_MAX) {
			evidence_cut(&s->members[i], limit);
			s->members[kept++] = s->members[i];
			continue;
		}
		free(s->members[i].id);
		free(s->members[i].evidence);
		dropped++;
	}
	s->members_count = kept;
	roster_free(new);
	return dropped;
}

/* The first few of what names lose that stay: "; leaves: example.com. MX, …". */
static void losses_tell(const struct state *s, size_t count, struct buf *text)
{
	size_t told = 0;

	if (count == 0)
		return;
	buf_printf(text, "; %zu record types leave names that stay", count);
	for (size_t i = 0; i < s->losses_count && told < LOSSES_TOLD; i++) {
		const struct view_loss *l = &s->losses[i];
		if (l->revision != s->revision)
			continue;
		buf_printf(text, "%s%s%s %s", told == 0 ? " (" : ", ", l->owner ? "" : "pool ",
		    l->owner ? l->owner : l->pool, l->type);
		told++;
	}
	if (told > 0)
		buf_puts(text, count > told ? ", …)" : ")");
}

/* What stands once the document is in force. */
static void draft_take_document(struct draft *d, struct state *s, const struct request *r)
{
	state_free(d->state);
	d->state = s;
	service_drop(d->service);
	d->service = service_hold(r->service);
	free(d->document);
	d->document = mem_strndup(r->document, r->document_bytes);
	d->document_bytes = r->document_bytes;
}

static void apply_tell(const struct request *r, const struct publish_left *left, size_t dropped,
    const struct state *after, const struct buf *share, struct buf *text)
{
	const struct service *s = r->service;

	buf_printf(text,
	    "revision %" PRIu64 ": %zu sites, %zu pools, %zu names in %zu zones; %zu names leave, "
	    "%zu members leave",
	    after->revision, s->sites_count, s->pools_count, s->names_count, s->zones_count,
	    left->names, dropped);
	losses_tell(after, left->types, text);
	if (r->names)
		buf_printf(text,
		    "; names files: %" PRIu64 " names, %" PRIu64 " new, %" PRIu64 " leave",
		    r->names->before + r->names->added - r->names->removed, r->names->added,
		    r->names->removed);
	if (share->bytes > 0)
		buf_printf(text, "; %s", buf_text(share));
}

/* To one name server first, or to all at once; takes the state. */
static void apply_carry_out(struct core *c, struct draft *d, const struct request *r,
    struct state *after, struct core_time now, struct buf *text)
{
	char *subject = mem_printf("%" PRIu64, after->revision);
	const char *at_once = trial_at_once(c, d, r, after, now);

	if (at_once) {
		trial_skip(after, r, at_once, now);
		draft_take_document(d, after, r);
	} else {
		trial_offer(c, d, r, after, now, text);
	}
	draft_note(d, now.wall_ms, r->actor, "apply", subject,
	    mem_printf("%s; applied by %s", buf_text(text), r->actor));
	free(subject);
	if (at_once)
		senders_note(d, d->base, now.wall_ms);
}

static int apply_judge(struct core *c, struct draft *d, struct request *r, struct core_time now,
    struct buf *share, struct buf *text, int *rule)
{
	struct draft trial = {.base = draft_read(d)};
	struct err e;
	struct publish_left left;
	int result = r->plan_only ? 0 : trial_refuse(draft_read(d), text);

	if (result == 0)
		result = apply_refuse(c, d, r, text, rule);
	if (result == 0)
		result = names_refuse(c, r, text, rule);
	if (result != 0)
		return result;
	struct state *s = draft_write(&trial);
	s->revision++;
	result = publish_removals(s, c->service, r->service, r->names, &left, &e);
	publish_leaves(s, r->names ? r->names->removed : 0);
	if (result != 0)
		buf_printf(text, "refused: %s", e.text);
	else /* last: what no number would lift is told first */
		result = share_refuse(c, r, share, text);
	if (result == 0)
		result = admit_document(c, draft_read(d), r, s,
		    !c->service || (!r->plan_only && trial_at_once(c, d, r, s, now)), text);
	if (result != 0) {
		draft_release(&trial);
		return result;
	}
	size_t dropped = members_prune(s, r->service);
	limit_prune(s, r->service);
	ttl_note(s, c->service, r->service);
	practice_note(s, r->service, now.wall_ms);
	senders_apply(s, r->service, now.wall_ms);
	apply_tell(r, &left, dropped, s, share, text);
	senders_tell(draft_read(d), s, text);
	apply_carry_out(c, d, r, s, now, text);
	return 0;
}

int request_judge_apply(struct core *c, struct draft *d, struct request *r, struct core_time now,
    struct buf *text, int *rule, bool *same)
{
	struct buf share = {0};
	int result;

	bool again = c->document && r->document && c->document_bytes == r->document_bytes &&
	             memcmp(c->document, r->document, r->document_bytes) == 0;

	if (again) {
		/* while another is about to take its place, "nothing to do" would be a lie */
		result = r->plan_only ? 0 : trial_refuse(draft_read(d), text);
		if (result != 0)
			return result;
		*same = true;
		buf_printf(text, "revision %" PRIu64 " is this document already: nothing to do",
		    c->state->revision);
		return 0;
	}
	result = apply_judge(c, d, r, now, &share, text, rule);
	buf_free(&share);
	return result;
}
