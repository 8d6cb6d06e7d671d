/* Values of one row: parsed strictly, refused with what would have been right. */
#include "config/scalar.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "config/dname.h"
#include "lib/base/addr.h"
#include "lib/base/mem.h"

enum { PATH_BYTES = 1024, URL_BYTES = 512 };

struct unit {
	const char *suffix;
	int64_t ms;
};
static const struct unit units[] = {
    {"w", 604800000}, {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};

static int64_t type_unit_ms(enum schema_type type)
{
	switch (type) {
	case SCHEMA_MS:
		return 1;
	case SCHEMA_S:
		return 1000;
	case SCHEMA_DAYS:
		return 86400000;
	default:
		return 0;
	}
}

static void duration_print(struct buf *out, int64_t ms)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (ms >= units[i].ms && ms % units[i].ms == 0) {
			buf_printf(out, "%" PRId64 "%s", ms / units[i].ms, units[i].suffix);
			return;
		}
	buf_puts(out, "0s");
}

static void words_print(struct buf *out, const char *const *words)
{
	for (size_t i = 0; words[i] != NULL; i++)
		buf_printf(out, "%s%s", i > 0 ? ", " : "", words[i]);
}

void scalar_describe(const struct schema_row *row, enum schema_type type, struct buf *out)
{
	switch (type) {
	case SCHEMA_TEXT:
		buf_printf(out, "text of %" PRId64 " to %" PRId64 " bytes", row->min, row->max);
		return;
	case SCHEMA_LABEL:
		buf_puts(out, "a word of 1 to 63 lower-case letters, digits and -");
		return;
	case SCHEMA_DNAME:
		buf_puts(out, "a domain name");
		return;
	case SCHEMA_PATH:
		buf_puts(out, "a path");
		return;
	case SCHEMA_URL:
		buf_puts(out, "https://host:port");
		return;
	case SCHEMA_ENDPOINT:
		buf_puts(out, "address@port");
		return;
	case SCHEMA_BOOL:
		buf_puts(out, "true or false");
		return;
	case SCHEMA_NUMBER:
	case SCHEMA_RANGE:
		buf_printf(out, "%s from %" PRId64 " to %" PRId64,
		    type == SCHEMA_NUMBER ? "a number" : "a number or a range N-M", row->min,
		    row->max);
		return;
	case SCHEMA_MS:
	case SCHEMA_S:
	case SCHEMA_DAYS:
		buf_puts(out, "a duration from ");
		duration_print(out, row->min * type_unit_ms(type));
		buf_puts(out, " to ");
		duration_print(out, row->max * type_unit_ms(type));
		return;
	case SCHEMA_ADDRESS:
		buf_puts(out, "an IPv4 or IPv6 address");
		return;
	case SCHEMA_PREFIX:
		buf_puts(out, "an IPv4 or IPv6 address or network (address/bits)");
		return;
	case SCHEMA_WORD:
		buf_puts(out, "one of: ");
		words_print(out, row->words);
		return;
	case SCHEMA_RECORD:
		buf_puts(out, "a record as in a zone file");
		return;
	default:
		assert(!"a scalar type");
	}
}

static int value_refuse(const struct schema_row *row, enum schema_type type, const char *text,
    const char *why, struct err *e)
{
	struct buf expected = {0};
	int result;

	scalar_describe(row, type, &expected);
	result = err_set(
	    e, E_INVALID, "%s%s, expected %s", report_quote(text).text, why, buf_text(&expected));
	buf_free(&expected);
	return result;
}

/* Decimal digits and nothing else; false beyond 15 of them, which no option needs. */
static bool digits_parse(const char *text, size_t bytes, int64_t *out)
{
	*out = 0;
	if (bytes == 0 || bytes > 15)
		return false;
	for (size_t i = 0; i < bytes; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		*out = *out * 10 + (text[i] - '0');
	}
	return true;
}

static void unsigned_store(void *field, size_t bytes, int64_t value)
{
	assert(value >= 0);
	switch (bytes) {
	case 1:
		*(uint8_t *)field = (uint8_t)value;
		return;
	case 2:
		*(uint16_t *)field = (uint16_t)value;
		return;
	case 4:
		*(uint32_t *)field = (uint32_t)value;
		return;
	default:
		assert(!"a width that rows use");
	}
}

static int number_parse(const struct schema_row *row, enum schema_type type, const char *text,
    void *field, struct err *e)
{
	int64_t value;

	if (!digits_parse(text, strlen(text), &value))
		return value_refuse(row, type, text, " is no number", e);
	if (value < row->min || value > row->max)
		return value_refuse(row, type, text, " is out of range", e);
	unsigned_store(field, row->bytes, value);
	return 0;
}

