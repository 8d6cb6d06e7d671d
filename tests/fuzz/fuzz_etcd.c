/* libFuzzer: any text as an answer of etcd's JSON gateway: of one try, of a range, of a watch. The
 * first octet chooses the HTTP status. A store's revision never goes back by it. */
#include <assert.h>
#include <string.h>

#include "controlplane/store_etcd.h"
#include "lib/json.h"
#include "lib/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void events_read(const json_t *answer)
{
	struct err e = {0};
	struct etcd_event event;
	size_t i;
	const json_t *one, *list = json_object_get(answer, "events");
	if (etcd_event_read(answer, &event, &e) == 0)
		etcd_event_release(&event);
	json_array_foreach(list, i, one) if (etcd_event_read(one, &event, &e) == 0)
	{
		assert(event.key);
		etcd_event_release(&event);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const int statuses[] = {200, 200, 200, 400, 401, 404, 429, 503};
	struct etcd_store store = {.revision = 40};
	struct etcd_endpoint endpoint = {.store = &store, .url = (char[]){"http://etcd"}};
	struct err e = {0};
	json_t *answer = NULL;
	log_open("fuzz", LOG_LEVEL_ERROR);
	if (bytes < 1)
		return 0;
	struct http_response response = {.status = statuses[data[0] & 7],
	    .body = (const char *)data + 1,
	    .body_bytes = bytes - 1};
	enum etcd_verdict v = etcd_answer_judge(&endpoint, &response, 40, &answer, &e);
	assert((v == ETCD_ANSWERED) == (answer != NULL) && store.revision >= 40);
	if (v == ETCD_ANSWERED) {
		struct store_found found = {0};
		uint64_t revision, cluster, modified;
		(void)etcd_kvs_read(answer, &found, &e);
		store_found_free(&found);
		(void)etcd_newest_read(answer, &modified, &e);
		(void)etcd_header_read(answer, &revision, &cluster, &e);
		events_read(answer);
	}
	json_decref(answer);
	return 0;
}
