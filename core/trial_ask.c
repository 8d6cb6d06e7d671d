/* What the name server with a document on trial is asked, and what its answers show: the serial of
 * each zone, and a sample of what changes, of what leaves and of what stays as it is.
 *
 * The sample follows from the two documents, so that a new leader asks the same. Names of names
 * files are not in those: the shell draws some when it compares the lists for a request, and a new
 * leader, which has not, asks for none (docs/publication.md). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/inside.h"

enum { /* questions of each sort, 60 together */
	ASK_ZONES = 8,
	ASK_NAMES_CHANGED = 14,
	ASK_NAMES_SAME = 6,
	ASK_NAMES_LISTED = 12,
	ASK_RECORDS_CHANGED = 10,
	ASK_RECORDS_SAME = 6,
	ASK_GONE = 4,
	CUTS = 1024, /* delegations looked at; with more no records are asked for */
};
_Static_assert(ASK_ZONES + ASK_NAMES_CHANGED + ASK_NAMES_SAME + ASK_NAMES_LISTED +
                       ASK_RECORDS_CHANGED + ASK_RECORDS_SAME + ASK_GONE ==
                   CORE_TRIAL_QUESTIONS,
    "all questions have a place");

/* ---- records as lines "owner ttl type rdata" ---- */

static const char *const blanks = " \t";

struct line {
	const char *text, *type;
	size_t owner_bytes, type_bytes;
};

static struct line line_read(const char *text)
{
	struct line l = {.text = text, .owner_bytes = strcspn(text, blanks)};
	const char *at = text + l.owner_bytes;

	at += strspn(at, blanks);
	at += strcspn(at, blanks); /* the TTL */
	l.type = at + strspn(at, blanks);
	l.type_bytes = strcspn(l.type, blanks);
	return l;
}

static const struct {
	const char *name;
	uint16_t kind;
} kinds[] = {{"A", 1}, {"NS", 2}, {"CNAME", 5}, {"PTR", 12}, {"MX", 15}, {"TXT", 16}, {"AAAA", 28},
    {"SRV", 33}, {"TLSA", 52}, {"CAA", 257}};

static bool line_is(const struct line *l, const char *type)
{
	return l->type_bytes == strlen(type) && strncmp(l->type, type, l->type_bytes) == 0;
}

static uint16_t line_kind(const struct line *l) /* 0: not asked for */
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (line_is(l, kinds[i].name))
			return kinds[i].kind;
	return 0;
}

static int owner_compare(const struct line *a, const struct line *b)
{
	size_t bytes = a->owner_bytes < b->owner_bytes ? a->owner_bytes : b->owner_bytes;
	int order = memcmp(a->text, b->text, bytes);

	return order != 0 ? order
	                  : (a->owner_bytes > b->owner_bytes) - (a->owner_bytes < b->owner_bytes);
}

static int line_compare(const void *x, const void *y)
{
	const struct line *a = x, *b = y;
	int order = owner_compare(a, b);

	return order != 0 ? order : strcmp(a->text, b->text);
}

struct lines { /* all records of a document, in order */
	struct line *items;
	size_t count;
};

static struct lines lines_of(const struct service *s)
{
	struct lines l = {0};
	size_t all = 0;

	for (size_t z = 0; z < s->zones_count; z++)
		all += s->zones[z].records_count;
	l.items = mem_new(all + 1, sizeof(*l.items));
	for (size_t z = 0; z < s->zones_count; z++)
		for (size_t i = 0; i < s->zones[z].records_count; i++)
			l.items[l.count++] = line_read(s->zones[z].records[i]);
	if (l.count > 1)
		qsort(l.items, l.count, sizeof(*l.items), line_compare);
	return l;
}

