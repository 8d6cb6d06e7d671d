/* What should wake somebody up: looked at again when something changed or time may have changed it,
 * raised once and cleared once. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/inside.h"

static size_t alarm_place(const struct core *c, const char *key)
{
	size_t low = 0, high = c->alarms_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(c->alarms[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void alarm_raise(
    struct core *c, struct core_time now, char *key, char *text, struct core_effects *out)
{
	size_t at = alarm_place(c, key);

	if (at < c->alarms_count && strcmp(c->alarms[at].key, key) == 0) {
		free(key);
		free(c->alarms[at].text);
		c->alarms[at].text = text;
		c->alarms[at].still = true;
		return;
	}
	c->alarms = mem_resize(c->alarms, c->alarms_count + 1, sizeof(*c->alarms));
	memmove(&c->alarms[at + 1], &c->alarms[at], (c->alarms_count - at) * sizeof(*c->alarms));
	c->alarms_count++;
	c->alarms[at] = (struct alarm){key, text, now.wall_ms, true};
	struct core_effect *e = effect_push(out, CORE_ALARM);
	e->alarm.raise = true;
	e->alarm.key = mem_strdup(key);
	e->alarm.text = mem_strdup(text);
}

static void alarms_clear(struct core *c, struct core_effects *out)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->alarms_count; i++) {
		if (c->alarms[i].still) {
			c->alarms[kept++] = c->alarms[i];
			continue;
		}
		struct core_effect *e = effect_push(out, CORE_ALARM);
		e->alarm.key = c->alarms[i].key;
		e->alarm.text = c->alarms[i].text;
	}
	c->alarms_count = kept;
}

static void due_at(struct core *c, uint64_t at_ms, uint64_t now_ms)
{
	if (at_ms > now_ms && at_ms < c->alarms_due_ms)
		c->alarms_due_ms = at_ms;
}

/* The members that common_cause holds, told once a region. */
static void common_look(struct core *c, struct core_time now, struct core_effects *out)
{
	bool told[SERVICE_REGIONS] = {false};

	for (size_t i = 0; i < c->roster->members_count; i++) {
		const struct state_member *m =
		    state_member_find(c->state, c->roster->members[i].id);
		size_t region = c->service->pools[c->roster->members[i].pool].region;
		if (!m || m->kept_by != KEPT_BY_COMMON || told[region])
			continue;
		told[region] = true;
		alarm_raise(c, now,
		    mem_printf("pool-common-cause/%s", c->service->regions[region].name),
		    mem_printf(
		        "every vantage sees every member in all sites of region %s fail at "
		        "once: more likely the probes' own network or something that all share; "
		        "nothing is moved (rule 5)",
		        c->service->regions[region].name),
		    out);
	}
}

/* What a pool offers follows from service and state alone, so it is looked at when those change. */
static void pools_look(struct core *c, struct core_time now, struct core_effects *out)
{
	if (c->alarms_version == c->state->version) {
		for (size_t i = 0; i < c->alarms_count; i++)
			c->alarms[i].still = strncmp(c->alarms[i].key, "pool-", 5) == 0;
		return;
	}
	c->alarms_version = c->state->version;
	common_look(c, now, out);
	for (size_t p = 0; p < c->service->pools_count; p++) {
		struct offers offers;
		const char *name = c->service->pools[p].name;
		offer_decide(c->service, c->state, p, &offers);
		if (offers.all_down)
			alarm_raise(c, now, mem_printf("pool-all-down/%s", name),
			    offer_explain_pool(c->service, p, &offers), out);
		if (offers.kept)
			alarm_raise(c, now, mem_printf("pool-removal-held/%s", name),
			    offer_explain_pool(c->service, p, &offers), out);
		if (offers.parked)
			alarm_raise(c, now, mem_printf("pool-return-waits/%s", name),
			    offer_explain_pool(c->service, p, &offers), out);
		if (offers.below_minimum)
			alarm_raise(c, now, mem_printf("pool-below-minimum/%s", name),
			    offer_explain_pool(c->service, p, &offers), out);
	}
}

