/* Rules that people may break, by name, with a reason that is kept: --override (decision 055).
 *
 * Rules 1, 2 and 3 are not among them: what is never empty, what only grows, the last site. */
#ifndef TANDEM_CORE_OVERRIDE_H
#define TANDEM_CORE_OVERRIDE_H

#include "lib/base/buf.h"

enum override {                /* bits; kept in the state by their names */
	OVERRIDE_BLOCKED = 1,  /* dates at which nobody drains */
	OVERRIDE_UNPROVEN = 2, /* nobody else is proven to work now, but some are not known down */
	OVERRIDE_MINIMUM = 4,  /* min_members and min_percent of a pool */
	OVERRIDE_OWNER = 8,    /* what another person has declared */
	OVERRIDE_IN_USE = 16,  /* a sending address keeps its SPF record until it is let go */
	OVERRIDES = 32,        /* above all of them */
};

const char *override_name(enum override o); /* "blocked" … */
/* 0: no such rule. */
enum override override_find(const char *name, size_t bytes);

enum { OVERRIDES_TEXT_BYTES = 64 };
/* "blocked, minimum"; "" for none. */
const char *overrides_text(unsigned overrides, char out[static OVERRIDES_TEXT_BYTES]);
/* Of "blocked,minimum"; 0 or E_INVALID with what is wrong in `text`. */
int overrides_read(const char *words, unsigned *out, struct buf *text);

#endif
