/* The parts of tandem-controld put together. */
#include "controlplane/controld.h"

#include <stdlib.h>
#include <string.h>

#include "controlplane/api.h"
#include "controlplane/care.h"
#include "controlplane/controld_metrics.h"
#include "controlplane/engine.h"
#include "controlplane/local.h"
#include "controlplane/lookout.h"
#include "controlplane/restore.h"
#include "controlplane/store.h"
#include "lib/base/mem.h"
#include "lib/http_client.h"
#include "lib/log.h"

enum {
	RESIGN_MS = 1200,
	/* Nobody else can take the office in a SQLite store, and each beat is an fsync. */
	ALONE_BEAT_MS = 1000,
	ALONE_TAKEOVER_MS = 4000,
};

struct controld {
	const struct config_controld *config;
	struct event_base *base;
	SSL_CTX *tls;
	struct store *store;
	struct engine *engine;
	struct lookout *lookout;
	struct care *care;
	const char *certificates[4];
	struct http_client *peers; /* to the other controllers */
	struct api *api;
	struct local *local;
	struct controld_metrics *metrics;
	bool resigning;
};

static bool leads(const struct controld *d)
{
	struct engine_standing st;
	engine_stand(d->engine, &st);
	return st.role == ELECTION_LEADER;
}

static void on_published(void *ctx, bool delta)
{
	struct controld *d = ctx;
	if (d->api != NULL)
		api_published(d->api, delta);
}

static void on_tried(void *ctx, bool delta)
{
	struct controld *d = ctx;
	if (d->api != NULL)
		api_tried(d->api, delta);
}

static void on_probes(void *ctx)
{
	struct controld *d = ctx;
	if (d->api != NULL)
		api_probes(d->api);
}

static void on_changed(void *ctx)
{
	struct controld *d = ctx;
	if (d->api != NULL)
		api_changed(d->api);
	if (d->lookout != NULL)
		lookout_wake(d->lookout);
	if (d->resigning && !leads(d))
		event_base_loopbreak(d->base);
}

static struct tls_files tls_paths(const struct config_common *c)
{
	return (struct tls_files){
	    .ca = c->tls_ca, .certificate = c->tls_certificate, .key = c->tls_key};
}

static int tls_open(
    const struct config_common *c, SSL_CTX **out, char site[static TLS_SITE_BYTES], struct err *e)
{
	struct tls_files files = tls_paths(c);
	struct tls_identity who;
	*out = NULL;
	if (files.ca == NULL || files.certificate == NULL || files.key == NULL)
		return err_set(e, E_INVALID,
		    "tls is not configured: ca, certificate and key are needed (tandem pki)");
	int result = tls_certificate_identity(files.certificate, &who, e);
	if (result != 0)
		return result;
	if (who.role != TLS_ROLE_CONTROLD)
		return err_set(e, E_INVALID,
		    "\"%s\" is a certificate for %s, expected one for controld", files.certificate,
		    tls_role_name(who.role));
	(void)strcpy(site, who.site);
	return tls_server_context(&files, out, e);
}

static int store_open(
    struct event_base *base, const struct config_controld *c, struct store **out, struct err *e)
{
	if (c->sqlite != NULL)
		return store_sqlite_open(base, c->sqlite, out, e);
	struct store_etcd_options etcd = {.endpoints = (const char *const *)c->etcd_endpoints,
	    .endpoints_count = c->etcd_endpoints_count,
	    .tls = {.ca = c->etcd_ca, .certificate = c->etcd_certificate, .key = c->etcd_key}};
	return store_etcd_open(base, &etcd, out, e);
}

static int listen_all(struct controld *d, struct err *e)
{
	const struct config_common *c = &d->config->common;
	for (size_t i = 0; i < c->listen_count; i++)
		if (api_listen(d->api, c->listen[i], e) != 0)
			return e->code;
	if (c->metrics == NULL)
		return 0;
	return controld_metrics_new(d->base, d->engine, d->api, c->metrics, &d->metrics, e);
}

