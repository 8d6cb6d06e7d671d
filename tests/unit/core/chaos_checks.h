/* What must hold of every state that is written and of every view that is published, whatever
 * happened before: asserted against the model, not against the core's own reasons. */
#ifndef TANDEM_TESTS_CORE_CHAOS_CHECKS_H
#define TANDEM_TESTS_CORE_CHAOS_CHECKS_H

#include "core/intent.h"
#include "core/member.h"
#include "core/offer.h"
#include "tests/unit/core/chaos.h"

/* Rule 6: nobody is taken out without two fresh vantages that say down, one of them outside. The
 * end of a drain may hold back a member that fewer than two are fresh for. */
static inline void check_withheld(const struct chaos *x, const struct state *s)
{
	for (size_t i = 0; i < s->members_count; i++) {
		const struct state_member *m = &s->members[i];
		const struct state_member *before = state_member_find(x->store, m->id);
		unsigned downs = 0, outside = 0, fresh = 0;
		size_t at = 0;
		if (!m->withheld || (before && before->withheld))
			continue;
		while (strcmp(x->members[at], m->id) != 0)
			at++;
		for (size_t v = 0; v < SITES; v++) {
			bool down = fact_fresh(x, at, v) && !x->facts[at][v].ok &&
			            x->facts[at][v].streak >= 3;
			fresh += fact_fresh(x, at, v);
			downs += down;
			outside += down && v != x->member_site[at];
		}
		if (strstr(m->evidence, "expired without"))
			continue;
		assert_true(downs >= 2 && outside >= 1 && fresh >= 2);
	}
}

/* Rule 3: no pool of two sites has all of them drained, and at the moment somebody drains one, a
 * member elsewhere is up with fresh evidence. */
static inline void check_drains(const struct chaos *x, const struct state *s, int document)
{
	const struct service *service = x->services[document < 0 ? x->store_document : document];
	bool new_drain = false;

	for (size_t i = 0; i < s->drains_count; i++)
		new_drain = new_drain || !state_drain_find(x->store, s->drains[i].site);
	for (size_t p = 0; p < service->pools_count; p++) {
		bool sites[SITES] = {false}, left = false, proven = false;
		size_t count = 0;
		for (size_t i = 0; i < service->pools[p].members_count; i++) {
			const struct service_member *m = &service->pools[p].members[i];
			char id[64], address[ADDR_TEXT_BYTES];
			unsigned fresh = 0;
			size_t at = 0;
			sites[m->site] = true;
			if (state_drain_find(s, service->sites[m->site].name))
				continue;
			left = true;
			snprintf(id, sizeof(id), "%s/%s", service->pools[p].name,
			    addr_format(&m->address, address));
			const struct state_member *committed = state_member_find(s, id);
			while (strcmp(x->members[at], id) != 0)
				at++;
			for (size_t v = 0; v < SITES; v++)
				fresh += fact_fresh(x, at, v);
			proven = proven || (committed && committed->verdict == MEMBER_UP &&
			                       !committed->withheld && fresh >= 2);
		}
		for (size_t i = 0; i < SITES; i++)
			count += sites[i];
		if (count > 1)
			assert_true(left && (proven || !new_drain));
	}
}

/* A TTL becomes short only while some probe of the pool has failed last, and not for the asking. */
static inline void check_cautions(const struct chaos *x, const struct state *s)
{
	for (size_t i = 0; i < s->cautions_count; i++) {
		const char *pool = s->cautions[i].pool;
		bool failing = false;
		if (state_caution_find(x->store, pool))
			continue;
		for (size_t m = 0; m < x->members_count; m++)
			for (size_t v = 0; v < SITES; v++)
				failing =
				    failing || (strncmp(x->members[m], pool, strlen(pool)) == 0 &&
				                   fact_fresh(x, m, v) && !x->facts[m][v].ok);
		assert_true(failing);
	}
}

static inline char *view_text(const struct view *v)
{
	char *text = mem_strdup(v->cluster);

	for (size_t i = 0; i < v->pools_count; i++) {
		char *longer = mem_printf("%s|%s %u: %s", text, v->pools[i].name, v->pools[i].ttl_s,
		    view_offers(v, v->pools[i].name));
		free(text);
		text = longer;
	}
	for (size_t i = 0; i < v->catalog->names_count; i++) {
		char *longer = mem_printf(
		    "%s|%s %s", text, v->catalog->names[i].owner, v->catalog->names[i].pool);
		free(text);
		text = longer;
	}
	return text;
}

