/* What healthd is told to probe, and what it reports: docs/architecture.md, "Messages". */
#ifndef TANDEM_WIRE_PROBES_H
#define TANDEM_WIRE_PROBES_H

#include <jansson.h>

#include "core/core.h"
#include "core/service.h"
#include "lib/base/err.h"

struct probe_target {
	char *member;
	char *site;
	struct addr address;
	struct service_check *checks;
	size_t checks_count;
};
struct probe_plan {
	uint64_t revision;
	struct probe_target *targets;
	size_t targets_count;
};
json_t *probe_plan_encode(const struct service *s, uint64_t revision);
int probe_plan_decode(const json_t *o, struct probe_plan **out, struct err *e);
void probe_plan_free(struct probe_plan *p);

#define OBSERVATION_RESULTS_MAX 4096

/* Encodes results; the vantage is `site` for all. */
json_t *observations_encode(
    const char *site, uint64_t revision, const struct core_observation *results, size_t count);
/* Decodes; strings are borrowed from `o`, the array is the caller's. *site too. */
int observations_decode(const json_t *o, const char **site, struct core_observation **results,
    size_t *count, struct err *e);

json_t *ack_encode(const struct core_ack *a);
int ack_decode(const json_t *o, struct core_ack *out, struct err *e); /* site is left NULL */

#endif
