/* The controller's Unix socket, for people who are on its machine: break-glass access that needs no
 * name server, no certificate and, for reading, no quorum (decision 066). */
#ifndef TANDEM_CONTROLPLANE_LOCAL_H
#define TANDEM_CONTROLPLANE_LOCAL_H

#include "controlplane/api.h"

struct local;

/* Never fails: while the socket can not be made it is tried again, and the log says why. The API is
 * borrowed; `group` may be NULL (that of the process). */
struct local *local_new(
    struct event_base *base, struct api *api, const char *path, const char *group);
bool local_is_open(const struct local *l);
void local_free(struct local *l); /* removes the socket */

#endif
