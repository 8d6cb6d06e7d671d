/* Dedicated sending addresses of a status as text: which ones, and how many. */
#ifndef TANDEM_CLI_SENDERS_TEXT_H
#define TANDEM_CLI_SENDERS_TEXT_H

#include <jansson.h>

#include "lib/base/buf.h"

struct senders_filter { /* NULL: whichever */
	const char *site, *customer, *state;
};

/* "allocated", … or NULL behind the last. */
const char *senders_state_word(unsigned index);

/* Those of a status that are asked for; the caller decrefs. */
json_t *senders_select(const json_t *status, const struct senders_filter *filter);
void senders_text_add(struct buf *out, const json_t *senders, const char *now);

/* "40 active, 2 on their way, 1 leaving"; nothing where there are none. */
void senders_count_add(struct buf *out, const json_t *senders);

#endif
