/* Reads history lines out of the store, newest first. */
#ifndef TANDEM_CONTROLPLANE_HISTORY_H
#define TANDEM_CONTROLPLANE_HISTORY_H

#include <jansson.h>

#include "controlplane/engine.h"

struct history_query {
	uint64_t before;     /* only versions below; 0 = from the newest */
	size_t limit;        /* lines; 1 … 1000 */
	const char *subject; /* only lines about it, or NULL; copied */
	const char *action;  /* only lines of this action, or NULL; copied */
};

/* 0 and `lines`, an array (borrowed) whose objects are as wire/state.h encodes them; `next` is the
 * version to go on before, 0 when nothing older is there. Or the store's error. With 0, `e` is
 * NULL, or says why it was read from one member of the store alone, which may lag (no quorum). */
typedef void (*history_done)(
    void *ctx, int result, const struct err *e, json_t *lines, uint64_t next);

/* Looks at 2,000 versions at most. `done` is called from the loop, exactly once, unless cancelled;
 * the handle is no more then. */
struct history_reading;
struct history_reading *history_read(
    const struct engine *en, const struct history_query *query, history_done done, void *ctx);
void history_cancel(struct history_reading *r);

#endif
