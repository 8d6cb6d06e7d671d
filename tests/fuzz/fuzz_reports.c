/* libFuzzer: any text as what healthd, dnsd and mail hosts exchange with a controller: a probe
 * plan, a report of observations, an ack, what a host has. What is taken keeps within the bounds
 * its reader relies on. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "wire/probes.h"
#include "wire/senders.h"

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

static void host_try(const json_t *o)
{
	struct core_host host;
	struct err e = {0};
	if (host_decode(o, &host, &e) != 0) {
		assert(e.text[0] != '\0' && !host.bound && !host.name);
		return;
	}
	assert(!host.site && *host.name && strlen(host.name) < SERVICE_NAME_BYTES);
	assert(host.bound_count <= STATE_SENDERS);
	for (size_t i = 1; i < host.bound_count; i++)
		assert(addr_compare(&host.bound[i - 1].address, &host.bound[i].address) < 0);
	free((void *)(uintptr_t)host.bound);
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
	host_try(o);
	if (ack_decode(o, &ack, &e) == 0) {
		assert(ack.name && !ack.site);
		json_t *again = ack_encode(&ack);
		assert(again);
		json_decref(again);
	}
	json_decref(o);
	return 0;
}