static int duration_parse(const struct schema_row *row, enum schema_type type, const char *text,
    void *field, struct err *e)
{
	const size_t digits = strspn(text, "0123456789");
	const int64_t unit_ms = type_unit_ms(type);
	const char *suffix = text + digits;
	int64_t value;

	if (!digits_parse(text, digits, &value))
		return value_refuse(row, type, text, " is no duration", e);
	if (*suffix == '\0' && value != 0)
		return value_refuse(row, type, text, " has no unit (ms, s, m, h, d, w)", e);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(suffix, units[i].suffix) != 0)
			continue;
		if (value > INT64_MAX / units[i].ms)
			return value_refuse(row, type, text, " is out of range", e);
		value *= units[i].ms;
		suffix = "";
		break;
	}
	if (*suffix != '\0')
		return value_refuse(
		    row, type, text, " has an unknown unit (not ms, s, m, h, d, w)", e);
	if (value % unit_ms != 0)
		return value_refuse(row, type, text,
		    type == SCHEMA_S ? " is no whole number of seconds"
		                     : " is no whole number of days",
		    e);
	value /= unit_ms;
	if (value < row->min || value > row->max)
		return value_refuse(row, type, text, " is out of range", e);
	unsigned_store(field, row->bytes, value);
	return 0;
}

static int range_parse(const struct schema_row *row, const char *text, void *field, struct err *e)
{
	const char *dash = strchr(text, '-');
	const size_t first_bytes = dash != NULL ? (size_t)(dash - text) : strlen(text);
	int64_t first, last;

	if (!digits_parse(text, first_bytes, &first))
		return value_refuse(row, SCHEMA_RANGE, text, " is no range", e);
	last = first;
	if (dash != NULL && !digits_parse(dash + 1, strlen(dash + 1), &last))
		return value_refuse(row, SCHEMA_RANGE, text, " is no range", e);
	if (first < row->min || last > row->max || first > last)
		return value_refuse(row, SCHEMA_RANGE, text, " is out of range", e);
	assert(row->bytes == sizeof(uint16_t));
	*(uint16_t *)field = (uint16_t)first;
	*(uint16_t *)((char *)field - row->offset + row->count_offset) = (uint16_t)last;
	return 0;
}