/* The first line of that owner, or where it would be. */
static size_t lines_place(const struct lines *l, const struct line *of)
{
	size_t low = 0, high = l->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (owner_compare(&l->items[middle], of) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool lines_have(const struct lines *l, const struct line *of)
{
	return l->count > 0 &&
	       bsearch(of, l->items, l->count, sizeof(*l->items), line_compare) != NULL;
}

/* All lines of that owner and type. */
static char *lines_expected(const struct lines *l, const struct line *of)
{
	struct buf text = {0};

	for (size_t i = lines_place(l, of); i < l->count && owner_compare(&l->items[i], of) == 0;
	     i++)
		if (l->items[i].type_bytes == of->type_bytes &&
		    strncmp(l->items[i].type, of->type, of->type_bytes) == 0)
			buf_printf(&text, "%s\n", l->items[i].text);
	char *expected = mem_strdup(buf_text(&text));
	buf_free(&text);
	return expected;
}

/* ---- what is not answered with the records as they stand ---- */

struct cuts { /* owners of delegations and of DNAMEs; what lies below them is another's */
	struct line items[CUTS];
	size_t count;
	bool too_many, wildcards;
};

static bool is_apex(const struct service *s, const struct line *l)
{
	for (size_t z = 0; z < s->zones_count; z++)
		if (strlen(s->zones[z].name) == l->owner_bytes &&
		    strncmp(s->zones[z].name, l->text, l->owner_bytes) == 0)
			return true;
	return false;
}

static void cuts_collect(const struct service *s, const struct lines *l, struct cuts *cuts)
{
	cuts->count = 0;
	cuts->too_many = cuts->wildcards = false;
	for (size_t i = 0; i < l->count; i++) {
		bool cut = line_is(&l->items[i], "DNAME") ||
		           (line_is(&l->items[i], "NS") && !is_apex(s, &l->items[i]));
		cuts->wildcards = cuts->wildcards || *l->items[i].text == '*';
		if (cut && cuts->count == CUTS)
			cuts->too_many = true;
		else if (cut)
			cuts->items[cuts->count++] = l->items[i];
	}
}

static bool cuts_cover(const struct cuts *cuts, const char *owner, size_t bytes)
{
	for (size_t i = 0; i < cuts->count; i++) {
		size_t below = cuts->items[i].owner_bytes;
		if (bytes >= below &&
		    strncmp(owner + bytes - below, cuts->items[i].text, below) == 0 &&
		    (bytes == below || owner[bytes - below - 1] == '.'))
			return true;
	}
	return false;
}

/* ---- the sample ---- */

static bool check_is_there(const struct core *c, const char *owner, size_t bytes, uint16_t kind)
{
	for (size_t i = 0; i < c->trial_checks_count; i++)
		if (c->trial_checks[i].kind == kind && strlen(c->trial_checks[i].owner) == bytes &&
		    strncmp(c->trial_checks[i].owner, owner, bytes) == 0)
			return true;
	return false;
}

/* Takes `expected`. */
static void check_add(
    struct core *c, const char *owner, size_t bytes, uint16_t kind, char *expected)
{
	if (c->trial_checks_count == CORE_TRIAL_QUESTIONS ||
	    check_is_there(c, owner, bytes, kind)) {
		free(expected);
		return;
	}
	VEC_PUSH(c->trial_checks, c->trial_checks_count) = (struct trial_check){
	    .owner = mem_strndup(owner, bytes), .kind = kind, .expected = expected};
}

static const struct view_pool *view_pool(const struct view *v, const char *name)
{
	for (size_t i = 0; i < v->pools_count; i++)
		if (strcmp(v->pools[i].name, name) == 0)
			return &v->pools[i];
	return NULL;
}

/* Both families of a name, as the view on trial has its pool now. */
static void check_name(struct core *c, const struct service_name *n)
{
	const struct view_pool *p = view_pool(c->trial_view, c->trial.service->pools[n->pool].name);
	char address[ADDR_TEXT_BYTES];

	for (uint8_t family = 4; p && family <= 6; family += 2) {
		struct buf text = {0};
		for (size_t i = 0; i < p->members_count; i++)
			if (p->members[i].address.family == family)
				buf_printf(&text, "%s 0 %s %s\n", n->owner,
				    family == 4 ? "A" : "AAAA",
				    addr_format(&p->members[i].address, address));
		if (text.bytes > 0)
			check_add(c, n->owner, strlen(n->owner), family == 4 ? LOOK_A : LOOK_AAAA,
			    mem_strdup(buf_text(&text)));
		buf_free(&text);
	}
}

static int name_compare(const void *x, const void *y)
{
	const struct service_name *const *a = x, *const *b = y;

	return strcmp((*a)->owner, (*b)->owner);
}

static const struct service_name **names_of(const struct service *s)
{
	const struct service_name **names =
	    mem_new(s->names_count + 1, sizeof(struct service_name *));

	for (size_t i = 0; i < s->names_count; i++)
		names[i] = &s->names[i];
	if (s->names_count > 1)
		qsort(names, s->names_count, sizeof(*names), name_compare);
	return names;
}

static const struct service_name *name_in(
    const struct service_name **names, size_t count, const struct service_name *n)
{
	const struct service_name **found =
	    count > 0 ? bsearch(&n, names, count, sizeof(*names), name_compare) : NULL;

	return found ? *found : NULL;
}

static bool pool_is_same(const struct service_pool *a, const struct service_pool *b)
{
	if (strcmp(a->name, b->name) != 0 || a->members_count != b->members_count)
		return false;
	for (size_t i = 0; i < a->members_count; i++)
		if (!addr_equal(&a->members[i].address, &b->members[i].address))
			return false;
	return true;
}

/* Takes each n-th of `count`, so that `most` are taken from all over. */
static bool stride_takes(size_t at, size_t count, size_t most)
{
	return count <= most || at * most / count != (at + 1) * most / count;
}

static void names_sample(struct core *c, bool changed, size_t most)
{
	const struct service *before = c->service, *after = c->trial.service;
	const struct service_name **were = names_of(before);
	bool *fits = mem_new(after->names_count + 1, sizeof(*fits));
	size_t count = 0, at = 0, end = c->trial_checks_count + most;

	for (size_t i = 0; i < after->names_count; i++) {
		const struct service_name *was =
		    name_in(were, before->names_count, &after->names[i]);
		bool same = was && pool_is_same(&before->pools[was->pool],
		                       &after->pools[after->names[i].pool]);
		fits[i] = same != changed;
		count += fits[i];
	}
	for (size_t i = 0; i < after->names_count && c->trial_checks_count < end; i++)
		if (fits[i] && stride_takes(at++, count, most))
			check_name(c, &after->names[i]);
	free(fits);
	free(were);
}

static void listed_sample(struct core *c)
{
	const struct core_names *names = c->trial.names;
	const struct service *s = c->trial.service;
	size_t end = c->trial_checks_count + ASK_NAMES_LISTED;

	for (size_t i = 0; names && i < names->sample_count && c->trial_checks_count < end; i++)
		for (size_t p = 0; p < s->pools_count; p++)
			if (strcmp(s->pools[p].name, names->sample[i].pool) == 0) {
				char *owner = mem_strdup(names->sample[i].owner);
				check_name(c, &(struct service_name){.owner = owner, .pool = p});
				free(owner);
			}
}

/* What is asked is a set: of each one its first line stands for all that changed, or stayed. */
static bool record_stands(
    const struct lines *before, const struct lines *after, size_t at, bool changed)
{
	const struct line *l = &after->items[at], *former = at > 0 ? l - 1 : NULL;

	if (lines_have(before, l) == changed)
		return false;
	return !former || owner_compare(former, l) != 0 || former->type_bytes != l->type_bytes ||
	       strncmp(former->type, l->type, l->type_bytes) != 0 ||
	       lines_have(before, former) == changed;
}

static void records_sample(struct core *c, const struct lines *before, const struct lines *after,
    const struct cuts *cuts, bool changed, size_t most)
{
	size_t count = 0, at = 0, end = c->trial_checks_count + most;

	for (size_t i = 0; i < after->count; i++)
		count += record_stands(before, after, i, changed);
	for (size_t i = 0; i < after->count && c->trial_checks_count < end; i++) {
		const struct line *l = &after->items[i];
		if (!record_stands(before, after, i, changed) || !stride_takes(at++, count, most))
			continue;
		if (line_kind(l) != 0 && *l->text != '*' &&
		    !cuts_cover(cuts, l->text, l->owner_bytes))
			check_add(
			    c, l->text, l->owner_bytes, line_kind(l), lines_expected(after, l));
	}
}

/* Records that leave: what is left of that owner and type is the answer. A wildcard or a names
 * file may answer for an owner that is gone, so nothing is asked where there is one. */
static void gone_sample(
    struct core *c, const struct lines *before, const struct lines *after, const struct cuts *cuts)
{
	size_t end = c->trial_checks_count + ASK_GONE;

	if (cuts->wildcards || c->trial.service->names_files_count > 0)
		return;
	for (size_t i = 0; i < before->count && c->trial_checks_count < end; i++) {
		const struct line *l = &before->items[i];
		if (line_kind(l) == 0 || *l->text == '*' || lines_have(after, l) ||
		    cuts_cover(cuts, l->text, l->owner_bytes))
			continue;
		char *owner = mem_strndup(l->text, l->owner_bytes);
		bool pooled = service_name_find(c->trial.service, owner) != SIZE_MAX;
		free(owner);
		size_t place = lines_place(after, l);
		bool alias = false; /* a CNAME would be answered instead */
		for (; place < after->count && owner_compare(&after->items[place], l) == 0; place++)
			alias = alias || line_is(&after->items[place], "CNAME");
		bool zone_is_there = false;
		for (size_t z = 0; z < c->trial.service->zones_count; z++) {
			size_t bytes = strlen(c->trial.service->zones[z].name);
			zone_is_there =
			    zone_is_there || (l->owner_bytes >= bytes &&
			                         strncmp(l->text + l->owner_bytes - bytes,
			                             c->trial.service->zones[z].name, bytes) == 0);
		}
		if (!pooled && !alias && zone_is_there)
			check_add(
			    c, l->text, l->owner_bytes, line_kind(l), lines_expected(after, l));
	}
}

void trial_checks_release(struct core *c)
{
	for (size_t i = 0; i < c->trial_checks_count; i++) {
		free(c->trial_checks[i].owner);
		free(c->trial_checks[i].expected);
		free(c->trial_checks[i].told);
	}
	free(c->trial_checks);
	c->trial_checks = NULL;
	c->trial_checks_count = 0;
	c->trial_checks_epoch = 0;
}

void trial_checks_make(struct core *c)
{
	const struct service *after = c->trial.service;

	if (!c->trial_view || c->trial_checks_epoch == c->trial_view->epoch)
		return;
	trial_checks_release(c);
	c->trial_checks_epoch = c->trial_view->epoch;
	struct cuts *cuts = mem_new(1, sizeof(*cuts));
	struct lines old = lines_of(c->service), new = lines_of(after);
	cuts_collect(after, &new, cuts);
	for (size_t z = 0; z < after->zones_count && z < ASK_ZONES; z++)
		check_add(c, after->zones[z].name, strlen(after->zones[z].name), LOOK_SOA, NULL);
	names_sample(c, true, ASK_NAMES_CHANGED);
	names_sample(c, false, ASK_NAMES_SAME);
	listed_sample(c);
	if (!cuts->too_many) {
		records_sample(c, &old, &new, cuts, true, ASK_RECORDS_CHANGED);
		gone_sample(c, &old, &new, cuts);
		records_sample(c, &old, &new, cuts, false, ASK_RECORDS_SAME);
	}
	free(old.items);
	free(new.items);
	free(cuts);
}

/* ---- asking and judging ---- */

bool trial_is_served(const struct core *c, struct core_time now)
{
	const struct state_trial *t = &c->state->trial;

	for (size_t i = 0; i < c->acks_count; i++) {
		const struct ack *a = &c->acks[i];
		if (strcmp(a->site, t->site) == 0 && strcmp(a->name, t->server) == 0)
			return a->epoch == t->epoch && a->revision == t->revision &&
			       now.mono_ms - a->at_ms <= CORE_TRIAL_ACK_MS;
	}
	return false;
}

static const char *trial_refusal(const struct core *c)
{
	const struct state_trial *t = &c->state->trial;

	for (size_t i = 0; i < c->acks_count; i++)
		if (strcmp(c->acks[i].site, t->site) == 0 &&
		    strcmp(c->acks[i].name, t->server) == 0)
			return c->acks[i].refused;
	return "";
}

size_t core_trial_questions(
    const struct core *c, struct core_time now, struct core_trial_question *out, size_t max)
{
	size_t count = 0;

	if (!c->state || c->state->trial.state != TRIAL_OFFERED || !c->trial_view ||
	    c->trial_checks_epoch != c->trial_view->epoch || !trial_is_served(c, now))
		return 0;
	for (size_t i = 0; i < c->trial_checks_count && count < max; i++)
		if (!c->trial_checks[i].right)
			out[count++] = (struct core_trial_question){.epoch = c->trial_checks_epoch,
			    .endpoint = c->state->trial.endpoint,
			    .owner = c->trial_checks[i].owner,
			    .kind = c->trial_checks[i].kind,
			    .expected = c->trial_checks[i].expected};
	return count;
}

static const char *kind_text(uint16_t kind)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].kind == kind)
			return kinds[i].name;
	return "SOA";
}

