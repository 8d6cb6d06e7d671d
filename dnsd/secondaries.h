/* What a server keeps for its secondaries beside the right to transfer: the catalog zone's making
 * and the notifier, made from the file and replaced together at a reload. */
#ifndef TANDEM_DNSD_SECONDARIES_H
#define TANDEM_DNSD_SECONDARIES_H

#include <time.h>

#include "dnsd/member_zones.h"
#include "dnsd/notifier.h"

struct secondaries {                  /* start from {0} */
	struct member_zones *members; /* NULL: no catalog zone */
	struct notifier *notifier;    /* NULL: nobody is to be told */
	uint32_t members_serial;
	struct timespec file_time;
};

/* `path` is the file `config` was read from: alone, the catalog zone's serial is its time, but it
 * grows past that of `former`, what is in force now, whenever the file has changed.
 * E_INVALID, E_IO: a key file can not be used; *out is {0} then. */
int secondaries_make(struct event_base *base, const struct config_dnsd *config, const char *path,
    const struct snapshot_seat *seat, const struct secondaries *former, struct secondaries *out,
    struct err *e);
void secondaries_release(struct secondaries *s); /* back to {0} */

/* Puts `fresh` in the place of what is in force; who was told already is not told again. */
void secondaries_replace(struct secondaries *s, struct secondaries *fresh);

#endif
