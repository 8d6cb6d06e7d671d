/* What people have asked for, and what they were told. */
#ifndef TANDEM_SIM_PEOPLE_H
#define TANDEM_SIM_PEOPLE_H

#include "tests/sim/sim.h"

struct person_request {
	enum core_request_type type;
	bool plan_only;
	size_t site, document;
	int64_t until_ms;
	uint64_t planned_on;
	char what[64];
	bool reached, replied, seen; /* at a controller; told; in the store */
	int result;
	uint64_t revision;
};

void people_begin(void);
struct person_request *people_request(size_t index); /* NULL: there is none */
size_t people_requests(void);
/* rules_words.c: what was told is so. */
void people_check_done(size_t index);

#endif