static const char *or_nothing(const char *text)
{
	return text && *text ? text : "nothing";
}

/* NULL: it is right. */
static char *answer_wrong(
    const struct core *c, const struct trial_check *k, const struct core_trial_look *l)
{
	uint32_t expected = (uint32_t)l->epoch;

	if (k->kind != LOOK_SOA)
		return strcmp(l->answered, l->expected) == 0
		           ? NULL
		           : mem_printf("asked %s %s, expected %s, answered %s", k->owner,
		                 kind_text(k->kind), or_nothing(l->expected),
		                 or_nothing(l->answered));
	for (size_t i = 0; i < c->trial.service->zones_count; i++)
		if (strcmp(c->trial.service->zones[i].name, k->owner) == 0)
			expected = c->trial.service->zones[i].serial_base + (uint32_t)l->epoch;
	return serial_covers(l->serial, expected)
	           ? NULL
	           : mem_printf("asked %s SOA, expected serial %" PRIu32 ", answered %" PRIu32,
	                 k->owner, expected, l->serial);
}

void trial_look_take(struct core *c, const struct core_trial_look *l)
{
	if (!c->trial_view || l->epoch != c->trial_view->epoch || l->epoch != c->trial_checks_epoch)
		return;
	for (size_t i = 0; i < c->trial_checks_count; i++) {
		struct trial_check *k = &c->trial_checks[i];
		if (k->kind != l->kind || strcmp(k->owner, l->owner) != 0 || k->right)
			continue;
		free(k->told);
		if (*l->failure) {
			k->told =
			    mem_printf("asked %s %s: %s", k->owner, kind_text(k->kind), l->failure);
			continue;
		}
		k->told = answer_wrong(c, k, l);
		k->right = !k->told;
		k->wrong += !k->right;
	}
}

