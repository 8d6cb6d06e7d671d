/* All names files of two documents read side by side, in order of the names. */
#include "config/names_check.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <xxhash.h>

#include "config/dname.h"
#include "core/share.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"

/* --- what a document has beside its files --------------------------------------------------- */

struct owner {
	char *name;
	char type[12]; /* "A" …; "POOL": of names */
};

struct owners { /* sorted by name */
	struct owner *items;
	size_t count;
	bool has_cuts;
	size_t at; /* of owners_pass: those before it are behind the names looked at */
};

static int owner_order(const void *a, const void *b)
{
	const struct owner *x = a, *y = b;
	return strcmp(x->name, y->name);
}

/* "owner ttl type rdata" */
static void record_add(struct owners *o, const char *record, const char *apex)
{
	struct owner *owner = &VEC_PUSH(o->items, o->count);
	size_t bytes = strcspn(record, " ");
	const char *type = record + bytes + strspn(record + bytes, " ");
	type += strcspn(type, " ");
	type += strspn(type, " ");
	*owner = (struct owner){.name = mem_strndup(record, bytes)};
	(void)snprintf(owner->type, sizeof(owner->type), "%.*s", (int)strcspn(type, " "), type);
	if ((strcmp(owner->type, "NS") == 0 && strcmp(owner->name, apex) != 0) ||
	    strcmp(owner->type, "DNAME") == 0)
		o->has_cuts = true;
}

static void owners_init(struct owners *o, const struct service *s)
{
	*o = (struct owners){0};
	for (size_t i = 0; s && i < s->zones_count; i++)
		for (size_t j = 0; j < s->zones[i].records_count; j++)
			record_add(o, s->zones[i].records[j], s->zones[i].name);
	for (size_t i = 0; s && i < s->names_count; i++)
		VEC_PUSH(o->items, o->count) =
		    (struct owner){mem_strdup(s->names[i].owner), "POOL"};
	if (o->count > 0)
		qsort(o->items, o->count, sizeof(*o->items), owner_order);
}

static void owners_release(struct owners *o)
{
	for (size_t i = 0; i < o->count; i++)
		free(o->items[i].name);
	free(o->items);
}

