/* A status object as text for a tired person: the verdict first, then what is behind it. */
#ifndef TANDEM_CLI_STATUS_TEXT_H
#define TANDEM_CLI_STATUS_TEXT_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/base/buf.h"

void status_text_add(struct buf *out, const json_t *status);
/* Pools of a status, or the members of an explanation. `vantages`: what each of them says, too. */
void members_text_add(
    struct buf *out, unsigned indent, const json_t *members, const char *now, bool vantages);

#endif