enum proof trial_prove(struct core *c, struct core_time now, struct buf *text)
{
	const struct state_trial *t = &c->state->trial;
	struct proof_text p = {0};
	size_t right = 0;

	trial_checks_make(c);
	for (size_t i = 0; i < c->trial_checks_count; i++) {
		const struct trial_check *k = &c->trial_checks[i];
		right += k->right;
		if (!k->right && k->told)
			proof_miss(&p, k->wrong >= CORE_TRIAL_WRONG, "%s", k->told);
	}
	size_t silent = c->trial_checks_count - right - p.missing_count;
	const char *refusal = trial_refusal(c);
	if (!trial_is_served(c, now))
		proof_miss(&p, false, "%s of %s has not said that it serves epoch %" PRIu64 "%s%s",
		    t->server, t->site, t->epoch, *refusal ? ", refusing: " : "", refusal);
	else if (silent > 0)
		proof_miss(&p, false, "%zu of %zu questions to %s are not answered yet", silent,
		    c->trial_checks_count, t->endpoint);
	buf_printf(&p.standing,
	    "%s of %s, asked %zu questions at %s, answers as planned at epoch %" PRIu64, t->server,
	    t->site, c->trial_checks_count, t->endpoint, t->epoch);
	return proof_end(&p, text);
}