/* Until it is first heard a vantage has twice the longest expiry: after a start nobody has been. */
static bool site_is_silent(struct core *c, size_t site, uint64_t now_ms)
{
	const struct roster *r = c->roster;
	const struct roster_site *s = &r->sites[site];
	uint64_t end_ms =
	    s->heard ? s->heard_ms + r->expire_longest_ms : s->since_ms + 2 * r->expire_longest_ms;

	due_at(c, end_ms + 1, now_ms);
	return now_ms > end_ms;
}

static void sites_look(
    struct core *c, const bool *silent, struct core_time now, struct core_effects *out)
{
	size_t count = 0;

	for (size_t i = 0; i < c->service->sites_count; i++)
		count += silent[i];
	if (count == c->service->sites_count) {
		alarm_raise(c, now, mem_strdup("healthd-silent/all"),
		    mem_strdup(
		        "no site's healthd reports: nothing is known of any member, and what "
		        "is offered stays as it is (rule 5)"),
		    out);
		return;
	}
	for (size_t i = 0; i < c->service->sites_count; i++)
		if (silent[i])
			alarm_raise(c, now,
			    mem_printf("healthd-silent/%s", c->service->sites[i].name),
			    mem_printf("healthd of %s does not report: one vantage less to judge "
			               "every member by",
			        c->service->sites[i].name),
			    out);
}

/* Whether the member is unknown for another reason than vantages that are silent altogether. */
static bool member_is_unexplained(struct core *c, size_t at, const bool *silent, uint64_t now_ms)
{
	const struct roster_member *m = &c->roster->members[at];
	uint64_t grace_ms = m->since_ms + 2 * c->roster->expire_longest_ms;

	if (m->live != MEMBER_UNKNOWN || c->service->pools[m->pool].checks_count == 0)
		return false;
	due_at(c, grace_ms + 1, now_ms);
	if (now_ms <= grace_ms || m->tally.fresh >= c->service->pools[m->pool].witnesses)
		return false;
	for (size_t site = 0; site < c->service->sites_count; site++)
		if (!silent[site] && !vantage_opinion(c->roster, at, site, now_ms).fresh)
			return true;
	return false;
}

static void members_look(
    struct core *c, const bool *silent, struct core_time now, struct core_effects *out)
{
	size_t count = 0;

	for (size_t i = 0; i < c->roster->members_count; i++) {
		if (!member_is_unexplained(c, i, silent, now.mono_ms) ||
		    ++count > CORE_ALARM_MEMBERS)
			continue;
		char *evidence = verdict_evidence(c->roster, i, now.mono_ms);
		alarm_raise(c, now, mem_printf("member-unknown/%s", c->roster->members[i].id),
		    mem_printf("%s is unknown, what is offered of it stays (rule 5): %s",
		        c->roster->members[i].id, evidence),
		    out);
		free(evidence);
	}
	if (count > CORE_ALARM_MEMBERS)
		alarm_raise(c, now, mem_strdup("member-unknown/more"),
		    mem_printf("%zu members are unknown in all", count), out);
}

/* Members whose time to wait is over, but not enough vantages say up. */
static void returns_look(struct core *c, struct core_time now, struct core_effects *out)
{
	size_t count = 0;

	for (size_t i = 0; i < c->roster->members_count; i++) {
		const struct roster_member *m = &c->roster->members[i];
		const struct service_pool *pool = &c->service->pools[m->pool];
		const struct state_member *s = state_member_find(c->state, m->id);
		char time[TEXT_TIME_BYTES];
		if (!s || s->stage != STAGE_WAITING ||
		    intent_hold(c->service, c->state, m->pool, m->member))
			continue;
		int64_t end_ms = stage_waits_until_ms(pool, s), late_ms = now.wall_ms - end_ms;
		if (late_ms <= CORE_RETURN_LATE_MS) {
			due_at(c, now.mono_ms + (uint64_t)(CORE_RETURN_LATE_MS + 1 - late_ms),
			    now.mono_ms);
			continue;
		}
		if (verdict_conclude(&m->tally, pool->witnesses) == CONCLUDE_UP ||
		    ++count > CORE_ALARM_MEMBERS)
			continue;
		char *evidence = verdict_evidence(c->roster, i, now.mono_ms);
		alarm_raise(c, now, mem_printf("return-late/%s", m->id),
		    mem_printf("%s was to return at %s, and waits for enough vantages to say "
		               "up: %s",
		        m->id, text_time(end_ms, time), evidence),
		    out);
		free(evidence);
	}
}

