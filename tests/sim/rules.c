/* What happens, handed to the rules that want to know; and rule 2 for what is written. */
#include <inttypes.h>
#include <string.h>

#include "controlplane/engine.h"
#include "tests/sim/rules.h"

const struct service *document_of(uint64_t revision)
{
	size_t variant = store_document_variant(revision);
	return variant == SIZE_MAX ? NULL : sim->layout->services[variant];
}

void rules_reset(void)
{
	answers_reset();
	facts_reset();
	drains_reset();
	pace_reset();
	documents_reset();
	senders_reset();
}

void rules_release(void)
{
	answers_release();
}

void rules_on_controller_start(size_t controller)
{
	facts_forget(controller);
	drains_forget(controller);
}

void rules_on_heard(size_t controller, size_t member, size_t site, const struct core_observation *o)
{
	facts_heard(controller, member, site, o);
}

void rules_on_ack(size_t controller, size_t dnsd, uint64_t epoch)
{
	drains_acked(controller, dnsd, epoch);
}

void rules_on_decide(struct process *controller, const struct state *next)
{
	const struct core *core = controller_core(controller->index);
	const struct state *base = core ? core_state(core) : NULL;
	if (!base || next->version == base->version) /* a new cluster, or a seal */
		return;
	if (next->version != base->version + 1 || next->epoch < base->epoch ||
	    next->revision < base->revision) /* it may lift them: the store has the last word */
		sim_fail(2,
		    "%s decides on version %" PRIu64 ".%" PRIu64 " epoch %" PRIu64
		    " after version %" PRIu64 ".%" PRIu64 " epoch %" PRIu64,
		    controller->name, next->version, next->revision, next->epoch, base->version,
		    base->revision, base->epoch);
	health_decided(controller, base, next);
}

void rules_on_commit(struct process *controller, bool in_office, const struct said *said,
    const struct state *former, const struct state *next)
{
	bool seal = former && strcmp(former->commit_id, next->commit_id) == 0;
	/* One that has lost its office must not write any more. */
	if (former && !in_office)
		sim_fail(
		    2, "%s writes a state although it does not hold the office", controller->name);
	if (former && !seal &&
	    (next->version != former->version + 1 || next->epoch < former->epoch ||
	        next->epoch > state_last_epoch(former) + 1 ||
	        state_last_epoch(next) < state_last_epoch(former) ||
	        state_last_epoch(next) > state_last_epoch(former) + 2 ||
	        next->revision < former->revision ||
	        next->revision > state_last_revision(former) + 1 ||
	        strcmp(next->cluster, former->cluster) != 0))
		sim_fail(2,
		    "version %" PRIu64 " epoch %" PRIu64 " of %s replaces version %" PRIu64
		    " epoch %" PRIu64,
		    next->version, next->epoch, controller->name, former->version, former->epoch);
	answers_committed(next);
	words_committed(next);
	if (!former || seal)
		return;
	drains_committed(controller, former, next);
	pace_committed(controller, former, next);
	intents_committed(former, next, said && said->by_people);
	overrides_committed(former, next, said);
	practice_committed(former, next, said);
	documents_committed(controller, former, next);
	senders_committed(controller, former, next, said);
}

void rules_on_new_disk(size_t dnsd)
{
	answers_new_disk(dnsd);
	drains_new_disk(dnsd);
}

void rules_now(void)
{
	words_now();
}