static int care_open(struct controld *d, struct err *e)
{
	const struct config_controld *c = d->config;
	d->certificates[0] = c->common.tls_ca;
	d->certificates[1] = c->common.tls_certificate;
	d->certificates[2] = c->etcd_ca;
	d->certificates[3] = c->etcd_certificate;
	const struct care_options options = {.base = d->base,
	    .store = d->store,
	    .files = d->certificates,
	    .files_count = sizeof d->certificates / sizeof d->certificates[0]};
	return care_new(&options, &d->care, e);
}

static int parts_open(struct controld *d, struct err *e)
{
	const struct tls_files files = tls_paths(&d->config->common);
	char site[TLS_SITE_BYTES];
	int result = tls_open(&d->config->common, &d->tls, site, e);
	if (result == 0)
		result = http_client_new(d->base, &files, &d->peers, e);
	if (result == 0)
		result = store_open(d->base, d->config, &d->store, e);
	if (result != 0)
		return result;
	bool alone = d->config->sqlite != NULL;
	struct engine_options engine = {.base = d->base,
	    .store = d->store,
	    .beat_ms = alone ? ALONE_BEAT_MS : 0,
	    .takeover_ms = alone ? ALONE_TAKEOVER_MS : 0,
	    .name = d->config->common.name,
	    .url = d->config->url,
	    .listener = {.published = on_published,
	        .tried = on_tried,
	        .probes = on_probes,
	        .changed = on_changed,
	        .ctx = d}};
	result = engine_new(&engine, &d->engine, e);
	if (result == 0)
		result = lookout_new(d->base, d->engine, &d->lookout, e);
	if (result == 0)
		result = care_open(d, e);
	if (result != 0)
		return result;
	struct api_options api = {.base = d->base,
	    .engine = d->engine,
	    .tls = d->tls,
	    .store_kind = alone ? "sqlite" : "etcd",
	    .care = d->care,
	    .peers = d->peers,
	    .certificate = d->config->common.tls_certificate,
	    .site = site};
	result = api_new(&api, &d->api, e);
	if (result == 0)
		result = listen_all(d, e);
	if (result == 0)
		d->local = local_new(d->base, d->api, d->config->socket, d->config->socket_group);
	return result;
}

int controld_new(
    struct loop *loop, const struct config_controld *config, struct controld **out, struct err *e)
{
	struct controld *d = mem_new(1, sizeof *d);
	d->config = config;
	d->base = loop_base(loop);
	*out = NULL;
	int result = parts_open(d, e);
	if (result != 0) {
		controld_free(d);
		return result;
	}
	*out = d;
	return 0;
}

int controld_restore(struct loop *loop, const struct config_controld *config, const char *path,
    struct backup_told *told, struct err *e)
{
	struct store *store = NULL;
	int result = store_open(loop_base(loop), config, &store, e);
	if (result == 0)
		result = restore_run(loop_base(loop), store, path, told, e);
	store_free(store);
	return result;
}

int controld_reload(struct controld *d, struct err *e)
{
	SSL_CTX *fresh;
	char site[TLS_SITE_BYTES];
	int result = tls_open(&d->config->common, &fresh, site, e);
	if (result != 0)
		return result;
	api_set_tls(d->api, fresh);
	SSL_CTX_free(d->tls);
	d->tls = fresh;
	care_reload(d->care);
	return 0;
}

void controld_resign(struct controld *d)
{
	static const struct timeval at_most = {.tv_usec = RESIGN_MS * 1000};
	bool led = leads(d);
	engine_resign(d->engine);
	d->resigning = true;
	if (!led)
		return;
	event_base_loopexit(d->base, &at_most);
	event_base_dispatch(d->base);
}

/* The engine answers what waits for it, the API refuses what waits for the store. */
void controld_free(struct controld *d)
{
	if (d == NULL)
		return;
	controld_metrics_free(d->metrics);
	local_free(d->local);
	lookout_free(d->lookout);
	d->lookout = NULL;
	engine_free(d->engine);
	api_free(d->api);
	care_free(d->care);
	http_client_free(d->peers);
	if (d->store != NULL)
		store_free(d->store);
	SSL_CTX_free(d->tls);
	free(d);
}
