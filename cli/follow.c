/* Counts the name servers that serve an epoch, status by status. */
#include "cli/follow.h"

#include <string.h>

#include "lib/clock.h"

struct following {
	const char *site;
	uint64_t began_ms;
	struct follow_result *result;
};

bool follow_count(const json_t *status, struct follow_result *out)
{
	size_t i, j;
	json_t *site, *server;
	/* one that is ahead of the cluster has not taken the change: it follows another history */
	json_int_t newest = json_integer_value(json_object_get(status, "epoch"));
	out->servers = out->serving = 0;
	json_array_foreach(json_object_get(status, "sites"), i, site)
	{
		json_array_foreach(json_object_get(site, "dnsd"), j, server)
		{
			json_int_t epoch = json_integer_value(json_object_get(server, "epoch"));
			out->servers++;
			out->serving +=
			    epoch >= 0 && epoch <= newest && (uint64_t)epoch >= out->epoch;
		}
	}
	return out->servers > 0 && out->serving == out->servers;
}

static size_t offered_count(const json_t *status, const char *site)
{
	size_t i, j, count = 0;
	json_t *pool, *member;
	json_array_foreach(json_object_get(status, "pools"), i, pool)
	{
		json_array_foreach(json_object_get(pool, "members"), j, member)
		{
			const char *at = json_string_value(json_object_get(member, "site"));
			count += at != NULL && strcmp(at, site) == 0 &&
			         json_is_true(json_object_get(member, "offered"));
		}
	}
	return count;
}

static bool on_status(void *ctx, const json_t *status)
{
	struct following *fo = ctx;
	size_t i;
	json_t *drain;
	fo->result->drain_text[0] = '\0';
	fo->result->still_offered = fo->site != NULL ? offered_count(status, fo->site) : 0;
	json_array_foreach(json_object_get(status, "drains"), i, drain)
	{
		const char *site = json_string_value(json_object_get(drain, "site"));
		const char *text = json_string_value(json_object_get(drain, "text"));
		if (fo->site != NULL && site != NULL && strcmp(site, fo->site) == 0 && text != NULL)
			snprintf(fo->result->drain_text, sizeof fo->result->drain_text, "%s", text);
	}
	bool all = follow_count(status, fo->result);
	fo->result->took_ms = clock_mono_ms() - fo->began_ms;
	return all;
}

bool follow_epoch(struct client *c, const char *site, uint64_t epoch, uint64_t began_ms,
    unsigned timeout_ms, struct follow_result *out)
{
	struct following fo = {.site = site, .began_ms = began_ms, .result = out};
	*out = (struct follow_result){.epoch = epoch};
	return client_follow(c, "/v1/status/stream", timeout_ms, on_status, NULL, &fo);
}