static void acks_look(struct core *c, struct core_time now, struct core_effects *out)
{
	for (size_t i = 0; i < c->acks_count; i++) {
		const struct ack *a = &c->acks[i];
		due_at(c, a->at_ms + CORE_ACK_FRESH_MS + 1, now.mono_ms);
		due_at(c, a->at_ms + CORE_ACK_FORGET_MS + 1, now.mono_ms);
		if (now.mono_ms - a->at_ms > CORE_ACK_FRESH_MS)
			alarm_raise(c, now, mem_printf("dnsd-silent/%s/%s", a->site, a->name),
			    mem_printf(
			        "name server %s of %s is not heard; its last epoch was %" PRIu64,
			        a->name, a->site, a->epoch),
			    out);
		else if (c->leading && c->state && ack_is_ahead(c, a))
			alarm_raise(c, now, mem_printf("dnsd-ahead/%s/%s", a->site, a->name),
			    mem_printf(
			        "name server %s of %s answers epoch %" PRIu64
			        " of revision %" PRIu64
			        ", which was never published here: was the store restored from a "
			        "backup?",
			        a->name, a->site, a->epoch, a->revision),
			    out);
		else if (*a->refused)
			alarm_raise(c, now, mem_printf("dnsd-refused/%s/%s", a->site, a->name),
			    mem_printf("name server %s of %s refuses the view and stays at epoch "
			               "%" PRIu64 ": %s",
			        a->name, a->site, a->epoch, a->refused),
			    out);
		else if (a->kept < a->epoch)
			alarm_raise(c, now, mem_printf("dnsd-unkept/%s/%s", a->site, a->name),
			    mem_printf("name server %s of %s answers epoch %" PRIu64
			               " but could not write it to its disk: a crash would take it "
			               "back to epoch %" PRIu64
			               ", and no drain is proven meanwhile",
			        a->name, a->site, a->epoch, a->kept),
			    out);
	}
}

/* A drain whose next step takes longer than it did most times. */
static void drains_look(struct core *c, struct core_time now, struct core_effects *out)
{
	for (size_t i = 0; c->state && i < c->state->drains_count; i++) {
		const struct state_drain *d = &c->state->drains[i];
		char *slow = drain_slow(c, d, now.wall_ms);
		if (slow)
			alarm_raise(c, now, mem_printf("drain-stuck/%s", d->site),
			    mem_printf("the drain of %s by %s, %s: %s", d->site, d->owner,
			        maintenance_state_name(d->state), slow),
			    out);
		free(slow);
	}
}

/* Practice runs that did not pass, or that nobody has done for too long. */
static void practices_look(struct core *c, struct core_time now, struct core_effects *out)
{
	int64_t every_ms =
	    c->service ? (int64_t)c->service->maintenance.practice_every_s * 1000 : 0;
	char time[TEXT_TIME_BYTES];

	for (size_t i = 0; c->state && i < c->state->practices_count; i++) {
		const struct state_practice *p = &c->state->practices[i];
		int64_t since_ms = p->passed_ms > p->asked_ms ? p->passed_ms : p->asked_ms;
		if (p->result == PRACTICE_FAILED || p->result == PRACTICE_MISSED)
			alarm_raise(c, now, mem_printf("practice-failed/%s", p->site),
			    mem_strdup(p->text), out);
		if (every_ms > 0 && now.wall_ms - since_ms > every_ms)
			alarm_raise(c, now, mem_printf("practice-overdue/%s", p->site),
			    mem_printf("no practice run of %s has passed since %s (tandem practice "
			               "%s; maintenance: practice_every)",
			        p->site, text_time(since_ms, time), p->site),
			    out);
		else if (every_ms > 0 &&
		         since_ms + every_ms - now.wall_ms < CORE_SCHEDULE_LONGEST_MS)
			due_at(c, now.mono_ms + (uint64_t)(since_ms + every_ms - now.wall_ms) + 1,
			    now.mono_ms);
	}
}

