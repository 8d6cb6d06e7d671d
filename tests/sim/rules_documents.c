/* Rule 9 on documents: one that changes much has its number said (decision 054), one name server
 * answers it first, as planned, and only then do all others get it (decision 062).
 *
 * The number is counted here in another way than core/share.c does: by the sets of records of each
 * name and type, as texts. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "tests/sim/rules.h"

enum { ANSWERS = 64, REVISIONS = 1024 };

struct answer {
	char owner[80], type[8];
	char *text; /* its records, with their TTLs */
};

struct answers {
	struct answer items[ANSWERS];
	size_t count;
};

/* ---- what a document answers ---- */

static void answer_add(struct answers *a, const char *owner, const char *type, const char *text)
{
	size_t i = 0;
	while (i < a->count &&
	       (strcmp(a->items[i].owner, owner) != 0 || strcmp(a->items[i].type, type) != 0))
		i++;
	if (i == ANSWERS)
		sim_fail(0, "a simulated document answers too much");
	if (i == a->count) {
		snprintf(a->items[i].owner, sizeof(a->items[i].owner), "%s", owner);
		snprintf(a->items[i].type, sizeof(a->items[i].type), "%s", type);
		a->items[a->count++].text = mem_strdup(text);
		return;
	}
	char *more = mem_printf("%s\n%s", a->items[i].text, text);
	free(a->items[i].text);
	a->items[i].text = more;
}

static void members_add(struct buf *text, const struct service_pool *p, uint8_t family)
{
	char address[ADDR_TEXT_BYTES];
	for (size_t i = 0; i < p->members_count; i++)
		if (p->members[i].address.family == family)
			buf_printf(text, "%s %u;", addr_format(&p->members[i].address, address),
			    p->members[i].weight);
}

static void name_add(struct answers *a, const struct service *s, const struct service_name *n)
{
	const struct service_pool *p = &s->pools[n->pool];
	for (uint8_t family = 4; family <= 6; family += 2) {
		struct buf text = {0};
		members_add(&text, p, family);
		if (text.bytes > 0) {
			buf_printf(&text, "%u, else %d ", n->ttl_s ? n->ttl_s : p->ttl_s,
			    (int)p->all_down);
			if (p->all_down == ALL_DOWN_FALLBACK)
				members_add(&text, &s->pools[p->fallback], family);
			answer_add(a, n->owner, family == 4 ? "A" : "AAAA", buf_text(&text));
		}
		buf_free(&text);
	}
}

static void answers_collect(struct answers *a, const struct service *s)
{
	char owner[80], ttl[16], type[8];
	a->count = 0;
	for (size_t z = 0; z < s->zones_count; z++) {
		char soa[64]; /* the rest is the same in all of them */
		(void)snprintf(soa, sizeof(soa), "%" PRIu32 " %" PRIu32, s->zones[z].ttl_s,
		    s->zones[z].soa_minimum_s);
		answer_add(a, s->zones[z].name, "SOA", soa);
		for (size_t i = 0; i < s->zones[z].records_count; i++) {
			const char *record = s->zones[z].records[i];
			if (sscanf(record, "%79s %15s %7s", owner, ttl, type) != 3)
				sim_fail(0, "a record that is none: %s", record);
			answer_add(a, owner, type, record);
		}
	}
	for (size_t i = 0; i < s->names_count; i++)
		name_add(a, s, &s->names[i]);
}

static void answers_drop(struct answers *a)
{
	while (a->count > 0)
		free(a->items[--a->count].text);
}

struct difference {
	uint64_t of, changed;
};

static struct difference documents_differ(const struct service *before, const struct service *after)
{
	static struct answers a, b;
	struct difference d = {0};
	answers_collect(&a, before);
	answers_collect(&b, after);
	d.of = a.count;
	for (size_t i = 0; i < a.count; i++) {
		bool same = false;
		for (size_t j = 0; j < b.count; j++)
			same = same || (strcmp(a.items[i].owner, b.items[j].owner) == 0 &&
			                   strcmp(a.items[i].type, b.items[j].type) == 0 &&
			                   strcmp(a.items[i].text, b.items[j].text) == 0);
		d.changed += !same;
	}
	answers_drop(&a);
	answers_drop(&b);
	return d;
}

