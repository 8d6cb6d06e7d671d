/* Rule 11: make before break, for dedicated sending addresses. What the committed state says of
 * them, and what hosts do with them, is compared with the truth that the controllers can not see:
 * what every dnsd answers, what resolvers keep, what PTRs were, what still waits in queues. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/override.h"
#include "tests/sim/rules.h"

enum { PTR_FRESH_S = 60 }; /* beside some pauses between two looks */

static struct sender { /* what has been with an address so far */
	/* People have taken its SPF record from it, or given it away, and have said so: from then
	 * on, until it comes into use anew. */
	bool spf_excused, customer_excused;
	uint64_t excused_us;        /* mails taken before are not looked at */
	uint64_t customer, used_us; /* that used it last, and when; 0: nobody has */
	uint64_t epoch;             /* of the publication that declared it */
	size_t set;
} senders[SIM_SENDERS];

static struct { /* what an epoch lets hosts do */
	uint64_t epoch, digest;
} views[64];

void senders_reset(void)
{
	memset(senders, 0, sizeof(senders));
	memset(views, 0, sizeof(views));
}

static const char *text_of(size_t sender)
{
	return sim->senders[sender].text;
}

/* ---- SPF ---- */

/* Answers of that dnsd from then on are not counted. While an address is in use, neither are those
 * of a new machine that was heard to answer what is old: that stops nobody's mail. */
static uint64_t unknown_us_of(
    const struct process *controller, size_t sender, size_t dnsd, bool in_use)
{
	uint64_t us = drains_unknown_us(controller, dnsd, senders[sender].epoch);
	return in_use && drains_replaced_us(dnsd) < us ? drains_replaced_us(dnsd) : us;
}

/* No resolver that keeps to TTLs has an answer without it, or its absence, but from a name server
 * that nobody could know of. */
static void resolvers_check(
    const struct process *controller, size_t sender, bool in_use, const char *when)
{
	const struct sender *s = &senders[sender];
	uint64_t unknown_us[SIM_DNSDS] = {0};
	for (size_t d = 0; d < sim->layout->dnsds; d++)
		unknown_us[d] = unknown_us_of(controller, sender, d, in_use);
	for (size_t r = 0; r < sim->layout->resolvers; r++)
		if (spf_resolver_lacks(r, s->set, sender, unknown_us))
			sim_fail(11,
			    "%s %s, but a resolver that keeps to TTLs still holds %s without it",
			    text_of(sender), when, spf_names[s->set]);
}

static void dnsds_check(
    const struct process *controller, size_t sender, bool in_use, const char *when)
{
	const struct sender *s = &senders[sender];
	for (size_t d = 0; d < sim->layout->dnsds; d++) {
		uint32_t covers;
		if (unknown_us_of(controller, sender, d, in_use) == UINT64_MAX &&
		    spf_of_dnsd(d, s->set, &covers) && !(covers >> sender & 1))
			sim_fail(11, "%s %s, but %s answers %s without it", text_of(sender), when,
			    dnsd_node(d)->name, spf_names[s->set]);
	}
}

static void ptr_check(size_t sender)
{
	uint64_t fresh_us = (4 * sim->layout->look_s + PTR_FRESH_S) * SIM_SECOND;
	if (sender_ptr_right_us(sender) + fresh_us < sim->now_us ||
	    sender_forward_right_us(sender) + fresh_us < sim->now_us ||
	    sender_ptr_right_us(sender) == 0)
		sim_fail(11, "%s counts as having a PTR that leads back to it, and has none",
		    text_of(sender));
}

/* ---- what people have overridden ---- */

static bool document_has(
    const struct service *s, const struct state_sender *was, bool *same_customer)
{
	for (size_t p = 0; p < s->pairs_count; p++)
		for (size_t i = 0; i < s->pairs[p].addresses_count; i++) {
			const struct service_push_sender *a = &s->pairs[p].addresses[i];
			if (!s->pairs[p].spf || !addr_equal(&a->address, &was->address))
				continue;
			*same_customer = strcmp(s->pairs[p].customer, was->customer) == 0;
			return strcmp(s->pairs[p].spf, was->spf) == 0 &&
			       strcmp(s->sites[a->site].name, was->site) == 0;
		}
	*same_customer = true; /* it is nobody's */
	return true;
}

