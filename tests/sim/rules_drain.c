/* Rule 12: drained is a measurement. What a drain's record says is compared with the truth that the
 * controllers can not see: what every dnsd serves, what resolvers still keep. */
#include <inttypes.h>
#include <string.h>

#include "tests/sim/rules.h"

static struct heard { /* acks, as each controller has had them */
	bool ever;
	uint64_t at_ms;
	uint64_t least; /* epoch, since its machine was replaced */
} heard[SIM_CONTROLLERS][SIM_DNSDS];

/* When a machine was replaced last. What a new one answers, before anybody has heard it, from a
 * controller that has slept, is beyond everybody's knowledge; UINT64_MAX: never. */
static uint64_t replaced_us[SIM_DNSDS];

void drains_reset(void)
{
	memset(heard, 0, sizeof(heard));
	for (size_t d = 0; d < SIM_DNSDS; d++)
		replaced_us[d] = UINT64_MAX;
}

void drains_forget(size_t controller)
{
	memset(heard[controller], 0, sizeof(heard[controller]));
}

void drains_new_disk(size_t dnsd)
{
	replaced_us[dnsd] = sim->now_us;
	for (size_t c = 0; c < SIM_CONTROLLERS; c++)
		heard[c][dnsd].least = UINT64_MAX;
}

void drains_acked(size_t controller, size_t dnsd, uint64_t epoch)
{
	struct heard *h = &heard[controller][dnsd];
	h->least = !h->ever || epoch < h->least ? epoch : h->least;
	h->ever = true;
	h->at_ms = node_mono_ms(controller_node(controller));
}

/* Answers of that dnsd from then on are not counted: nobody could know. */
static uint64_t unknown_from_us(const struct process *controller, size_t dnsd, uint64_t epoch)
{
	bool told = heard[controller->index][dnsd].least < epoch;
	return told ? UINT64_MAX : replaced_us[dnsd];
}

/* One that has been silent for an hour is told of and then no longer counted. */
static bool dnsd_known(const struct process *controller, size_t dnsd)
{
	const struct heard *h = &heard[controller->index][dnsd];
	return h->ever && node_mono_ms(controller) - h->at_ms <= 3600000;
}

uint64_t drains_unknown_us(const struct process *controller, size_t dnsd, uint64_t epoch)
{
	return dnsd_known(controller, dnsd) ? unknown_from_us(controller, dnsd, epoch) : 0;
}

uint64_t drains_replaced_us(size_t dnsd)
{
	return replaced_us[dnsd];
}

static void published_check(const struct process *controller, const struct state_drain *drain)
{
	for (size_t d = 0; d < sim->layout->dnsds; d++) {
		const struct taker *t = dnsd_taker(d);
		if (dnsd_known(controller, d) && t &&
		    unknown_from_us(controller, d, drain->epoch) == UINT64_MAX && t->held &&
		    t->held->epoch < drain->epoch)
			sim_fail(12,
			    "the drain of %s counts as published, but %s serves epoch "
			    "%" PRIu64 " of %" PRIu64,
			    drain->site, dnsd_node(d)->name, t->held->epoch, drain->epoch);
	}
}

static void elapsed_check(
    const struct process *controller, const struct state_drain *drain, size_t site)
{
	uint64_t unknown_us[SIM_DNSDS] = {0};
	for (size_t d = 0; d < sim->layout->dnsds; d++)
		unknown_us[d] = drains_unknown_us(controller, d, drain->epoch);
	for (size_t r = 0; r < sim->layout->resolvers; r++) {
		const char *name;
		if (resolver_holds_older(r, site, drain->epoch, unknown_us, &name))
			sim_fail(12,
			    "the TTL counts as elapsed for the drain of %s, but a resolver "
			    "that keeps to TTLs still holds %s",
			    drain->site, name);
	}
}

void drains_committed(
    const struct process *controller, const struct state *former, const struct state *next)
{
	for (size_t i = 0; i < next->drains_count; i++) {
		const struct state_drain *drain = &next->drains[i];
		const struct state_drain *was = state_drain_find(former, drain->site);
		if (!was || was->state == drain->state)
			continue;
		story_tell(
		    "the drain of %s is %s", drain->site, maintenance_state_name(drain->state));
		if (drain->state == MAINTENANCE_PUBLISHED)
			published_check(controller, drain);
		for (size_t s = 0;
		     drain->state == MAINTENANCE_TTL_ELAPSED && s < sim->layout->sites; s++)
			if (strcmp(sim->layout->site_names[s], drain->site) == 0)
				elapsed_check(controller, drain, s);
	}
}
