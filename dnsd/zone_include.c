/* A zone file with the files that it includes. */
#include "dnsd/zone_include.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "dnsd/zone_blocks.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"

struct segment { /* lines that stand one after the other in one file too */
	size_t first, file, line;
};

struct zone_places {
	struct segment *segments;
	size_t segments_count;
	char **files;
	size_t files_count;
};

struct frame { /* a file that is being read */
	char *text;
	const char *at;
	size_t line, file;
	char origin[NAME_TEXT_BYTES];
	size_t opened_line; /* of a parenthesis that is open, 0: none */
	size_t quoted_line;
};

struct expansion {
	const char *folder; /* of the zone file, links resolved */
	struct zone_places *places;
	struct frame frames[INCLUDE_DEPTH_MAX + 1];
	size_t depth; /* frames in use */
	struct buf out;
	size_t lines, max;
	bool wants_owner; /* a new file: what the owner before was is not clear */
};

static const char *word_end(const char *word)
{
	return word + strcspn(word, " \t\r\n;");
}

static bool is_directive(const char *line, const char *name)
{
	size_t bytes = strlen(name);
	return strncmp(line, name, bytes) == 0 && (line[bytes] == ' ' || line[bytes] == '\t');
}

static bool is_relative(const char *line)
{
	const char *word = line + strcspn(line, " \t\r\n");
	word += strspn(word, " \t");
	const char *end = word_end(word);
	return end == word || end[-1] != '.';
}

bool zone_needs_include(const char *text)
{
	for (const char *at = text; (at = strchr(at, '$')); at++)
		if ((at == text || at[-1] == '\n') &&
		    (is_directive(at, "$INCLUDE") ||
		        (is_directive(at, "$ORIGIN") && is_relative(at))))
			return true;
	return false;
}

void zone_places_free(struct zone_places *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->files_count; i++)
		free(p->files[i]);
	free(p->files);
	free(p->segments);
	free(p);
}

const char *zone_place(const struct zone_places *p, const char *path, size_t *line)
{
	if (!p)
		return path;
	size_t low = 0, high = p->segments_count;
	while (high - low > 1) { /* the last segment that begins at or before the line */
		size_t middle = (low + high) / 2;
		if (p->segments[middle].first <= *line)
			low = middle;
		else
			high = middle;
	}
	const struct segment *s = &p->segments[low];
	*line = s->line + (*line - s->first);
	return p->files[s->file];
}

/* The lines that are put out from now on stand in that file, from that line on. */
static void segment_begin(struct expansion *x, size_t file, size_t line)
{
	VEC_PUSH(x->places->segments, x->places->segments_count) =
	    (struct segment){x->lines + 1, file, line};
}

static struct frame *top(struct expansion *x)
{
	assert(x->depth > 0);
	return &x->frames[x->depth - 1];
}

static int place_prefix(struct expansion *x, size_t line, struct err *e)
{
	return err_prefix(e, "%s:%zu", x->places->files[top(x)->file], line);
}

static void origin_put(struct expansion *x, const char *origin)
{
	buf_printf(&x->out, "$ORIGIN %s\n", origin);
	x->lines++;
}

/* Takes over `text`. */
static int frame_push(
    struct expansion *x, const char *path, char *text, const char *origin, struct err *e)
{
	if (x->depth > INCLUDE_DEPTH_MAX || x->places->files_count == INCLUDE_FILES_MAX) {
		free(text);
		return err_set(e, E_LIMIT, "found too many files, at most %d deep and %d in all",
		    INCLUDE_DEPTH_MAX, INCLUDE_FILES_MAX);
	}
	struct frame *f = &x->frames[x->depth++];
	*f = (struct frame){.text = text, .at = text, .line = 1, .file = x->places->files_count};
	(void)strncpy(f->origin, origin, sizeof(f->origin) - 1);
	VEC_PUSH(x->places->files, x->places->files_count) = mem_strdup(path);
	return 0;
}

/* A name as it stands behind a directive, made absolute. */
static int origin_parse(const char *word, size_t bytes, const char *origin,
    char out[static NAME_TEXT_BYTES], struct err *e)
{
	struct name n;
	if (bytes == 1 && word[0] == '@') {
		memmove(out, origin, strlen(origin) + 1);
		return 0;
	}
	bool is_absolute = bytes > 0 && word[bytes - 1] == '.';
	bool is_root = strcmp(origin, ".") == 0;
	char *text = mem_printf("%.*s%s%s", (int)bytes, word, is_absolute ? "" : ".",
	    is_absolute || is_root ? "" : origin);
	int r = name_parse(&n, text, e);
	if (r == 0)
		(void)name_format(n.wire, out);
	free(text);
	return r;
}

/* The path of an included file, links resolved, inside the folder. The caller frees. */
static int path_find(
    const struct expansion *x, const char *word, size_t bytes, char **out, struct err *e)
{
	size_t folder_bytes = strlen(x->folder);
	char *path = word[0] == '/' ? mem_strndup(word, bytes)
	                            : mem_printf("%s/%.*s", x->folder, (int)bytes, word);
	char *real = realpath(path, NULL);
	free(path);
	*out = NULL;
	if (!real)
		return err_set(e, E_NOT_FOUND, "$INCLUDE: no file \"%.*s\"", (int)bytes, word);
	if (strncmp(real, x->folder, folder_bytes) != 0 ||
	    (real[folder_bytes] != '/' && folder_bytes > 1)) {
		free(real);
		return err_set(e, E_INVALID, "$INCLUDE: \"%.*s\" is outside the zone file's folder",
		    (int)bytes, word);
	}
	*out = real;
	return 0;
}

