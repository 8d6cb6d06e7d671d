/* What stands, as JSON for operators: docs/architecture.md, "Status" and "explain". */
#ifndef TANDEM_CONTROLPLANE_STATUS_H
#define TANDEM_CONTROLPLANE_STATUS_H

#include <jansson.h>

#include "controlplane/care.h"
#include "controlplane/engine.h"

enum { STATUS_TEXT_BYTES = 640 };

/* The caller decrefs. */
/* `care` may be NULL. */
json_t *status_encode(const struct engine *en, const char *store_kind, const struct care *care);
/* Its part about this controller. */
json_t *status_controller(const struct engine *en, const char *store_kind);

/* Why nothing can be changed here now, in a sentence: no quorum, nobody leads, store not followed.
 * "" when it can. */
void status_obstacle(const struct engine *en, char out[static STATUS_TEXT_BYTES]);

/* One DNS name, pool, member, site or sending address; NULL when there is no such thing. `history`
 * is added by the caller. */
json_t *status_explain(const struct engine *en, const char *subject);

/* Pieces that both are made of. */
json_t *status_member(const struct core_member_view *m);
json_t *status_sender(const struct core_sender_view *s);
json_t *status_drain(const struct state_drain *d, const struct core_drain_view *v); /* NULL: none */

#endif