static void excuse(const struct state *former, uint64_t revision)
{
	size_t variant = store_document_variant(revision);
	for (size_t i = 0; variant != SIZE_MAX && i < former->senders_count; i++) {
		const struct state_sender *was = &former->senders[i];
		size_t n = sender_find(&was->address), set = spf_find(was->spf);
		bool same_customer;
		bool same = document_has(sim->layout->services[variant], was, &same_customer);
		if (n == SIZE_MAX)
			continue;
		if (!same || !same_customer || !(spf_of_document(variant, set) >> n & 1)) {
			senders[n].spf_excused = true;
			senders[n].excused_us = sim->now_us;
		}
		senders[n].customer_excused = senders[n].customer_excused || !same_customer;
	}
}

static bool in_use_overridden(const struct said *said)
{
	for (size_t i = 0; said && i < said->count; i++)
		if (said->lines[i].overrides & OVERRIDE_IN_USE)
			return true;
	return false;
}

/* ---- mails ---- */

static void queues_check(uint64_t revision)
{
	size_t variant = store_document_variant(revision);
	for (size_t n = 0; variant != SIZE_MAX && n < sim->senders_count; n++) {
		const struct sender *s = &senders[n];
		if (s->spf_excused || hosts_queued(n, s->excused_us) == 0 ||
		    (spf_of_document(variant, s->set) >> n & 1))
			continue;
		sim_fail(11,
		    "revision %" PRIu64 " takes %s out of %s while mails that leave from it wait "
		    "in a queue",
		    revision, text_of(n), spf_names[s->set]);
	}
}

static const struct process *leader(void)
{
	for (size_t i = 0; i < sim->layout->controllers; i++)
		if (controller_leads(i))
			return controller_node(i);
	return NULL;
}

static void customer_check(size_t sender, uint64_t customer)
{
	struct sender *s = &senders[sender];
	if (s->customer != 0 && s->customer != customer && !s->customer_excused &&
	    sim->now_us < s->used_us + sim->layout->quarantine_us * 99 / 100)
		sim_fail(11,
		    "%s sends for customer %" PRIu64 " %.1f s after it has sent for %" PRIu64,
		    text_of(sender), customer, (double)(sim->now_us - s->used_us) / 1e6,
		    s->customer);
	if (s->customer != customer)
		s->customer_excused = false;
	s->customer = customer;
	s->used_us = sim->now_us;
}

void rules_on_mail(size_t host, size_t sender, size_t customer, uint64_t since_us)
{
	struct sender *s = &senders[sender];
	const struct process *controller = leader();
	bool fresh = since_us == sim->now_us;
	trace_number(sender);
	if (fresh)
		customer_check(sender, customer);
	if (s->spf_excused || since_us < s->excused_us || !controller)
		return;
	struct process *before = node_enter(NULL);
	dnsds_check(controller, sender, true, fresh ? "takes a mail" : "sends a mail");
	resolvers_check(controller, sender, true, fresh ? "takes a mail" : "sends a mail");
	if (fresh && hosts_others_have(host, sender))
		sim_fail(11, "%s takes a mail for %s, which another host has",
		    host_node(host)->name, text_of(sender));
	node_leave(before);
}

/* ---- commits ---- */

static bool is_visible(enum sender_state s)
{
	return s >= SENDER_VISIBLE && s != SENDER_RETIRED;
}

static void move_check(
    const struct process *controller, const struct state_sender *was, const struct state_sender *is)
{
	size_t n = sender_find(&is->address);
	enum sender_state from = was ? was->state : SENDER_ALLOCATED;
	if (n == SIZE_MAX)
		sim_fail(11, "an address is in the state that no document declares");
	struct sender *s = &senders[n];
	if (!is_visible(is->state)) {
		s->epoch = is->epoch;
		s->set = spf_find(is->spf);
	}
	if (from == is->state)
		return;
	story_tell("%s is %s: %s", text_of(n), sender_state_name(is->state),
	    is->evidence ? is->evidence : "");
	bool comes = is_visible(is->state) && !is_visible(from);
	bool comes_into_use = is->state == SENDER_ACTIVE && from != SENDER_SUSPENDED;
	bool again = !comes && was && was->used;
	if (comes || comes_into_use) {
		s->spf_excused = false;
		s->excused_us = sim->now_us;
		dnsds_check(controller, n, again, comes ? "is visible" : "comes into use");
		resolvers_check(controller, n, again, comes ? "is visible" : "comes into use");
	}
	/* Several steps may be made in one commit. */
	bool given = is->state >= SENDER_PTR_OK && is->state <= SENDER_ACTIVE;
	if (given &&
	    (!is_visible(from) || from == SENDER_VISIBLE || (comes_into_use && !was->used)))
		ptr_check(n);
}

