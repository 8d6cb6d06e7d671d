/* libFuzzer: any text as what healthd and dnsd exchange with a controller: a probe plan, a report
 * of observations, an ack. What is taken keeps within the bounds its reader relies on. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "wire/probes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void observations_try(const json_t *o)
{
	struct core_observation *results;
	const char *site;
	size_t count;
	struct err e = {0};
	if (observations_decode(o, &site, &results, &count, &e) != 0) {
		assert(e.text[0] != '\0');
		return;
	}
	assert(count <= OBSERVATION_RESULTS_MAX && site);
	json_t *again = observations_encode(site, 1, results, count);
	assert(again);
	struct core_observation *same;
	size_t same_count;
	int r = observations_decode(again, &site, &same, &same_count, &e);
	assert(r == 0 && same_count == count);
	for (size_t i = 0; i < count; i++)
		assert(
		    same[i].ok == results[i].ok && strcmp(same[i].member, results[i].member) == 0);
	free(same);
	json_decref(again);
	free(results);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct err e = {0}, why = {0};
	struct probe_plan *plan;
	struct core_ack ack;
	json_t *o;
	if (json_parse((const char *)data, bytes, &o, &e) != 0)
		return 0;
	int r = probe_plan_decode(o, &plan, &why);
	assert((r == 0) == (plan != NULL) && (r == 0) == (why.text[0] == '\0'));
	probe_plan_free(plan);
	observations_try(o);
	if (ack_decode(o, &ack, &e) == 0) {
		assert(ack.name && !ack.site);
		json_t *again = ack_encode(&ack);
		assert(again);
		json_decref(again);
	}
	json_decref(o);
	return 0;
}
