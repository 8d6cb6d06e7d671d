/* How many connections each client has: a table of fixed size. An IPv6 client is a /64, for a host
 * may use any address in it. */
#ifndef TANDEM_DNSD_CROWD_H
#define TANDEM_DNSD_CROWD_H

#include <stddef.h>

#include "lib/base/addr.h"

struct crowd;
struct crowd *crowd_new(size_t most); /* that are inside at the same time */
void crowd_free(struct crowd *c);     /* NULL allowed */

/* One more of this client; how many it has now. There must be less than `most` inside. */
unsigned crowd_enter(struct crowd *c, const struct addr *client);
void crowd_leave(struct crowd *c, const struct addr *client); /* it must have entered */

#endif
