/* A state that is durable becomes what stands: own commits, and what the store says (rule 2: never
 * an older one; rule 9: what can not be used leaves the last good one in force). */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/apply.h"
#include "core/inside.h"

void member_refresh(struct core *c, size_t roster_index)
{
	struct roster_member *m = &c->roster->members[roster_index];
	const struct state_member *s = state_member_find(c->state, m->id);
	enum member_state live = verdict_live(
	    s ? s->verdict : MEMBER_UNKNOWN, &m->tally, c->service->pools[m->pool].witnesses);

	if (live == m->live)
		return;
	/* Several steps may come at once: concluded up, and doubted by one vantage. */
	if (!member_may_move(m->live, live))
		member_move(&m->live, MEMBER_UP);
	member_move(&m->live, live);
	c->alarms_dirty = true;
}

static void service_install(struct core *c, struct service *service, char *document,
    size_t document_bytes, struct core_time now, struct core_effects *out)
{
	struct roster *old = c->roster;

	c->roster = roster_new(service, old, now.mono_ms);
	roster_free(old);
	service_drop(c->service);
	c->service = service;
	free(c->document);
	c->document = document;
	c->document_bytes = document_bytes;
	c->sending.spf_ttl_s = ttl_of_spf(service);
	effect_push(out, CORE_PROBES);
}

static void view_install(struct core *c, struct core_effects *out)
{
	struct view *former = c->view;

	if (!c->service || (former && former->epoch == c->state->epoch))
		return;
	assert(!former || former->epoch < c->state->epoch);
	bool tried = c->trial_view && c->trial_view->revision == c->state->revision;
	c->view = publish_view(c->service, c->state, tried ? c->trial_view : former);
	struct core_effect *e = effect_push(out, CORE_PUBLISH);
	e->publish.view = publish_copy(c->view);
	e->publish.catalog_changed = !former || former->revision != c->view->revision;
	view_free(former);
}

/* Takes state, service (one reference, may be NULL) and document. */
void install_state(struct core *c, struct state *s, struct service *service, char *document,
    size_t document_bytes, struct core_time now, struct core_effects *out)
{
	assert(!c->service || c->state);
	bool renewed = service && (!c->service || c->state->revision != s->revision);

	assert(!c->state || s->epoch >= c->state->epoch);
	state_free(c->state);
	c->state = s;
	memcpy(c->known[c->known_next++ % CORE_KNOWN_COMMITS], s->commit_id, sizeof(s->commit_id));
	if (renewed) {
		service_install(c, service, document, document_bytes, now, out);
	} else {
		service_drop(service);
		free(document);
	}
	if (c->roster) {
		vantage_recount(c->roster, now.mono_ms);
		for (size_t i = 0; i < c->roster->members_count; i++) {
			roster_queue_push(c->roster, i);
			member_refresh(c, i);
			caution_member_look(c, i, now.mono_ms);
		}
	}
	elapsed_refresh(&c->elapsed, s, now);
	c->alarms_dirty = c->cautions_dirty = c->stages_dirty = c->drains_dirty = true;
	c->sending.dirty = true;
	view_install(c, out);
	trial_install(c, now, out);
}

static bool commit_is_known(const struct core *c, const char *commit_id)
{
	for (size_t i = 0; i < CORE_KNOWN_COMMITS; i++)
		if (*commit_id && strcmp(c->known[i], commit_id) == 0)
			return true;
	return false;
}

/* Why what the store has can not follow what stands; NULL: it can. The caller frees. */
static char *adoption_refuse(
    const struct core *c, const struct service *service, const struct state *s)
{
	struct err e;

	assert(!c->service || c->state);
	if (service && apply_check(service, &e) != 0)
		return mem_printf("the store's service document can not be used: %s", e.text);
	if (!service && s->revision > 0 && (!c->service || c->state->revision != s->revision))
		return mem_printf(
		    "the store has revision %" PRIu64 " but no usable document of it", s->revision);
	if ((s->revision > 0) != (s->epoch > 0) || (service && s->revision == 0))
		return mem_printf("the store's state is damaged: revision %" PRIu64
		                  " at epoch %" PRIu64,
		    s->revision, s->epoch);
	if (!c->state || c->state->version == 0)
		return NULL;
	if (strcmp(c->state->cluster, s->cluster) != 0)
		return mem_printf("the store is another cluster's: %s instead of %s", s->cluster,
		    c->state->cluster);
	if (s->epoch < c->state->epoch || s->version < c->state->version ||
	    s->revision < c->state->revision)
		return mem_printf("the store went back: from version %" PRIu64 " at epoch %" PRIu64
		                  " to version %" PRIu64 " at epoch %" PRIu64
		                  ", refused by rule 2, epochs only grow",
		    c->state->version, c->state->epoch, s->version, s->epoch);
	if (s->version == c->state->version && strcmp(s->commit_id, c->state->commit_id) != 0)
		return mem_printf(
		    "the store has another version %" PRIu64 " than it had", s->version);
	if (s->revision > c->state->revision && s->epoch == c->state->epoch)
		return mem_printf(
		    "revision %" PRIu64 " came without an epoch of its own (rule 2)", s->revision);
	return NULL;
}

static void adoption_tell_refused(struct core *c, char *why, struct core_effects *out)
{
	if (!c->adopt_refused || strcmp(c->adopt_refused, why) != 0)
		effect_tell(out, true, "%s: what stood before stays in force", why);
	free(c->adopt_refused);
	c->adopt_refused = why;
	c->alarms_dirty = true;
	queue_dismiss(c, why, out);
}

void install_adopt(
    struct core *c, const struct core_event *event, struct core_time now, struct core_effects *out)
{
	const struct state *s = event->adopt.state;

	if (!s) {
		effect_tell(out, true, "nothing to adopt: the store's state is missing");
		return;
	}
	/* Old news: a watch that tells of a state that stood here a moment ago. */
	if (c->state && s->version < c->state->version && commit_is_known(c, s->commit_id))
		return;
	char *why = adoption_refuse(c, event->adopt.service, s);
	if (why) {
		adoption_tell_refused(c, why, out);
		return;
	}
	free(c->adopt_refused);
	c->adopt_refused = NULL;
	if (!c->state || s->version > c->state->version || c->state->version == 0) {
		c->adoptions++;
		c->retry_ms = 0;
		install_state(c, state_copy(s),
		    event->adopt.service ? service_hold(event->adopt.service) : NULL,
		    event->adopt.document
		        ? mem_strndup(event->adopt.document, event->adopt.document_bytes)
		        : NULL,
		    event->adopt.document_bytes, now, out);
	}
	queue_landed(c, out);
}
