/* Stand-alone: the zones come from files. A file that does not read keeps the zone as it was. */
#ifndef TANDEM_DNSD_ZONE_FILES_H
#define TANDEM_DNSD_ZONE_FILES_H

#include "config/daemon_load.h"
#include "dnsd/member_zones.h"
#include "dnsd/snapshot.h"

struct zone_files {               /* start from {0} */
	struct zone_data **zones; /* most without their records */
	size_t count;
	struct catalog *catalog;            /* what was built from them last */
	const struct member_zones *members; /* borrowed; NULL: no catalog zone */
};

/* Reads the files; those that have changed a little only where they have (dnsd/zone_reread.h). Each
 * error is logged. The first time any error is final (E_INVALID); later, a zone whose file is bad
 * stays as it was, or is left out if it is new, and 0 is returned if there is a new snapshot, or
 * NULL in *out where all files say what they said. After a failure what is served is unchanged. */
int zone_files_load(struct zone_files *f, const struct config_zone_file *files, size_t count,
    struct snapshot **out, struct err *e);
void zone_files_free(struct zone_files *f);

#endif
