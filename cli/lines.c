/* Small pieces of text out of JSON answers. */
#include "cli/lines.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/table.h"

const char *member_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text != NULL ? text : "";
}

int64_t member_number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

bool member_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

void lines_add(struct buf *out, unsigned indent, const json_t *lines)
{
	size_t i;
	json_t *line;
	json_array_foreach((json_t *)lines, i, line)
	{
		if (json_is_string(line))
			text_add(out, indent, STYLE_PLAIN, json_string_value(line));
	}
}

void lines_print(const json_t *lines)
{
	struct buf out = {0};
	lines_add(&out, 0, lines);
	fputs(buf_text(&out), stdout);
	buf_free(&out);
}

int64_t time_read(const char *text)
{
	struct tm tm = {0};
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	int64_t ms = 0;
	if (rest == NULL)
		return 0;
	if (*rest == '.')
		for (int64_t unit = 100; rest[1] >= '0' && rest[1] <= '9'; rest++, unit /= 10)
			ms += (rest[1] - '0') * unit;
	return (int64_t)timegm(&tm) * 1000 + ms;
}

const char *span_format(int64_t ms, char out[static SPAN_BYTES])
{
	int64_t s = ms > 0 ? ms / 1000 : 0;
	if (s < 120)
		snprintf(out, SPAN_BYTES, "%d s", (int)s);
	else if (s < 3600)
		snprintf(out, SPAN_BYTES, "%d m", (int)(s / 60));
	else if (s < 48 * 3600)
		snprintf(out, SPAN_BYTES, "%d h %02d m", (int)(s / 3600), (int)(s / 60 % 60));
	else
		snprintf(out, SPAN_BYTES, "%d d", (int)(s / 86400 % 1000000));
	return out;
}

const char *since_format(const char *then, const char *now, char out[static SPAN_BYTES])
{
	int64_t then_ms = time_read(then), now_ms = time_read(now);
	out[0] = '\0';
	return then_ms > 0 && now_ms > 0 ? span_format(now_ms - then_ms, out) : out;
}
