/* Reports of the daemons: what healthd saw, what dnsd serves. Everyone speaks for its own site. */
#include <stdlib.h>
#include <string.h>

#include "controlplane/api_parts.h"
#include "wire/probes.h"

static void reply_ok(struct http_request *r)
{
	http_reply_json(r, 200, json_pack("{s:b}", "ok", 1));
}

static int site_check(const struct http_request *r, const char *site, struct err *e)
{
	const struct tls_identity *who = http_request_identity(r);
	if (strcmp(who->site, site) == 0)
		return 0;
	return err_set(e, E_DENIED,
	    "the certificate of \"%s\" is for site \"%s\"; it may not report for site \"%.64s\"",
	    who->name, who->site, site);
}

static void refuse(struct http_request *r, const struct err *e, uint64_t *counter)
{
	(*counter)++;
	http_reply_error(r, e); /* which logs it */
}

void api_observations(struct http_request *r, void *ctx)
{
	struct api *a = ctx;
	struct err e = {0};
	json_t *body = NULL;
	const char *site = NULL;
	struct core_observation *results = NULL;
	size_t count = 0;
	if (http_request_json(r, &body, &e) != 0 ||
	    observations_decode(body, &site, &results, &count, &e) != 0 ||
	    site_check(r, site, &e) != 0) {
		refuse(r, &e, &a->counters.observations_refused);
	} else {
		care_peer(a->care, http_request_identity(r));
		a->counters.observations += count;
		for (size_t i = 0; i < count; i++)
			engine_observe(a->engine, &results[i]);
		reply_ok(r);
	}
	free(results);
	json_decref(body);
}

void api_acks(struct http_request *r, void *ctx)
{
	struct api *a = ctx;
	struct err e = {0};
	json_t *body = NULL;
	struct core_ack ack = {0};
	if (http_request_json(r, &body, &e) != 0 || ack_decode(body, &ack, &e) != 0) {
		refuse(r, &e, &a->counters.acks_refused);
	} else {
		care_peer(a->care, http_request_identity(r));
		a->counters.acks++;
		ack.site = http_request_identity(r)->site;
		/* What an agent has taken proves nothing about what name servers answer. */
		if (http_request_identity(r)->role == TLS_ROLE_DNSD)
			engine_acknowledge(a->engine, &ack);
		reply_ok(r);
	}
	json_decref(body);
}
