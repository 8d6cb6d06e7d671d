/* What people have asked for, and what they were told. */
#ifndef TANDEM_SIM_PEOPLE_H
#define TANDEM_SIM_PEOPLE_H

#include "tests/sim/sim.h"

struct person_request {
	enum core_request_type type;
	bool plan_only;
	char actor[8];     /* "anna" or "bert": what one has declared is not the other's to end */
	char subject[112]; /* site, scope or member; "": none */
	size_t document;
	int64_t until_ms, start_ms, extend_ms;
	char override[40]; /* rules that are to be broken, "blocked,owner" */
	uint64_t changes;  /* apply: the number of answers that was said */
	bool practice;
	uint64_t planned_on;
	bool at_once; /* apply: without trying it first */
	char what[200];
	uint64_t sent_us;
	unsigned tries; /* asked before, and refused for what can be said or overridden */
	bool reached, replied, seen; /* at a controller; told; in the store */
	unsigned overridden;         /* rules that the history in the store says it broke */
	int result;
	uint64_t revision;
};

void people_begin(void);
/* `actor` and `what` without that name are set by the caller; the words follow here. */
void people_send(const struct person_request *r);
struct person_request *people_request(size_t index); /* NULL: there is none */
size_t people_requests(void);
/* people_again.c: it was refused, with words that say how it could be done all the same. */
void people_hear_refusal(const struct person_request *r, const char *text);
/* "request 12" as reasons are written; NULL: somebody else's words. */
struct person_request *people_reason(const char *text);
/* rules_words.c: what was told is so. */
void people_check_done(size_t index);

#endif
