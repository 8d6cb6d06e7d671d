/* Throws away lists of names that no kept revision refers to (docs/names.md). The leader's. */
#ifndef TANDEM_CONTROLPLANE_NAMES_SWEEP_H
#define TANDEM_CONTROLPLANE_NAMES_SWEEP_H

#include "controlplane/names_store.h"

enum { NAMES_SWEEP_SPARE_MS = 3600 * 1000 }; /* an upload is not referred to yet */

struct names_sweep;

/* Nothing is removed while *held is not 0: documents are on their way whose lists were looked at.
 * Borrowed. */
struct names_sweep *names_sweep_new(
    struct store *store, struct names_store *names, const unsigned *held);
void names_sweep_free(struct names_sweep *s);

/* One round: looks at what there is, and removes one list that has been without a use for
 * `spare_ms` as far as this controller has seen. `fence` is the leader's; `state` the state that no
 * document may have been applied since, or what it refers to would be thrown away; revisions older
 * than `keep_from` are not kept any more. Does nothing while a round is under way. */
void names_sweep_run(struct names_sweep *s, const struct store_compare *fence,
    const struct store_compare *state, uint64_t keep_from, uint64_t now_ms, uint64_t spare_ms);
/* Something is being removed, or may be yet: what the store has cannot be relied on for a moment.
 */
bool names_sweep_is_removing(const struct names_sweep *s);
bool names_sweep_is_busy(const struct names_sweep *s);

#endif
