/* Reading JSON with messages for people. */
#include "lib/json.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* jansson recurses into arrays and objects, so nesting is bounded before it sees the text. */
static int json_check_depth(const char *text, size_t bytes, struct err *e)
{
	unsigned depth = 0;
	bool quoted = false;
	for (size_t i = 0; i < bytes; i++) {
		char c = text[i];
		if (quoted) {
			if (c == '\\')
				i++;
			else if (c == '"')
				quoted = false;
		} else if (c == '"') {
			quoted = true;
		} else if (c == '[' || c == '{') {
			if (++depth > JSON_MAX_DEPTH)
				return err_set(e, E_INVALID,
				    "bad JSON: found more than %d levels at byte %zu",
				    JSON_MAX_DEPTH, i);
		} else if ((c == ']' || c == '}') && depth > 0) {
			depth--;
		}
	}
	return 0;
}

int json_parse(const char *text, size_t bytes, json_t **out, struct err *e)
{
	const char *nul = bytes > 0 ? memchr(text, '\0', bytes) : NULL;
	if (nul)
		return err_set(
		    e, E_INVALID, "bad JSON: found a NUL at byte %zu", (size_t)(nul - text));
	int code = json_check_depth(text, bytes, e);
	if (code)
		return code;
	json_error_t failure;
	json_t *value = json_loadb(text, bytes, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &failure);
	if (!value)
		return err_set(e, E_INVALID, "bad JSON: line %d, column %d: %s", failure.line,
		    failure.column, failure.text);
	*out = value;
	return 0;
}

static const char *json_kind(const json_t *value)
{
	if (!value)
		return "nothing";
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
		return "an integer";
	case JSON_REAL:
		return "a fraction";
	case JSON_TRUE:
	case JSON_FALSE:
		return "a boolean";
	case JSON_NULL:
		return "null";
	}
	return "something else";
}

static int json_unexpected(
    const char *key, const json_t *found, const char *expected, struct err *e)
{
	return err_set(e, E_INVALID, "%s: found %s, expected %s", key, json_kind(found), expected);
}

int json_get_string(const json_t *o, const char *key, const char **out, struct err *e)
{
	const json_t *value = json_object_get(o, key);
	if (!json_is_string(value))
		return json_unexpected(key, value, "a string", e);
	*out = json_string_value(value);
	return 0;
}

int json_get_string_or(
    const json_t *o, const char *key, const char *fallback, const char **out, struct err *e)
{
	if (json_object_get(o, key))
		return json_get_string(o, key, out, e);
	*out = fallback;
	return 0;
}

int json_get_u64(const json_t *o, const char *key, uint64_t max, uint64_t *out, struct err *e)
{
	const json_t *value = json_object_get(o, key);
	if (!json_is_integer(value))
		return json_unexpected(key, value, "an integer", e);
	json_int_t number = json_integer_value(value);
	if (number < 0 || (uint64_t)number > max)
		return err_set(e, E_INVALID,
		    "%s: found %" JSON_INTEGER_FORMAT ", expected 0 to %" PRIu64, key, number, max);
	*out = (uint64_t)number;
	return 0;
}

int json_get_u64_or(
    const json_t *o, const char *key, uint64_t max, uint64_t fallback, uint64_t *out, struct err *e)
{
	if (json_object_get(o, key))
		return json_get_u64(o, key, max, out, e);
	*out = fallback;
	return 0;
}

int json_get_i64(const json_t *o, const char *key, int64_t *out, struct err *e)
{
	const json_t *value = json_object_get(o, key);
	if (!json_is_integer(value))
		return json_unexpected(key, value, "an integer", e);
	*out = (int64_t)json_integer_value(value);
	return 0;
}

int json_get_bool_or(const json_t *o, const char *key, bool fallback, bool *out, struct err *e)
{
	const json_t *value = json_object_get(o, key);
	if (value && !json_is_boolean(value))
		return json_unexpected(key, value, "true or false", e);
	*out = value ? json_is_true(value) : fallback;
	return 0;
}

int json_get_object(const json_t *o, const char *key, const json_t **out, struct err *e)
{
	const json_t *value = json_object_get(o, key);
	if (!json_is_object(value))
		return json_unexpected(key, value, "an object", e);
	*out = value;
	return 0;
}

int json_get_array(const json_t *o, const char *key, size_t max, const json_t **out, struct err *e)
{
	const json_t *value = json_object_get(o, key);
	if (!json_is_array(value))
		return json_unexpected(key, value, "an array", e);
	if (json_array_size(value) > max)
		return err_set(e, E_INVALID, "%s: found %zu elements, expected at most %zu", key,
		    json_array_size(value), max);
	*out = value;
	return 0;
}

char *json_text(const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	assert(text); /* only memory can be lacking: jansson strings are valid UTF-8 */
	return text;
}
