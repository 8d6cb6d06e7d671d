/* What an answer says about a question of a trial, in a form that can be compared; pure. */
#ifndef TANDEM_CONTROLPLANE_TRIAL_ANSWER_H
#define TANDEM_CONTROLPLANE_TRIAL_ANSWER_H

#include <ldns/ldns.h>

#include "core/core.h"
#include "lib/base/buf.h"

/* Fills what `look` says of the answer; its texts are in `answered`, `expected` and `failure`. Only
 * the records of the question's type and owner count: signatures and TTLs do not. */
void trial_answer_read(const struct core_trial_question *q, const ldns_pkt *answer,
    struct core_trial_look *look, struct buf *answered, struct buf *expected,
    char failure[static 128]);

#endif