void senders_committed(const struct process *controller, const struct state *former,
    const struct state *next, const struct said *said)
{
	bool offered =
	    next->trial.state == TRIAL_OFFERED && former->trial.revision != next->trial.revision;
	if (in_use_overridden(said)) {
		excuse(former, next->revision);
		if (offered)
			excuse(former, next->trial.revision);
	}
	for (size_t i = 0; i < next->senders_count; i++)
		move_check(controller, state_sender_find(former, &next->senders[i].address),
		    &next->senders[i]);
	if (next->revision != former->revision)
		queues_check(next->revision);
	if (offered)
		queues_check(next->trial.revision);
}

/* ---- views ---- */

static uint64_t view_digest(const struct view *v)
{
	uint64_t h = 0xcbf29ce484222325ULL;
	for (size_t i = 0; i < v->senders_count; i++) {
		const struct view_sender *s = &v->senders[i];
		h = (h ^ sender_find(&s->address)) * 0x100000001b3ULL;
		h = (h ^ (uint64_t)s->use) * 0x100000001b3ULL;
		for (const char *at = s->host ? s->host : ""; *at; at++)
			h = (h ^ (uint8_t)*at) * 0x100000001b3ULL;
		for (const char *at = s->customer; *at; at++)
			h = (h ^ (uint8_t)*at) * 0x100000001b3ULL;
	}
	return h;
}

void senders_published(size_t controller, const struct view *v)
{
	size_t at = v->epoch % (sizeof(views) / sizeof(*views));
	uint64_t digest = view_digest(v);
	if (views[at].epoch == v->epoch && views[at].digest != digest)
		sim_fail(2, "%s lets hosts do something else at epoch %" PRIu64,
		    controller_node(controller)->name, v->epoch);
	if (v->epoch < views[at].epoch)
		return;
	views[at].epoch = v->epoch;
	views[at].digest = digest;
}

/* ---- liveness ---- */

/* A leader whose clock was ahead has written times to come, and what was shown since is only
 * believed when they have passed. */
static bool waits_for_clock(const struct state *state, const struct state_sender *is)
{
	int64_t begin_ms = SIM_WALL_BEGIN_MS + (int64_t)(sim->layout->duration_us / 1000);
	for (size_t i = 0; i < state->tails_count; i++)
		if (state->tails[i].since_ms > begin_ms)
			return true;
	return is->since_ms > begin_ms;
}

static bool sender_settled(
    const struct service *s, const struct service_push_sender *a, char *why, size_t bytes)
{
	const struct state *state = store_state();
	const struct state_sender *is = state_sender_find(state, &a->address);
	bool drained = state_drain_find(state, s->sites[a->site].name) != NULL;
	char text[ADDR_TEXT_BYTES];
	if (is && waits_for_clock(state, is) && is->state != SENDER_RETIRED)
		return true;
	if (is && (is->state == SENDER_ACTIVE ||
	              (drained && (is->state == SENDER_SUSPENDED || is->state == SENDER_BOUND))))
		return true;
	(void)snprintf(why, bytes, "%s is declared, and is %s: %s", addr_format(&a->address, text),
	    is ? sender_state_name(is->state) : "not known",
	    is && is->evidence ? is->evidence : "");
	return false;
}

bool senders_settled(const struct service *s, char *why, size_t bytes)
{
	bool asked = false; /* where nobody is asked nothing can be shown */
	for (size_t i = 0; i < s->maintenance.resolvers_count; i++)
		asked = asked || s->maintenance.resolvers[i].needed;
	if (!asked)
		return true;
	for (size_t p = 0; p < s->pairs_count; p++)
		for (size_t i = 0; s->pairs[p].spf && i < s->pairs[p].addresses_count; i++)
			if (!sender_settled(s, &s->pairs[p].addresses[i], why, bytes))
				return false;
	return true;
}
