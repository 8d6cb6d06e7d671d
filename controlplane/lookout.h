/* Looks outside for the core while this controller leads: name servers and resolvers while a site
 * is drained or a sending address is to be shown to be one, measures always. It asks what
 * core_questions and the service document say, and hands on what it hears; it concludes nothing. */
#ifndef TANDEM_CONTROLPLANE_LOOKOUT_H
#define TANDEM_CONTROLPLANE_LOOKOUT_H

#include "controlplane/engine.h"

struct lookout;

/* `engine` is borrowed and outlives it. */
int lookout_new(
    struct event_base *base, struct engine *engine, struct lookout **out, struct err *e);
void lookout_free(struct lookout *l); /* NULL allowed */

/* Something has changed that a trial may wait for: looked at soon, not from inside this call. */
void lookout_wake(struct lookout *l);

#endif
