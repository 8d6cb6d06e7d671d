/* The leader asks name servers and resolvers because of a drain, and reads its measures: answered
 * from what the simulated ones would say. controlplane/asker.c does it over sockets. */
#include <stdlib.h>
#include <string.h>

#include "controlplane/engine.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "tests/sim/answers.h"

struct heard { /* on its way back to the controller */
	size_t controller;
	struct core_look look;
	char subject[64], owner[128], detail[1400];
	struct addr addresses[8];
};

static unsigned misled[SIM_DNSDS]; /* reasons why it answers wrongly */

static void heard_arrive(void *arg)
{
	struct heard *h = arg;
	struct engine *engine = controller_engine(h->controller);
	h->look.subject = h->subject;
	h->look.owner = h->owner;
	h->look.detail = h->detail;
	h->look.addresses = h->addresses;
	if (engine)
		engine_look(engine, &h->look);
	free(h);
}

static void heard_send(size_t controller, struct heard *h)
{
	h->controller = controller;
	(void)task_after(controller_node(controller),
	    2000 + chance_draw(&sim->people_chance, 40000), heard_arrive, free, h);
}

static void answer_take(struct heard *h, const struct answered *a)
{
	h->look.addresses_count = a->count < 8 ? a->count : 8;
	memcpy(h->addresses, a->addresses, h->look.addresses_count * sizeof(*h->addresses));
	if (a->rcode != 0 || a->count == 0)
		h->look.failure = a->rcode != 0 ? "an error came back" : "";
}

static void text_take(struct heard *h, const struct answered_text *a)
{
	(void)snprintf(h->detail, sizeof(h->detail), "%s", a->spf);
}

static void name_server_ask(struct heard *h, const struct core_question *q)
{
	struct answered a;
	size_t dnsd = strtoul(strchr(q->endpoint + 5, '.') - 1, NULL, 10); /* 10.0.DNSD.53@53 */
	const struct taker *t = dnsd < sim->layout->dnsds ? dnsd_taker(dnsd) : NULL;
	if (!t || !t->held || dnsd_node(dnsd)->stalled_us > sim->now_us ||
	    !network_open(controller_node(h->controller)->site, dnsd_node(dnsd)->site)) {
		h->look.failure = "no answer";
		return;
	}
	if (q->kind == LOOK_TXT) {
		struct answered_text text;
		answers_ask_text(t, q->owner, &text);
		if (misled[dnsd] > 0)
			(void)snprintf(text.spf, sizeof(text.spf), "v=spf1 -all");
		text_take(h, &text);
		return;
	}
	answers_ask(t, q->owner, q->kind, &a);
	answer_take(h, &a);
	h->look.serial = a.serial;
	if (q->kind == LOOK_SOA)
		h->look.addresses_count = 0;
}

static void resolver_asked(struct heard *h, const struct core_question *q)
{
	struct answered a;
	size_t resolver = strtoul(q->subject + 1, NULL, 10); /* vNUMBER */
	uint8_t family = q->kind == LOOK_AAAA ? 6 : 4;
	if (q->kind == LOOK_TXT) {
		struct answered_text text;
		if (spf_resolver_answer(resolver, q->owner, &text))
			text_take(h, &text);
		else
			h->look.failure = "no answer";
		return;
	}
	if (q->kind == LOOK_PTR) {
		sender_answer_ptr(q->owner, h->detail, sizeof(h->detail));
		return;
	}
	if (strstr(q->owner, ".out.example")) {
		h->look.addresses_count = sender_answer_forward(q->owner, family, &h->addresses[0]);
		return;
	}
	resolver_answer(resolver, q->owner, q->kind, &a);
	answer_take(h, &a);
}

/* Those because of a drain, or those about sending addresses. */
static bool is_of_senders(const struct core_question *q)
{
	return q->kind == LOOK_TXT || q->kind == LOOK_PTR || strstr(q->owner, ".out.example");
}

