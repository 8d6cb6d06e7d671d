/* Start, plan, reload. What a reload replaces is kept together in struct links. */
#include "healthd/daemon.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>

#include "healthd/metrics.h"
#include "healthd/plan_keeper.h"
#include "healthd/prober.h"
#include "healthd/report_post.h"
#include "lib/base/mem.h"
#include "lib/clock.h"
#include "lib/file.h"
#include "lib/http_server.h"
#include "lib/subscription.h"

enum {
	PLAN_LINE_BYTES = 64 * 1024 * 1024,
	FILES_WANTED = 65536, /* descriptors */
	FILES_RESERVED = 128, /* for everything but probes */
	IN_FLIGHT_MIN = 16,
	IN_FLIGHT_MAX = 4096,
};

struct links { /* to the controllers; made anew by a reload */
	struct http_client *client;
	struct subscription *plans;
	struct report_post *post;
};

struct daemon {
	struct loop *loop;
	const char *path;
	struct config_healthd config;
	struct probe_env *env;
	struct prober *prober;
	struct plan_keeper *keeper;
	struct links links;
	struct http_server *metrics;
};

/* Plans. */

static void on_plan_line(void *ctx, size_t controller, const json_t *line)
{
	struct daemon *d = ctx;
	struct err e;
	int rc = plan_keeper_offer(d->keeper, controller, line, &e);
	if (rc < 0)
		log_error("a plan of %s is not good, the former one is kept: %s",
		    d->config.common.controllers[controller], e.text);
	else if (rc > 0)
		prober_take(d->prober, plan_keeper_plan(d->keeper));
}

/* Links. */

static int identity_read(const struct config_common *c, struct tls_identity *out, struct err *e)
{
	int rc = tls_certificate_identity(c->tls_certificate, out, e);
	if (rc < 0)
		return rc;
	if (out->role != TLS_ROLE_HEALTHD)
		return err_set(e, E_INVALID, "certificate \"%s\" has the role %s, expected healthd",
		    c->tls_certificate, tls_role_name(out->role));
	return 0;
}

static void links_release(struct links *l)
{
	subscription_free(l->plans);
	report_post_free(l->post);
	http_client_free(l->client);
	*l = (struct links){0};
}

static int links_init(
    struct links *l, struct daemon *d, const struct config_healthd *config, struct err *e)
{
	const struct config_common *c = &config->common;
	const char *const *controllers = (const char *const *)c->controllers;
	struct tls_files files = {c->tls_ca, c->tls_certificate, c->tls_key};
	struct event_base *base = loop_base(d->loop);
	struct tls_identity identity;
	int rc;

	*l = (struct links){0};
	if ((rc = identity_read(c, &identity, e)) < 0 ||
	    (rc = http_client_new(base, &files, &l->client, e)) < 0)
		return rc;
	rc = subscription_new(base, l->client, controllers, c->controllers_count, "/v1/probes",
	    PLAN_LINE_BYTES, on_plan_line, d, &l->plans, e);
	if (rc < 0) {
		links_release(l);
		return rc;
	}
	l->post = report_post_new(base, l->client, controllers, c->controllers_count, identity.site,
	    config->heartbeat_ms);
	log_info("site %s, %zu controllers", identity.site, c->controllers_count);
	return 0;
}

/* Reload: all or nothing; what cannot be read leaves everything as it is. */

static int config_reread(const char *path, struct config_healthd *out, struct err *e)
{
	struct config_errors errors = {0};
	int rc = config_healthd_load(path, out, &errors);
	for (size_t i = 0; i < errors.count; i++)
		log_error("%s", errors.lines[i]);
	config_errors_free(&errors);
	return rc < 0 ? err_set(e, rc, "\"%s\" has errors", path) : 0;
}

static int reload(struct daemon *d, struct err *e)
{
	struct config_healthd fresh = {0};
	struct links links = {0};
	int rc;

	if ((rc = config_reread(d->path, &fresh, e)) < 0 ||
	    (rc = links_init(&links, d, &fresh, e)) < 0) {
		config_healthd_free(&fresh);
		return rc;
	}
	prober_set_report(d->prober, report_post_report(links.post));
	links_release(&d->links);
	d->links = links;
	config_healthd_free(&d->config);
	d->config = fresh;
	plan_keeper_set_controllers(d->keeper, d->config.common.controllers_count);
	probe_env_forget_files(d->env);
	log_open("tandem-healthd", d->config.common.log);
	return 0;
}

