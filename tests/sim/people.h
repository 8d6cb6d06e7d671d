/* What people have asked for, and what they were told. */
#ifndef TANDEM_SIM_PEOPLE_H
#define TANDEM_SIM_PEOPLE_H

#include "tests/sim/sim.h"

struct person_request {
	enum core_request_type type;
	bool plan_only;
	char subject[112]; /* site, scope or member; "": none */
	size_t document;
	int64_t until_ms, start_ms, extend_ms;
	bool overrides;
	uint64_t planned_on;
	bool at_once; /* apply: without trying it first */
	char what[160];
	bool reached, replied, seen; /* at a controller; told; in the store */
	int result;
	uint64_t revision;
};

void people_begin(void);
void people_send(const struct person_request *r);
struct person_request *people_request(size_t index); /* NULL: there is none */
size_t people_requests(void);
/* rules_words.c: what was told is so. */
void people_check_done(size_t index);

#endif
