/* What the measures of a site prove of its drain: traffic at its floor for long enough, nothing
 * queued (rule 12). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/inside.h"

static bool measure_is_fresh(const struct service_measure *m, const struct look *l, uint64_t now_ms)
{
	return l && l->good_ms > 0 &&
	       now_ms - l->good_ms <= 3ULL * m->interval_ms + CORE_LOOK_FRESH_MS;
}

/* How long it has been at its floor; what was before every name server left the site out is no
 * evidence. */
static uint64_t measure_quiet_ms(
    const struct look *l, const struct state_drain *d, struct core_time now)
{
	int64_t out_ms = now.wall_ms - d->steps[MAINTENANCE_PUBLISHED].at_ms;
	uint64_t quiet_ms = now.mono_ms - l->quiet_ms;

	return out_ms < 0 ? 0 : quiet_ms < (uint64_t)out_ms ? quiet_ms : (uint64_t)out_ms;
}

static void measure_judge(const struct service_measure *m, const struct look *l,
    const struct state_drain *d, uint32_t quiet_ms, struct core_time now, struct proof_text *t)
{
	uint64_t now_ms = now.mono_ms;
	const char *unit = m->counter ? "/s" : "";
	char span[TEXT_TIME_BYTES];

	if (!measure_is_fresh(m, l, now_ms))
		proof_miss(t, false, "%s is not known%s%s", m->name, l && *l->failure ? ": " : "",
		    l ? l->failure : "");
	else if (!l->valued)
		proof_miss(t, false, "%s has been read once, its growth is not known yet", m->name);
	else if (l->quiet_ms == 0)
		proof_miss(t, true, "%s is %.4g%s, above its floor of %" PRIu32 "%s%s%s", m->name,
		    (double)l->value_milli / 1000, unit, m->floor, unit,
		    l->detail && *l->detail ? ", from " : "", l->detail ? l->detail : "");
	else if (measure_quiet_ms(l, d, now) < quiet_ms)
		proof_miss(t, false, "%s is %.4g%s, at its floor for %s only", m->name,
		    (double)l->value_milli / 1000, unit,
		    text_span(measure_quiet_ms(l, d, now), span));
	else
		buf_printf(&t->standing, "%s%s is %.4g%s (floor %" PRIu32 ")",
		    t->standing.bytes > 0 ? ", " : "", m->name, (double)l->value_milli / 1000, unit,
		    m->floor);
}

enum proof proof_measures(const struct core *c, const struct state_drain *d, enum measure_kind kind,
    struct core_time now, struct buf *text)
{
	const struct service_maintenance *m = c->service ? &c->service->maintenance : NULL;
	const char *what = kind == MEASURE_QUEUE ? "queue" : "traffic";
	unsigned waiver = kind == MEASURE_QUEUE ? WAIVED_QUEUES : WAIVED_TRAFFIC;
	struct proof_text t = {0};
	char span[TEXT_TIME_BYTES];
	size_t count = 0;

	for (size_t i = 0; m && i < m->measures_count; i++) {
		const struct service_measure *measure = &m->measures[i];
		if (measure->kind != kind ||
		    strcmp(c->service->sites[measure->site].name, d->site) != 0)
			continue;
		count++;
		measure_judge(measure, look_find(c, LOOK_MEASURE, measure->name, "", 0), d,
		    kind == MEASURE_QUEUE ? 0 : m->quiet_ms, now, &t);
	}
	if (count > 0 && kind == MEASURE_TRAFFIC)
		buf_printf(&t.standing, " for %s", text_span(m->quiet_ms, span));
	if (count == 0 && m && m->waived & waiver)
		buf_printf(&t.standing, "%s is not measured: waived by the document", what);
	else if (count == 0)
		proof_miss(&t, false,
		    "the service document names no measure of the %s of %s (maintenance, measures)",
		    what, d->site);
	return proof_end(&t, text);
}