/* Rules 1 and 2: nothing is empty, a name leaves by name, an epoch means one thing everywhere. */
static inline void check_publication(
    struct chaos *x, const struct node *n, const struct view *v, uint64_t former_revision)
{
	char *text = view_text(v);

	world_check_view(core_service(n->core), v);
	assert_in_range(v->epoch, 1, EPOCHS - 1);
	if (!x->epochs[v->epoch])
		x->epochs[v->epoch] = mem_strdup(text);
	assert_string_equal(x->epochs[v->epoch], text);
	free(text);
	bool more = false, removed = false;
	for (size_t i = 0; i < v->catalog->names_count; i++)
		more = more || strcmp(v->catalog->names[i].owner, "more.retarus.com.") == 0;
	for (size_t i = 0; i < v->catalog->removals_count; i++)
		removed =
		    removed || strcmp(v->catalog->removals[i].owner, "more.retarus.com.") == 0;
	assert_false(more && removed);
	if (former_revision > 0)
		assert_true(v->revision >= former_revision);
}

static inline bool site_is_offered(
    const struct service *service, const struct state *s, size_t pool, size_t site)
{
	struct offers offers;

	offer_decide(service, s, pool, &offers);
	for (size_t i = 0; i < offers.count; i++)
		if (service->pools[pool].members[i].site == site && offers.items[i].offered)
			return true;
	return false;
}

/* People have, or had, a say in what the pool offers of the site. */
static inline bool site_is_pinned(const struct service *service, const struct state *before,
    const struct state *after, size_t pool, size_t site)
{
	char id[MEMBER_ID_BYTES];

	for (size_t i = 0; i < service->pools[pool].members_count; i++)
		if (service->pools[pool].members[i].site == site &&
		    (intent_pin(before, member_id(service, pool, i, id)) || intent_pin(after, id)))
			return true;
	return false;
}

/* Rule 7: what automation takes out of a pool is one site of the region in a window, and recorded.
 */
static inline void check_departures(const struct chaos *x, const struct state *s)
{
	const struct service *service = x->services[x->store_document];
	int64_t window_ms = (int64_t)service->regions[0].removal_window_s * 1000;
	const struct state_departure *was = state_departure_find(x->store, "eu-de");

	for (size_t p = 0; p < service->pools_count && window_ms > 0; p++)
		for (size_t site = 0; site < SITES; site++) {
			if (state_drain_find(s, site_names[site]) ||
			    !site_is_offered(service, x->store, p, site) ||
			    site_is_offered(service, s, p, site) ||
			    site_is_pinned(service, x->store, s, p, site))
				continue;
			/* it may also have been offered for want of another that is up again */
			const struct state_departure *is = state_departure_find(s, "eu-de");
			bool stood_in = true, others_came = false;
			for (size_t i = 0; i < service->pools[p].members_count; i++) {
				char id[MEMBER_ID_BYTES];
				const struct state_member *before =
				    state_member_find(x->store, member_id(service, p, i, id));
				const struct state_member *after = state_member_find(s, id);
				if (service->pools[p].members[i].site == site)
					stood_in = stood_in && before && before->withheld;
				else
					others_came = others_came || !before ||
					              (before->withheld && !after->withheld);
			}
			if (stood_in || others_came)
				continue;
			assert_non_null(is);
			assert_string_equal(is->site, site_names[site]);
			if (was && strcmp(was->site, is->site) != 0)
				assert_true(is->at_ms - was->at_ms >= window_ms);
		}
}

/* Rule 8: while people have stopped automation for a member, nothing takes it out. The end of what
 * people declared may hold it back for want of evidence. */
static inline void check_holds(const struct chaos *x, const struct state *s)
{
	const struct service *service = x->services[x->store_document];

	for (size_t p = 0; p < service->pools_count; p++)
		for (size_t i = 0; i < service->pools[p].members_count; i++) {
			const struct state_member *was = member_committed(service, x->store, p, i);
			const struct state_member *is = member_committed(service, s, p, i);
			if (!intent_hold(service, x->store, p, i) ||
			    !intent_hold(service, s, p, i) || !is ||
			    strstr(is->evidence, "expired"))
				continue;
			assert_true(!is->withheld || (was && was->withheld));
		}
}

#endif