static void questions_ask(size_t controller, bool of_senders)
{
	static struct core_question questions[CORE_QUESTIONS];
	size_t count = core_questions(controller_core(controller), questions, CORE_QUESTIONS);
	for (size_t i = 0; i < count; i++) {
		const struct core_question *q = &questions[i];
		if (is_of_senders(q) != of_senders)
			continue;
		struct heard *h = mem_new(1, sizeof(*h));
		h->controller = controller;
		h->look = (struct core_look){
		    .type = q->type, .kind = q->kind, .failure = "", .detail = ""};
		snprintf(h->subject, sizeof(h->subject), "%s", q->subject);
		snprintf(h->owner, sizeof(h->owner), "%s", q->owner);
		if (q->type == LOOK_NAME_SERVER)
			name_server_ask(h, q);
		else
			resolver_asked(h, q);
		heard_send(controller, h);
	}
}

struct tried { /* on its way back to the controller */
	size_t controller;
	struct core_trial_look look;
	char owner[128], *answered, *expected;
};

static void tried_drop(void *arg)
{
	struct tried *t = arg;
	free(t->answered);
	free(t->expected);
	free(t);
}

/* ---- what was answered wrongly ---- */

enum { TOLD = CORE_TRIAL_QUESTIONS };
static struct told {
	uint64_t epoch;
	struct {
		char owner[128];
		uint16_t kind;
		bool right; /* once is enough: then it is not asked again */
	} answers[TOLD];
	size_t count;
} told[SIM_CONTROLLERS];

void asker_mislead(size_t dnsd, bool on)
{
	misled[dnsd] += on ? 1 : -1U;
}

static void told_note(const struct tried *t)
{
	struct told *all = &told[t->controller];
	size_t i = 0;
	if (*t->look.failure || t->look.kind == LOOK_SOA)
		return;
	if (all->epoch != t->look.epoch)
		all->count = 0;
	all->epoch = t->look.epoch;
	while (i < all->count && (all->answers[i].kind != t->look.kind ||
	                             strcmp(all->answers[i].owner, t->owner) != 0))
		i++;
	if (i == TOLD)
		return;
	if (i == all->count) {
		all->answers[all->count++].right = false;
		all->answers[i].kind = t->look.kind;
		snprintf(all->answers[i].owner, sizeof(all->answers[i].owner), "%s", t->owner);
	}
	all->answers[i].right = all->answers[i].right || strcmp(t->answered, t->expected) == 0;
}

const char *asker_wrong(size_t controller, uint64_t epoch)
{
	const struct told *all = &told[controller];
	for (size_t i = 0; all->epoch == epoch && i < all->count; i++)
		if (!all->answers[i].right)
			return all->answers[i].owner;
	return NULL;
}

static void tried_arrive(void *arg)
{
	struct tried *t = arg;
	struct engine *engine = controller_engine(t->controller);
	told_note(t);
	t->look.owner = t->owner;
	t->look.answered = t->answered;
	t->look.expected = t->expected;
	if (engine)
		engine_trial_look(engine, &t->look);
	asker_try(t->controller);
	tried_drop(t);
}

static int addr_order(const void *a, const void *b)
{
	return addr_compare(a, b);
}

static char *addresses_text(struct addr *list, size_t count)
{
	struct buf text = {0};
	char address[ADDR_TEXT_BYTES];
	qsort(list, count, sizeof(*list), addr_order);
	for (size_t i = 0; i < count; i++)
		buf_printf(&text, "%s ", addr_format(&list[i], address));
	char *copy = mem_strdup(buf_text(&text));
	buf_free(&text);
	return copy;
}

/* "owner ttl A address" a line. */
static char *expected_text(const char *lines)
{
	struct addr list[ANSWERED_MAX];
	size_t count = 0;
	while (*lines && count < ANSWERED_MAX) {
		size_t bytes = strcspn(lines, "\n");
		char *line = mem_strndup(lines, bytes), *last = strrchr(line, ' ');
		if (last && addr_parse(last + 1, &list[count], NULL) == 0)
			count++;
		free(line);
		lines += bytes + (lines[bytes] == '\n');
	}
	return addresses_text(list, count);
}

