/* What the files of the rules share. */
#ifndef TANDEM_SIM_RULES_H
#define TANDEM_SIM_RULES_H

#include "tests/sim/answers.h"
#include "tests/sim/people.h"

enum { RULE_PROMISE = 0, RULE_LIVENESS = 100 };

void answers_reset(void); /* rules_answers.c: 1, 2, 4, 9, 10, 13 */
void answers_release(void);
void answers_new_disk(size_t dnsd);
void answers_committed(const struct state *next);

void facts_reset(void); /* rules_health.c: 3, 5, 6 */
void facts_forget(size_t controller);
void facts_heard(size_t controller, size_t member, size_t site, const struct core_observation *o);
void health_decided(struct process *controller, const struct state *base, const struct state *next);

void drains_reset(void); /* rules_drain.c: 12 */
void drains_forget(size_t controller);
void drains_acked(size_t controller, size_t dnsd, uint64_t epoch);
void drains_new_disk(size_t dnsd);
/* Answers of that dnsd, from then on, are not counted: the controller could not know of them. Of
 * one that is not known to it at all: 0. */
uint64_t drains_unknown_us(const struct process *controller, size_t dnsd, uint64_t epoch);
/* When its machine was replaced last; UINT64_MAX: never. */
uint64_t drains_replaced_us(size_t dnsd);
void drains_committed(
    const struct process *controller, const struct state *former, const struct state *next);

void pace_reset(void); /* rules_pace.c: 7 */
void pace_committed(
    const struct process *controller, const struct state *former, const struct state *next);

void intents_committed(/* rules_intent.c: 8 */
    const struct state *former, const struct state *next, bool by_people);
void intents_published(const struct view *v);

void overrides_committed(/* rules_override.c: 3, 8 */
    const struct state *former, const struct state *next, const struct said *said);
void practice_committed(/* rules_practice.c: 8 */
    const struct state *former, const struct state *next, const struct said *said);
bool said_of(const struct said *said, const char *action, const char *subject);

void documents_reset(void); /* rules_documents.c: 9 */
void documents_committed(
    const struct process *controller, const struct state *former, const struct state *next);
void documents_done(const struct person_request *r); /* one was answered as applied */
void fallbacks_published(const struct view *v);      /* rules_fallback.c: 5 */
/* Has the name server ever answered with that epoch? */
bool answers_shown(const char *server, uint64_t epoch);

void senders_reset(void); /* rules_senders.c: 11 */
void senders_committed(const struct process *controller, const struct state *former,
    const struct state *next, const struct said *said);
void senders_published(size_t controller, const struct view *v);
bool senders_settled(const struct service *s, char *why, size_t bytes);

void words_committed(const struct state *next); /* rules_words.c: 8, 14 */
void words_now(void);

/* The document behind a state's revision. */
const struct service *document_of(uint64_t revision);

#endif