static void on_reload(void *ctx)
{
	struct err e;
	if (reload(ctx, &e) < 0)
		log_error("reload failed, going on as before: %s", e.text);
	else
		log_info("reloaded");
}

/* Metrics. */

static void on_metrics(struct http_request *request, void *ctx)
{
	const struct daemon *d = ctx;
	const struct probe_plan *plan = plan_keeper_plan(d->keeper);
	struct metrics_source source = {
	    .prober = d->prober,
	    .post = d->links.post,
	    .plan_revision = plan != NULL ? plan->revision : 0,
	    .streams = subscription_connected(d->links.plans),
	};
	struct buf out = {0};
	metrics_write(&out, &source, clock_mono_ms());
	http_reply_text(request, 200, "text/plain; version=0.0.4", buf_text(&out));
	buf_free(&out);
}

static int metrics_listen(struct daemon *d, struct err *e)
{
	static const struct http_route routes[] = {
	    {.method = "GET", .path = "/metrics", .roles = 0, .handler = on_metrics}};
	static const struct http_limits limits = {
	    .body_bytes = 4096,
	    .header_bytes = 16384,
	    .connections = 16,
	    .idle_ms = 10000,
	    .request_ms = 10000,
	    .stream_backlog_bytes = 65536,
	};
	int rc;

	if (d->config.common.metrics == NULL)
		return 0;
	if ((rc = http_server_new(
	         loop_base(d->loop), NULL, &limits, routes, 1, d, &d->metrics, e)) < 0)
		return rc;
	return http_server_listen(d->metrics, d->config.common.metrics, e);
}

/* Start. */

/* Takes as many descriptors as we may, and leaves some for what is not a probe. */
static unsigned in_flight_limit(void)
{
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return IN_FLIGHT_MIN;
	rlim_t wanted = files.rlim_max < FILES_WANTED ? files.rlim_max : FILES_WANTED;
	if (files.rlim_cur < wanted) {
		files.rlim_cur = wanted;
		if (setrlimit(RLIMIT_NOFILE, &files) < 0 && getrlimit(RLIMIT_NOFILE, &files) < 0)
			return IN_FLIGHT_MIN;
	}
	if (files.rlim_cur < FILES_RESERVED + IN_FLIGHT_MIN)
		return IN_FLIGHT_MIN;
	rlim_t free_files = files.rlim_cur - FILES_RESERVED;
	return free_files < IN_FLIGHT_MAX ? (unsigned)free_files : IN_FLIGHT_MAX;
}

static uint64_t seed_draw(void)
{
	uint64_t seed;
	if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		seed = (uint64_t)clock_wall_ms();
	return seed;
}

static void kept_plan_take(struct daemon *d)
{
	struct err e;
	int rc = plan_keeper_load(d->keeper, &e);
	if (rc == 0) {
		log_info("starting from the kept plan");
		prober_take(d->prober, plan_keeper_plan(d->keeper));
	} else if (rc != E_NOT_FOUND) {
		log_error("the kept plan cannot be used, waiting for a controller: %s", e.text);
	}
}

int daemon_new(struct loop *loop, const char *path, struct config_healthd *config,
    struct daemon **out, struct err *e)
{
	struct daemon *d = mem_new(1, sizeof(*d));
	const char *state = config->common.state;
	int rc;

	d->loop = loop;
	d->path = path;
	d->config = *config;
	*config = (struct config_healthd){0};
	if (state != NULL && (rc = file_make_folder(state, e)) < 0)
		goto fail;
	if ((rc = probe_env_new(loop_base(loop), &d->env, e)) < 0)
		goto fail;
	d->prober = prober_new(loop_base(loop), d->env, in_flight_limit(), seed_draw());
	d->keeper = plan_keeper_new(d->config.common.controllers_count, state);
	if ((rc = links_init(&d->links, d, &d->config, e)) < 0 || (rc = metrics_listen(d, e)) < 0)
		goto fail;
	prober_set_report(d->prober, report_post_report(d->links.post));
	kept_plan_take(d);
	loop_on_reload(loop, on_reload, d);
	*out = d;
	return 0;
fail:
	daemon_free(d);
	return rc;
}

void daemon_free(struct daemon *d)
{
	if (d == NULL)
		return;
	http_server_free(d->metrics);
	prober_free(d->prober);
	links_release(&d->links);
	plan_keeper_free(d->keeper);
	probe_env_free(d->env);
	config_healthd_free(&d->config);
	free(d);
}