static void trial_ask(size_t controller, const struct core_trial_question *q)
{
	struct answered a;
	size_t dnsd = strtoul(strchr(q->endpoint + 5, '.') - 1, NULL, 10); /* 10.0.DNSD.53@53 */
	const struct taker *taker = dnsd < sim->layout->dnsds ? dnsd_taker(dnsd) : NULL;
	struct tried *t = mem_new(1, sizeof(*t));
	t->controller = controller;
	t->look = (struct core_trial_look){.epoch = q->epoch, .kind = q->kind, .failure = ""};
	snprintf(t->owner, sizeof(t->owner), "%s", q->owner);
	t->expected = expected_text(q->expected ? q->expected : "");
	t->answered = mem_strdup(t->expected);
	if (!taker || !taker->held || dnsd_node(dnsd)->stalled_us > sim->now_us ||
	    !network_open(controller_node(controller)->site, dnsd_node(dnsd)->site)) {
		t->look.failure = "no answer";
	} else {
		answers_ask(taker, q->owner, q->kind, &a);
		t->look.serial = a.serial;
		free(t->answered);
		t->answered = q->kind == ASK_A || q->kind == ASK_AAAA
		                  ? addresses_text(a.addresses, a.count)
		                  : mem_strdup((a.count > 0) == (q->expected && *q->expected)
		                                   ? t->expected
		                                   : "something else");
		if (misled[dnsd] > 0 && q->kind == ASK_A) {
			free(t->answered);
			t->answered = mem_strdup("10.9.9.7 ");
		}
	}
	(void)task_after(controller_node(controller),
	    2000 + chance_draw(&sim->people_chance, 40000), tried_arrive, tried_drop, t);
}

static struct { /* the questions asked last */
	uint64_t epoch, at_us;
} tries[SIM_CONTROLLERS];

void asker_try(size_t controller)
{
	struct core_trial_question questions[CORE_TRIAL_QUESTIONS];
	if (!controller_leads(controller))
		return;
	struct process *before = node_enter(controller_node(controller));
	size_t count = core_trial_questions(
	    controller_core(controller), engine_now(), questions, CORE_TRIAL_QUESTIONS);
	node_leave(before);
	if (count == 0 || (tries[controller].epoch == questions[0].epoch &&
	                      sim->now_us - tries[controller].at_us < SIM_SECOND / 5))
		return;
	tries[controller].epoch = questions[0].epoch;
	tries[controller].at_us = sim->now_us;
	for (size_t i = 0; i < count; i++)
		trial_ask(controller, &questions[i]);
}

static void measures_read(size_t controller)
{
	const struct service *s = core_service(controller_core(controller));
	for (size_t i = 0; s && i < s->maintenance.measures_count; i++) {
		const struct service_measure *m = &s->maintenance.measures[i];
		struct heard *h = mem_new(1, sizeof(*h));
		bool late = chance_hit(&sim->people_chance, 20); /* somebody comes all the same */
		h->look = (struct core_look){.type = LOOK_MEASURE, .failure = "", .detail = ""};
		snprintf(h->subject, sizeof(h->subject), "%s", m->name);
		if (resolvers_hold(m->site) || late)
			h->look.value_milli = 5000;
		heard_send(controller, h);
	}
}

static void asker_round(void *arg)
{
	(void)task_after(NULL, 5 * sim->layout->pace * SIM_SECOND, asker_round, NULL, arg);
	for (size_t i = 0; i < sim->layout->controllers; i++) {
		asker_try(i);
		if (!controller_leads(i) || core_state(controller_core(i))->drains_count == 0)
			continue;
		questions_ask(i, false);
		measures_read(i);
	}
}

/* A name that was just learnt is asked for its addresses in the next round. */
static void senders_round(void *arg)
{
	(void)task_after(NULL, sim->layout->look_s * SIM_SECOND, senders_round, NULL, arg);
	for (size_t i = 0; i < sim->layout->controllers; i++)
		if (controller_core(i) && core_state(controller_core(i)) &&
		    core_state(controller_core(i))->senders_count > 0 && controller_leads(i))
			questions_ask(i, true);
}

void asker_start(void)
{
	memset(tries, 0, sizeof(tries));
	memset(misled, 0, sizeof(misled));
	memset(told, 0, sizeof(told));
	(void)task_after(NULL, SIM_SECOND, asker_round, NULL, NULL);
	if (sim->layout->has_pairs)
		(void)task_after(NULL, SIM_SECOND, senders_round, NULL, NULL);
}