/* ---- the guard ---- */

/* By revision: the one that was in force as it was applied, 0: none. */
static uint64_t bases[REVISIONS];
static uint64_t applied_us[REVISIONS];
static bool is_return[REVISIONS]; /* what stood before, again */

void documents_reset(void)
{
	memset(bases, 0, sizeof(bases));
	memset(applied_us, 0, sizeof(applied_us));
	memset(is_return, 0, sizeof(is_return));
}

/* How many answers change by a revision, if so many that it had to be said; else 0. */
static uint64_t confirm_needed(uint64_t revision)
{
	const struct service *before = document_of(bases[revision]), *after = document_of(revision);
	if (!before || !after || is_return[revision])
		return 0;
	struct difference d = documents_differ(before, after);
	bool large =
	    d.changed > before->guard.floor && d.changed * 100 > d.of * before->guard.max_percent;
	return large ? d.changed : 0;
}

static bool somebody_said(uint64_t changes, size_t variant)
{
	for (size_t i = 0; i < people_requests(); i++) {
		const struct person_request *r = people_request(i);
		if (r->type == CORE_REQUEST_APPLY && r->reached && !r->plan_only &&
		    r->document == variant && r->changes == changes)
			return true;
	}
	return false;
}

static void revision_note(uint64_t base, uint64_t revision, bool returned)
{
	if (revision >= REVISIONS || applied_us[revision] != 0)
		return;
	bases[revision] = base;
	applied_us[revision] = sim->now_us;
	is_return[revision] = returned;
	uint64_t needed = confirm_needed(revision);
	if (needed > 0 && !somebody_said(needed, store_document_variant(revision)))
		sim_fail(9,
		    "revision %" PRIu64 " changes %" PRIu64
		    " answers, which the guard does not let pass, and nobody has said so",
		    revision, needed);
}

void documents_done(const struct person_request *r)
{
	if (r->revision == 0 || r->revision >= REVISIONS || applied_us[r->revision] < r->sent_us)
		return; /* it was this document already */
	uint64_t needed = confirm_needed(r->revision);
	if (needed > 0 && r->changes != needed)
		sim_fail(9, "\"%s\" was done without the number %" PRIu64 " being said", r->what,
		    needed);
	if (r->changes > 0 && bases[r->revision] > 0 && needed != r->changes) {
		struct difference d =
		    documents_differ(document_of(bases[r->revision]), document_of(r->revision));
		if (d.changed != r->changes)
			sim_fail(9, "\"%s\" was done, and %" PRIu64 " answers change", r->what,
			    d.changed);
	}
}

/* ---- one name server first ---- */

static void published_check(
    const struct process *controller, const struct state *former, const struct state *next)
{
	const struct state_trial *t = &former->trial;
	if (t->state != TRIAL_OFFERED || next->trial.state != TRIAL_PUBLISHED ||
	    next->trial.revision != t->revision)
		return;
	if (!answers_shown(t->server, t->epoch))
		sim_fail(9,
		    "revision %" PRIu64 " comes into force, and %s has never answered with epoch "
		    "%" PRIu64,
		    t->revision, t->server, t->epoch);
	const char *wrong = asker_wrong(controller->index, t->epoch);
	if (wrong)
		sim_fail(9,
		    "revision %" PRIu64 " comes into force, and %s answers %s otherwise than "
		    "planned",
		    t->revision, t->server, wrong);
}

void documents_committed(
    const struct process *controller, const struct state *former, const struct state *next)
{
	bool offered = next->trial.state == TRIAL_OFFERED;
	bool returned = former->trial.state == TRIAL_OFFERED && next->trial.state == TRIAL_RETURNED;
	if (offered && former->trial.revision != next->trial.revision)
		revision_note(former->revision, next->trial.revision, false);
	if (next->revision != former->revision)
		revision_note(former->revision, next->revision, returned);
	published_check(controller, former, next);
}
