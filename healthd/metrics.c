/* One family after the other. */
#include "healthd/metrics.h"

#include "lib/metrics.h"

static void single(
    struct buf *out, const char *name, const char *type, const char *help, uint64_t value)
{
	const char *const none[] = {NULL};
	metrics_family(out, name, type, help);
	metrics_value(out, name, none, (double)value);
}

static double streak_ok(const struct prober_target_view *t, uint64_t now_ms)
{
	(void)now_ms;
	return t->streak->ok;
}

static double streak_count_of(const struct prober_target_view *t, uint64_t now_ms)
{
	(void)now_ms;
	return t->streak->count;
}

static double streak_latency_s(const struct prober_target_view *t, uint64_t now_ms)
{
	(void)now_ms;
	return t->streak->latency_ms / 1000.0;
}

static double streak_age_s(const struct prober_target_view *t, uint64_t now_ms)
{
	return now_ms > t->streak->ended_ms ? (double)(now_ms - t->streak->ended_ms) / 1000.0 : 0;
}

static void targets_write(struct buf *out, const struct prober *p, uint64_t now_ms)
{
	static const struct {
		const char *name, *help;
		double (*value)(const struct prober_target_view *t, uint64_t now_ms);
	} families[] = {
	    {"tandem_healthd_probe_success", "1 if the last probe succeeded, 0 if it failed.",
	        streak_ok},
	    {"tandem_healthd_probe_streak", "Results of this kind in a row.", streak_count_of},
	    {"tandem_healthd_probe_latency_seconds", "How long the last probe took.",
	        streak_latency_s},
	    {"tandem_healthd_probe_age_seconds", "Time since the last probe that counted.",
	        streak_age_s},
	};
	for (size_t f = 0; f < sizeof(families) / sizeof(families[0]); f++) {
		metrics_family(out, families[f].name, "gauge", families[f].help);
		for (size_t i = 0; i < prober_targets(p); i++) {
			struct prober_target_view t;
			prober_target_get(p, i, &t);
			if (t.streak->count == 0)
				continue;
			const char *const labels[] = {"member", t.member, "check", t.check, NULL};
			metrics_value(out, families[f].name, labels, families[f].value(&t, now_ms));
		}
	}
}

static void counts_write(struct buf *out, const struct prober *p)
{
	struct prober_counts c;
	prober_counts_get(p, &c);
	const struct {
		const char *result;
		uint64_t value;
	} results[] = {
	    {"ok", c.ok},
	    {"failed", c.failed},
	    {"void", c.void_results},
	    {"stalled", c.stalled},
	};
	metrics_family(out, "tandem_healthd_probes_total", "counter",
	    "Probes that ended: void and stalled ones say nothing about the member.");
	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
		const char *const labels[] = {"result", results[i].result, NULL};
		metrics_value(out, "tandem_healthd_probes_total", labels, (double)results[i].value);
	}
	single(out, "tandem_healthd_targets", "gauge", "Checks of members in the plan.", c.targets);
	single(out, "tandem_healthd_probes_in_flight", "gauge", "Probes under way.", c.in_flight);
	single(out, "tandem_healthd_probes_in_flight_limit", "gauge",
	    "Probes that may be under way at once.", c.in_flight_max);
	single(out, "tandem_healthd_starts_delayed_total", "counter",
	    "Probes that waited for a free place.", c.delayed);
	single(out, "tandem_healthd_starts_missed_total", "counter",
	    "Probes that were never started.", c.missed);
	single(out, "tandem_healthd_stalls_total", "counter",
	    "Times this process did not run for 50 ms or more.", c.stalls);
	metrics_family(out, "tandem_healthd_stalled_seconds_total", "counter",
	    "Time for which this process did not run.");
	metrics_value(out, "tandem_healthd_stalled_seconds_total", (const char *const[]){NULL},
	    (double)c.stalled_ms / 1000.0);
}

static void reports_write(struct buf *out, const struct report_post *post)
{
	metrics_family(
	    out, "tandem_healthd_reports_total", "counter", "Messages to a controller, by result.");
	for (size_t i = 0; i < report_post_controllers(post); i++) {
		struct report_post_view v;
		report_post_get(post, i, &v);
		const char *const sent[] = {"controller", v.controller, "result", "sent", NULL};
		const char *const failed[] = {"controller", v.controller, "result", "failed", NULL};
		metrics_value(out, "tandem_healthd_reports_total", sent, (double)v.sent);
		metrics_value(out, "tandem_healthd_reports_total", failed, (double)v.failed);
	}
}

void metrics_write(struct buf *out, const struct metrics_source *source, uint64_t now_ms)
{
	targets_write(out, source->prober, now_ms);
	counts_write(out, source->prober);
	reports_write(out, source->post);
	single(out, "tandem_healthd_plan_revision", "gauge", "Revision of the plan in force.",
	    source->plan_revision);
	single(out, "tandem_healthd_streams", "gauge", "Controllers that stream plans to us now.",
	    source->streams);
}
