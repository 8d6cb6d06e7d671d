/* Addresses: parsed strictly, printed in one form. */
#include "lib/base/addr.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

int addr_parse(const char *text, struct addr *out, struct err *e)
{
	/* inet_pton takes no zone, no blanks, no leading zeros in a dotted quad */
	struct addr found = {0};
	if (inet_pton(AF_INET, text, found.bytes) == 1)
		found.family = 4;
	else if (inet_pton(AF_INET6, text, found.bytes) == 1)
		found.family = 6;
	else
		return err_set(
		    e, E_INVALID, "found \"%.64s\", expected an IPv4 or IPv6 address", text);
	*out = found;
	return 0;
}

const char *addr_format(const struct addr *a, char out[static ADDR_TEXT_BYTES])
{
	if (a->family == 0)
		return strcpy(out, "none");
	assert(a->family == 4 || a->family == 6);
	const char *text =
	    inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->bytes, out, ADDR_TEXT_BYTES);
	assert(text);
	return text;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return addr_compare(a, b) == 0;
}

int addr_compare(const struct addr *a, const struct addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

struct addr addr_mask(const struct addr *a, unsigned bits)
{
	struct addr out = *a;
	for (unsigned i = 0; i < sizeof(out.bytes); i++) {
		unsigned kept = bits >= 8 * (i + 1) ? 8 : bits > 8 * i ? bits - 8 * i : 0;
		out.bytes[i] = (uint8_t)(out.bytes[i] & (0xff00U >> kept));
	}
	return out;
}

bool addr_is_inside(const struct addr *a, const struct addr_prefix *p)
{
	struct addr masked = addr_mask(a, p->bits);
	return addr_equal(&masked, &p->address);
}

int addr_prefix_parse(const char *text, struct addr_prefix *out, struct err *e)
{
	char host[ADDR_TEXT_BYTES];
	const char *slash = strchr(text, '/');
	size_t bytes = slash ? (size_t)(slash - text) : strlen(text);
	unsigned bits = 0, digits = 0;
	if (bytes >= sizeof(host))
		return err_set(
		    e, E_INVALID, "found \"%.64s\", expected ADDRESS or ADDRESS/BITS", text);
	memcpy(host, text, bytes);
	host[bytes] = '\0';
	struct addr_prefix found = {0};
	if (addr_parse(host, &found.address, e) != 0)
		return E_INVALID;
	unsigned all = found.address.family == 4 ? 32 : 128;
	for (const char *t = slash ? slash + 1 : ""; *t >= '0' && *t <= '9' && digits < 4;
	     t++, digits++)
		bits = bits * 10 + (unsigned)(*t - '0');
	if (!slash)
		bits = all;
	else if (digits == 0 || slash[1 + digits] != '\0' || bits > all ||
	         (digits > 1 && slash[1] == '0'))
		return err_set(e, E_INVALID, "found \"%.64s\", expected 0 to %u bits", text, all);
	found.bits = (uint8_t)bits;
	if (!addr_is_inside(&found.address, &found))
		return err_set(
		    e, E_INVALID, "found \"%.64s\", expected no bits behind the prefix", text);
	*out = found;
	return 0;
}
