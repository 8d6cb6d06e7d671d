/* One line of a zone file, when it has the common form. */
#include "dnsd/zone_line.h"

#include <arpa/inet.h>
#include <string.h>

#include "dnsd/octets.h"
#include "dnsd/zone_text.h"

enum { LABEL_MAX = 63, TTL_DIGITS_MAX = 9, TEXT_MAX = 255 };

struct reader {
	const char *at, *end;
	const uint8_t *origin;
	size_t origin_bytes;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_' || c == '*' ||
	       (c >= 'A' && c <= 'Z');
}

static void blanks_skip(struct reader *r)
{
	while (r->at < r->end && is_blank(*r->at))
		r->at++;
}

static bool at_token_end(const struct reader *r)
{
	return r->at == r->end || is_blank(*r->at);
}

/* A name up to a blank; its octets on the wire, 0 if it is not a plain one. */
static size_t name_take(struct reader *r, uint8_t out[static NAME_BYTES])
{
	size_t length_at = 0, used = 1;
	if (at_token_end(r) || !is_plain(*r->at))
		return 0;
	for (; !at_token_end(r); r->at++) {
		if (used >= NAME_BYTES)
			return 0;
		if (*r->at == '.') {
			if (used - length_at == 1)
				return 0; /* an empty label */
			out[length_at] = (uint8_t)(used - length_at - 1);
			length_at = used++;
			continue;
		}
		if (!is_plain(*r->at) || used - length_at > LABEL_MAX)
			return 0;
		out[used++] = (uint8_t)*r->at;
	}
	if (used - length_at == 1) { /* ended with a dot: absolute */
		out[length_at] = 0;
		return used;
	}
	out[length_at] = (uint8_t)(used - length_at - 1);
	if (r->origin_bytes > NAME_BYTES - used)
		return 0;
	memcpy(out + used, r->origin, r->origin_bytes);
	return used + r->origin_bytes;
}

/* Digits up to a blank. False: nothing was taken. */
static bool number_take(struct reader *r, uint32_t *out)
{
	const char *at = r->at;
	uint32_t value = 0;
	while (at < r->end && is_digit(*at) && at - r->at < TTL_DIGITS_MAX)
		value = value * 10 + (uint32_t)(*at++ - '0');
	if (at == r->at || (at < r->end && !is_blank(*at)))
		return false;
	r->at = at;
	*out = value;
	return true;
}

static bool word_take(struct reader *r, const char *word, size_t bytes)
{
	if ((size_t)(r->end - r->at) <= bytes || memcmp(r->at, word, bytes) != 0 ||
	    !is_blank(r->at[bytes]))
		return false;
	r->at += bytes;
	blanks_skip(r);
	return true;
}

static bool a_take(struct reader *r, struct zone_line *l)
{
	for (size_t i = 0; i < 4; i++) {
		unsigned value = 0;
		size_t digits = 0;
		for (; r->at < r->end && is_digit(*r->at) && digits < 3; digits++)
			value = value * 10 + (unsigned)(*r->at++ - '0');
		if (digits == 0 || value > 255 || (digits > 1 && r->at[-(ptrdiff_t)digits] == '0'))
			return false;
		l->rdata[i] = (uint8_t)value;
		if (i < 3 && (r->at == r->end || *r->at++ != '.'))
			return false;
	}
	l->rdata_bytes = 4;
	return at_token_end(r);
}

static bool aaaa_take(struct reader *r, struct zone_line *l)
{
	char text[INET6_ADDRSTRLEN];
	size_t bytes = 0;
	for (; !at_token_end(r) && bytes < sizeof(text) - 1; bytes++)
		text[bytes] = *r->at++;
	text[bytes] = '\0';
	l->rdata_bytes = 16;
	return at_token_end(r) && inet_pton(AF_INET6, text, l->rdata) == 1;
}

static bool host_take(struct reader *r, struct zone_line *l)
{
	l->rdata_bytes = (uint16_t)name_take(r, l->rdata);
	return l->rdata_bytes > 0;
}

static bool mx_take(struct reader *r, struct zone_line *l)
{
	uint32_t preference;
	if (!number_take(r, &preference) || preference > UINT16_MAX)
		return false;
	blanks_skip(r);
	size_t bytes = name_take(r, l->rdata + 2);
	put_u16(l->rdata, preference);
	l->rdata_bytes = (uint16_t)(2 + bytes);
	return bytes > 0;
}

static bool txt_take(struct reader *r, struct zone_line *l)
{
	size_t used = 0;
	while (r->at < r->end && *r->at == '"') {
		const char *text = ++r->at;
		while (r->at < r->end && *r->at != '"' && *r->at >= ' ' && *r->at <= '~' &&
		       *r->at != '\\')
			r->at++;
		size_t bytes = (size_t)(r->at - text);
		if (r->at == r->end || *r->at != '"' || bytes > TEXT_MAX ||
		    bytes + 1 > ZONE_LINE_RDATA_BYTES - used)
			return false;
		l->rdata[used++] = (uint8_t)bytes;
		memcpy(l->rdata + used, text, bytes);
		used += bytes;
		r->at++;
		if (!at_token_end(r))
			return false;
		blanks_skip(r);
	}
	l->rdata_bytes = (uint16_t)used;
	return used > 0;
}

static const struct form {
	const char *word;
	size_t bytes;
	uint16_t type;
	bool (*take)(struct reader *r, struct zone_line *l);
} forms[] = {
    {"A", 1, TYPE_A, a_take},
    {"AAAA", 4, TYPE_AAAA, aaaa_take},
    {"MX", 2, TYPE_MX, mx_take},
    {"TXT", 3, TYPE_TXT, txt_take},
    {"NS", 2, TYPE_NS, host_take},
    {"CNAME", 5, TYPE_CNAME, host_take},
    {"PTR", 3, TYPE_PTR, host_take},
};

bool zone_line_read(struct zone_line *out, const char *line, size_t bytes, const uint8_t *origin,
    size_t origin_bytes, uint32_t ttl_s)
{
	struct reader r = {line, line + bytes, origin, origin_bytes};
	out->has_owner = bytes > 0 && !is_blank(line[0]);
	out->ttl_s = ttl_s;
	if (out->has_owner) {
		out->owner_bytes = (uint8_t)name_take(&r, out->owner);
		if (out->owner_bytes == 0)
			return false;
	}
	blanks_skip(&r);
	if (number_take(&r, &out->ttl_s))
		blanks_skip(&r);
	word_take(&r, "IN", 2);
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (!word_take(&r, forms[i].word, forms[i].bytes))
			continue;
		out->type = forms[i].type;
		if (!forms[i].take(&r, out))
			return false;
		blanks_skip(&r);
		return r.at == r.end || *r.at == ';';
	}
	return false;
}