/* A document that was taken back, and one that can not be, for want of a reader. */
static void trial_look(struct core *c, struct core_time now, struct core_effects *out)
{
	const struct state_trial *t = c->state ? &c->state->trial : NULL;

	if (!t)
		return;
	int64_t end_ms = t->until_ms + CORE_TRIAL_TOLD_MS;
	if (t->state == TRIAL_RETURNED && now.wall_ms < end_ms) {
		due_at(c, now.mono_ms + (uint64_t)(end_ms - now.wall_ms), now.mono_ms);
		alarm_raise(c, now, mem_strdup("publication-returned"),
		    mem_printf("revision %" PRIu64
		               " by %s was taken back from the name server %s of %s: %s",
		        t->revision, t->actor, t->server, t->site, t->text),
		    out);
	}
	if (t->state != TRIAL_OFFERED || !c->leading)
		return;
	due_at(c, trial_next_mono_ms(c) + 1, now.mono_ms);
	if (!c->trial.service && now.mono_ms > trial_next_mono_ms(c))
		alarm_raise(c, now, mem_strdup("publication-stuck"),
		    mem_printf("revision %" PRIu64
		               " by %s is on trial at the name server %s of %s, "
		               "and this controller can not read its document",
		        t->revision, t->actor, t->server, t->site),
		    out);
}

void alarm_evaluate(struct core *c, struct core_time now, struct core_effects *out)
{
	bool silent[SERVICE_SITES] = {false};

	for (size_t i = 0; i < c->alarms_count; i++)
		c->alarms[i].still = false;
	c->alarms_dirty = false;
	c->alarms_done_ms = now.mono_ms;
	c->alarms_due_ms = UINT64_MAX;
	ack_forget(c, now.mono_ms, out);
	if (c->roster) {
		pools_look(c, now, out);
		if (c->roster->expire_longest_ms > 0) {
			for (size_t i = 0; i < c->service->sites_count; i++)
				silent[i] = site_is_silent(c, i, now.mono_ms);
			sites_look(c, silent, now, out);
			members_look(c, silent, now, out);
			returns_look(c, now, out);
			reach_alarms(c, now, out);
		}
	}
	acks_look(c, now, out);
	drains_look(c, now, out);
	practices_look(c, now, out);
	trial_look(c, now, out);
	senders_alarms(c, now, out);
	due_at(c, senders_alarms_ms(c), now.mono_ms);
	if (c->clock_jumped_ms > 0) {
		char span[TEXT_TIME_BYTES];
		alarm_raise(c, now, mem_strdup("clock-jumped"),
		    mem_printf(
		        "the clock of this controller, %s, went forward by %s at once: what "
		        "people declared ends after the time that has really passed. Set the "
		        "clock right, or if it is right now, start the controller anew",
		        c->name, text_span((uint64_t)c->clock_jumped_ms, span)),
		    out);
	}
	if (c->refused != 0 && c->leading)
		alarm_raise(c, now, mem_strdup("commit-refused"),
		    mem_printf("the store refuses what this controller has decided (%s), and no "
		               "other decision is written before: name servers stay as they are. "
		               "Its log says what the store said; is a limit of the store lower "
		               "than its default (etcd: --max-request-bytes)?",
		        err_code_name(c->refused)),
		    out);
	if (c->adopt_refused)
		alarm_raise(c, now, mem_strdup("store-refused"), mem_strdup(c->adopt_refused), out);
	alarms_clear(c, out);
}
