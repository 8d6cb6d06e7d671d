/* What Prometheus reads from healthd. */
#ifndef TANDEM_HEALTHD_METRICS_H
#define TANDEM_HEALTHD_METRICS_H

#include "healthd/prober.h"
#include "healthd/report_post.h"
#include "lib/base/buf.h"

struct metrics_source {
	const struct prober *prober;
	const struct report_post *post;
	uint64_t plan_revision;
	size_t streams; /* open to controllers */
};

void metrics_write(struct buf *out, const struct metrics_source *source, uint64_t now_ms);

#endif
