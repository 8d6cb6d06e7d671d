/* Reads JSON by a dotted path, and Prometheus text by the name of a metric. */
#include "controlplane/measure_parse.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"

enum { SOURCE_BYTES = 120, PATH_BYTES = 256 };

struct source {
	char name[SOURCE_BYTES];
	double value;
};

struct sources { /* the largest, in descending order */
	struct source items[MEASURE_SOURCES];
	size_t count, all;
};

static void source_add(struct sources *s, const char *name, size_t bytes, double value)
{
	size_t at = s->count;

	if (value <= 0)
		return;
	s->all++;
	while (at > 0 && s->items[at - 1].value < value)
		at--;
	if (at == MEASURE_SOURCES)
		return;
	if (s->count < MEASURE_SOURCES)
		s->count++;
	memmove(&s->items[at + 1], &s->items[at], (s->count - at - 1) * sizeof(s->items[0]));
	s->items[at].value = value;
	snprintf(s->items[at].name, SOURCE_BYTES, "%.*s", (int)(bytes < 100 ? bytes : 100), name);
}

static void sources_print(const struct sources *s, struct buf *out)
{
	for (size_t i = 0; i < s->count; i++)
		buf_printf(
		    out, "%s%s %.6g", i > 0 ? ", " : "", s->items[i].name, s->items[i].value);
	if (s->all > s->count)
		buf_printf(out, " and %zu more", s->all - s->count);
}

static int value_take(double value, int64_t *milli, struct err *e)
{
	if (!isfinite(value) || value < 0 || value > 9e15)
		return err_set(e, E_INVALID, "found %g, expected a number from 0 on", value);
	*milli = (int64_t)(value * 1000);
	return 0;
}

static const json_t *json_walk(const json_t *root, const char *path)
{
	char word[PATH_BYTES];

	for (const json_t *at = root; at; path += strcspn(path, ".") + 1) {
		size_t bytes = strcspn(path, ".");
		if (bytes >= sizeof(word))
			return NULL;
		memcpy(word, path, bytes);
		word[bytes] = '\0';
		at = json_is_array(at) ? json_array_get(at, strtoul(word, NULL, 10))
		                       : json_object_get(at, word);
		if (path[bytes] == '\0')
			return at;
	}
	return NULL;
}

static int json_measure(const struct service_measure *m, const char *body, size_t bytes,
    int64_t *value_milli, struct sources *sources, struct err *e)
{
	json_t *root, *value;
	const char *key;
	int r = json_parse(body, bytes, &root, e);

	if (r != 0)
		return r;
	const json_t *found = json_walk(root, m->field);
	const json_t *from = m->sources ? json_walk(root, m->sources) : NULL;
	if (!json_is_number(found))
		r = err_set(e, E_INVALID, "there is no number at \"%s\"", m->field);
	else
		r = value_take(json_number_value(found), value_milli, e);
	json_object_foreach((json_t *)(uintptr_t)from, key, value)
	{
		if (json_is_number(value))
			source_add(sources, key, strlen(key), json_number_value(value));
	}
	json_decref(root);
	return r;
}

/* Past the labels at *at, which starts with '{'; NULL: they do not end. */
static const char *labels_end(const char *at, const char *end)
{
	bool quoted = false;

	for (; at < end; at++) {
		if (quoted && *at == '\\')
			at++;
		else if (*at == '"')
			quoted = !quoted;
		else if (*at == '}' && !quoted)
			return at + 1;
	}
	return NULL;
}

/* One line of the exposition format; true: a sample of the metric. */
static bool sample_read(
    const char *line, const char *end, const char *metric, struct sources *sources, double *value)
{
	size_t name = strlen(metric);
	const char *at = line + name;
	char number[64], *number_end;

	if ((size_t)(end - line) <= name || memcmp(line, metric, name) != 0 ||
	    (*at != '{' && *at != ' ' && *at != '\t'))
		return false;
	const char *labels = at;
	if (*at == '{' && !(at = labels_end(at, end)))
		return false;
	size_t labels_bytes = (size_t)(at - labels);
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	size_t bytes = (size_t)(end - at) < sizeof(number) - 1 ? (size_t)(end - at) : 63;
	memcpy(number, at, bytes);
	number[bytes] = '\0';
	*value = strtod(number, &number_end);
	if (number_end == number || (*number_end && !isspace((unsigned char)*number_end)))
		return false;
	if (labels_bytes > 2)
		source_add(sources, labels + 1, labels_bytes - 2, *value);
	return true;
}

static int prometheus_measure(const struct service_measure *m, const char *body, size_t bytes,
    int64_t *value_milli, struct sources *sources, struct err *e)
{
	const char *end = body + bytes;
	double sum = 0, value;
	size_t samples = 0;

	for (const char *line = body; line < end;) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		const char *line_end = newline ? newline : end;
		if (sample_read(line, line_end, m->field, sources, &value)) {
			sum += value;
			samples++;
		}
		line = line_end + 1;
	}
	if (samples == 0)
		return err_set(e, E_INVALID, "there is no sample of \"%s\"", m->field);
	return value_take(sum, value_milli, e);
}

int measure_parse(const struct service_measure *m, const char *body, size_t bytes,
    int64_t *value_milli, struct buf *sources, struct err *e)
{
	struct sources found = {0};
	int r = m->format == MEASURE_JSON
	            ? json_measure(m, body, bytes, value_milli, &found, e)
	            : prometheus_measure(m, body, bytes, value_milli, &found, e);

	if (r == 0)
		sources_print(&found, sources);
	return r;
}