/* The first with that name, or NULL. */
static const struct owner *owner_find(const struct owners *o, const char *name)
{
	size_t low = 0, high = o->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(o->items[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < o->count && strcmp(o->items[low].name, name) == 0 ? &o->items[low] : NULL;
}

static bool owner_has(const struct owners *o, const char *name, const char *type)
{
	const struct owner *found = owner_find(o, name);
	for (; found && found < o->items + o->count && strcmp(found->name, name) == 0; found++)
		if (strcasecmp(found->type, type) == 0)
			return true;
	return false;
}

/* Is the name among them? Names are asked for in their order: a step each, however many they are.
 */
static bool owners_pass(struct owners *o, const char *name)
{
	while (o->at < o->count && strcmp(o->items[o->at].name, name) < 0)
		o->at++;
	return o->at < o->count && strcmp(o->items[o->at].name, name) == 0;
}

/* --- several lists as one ------------------------------------------------------------------- */

struct stream { /* of a names file */
	struct names_reader reader;
	const struct service_names *file;
	const char *name; /* the present one; NULL: at the end */
};

struct side { /* all files of a document */
	const struct service *service;
	struct stream streams[SERVICE_NAMES_FILES];
	size_t count;
};

static int stream_step(struct stream *s, struct err *e)
{
	int r = names_reader_next(&s->reader, &s->name, e);
	if (r <= 0)
		s->name = NULL;
	return r < 0 ? r : 0;
}

static int side_open(
    struct side *side, const struct service *s, names_fetch fetch, void *ctx, struct err *e)
{
	*side = (struct side){.service = s};
	for (size_t i = 0; s && i < s->names_files_count; i++) {
		const struct service_names *f = &s->names_files[i];
		struct stream *stream = &side->streams[side->count++];
		*stream = (struct stream){.file = f};
		if (!f->is_listed)
			continue;
		int r = names_reader_open(&stream->reader, f->digest, fetch, ctx, e);
		if (r == 0 && stream->reader.manifest.names != f->count)
			r = err_set(e, E_INVALID, "its list has %" PRIu64 " names, not %" PRIu64,
			    stream->reader.manifest.names, f->count);
		if (r == 0)
			r = stream_step(stream, e);
		if (r != 0)
			return err_prefix(e, "names file \"%.200s\"", f->file);
	}
	return 0;
}

static void side_release(struct side *side)
{
	for (size_t i = 0; i < side->count; i++)
		names_reader_release(&side->streams[i].reader);
}

/* The stream with the least name; NULL: all are at their end. */
static struct stream *side_least(struct side *side)
{
	struct stream *least = NULL;
	for (size_t i = 0; i < side->count; i++) {
		struct stream *s = &side->streams[i];
		if (s->name && (!least || strcmp(s->name, least->name) < 0))
			least = s;
	}
	return least;
}

/* --- judging a name ------------------------------------------------------------------------- */

struct check {
	struct names_change *out;
	struct owners old, new;
	const struct service *before, *after;
	/* 1 + answers that differ when a name stands in this file after that one; 0: not known yet
	 */
	uint8_t differs[SERVICE_NAMES_FILES][SERVICE_NAMES_FILES];
	uint64_t seed; /* of the samples */
	struct err *e;
};

__attribute__((format(printf, 4, 5))) static void fault(
    struct check *c, const struct stream *s, const char *name, const char *format, ...)
{
	struct names_change *out = c->out;
	char text[ERR_TEXT_BYTES];
	va_list arguments;
	if (out->faults_count == NAMES_CHECK_FAULTS)
		return;
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	out->faults[out->faults_count++] =
	    (struct names_fault){.file = (size_t)(s->file - c->after->names_files),
	        .name = mem_strdup(name),
	        .text = mem_strdup(text)};
}

/* The zone a name belongs to is the longest that holds it. */
static bool zone_is_right(const struct check *c, const char *name, size_t zone)
{
	size_t best = SIZE_MAX, best_bytes = 0;
	for (size_t i = 0; i < c->after->zones_count; i++) {
		size_t bytes = strlen(c->after->zones[i].name);
		if (bytes > best_bytes && dname_is_within(name, c->after->zones[i].name)) {
			best = i;
			best_bytes = bytes;
		}
	}
	return best == zone;
}

static void name_judge(struct check *c, const struct stream *s)
{
	static const char *const excluded[] = {"A", "AAAA", "CNAME", "NS", "POOL"};
	const char *apex = c->after->zones[s->file->zone].name;
	if (!dname_is_within(s->name, apex) ||
	    (c->after->zones_count > 1 && !zone_is_right(c, s->name, s->file->zone))) {
		fault(c, s, s->name, "expected a name in the zone %s", apex);
		return;
	}
	for (size_t i = 0; i < sizeof(excluded) / sizeof(excluded[0]); i++)
		if (owner_has(&c->new, s->name, excluded[i]) &&
		    !(i == 3 && strcmp(s->name, apex) == 0))
			fault(c, s, s->name, "%s in the document has %s already, expected it once",
			    i == 4 ? "names" : "a record", i == 4 ? "it" : excluded[i]);
	if (!c->new.has_cuts)
		return;
	for (const char *up = dname_parent(s->name); strcmp(up, apex) != 0 && strcmp(up, ".") != 0;
	     up = dname_parent(up))
		if (owner_has(&c->new, up, "NS") || owner_has(&c->new, up, "DNAME")) {
			fault(c, s, s->name,
			    "lies below the NS or DNAME of %s, expected a name that this zone "
			    "answers",
			    up);
			return;
		}
}

static void first_add(char *first[static NAMES_CHECK_SHOWN], uint64_t number, const char *name)
{
	if (number < NAMES_CHECK_SHOWN)
		first[number] = mem_strdup(name);
}

static bool same_answer(
    const struct side *a, const struct stream *x, const struct side *b, const struct stream *y)
{
	return x->file->ttl_s == y->file->ttl_s && strcmp(a->service->pools[x->file->pool].name,
	                                               b->service->pools[y->file->pool].name) == 0;
}

static void is_removed(struct check *c, const char *name)
{
	if (owner_find(&c->new, name)) { /* the document has it now */
		c->out->moved++;
		return;
	}
	first_add(c->out->removed_first, c->out->removed++, name);
}

static void is_added(struct check *c, const char *name)
{
	if (!owner_find(&c->old, name)) {
		first_add(c->out->added_first, c->out->added++, name);
		return;
	}
	c->out->moved++;
}

static void loss_note(struct check *c, const char *pool, const char *type)
{
	for (size_t i = 0; i < c->out->losses_count; i++)
		if (strcmp(c->out->losses[i].pool, pool) == 0 &&
		    strcmp(c->out->losses[i].type, type) == 0)
			return;
	VEC_PUSH(c->out->losses, c->out->losses_count) = (struct names_pool_loss){pool, type};
}

static bool pool_has(const struct service_pool *p, uint8_t family)
{
	for (size_t i = 0; i < p->members_count; i++)
		if (p->members[i].address.family == family)
			return true;
	return false;
}

/* What is answered otherwise than before: by whom, where a document has a word in it, too; else
 * which families it loses. `a` and `b` are where it stands before and after, NULL: in no file. */
static void place_note(
    struct check *c, const char *name, const struct stream *a, const struct stream *b)
{
	const struct service_pool *was = a ? &c->before->pools[a->file->pool] : NULL;
	const struct service_pool *is = b ? &c->after->pools[b->file->pool] : NULL;
	bool in_old = owners_pass(&c->old, name), in_new = owners_pass(&c->new, name);
	if (in_old || in_new) {
		VEC_PUSH(c->out->listed, c->out->listed_count) = (struct names_listed){
		    mem_strdup(name), was ? was->name : NULL, is ? is->name : NULL};
		return;
	}
	if (!was || !is || strcmp(was->name, is->name) == 0)
		return;
	for (uint8_t family = 4; family <= 6; family += 2)
		if (pool_has(was, family) && !pool_has(is, family))
			loss_note(c, was->name, family == 4 ? "A" : "AAAA");
}

/* --- a few of them -------------------------------------------------------------------------- */

/* Other lists, another sample: what was not asked for this time may be the next. */
static uint64_t sample_seed(const struct service *after)
{
	uint64_t seed = 0;
	for (size_t i = 0; i < after->names_files_count; i++)
		seed = XXH3_64bits_withSeed(after->names_files[i].digest, VIEW_DIGEST_BYTES, seed);
	return seed;
}

static void sample_add(struct names_sample *s, const char *name, uint64_t rank, const char *pool)
{
	struct names_sampled fresh = {.pool = pool, .rank = rank};
	size_t at = s->count;
	if (at == NAMES_CHECK_SAMPLE && rank >= s->items[at - 1].rank)
		return;
	if (at == NAMES_CHECK_SAMPLE)
		free(s->items[--at].owner);
	else
		s->count++;
	for (; at > 0 && s->items[at - 1].rank > rank; at--)
		s->items[at] = s->items[at - 1];
	fresh.owner = mem_strdup(name);
	s->items[at] = fresh;
}

static void sample_take(struct check *c, const struct stream *s, bool same)
{
	sample_add(same ? &c->out->same_sample : &c->out->changed_sample, s->name,
	    XXH3_64bits_withSeed(s->name, strlen(s->name), c->seed),
	    c->after->pools[s->file->pool].name);
}

static void sample_release(struct names_sample *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->items[i].owner);
}

/* --- two sides ------------------------------------------------------------------------------ */

/* What the guard on large changes counts. What leaves altogether has a number of its own,
 * `removed`; `after` NULL: the name stands in the document now, or leaves. */
static void answers_count(struct check *c, const struct stream *before, const struct stream *after)
{
	size_t a = (size_t)(before->file - c->before->names_files);
	size_t b = after ? (size_t)(after->file - c->after->names_files) : 0;
	if (!after) {
		if (owner_find(&c->new, before->name))
			c->out->changed[a] += share_pool_answers(c->before, before->file->pool);
		return;
	}
	if (c->differs[a][b] == 0)
		c->differs[a][b] = (uint8_t)(1 + share_pool_differs(c->before, before->file->pool,
		                                     before->file->ttl_s, c->after,
		                                     after->file->pool, after->file->ttl_s));
	c->out->changed[a] += c->differs[a][b] - 1U;
}

/* All of one side stand at this name or behind it: goes past it. */
static int side_pass(struct check *c, struct side *side, struct stream *first, bool judge)
{
	char name[NAMES_NAME_BYTES];
	(void)snprintf(name, sizeof(name), "%s", first->name);
	if (judge)
		name_judge(c, first);
	for (size_t i = 0; i < side->count; i++) {
		struct stream *s = &side->streams[i];
		if (!s->name || strcmp(s->name, name) != 0)
			continue;
		if (judge && s != first)
			fault(c, s, name, "stands in %s too, expected it once", first->file->file);
		int r = stream_step(s, c->e);
		if (r != 0)
			return err_prefix(c->e, "names file \"%.200s\"", s->file->file);
	}
	return 0;
}

static int sides_compare(struct check *c, struct side *before, struct side *after)
{
	int r = 0;
	while (r == 0) {
		struct stream *a = side_least(before), *b = side_least(after);
		if (!a && !b)
			break;
		int order = !a ? 1 : !b ? -1 : strcmp(a->name, b->name);
		bool same = order == 0 && same_answer(before, a, after, b);
		c->out->before += order <= 0;
		c->out->after += order >= 0;
		if (order < 0)
			is_removed(c, a->name);
		else if (order > 0)
			is_added(c, b->name);
		else
			c->out->moved += !same;
		if (order >= 0)
			sample_take(c, b, same);
		place_note(c, order <= 0 ? a->name : b->name, order <= 0 ? a : NULL,
		    order >= 0 ? b : NULL);
		if (order <= 0)
			answers_count(c, a, order == 0 ? b : NULL);
		if (order <= 0)
			r = side_pass(c, before, a, false);
		if (r == 0 && order >= 0)
			r = side_pass(c, after, b, true);
	}
	return r;
}

int names_check(const struct service *before, const struct service *after, names_fetch fetch,
    void *ctx, struct names_change *out, struct err *e)
{
	struct check *c = mem_new(1, sizeof(*c));
	struct side *sides = mem_new(2, sizeof(*sides));
	*out = (struct names_change){0};
	*c = (struct check){
	    .out = out, .before = before, .after = after, .seed = sample_seed(after), .e = e};
	owners_init(&c->old, before);
	owners_init(&c->new, after);
	int r = side_open(&sides[0], before, fetch, ctx, e);
	if (r == 0)
		r = side_open(&sides[1], after, fetch, ctx, e);
	if (r == 0)
		r = sides_compare(c, &sides[0], &sides[1]);
	side_release(&sides[0]);
	side_release(&sides[1]);
	free(sides);
	owners_release(&c->old);
	owners_release(&c->new);
	free(c);
	return r;
}

void names_change_release(struct names_change *c)
{
	for (size_t i = 0; i < NAMES_CHECK_SHOWN; i++) {
		free(c->added_first[i]);
		free(c->removed_first[i]);
	}
	for (size_t i = 0; i < c->listed_count; i++)
		free(c->listed[i].owner);
	free(c->listed);
	free(c->losses);
	sample_release(&c->changed_sample);
	sample_release(&c->same_sample);
	for (size_t i = 0; i < c->faults_count; i++) {
		free(c->faults[i].name);
		free(c->faults[i].text);
	}
	*c = (struct names_change){0};
}

static void first_tell(
    struct buf *out, const char *what, uint64_t number, char *const first[static NAMES_CHECK_SHOWN])
{
	buf_printf(out, ", %" PRIu64 " %s", number, what);
	for (size_t i = 0; i < NAMES_CHECK_SHOWN && first[i]; i++)
		buf_printf(out, "%s%s", i == 0 ? " (" : ", ", first[i]);
	if (number > 0)
		buf_puts(out, number > NAMES_CHECK_SHOWN ? ", …)" : ")");
}

char *names_change_text(const struct names_change *c)
{
	struct buf out = {0};
	if (c->before == 0 && c->after == 0)
		return NULL;
	buf_printf(&out, "names files: %" PRIu64 " names", c->after);
	first_tell(&out, "new", c->added, c->added_first);
	first_tell(&out, "removed", c->removed, c->removed_first);
	if (c->moved > 0)
		buf_printf(
		    &out, ", %" PRIu64 " with another pool, TTL or place than before", c->moved);
	return buf_take(&out);
}
