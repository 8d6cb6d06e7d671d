/* What drain and undrain have in common: ask, then watch the name servers take it. */
#ifndef TANDEM_CLI_MAINTENANCE_H
#define TANDEM_CLI_MAINTENANCE_H

#include <stdint.h>

#include "cli/client.h"

struct maintenance {
	const char *path; /* "/v1/drain" */
	const char *site;
	json_t *body;     /* consumed */
	bool wait;        /* until it is drained (draining), or every name server serves it */
	uint64_t wait_ms; /* at most; 0: a drain's whole time, or 60 s */
	const char *done; /* "is out of every answer" */
	bool draining;
	bool unserved; /* name servers have nothing to take: the answer says it all */
	/* A list of the status that releases without this have not: they would ignore the option
	 * and do something else. NULL: all releases know it. */
	const char *needs;
	bool plain; /* neither drain nor undrain: the status can not tell whether it happened */
};

int maintenance_run(const struct cli *cli, struct maintenance *m);

#endif
