/* History lines as text. */
#ifndef TANDEM_CLI_HISTORY_TEXT_H
#define TANDEM_CLI_HISTORY_TEXT_H

#include <jansson.h>

#include "lib/base/buf.h"

void history_text_add(struct buf *out, unsigned indent, const json_t *entries);

#endif
