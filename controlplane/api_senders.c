/* Mail hosts: what they may do with dedicated sending addresses, and what they say they have. */
#include <stdlib.h>
#include <string.h>

#include "controlplane/api_parts.h"
#include "lib/base/mem.h"
#include "lib/json.h"
#include "wire/senders.h"

enum { HOST_REPORT_BYTES = 256 * 1024 }; /* 2,000 addresses take at most 150,000 */

struct senders_told {
	char cluster[VIEW_CLUSTER_BYTES];
	struct view_sender *items;
	size_t count;
};

struct host_rate {
	char site[TLS_SITE_BYTES];
	uint64_t second, reports;
};

struct host_rates { /* of the sites heard last */
	struct host_rate sites[SERVICE_SITES];
	size_t count;
};

void api_senders_init(struct api *a)
{
	a->told = mem_new(1, sizeof *a->told);
	a->rates = mem_new(1, sizeof *a->rates);
}

static void told_release(struct senders_told *t)
{
	view_senders_free(t->items, t->count);
	*t = (struct senders_told){0};
}

void api_senders_release(struct api *a)
{
	if (a->told != NULL)
		told_release(a->told);
	free(a->told);
	free(a->rates);
}

/* ---- what they may do ---- */

void api_senders_stream(struct http_request *r, void *ctx)
{
	streams_add(((struct api *)ctx)->streams, STREAMS_SENDERS, r);
}

char *api_senders_line(const struct api *a)
{
	const struct view *v = core_view(engine_core(a->engine));
	if (v == NULL)
		return NULL;
	json_t *json = senders_encode(v);
	char *text = json_text(json);
	json_decref(json);
	return text;
}

static bool told_is(const struct senders_told *t, const struct view *v)
{
	if (t->count != v->senders_count || strcmp(t->cluster, v->cluster) != 0)
		return false;
	for (size_t i = 0; i < t->count; i++)
		if (!view_sender_equal(&t->items[i], &v->senders[i]))
			return false;
	return true;
}

static void told_set(struct senders_told *t, const struct view *v)
{
	told_release(t);
	memcpy(t->cluster, v->cluster, sizeof t->cluster);
	t->items = view_senders_copy(v->senders, v->senders_count);
	t->count = v->senders_count;
}

/* Most publications are about health, and say the same of addresses. Whoever begins to read gets
 * the present epoch in any case. */
void api_senders_published(struct api *a)
{
	const struct view *v = core_view(engine_core(a->engine));
	streams_forget_first(a->streams, STREAMS_SENDERS);
	if (v == NULL || told_is(a->told, v))
		return;
	told_set(a->told, v);
	streams_line_first(a->streams, STREAMS_SENDERS);
}

/* ---- what they have ---- */

static void refuse(struct api *a, struct http_request *r, const struct err *e)
{
	a->counters.hosts_refused++;
	http_reply_error(r, e); /* which logs it */
}

static struct host_rate *rate_of(struct host_rates *rates, const char *site)
{
	struct host_rate *stalest = &rates->sites[0];
	for (size_t i = 0; i < rates->count; i++) {
		struct host_rate *one = &rates->sites[i];
		if (strcmp(one->site, site) == 0)
			return one;
		if (one->second < stalest->second)
			stalest = one;
	}
	struct host_rate *fresh =
	    rates->count < SERVICE_SITES ? &rates->sites[rates->count++] : stalest;
	*fresh = (struct host_rate){0};
	snprintf(fresh->site, sizeof fresh->site, "%s", site);
	return fresh;
}

int api_hosts_rate(struct host_rates *rates, const char *site, uint64_t now_ms, struct err *e)
{
	const uint64_t second = now_ms / 1000;
	struct host_rate *rate = rate_of(rates, site);
	if (rate->second != second) {
		rate->second = second;
		rate->reports = 0;
	}
	if (++rate->reports <= API_HOST_REPORTS)
		return 0;
	return err_set(e, E_UNAVAILABLE,
	    "mail hosts of site \"%s\" report more than %d times a second", site, API_HOST_REPORTS);
}

static int size_check(struct http_request *r, struct err *e)
{
	size_t bytes;
	(void)http_request_body(r, &bytes);
	return bytes <= HOST_REPORT_BYTES
	           ? 0
	           : err_set(e, E_LIMIT, "found a report of %zu bytes, expected at most %d", bytes,
	                 HOST_REPORT_BYTES);
}

void api_hosts(struct http_request *r, void *ctx)
{
	struct api *a = ctx;
	struct err e = {0};
	json_t *body = NULL;
	struct core_host host = {0};
	const struct tls_identity *who = http_request_identity(r);
	if (api_hosts_rate(a->rates, who->site, engine_now().mono_ms, &e) != 0 ||
	    size_check(r, &e) != 0 || http_request_json(r, &body, &e) != 0 ||
	    host_decode(body, &host, &e) != 0) {
		refuse(a, r, &e);
	} else {
		care_peer(a->care, who);
		a->counters.hosts++;
		host.site = who->site;
		engine_host(a->engine, &host);
		http_reply_json(r, 200, json_pack("{s:b}", "ok", 1));
	}
	free((void *)(uintptr_t)host.bound);
	json_decref(body);
}
