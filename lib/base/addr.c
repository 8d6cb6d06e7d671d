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