static int text_read(const char *path, size_t max, char **text, struct err *e)
{
	size_t bytes;
	int r = zone_file_read(path, max, text, &bytes, NULL, e);
	if (r != 0 || strlen(*text) == bytes)
		return r;
	free(*text);
	*text = NULL;
	err_set(e, E_INVALID, "%s: not a text: has a NUL", path);
	return E_INVALID;
}

static int include_take(struct expansion *x, const char *arguments, struct err *e)
{
	const struct frame *f = top(x);
	const char *word = arguments + strspn(arguments, " \t"), *end = word_end(word);
	const char *name = end + strspn(end, " \t"), *name_end = word_end(name);
	char origin[NAME_TEXT_BYTES], *path, *text;
	memcpy(origin, f->origin, sizeof(origin));
	if (end == word)
		return err_set(e, E_INVALID, "$INCLUDE without a file");
	if (name_end > name &&
	    origin_parse(name, (size_t)(name_end - name), f->origin, origin, e) != 0)
		return E_INVALID;
	int r = path_find(x, word, (size_t)(end - word), &path, e);
	if (r != 0)
		return r;
	r = text_read(path, x->max, &text, e);
	if (r == 0)
		r = frame_push(x, path, text, origin, e);
	if (r == 0) {
		origin_put(x, origin);
		segment_begin(x, top(x)->file, 1);
		x->wants_owner = true;
	}
	free(path);
	return r;
}

/* Follows quotes and parentheses, within which a line is no directive. */
static void state_follow(struct frame *f, const char *line, const char *end)
{
	for (const char *at = line; at < end; at++) {
		if (*at == '\\' && at + 1 < end)
			at++;
		else if (*at == '"')
			f->quoted_line = f->quoted_line ? 0 : f->line;
		else if (!f->quoted_line && *at == ';')
			return;
		else if (!f->quoted_line && *at == '(')
			f->opened_line = f->line;
		else if (!f->quoted_line && *at == ')')
			f->opened_line = 0;
	}
}

static int frame_end(struct expansion *x, struct err *e)
{
	struct frame *f = top(x);
	size_t open_line = f->quoted_line ? f->quoted_line : f->opened_line;
	if (open_line != 0) {
		err_set(e, E_INVALID, "a quote or parenthesis is never closed");
		place_prefix(x, open_line, e);
		return E_INVALID;
	}
	free(f->text);
	x->depth--;
	if (x->depth == 0)
		return 0;
	f = top(x);
	segment_begin(x, f->file, f->line - 1); /* as if it stood at the $INCLUDE */
	origin_put(x, f->origin);
	x->wants_owner = true;
	return 0;
}

static int directive_take(struct expansion *x, const char *line, struct err *e)
{
	struct frame *f = top(x);
	if (is_directive(line, "$INCLUDE"))
		return include_take(x, line + strlen("$INCLUDE"), e);
	const char *word = line + strlen("$ORIGIN");
	word += strspn(word, " \t");
	int r = origin_parse(word, (size_t)(word_end(word) - word), f->origin, f->origin, e);
	if (r == 0)
		origin_put(x, f->origin);
	return r;
}

static int line_take(struct expansion *x, struct err *e)
{
	struct frame *f = top(x);
	const char *line = f->at, *end = line + strcspn(line, "\n");
	size_t number = f->line;
	bool is_inside = f->quoted_line != 0 || f->opened_line != 0;
	f->at = *end ? end + 1 : end;
	f->line++;
	if (!is_inside && (is_directive(line, "$INCLUDE") || is_directive(line, "$ORIGIN"))) {
		int r = directive_take(x, line, e);
		if (r != 0)
			err_prefix(e, "%s:%zu", x->places->files[f->file], number);
		return r;
	}
	const char *first = line + strspn(line, " \t\r");
	bool is_record = *first != '\n' && *first != '\0' && *first != ';' && *line != '$';
	if (!is_inside && is_record && x->wants_owner) {
		if (first > line) {
			err_set(e, E_INVALID,
			    "no owner in the first record behind $INCLUDE or in "
			    "an included file, expected its name");
			return place_prefix(x, number, e);
		}
		x->wants_owner = false;
	}
	f->line = number;
	state_follow(f, line, end);
	f->line = number + 1;
	buf_add(&x->out, line, (size_t)(end - line));
	buf_add(&x->out, "\n", 1);
	x->lines++;
	return x->out.bytes <= x->max
	           ? 0
	           : err_set(e, E_LIMIT, "%s: more than %zu bytes with all it includes",
	                 x->places->files[0], x->max);
}

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash == NULL   ? mem_strdup(".")
	               : slash == path ? mem_strdup("/")
	                               : mem_strndup(path, (size_t)(slash - path));
	char *real = realpath(folder, NULL);
	if (!real)
		return folder;
	free(folder);
	return real;
}

int zone_include(const char *path, const struct name *apex, size_t max, char **text, size_t *bytes,
    struct zone_places **places, struct err *e)
{
	char origin[NAME_TEXT_BYTES];
	*places = NULL;
	if (!zone_needs_include(*text))
		return 0;
	struct expansion *x = mem_new(1, sizeof(*x));
	char *folder = folder_of(path);
	x->folder = folder;
	x->max = max;
	x->places = mem_new(1, sizeof(*x->places));
	int r = frame_push(x, path, mem_strdup(*text), name_format(apex->wire, origin), e);
	segment_begin(x, 0, 1);
	while (r == 0 && x->depth > 0)
		r = *top(x)->at ? line_take(x, e) : frame_end(x, e);
	while (x->depth > 0)
		free(x->frames[--x->depth].text);
	if (r == 0) {
		free(*text);
		*bytes = x->out.bytes;
		*text = buf_take(&x->out);
		*places = x->places;
	} else {
		zone_places_free(x->places);
	}
	buf_free(&x->out);
	free(folder);
	free(x);
	return r;
}