static int label_parse(const struct schema_row *row, const char *text, struct err *e)
{
	const size_t bytes = strlen(text);

	if (bytes == 0 || bytes > 63 ||
	    strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") != bytes)
		return value_refuse(row, SCHEMA_LABEL, text, "", e);
	return 0;
}

static bool port_is_valid(const char *text)
{
	int64_t port;

	return digits_parse(text, strlen(text), &port) && port >= 1 && port <= 65535;
}

static int endpoint_parse(const struct schema_row *row, const char *text, struct err *e)
{
	const char *at = strchr(text, '@');
	struct addr address;
	char host[ADDR_TEXT_BYTES];

	if (at == NULL || (size_t)(at - text) >= sizeof(host))
		return value_refuse(row, SCHEMA_ENDPOINT, text, "", e);
	memcpy(host, text, (size_t)(at - text));
	host[at - text] = '\0';
	if (addr_parse(host, &address, NULL) != 0)
		return value_refuse(row, SCHEMA_ENDPOINT, text, " has no address", e);
	if (!port_is_valid(at + 1))
		return value_refuse(row, SCHEMA_ENDPOINT, text, " has no port from 1 to 65535", e);
	return 0;
}

static int url_parse(const struct schema_row *row, const char *text, struct err *e)
{
	const bool secure = strncmp(text, "https://", 8) == 0;
	const char *host = secure ? text + 8 : text + 7;

	if (!secure && strncmp(text, "http://", 7) != 0)
		return value_refuse(row, SCHEMA_URL, text, " is no URL", e);
	const size_t host_bytes =
	    *host == '[' ? strspn(host + 1, "0123456789abcdefABCDEF:.") + 2 : strcspn(host, ":/");

	if (strlen(text) > URL_BYTES || host_bytes == 0 || host_bytes > strlen(host) ||
	    (*host == '[' && host[host_bytes - 1] != ']') || strpbrk(host, " @?#\"\\") != NULL)
		return value_refuse(row, SCHEMA_URL, text, " has no usable host", e);
	const char *port = host + host_bytes;

	if (*port == '/' && port[1] == '\0')
		return 0;
	if (*port != '\0' && (*port != ':' || !port_is_valid(port + 1)))
		return value_refuse(row, SCHEMA_URL, text, " goes on wrongly behind its host", e);
	return 0;
}

static int text_parse(const struct schema_row *row, const char *text, struct err *e)
{
	const size_t bytes = strlen(text);

	if ((int64_t)bytes < row->min || (int64_t)bytes > row->max)
		return value_refuse(row, row->type == SCHEMA_LIST ? row->element : row->type, text,
		    bytes == 0 ? " is empty" : " is out of range", e);
	return 0;
}

static int path_parse(
    const struct schema_row *row, const char *text, const char *folder, char **out, struct err *e)
{
	if (*text == '\0' || strlen(text) > PATH_BYTES)
		return value_refuse(row, SCHEMA_PATH, text, "", e);
	*out =
	    *text == '/' || folder == NULL ? mem_strdup(text) : mem_printf("%s/%s", folder, text);
	return 0;
}

static int word_parse(const struct schema_row *row, const char *text, void *field, struct err *e)
{
	struct buf expected = {0};
	size_t count = 0;

	for (; row->words[count] != NULL; count++)
		if (strcmp(row->words[count], text) == 0) {
			unsigned_store(field, row->bytes, (int64_t)count);
			return 0;
		}
	report_choices(&expected, text, row->words, count);
	err_set(e, E_INVALID, "%s, %s", report_quote(text).text, buf_text(&expected));
	buf_free(&expected);
	return E_INVALID;
}

static int bool_parse(const struct schema_row *row, const char *text, void *field, struct err *e)
{
	const bool yes = strcmp(text, "true") == 0;

	if (!yes && strcmp(text, "false") != 0)
		return value_refuse(row, SCHEMA_BOOL, text, "", e);
	*(bool *)field = yes;
	return 0;
}

static int string_parse(const struct schema_row *row, enum schema_type type, const char *text,
    const char *folder, char **out, struct err *e)
{
	char dname[DNAME_TEXT_BYTES];
	int result;

	switch (type) {
	case SCHEMA_DNAME:
		if (dname_normalize(text, dname, e) != 0)
			return E_INVALID;
		text = dname;
		result = 0;
		break;
	case SCHEMA_LABEL:
		result = label_parse(row, text, e);
		break;
	case SCHEMA_PATH:
		return path_parse(row, text, folder, out, e);
	case SCHEMA_URL:
		result = url_parse(row, text, e);
		break;
	case SCHEMA_ENDPOINT:
		result = endpoint_parse(row, text, e);
		break;
	case SCHEMA_RECORD:
		result = 0;
		break;
	default:
		result = text_parse(row, text, e);
	}
	if (result == 0)
		*out = mem_strdup(text);
	return result;
}

int scalar_parse(const struct schema_row *row, enum schema_type type, const char *text,
    const char *folder, void *field, struct err *e)
{
	switch (type) {
	case SCHEMA_BOOL:
		return bool_parse(row, text, field, e);
	case SCHEMA_NUMBER:
		return number_parse(row, type, text, field, e);
	case SCHEMA_MS:
	case SCHEMA_S:
	case SCHEMA_DAYS:
		return duration_parse(row, type, text, field, e);
	case SCHEMA_RANGE:
		return range_parse(row, text, field, e);
	case SCHEMA_WORD:
		return word_parse(row, text, field, e);
	case SCHEMA_ADDRESS:
		if (addr_parse(text, field, NULL) == 0)
			return 0;
		*(struct addr *)field = (struct addr){0};
		return value_refuse(row, type, text, "", e);
	case SCHEMA_PREFIX:
		return addr_prefix_parse(text, field, NULL) == 0
		           ? 0
		           : value_refuse(row, type, text, "", e);
	default:
		return string_parse(row, type, text, folder, field, e);
	}
}

bool scalar_is_string(enum schema_type type)
{
	switch (type) {
	case SCHEMA_TEXT:
	case SCHEMA_LABEL:
	case SCHEMA_DNAME:
	case SCHEMA_PATH:
	case SCHEMA_URL:
	case SCHEMA_ENDPOINT:
	case SCHEMA_RECORD:
		return true;
	default:
		return false;
	}
}

size_t scalar_bytes(enum schema_type type)
{
	switch (type) {
	case SCHEMA_ADDRESS:
		return sizeof(struct addr);
	case SCHEMA_PREFIX:
		return sizeof(struct addr_prefix);
	default:
		assert(scalar_is_string(type));
		return sizeof(char *);
	}
}
