/* The names of the rules that people may break. */
#include "core/override.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/err.h"

const char *override_name(enum override o)
{
	switch (o) {
	case OVERRIDE_BLOCKED:
		return "blocked";
	case OVERRIDE_UNPROVEN:
		return "unproven";
	case OVERRIDE_MINIMUM:
		return "minimum";
	case OVERRIDE_OWNER:
		return "owner";
	case OVERRIDE_IN_USE:
		return "in-use";
	case OVERRIDES:
		break;
	}
	assert(!"a rule that may be broken");
	return "";
}

enum override override_find(const char *name, size_t bytes)
{
	for (unsigned o = 1; o < OVERRIDES; o *= 2)
		if (strlen(override_name((enum override)o)) == bytes &&
		    strncmp(override_name((enum override)o), name, bytes) == 0)
			return (enum override)o;
	return (enum override)0;
}

const char *overrides_text(unsigned overrides, char out[static OVERRIDES_TEXT_BYTES])
{
	size_t used = 0;

	*out = '\0';
	for (unsigned o = 1; o < OVERRIDES; o *= 2)
		if (overrides & o)
			used += (size_t)snprintf(out + used, OVERRIDES_TEXT_BYTES - used, "%s%s",
			    used > 0 ? ", " : "", override_name((enum override)o));
	assert(used < OVERRIDES_TEXT_BYTES);
	return out;
}

int overrides_read(const char *words, unsigned *out, struct buf *text)
{
	char all[OVERRIDES_TEXT_BYTES];

	for (*out = 0; *words; words += *words == ',') {
		size_t bytes = strcspn(words, ",");
		enum override o = override_find(words, bytes);
		if (o == 0) {
			buf_printf(text,
			    "there is no rule \"%.*s\" that may be overridden; expected one of: "
			    "%s. Rules 1, 2 and 3 are not broken for anybody",
			    bytes < 40 ? (int)bytes : 40, words,
			    overrides_text(OVERRIDES - 1, all));
			return E_INVALID;
		}
		*out |= o;
		words += bytes;
	}
	return 0;
}
