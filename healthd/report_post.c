/* One HTTP call at a time per controller, and one timer for all. */
#include "healthd/report_post.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/clock.h"
#include "lib/log.h"

struct route { /* to one controller */
	struct report_post *post;
	size_t controller;
	char *base, *url;
	struct http_call *call;
	uint64_t sent, failed;
	bool failing; /* said so */
};

struct report_post {
	struct event_base *base;
	struct http_client *client;
	struct report *report;
	struct event *timer;
	struct route *routes;
	size_t routes_count;
};

static void timer_arm(struct report_post *p)
{
	uint64_t now = clock_mono_ms(), due = report_due_ms(p->report);
	uint64_t ms = due > now ? due - now : 0;
	struct timeval tv = {
	    .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000)};
	event_add(p->timer, &tv);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct report_post *p = ctx;
	(void)fd, (void)what;
	report_run(p->report, clock_mono_ms());
	timer_arm(p);
}

static void on_wake(void *ctx)
{
	timer_arm(ctx);
}

static void route_judge(struct route *r, const struct http_response *response)
{
	bool ok = response->error == NULL && response->status == 200;
	*(ok ? &r->sent : &r->failed) += 1;
	if (ok && r->failing)
		log_info("reports reach %s again", r->base);
	else if (!ok && !r->failing && response->error != NULL)
		log_warn("reports do not reach %s: %s", r->base, response->error);
	else if (!ok && !r->failing)
		log_warn("reports are refused by %s: status %d: %.300s", r->base, response->status,
		    response->body);
	r->failing = !ok;
}

static void on_done(void *ctx, const struct http_response *response)
{
	struct route *r = ctx;
	struct report_post *p = r->post;

	r->call = NULL;
	route_judge(r, response);
	report_finished(p->report, r->controller,
	    response->error == NULL && response->status == 200, clock_mono_ms());
	timer_arm(p);
}

static void on_send(void *ctx, size_t controller, char *body, size_t bytes)
{
	struct report_post *p = ctx;
	struct route *r = &p->routes[controller];
	struct http_call_options options = {
	    .url = r->url,
	    .body = body,
	    .body_bytes = bytes,
	    .timeout_ms = REPORT_TIMEOUT_MS,
	    .connect_timeout_ms = REPORT_TIMEOUT_MS,
	    .max_bytes = 64 * 1024,
	    .on_done = on_done,
	    .ctx = r,
	};
	assert(r->call == NULL);
	r->call = http_call_start(p->client, &options);
	free(body);
}

struct report_post *report_post_new(struct event_base *base, struct http_client *client,
    const char *const *controllers, size_t controllers_count, const char *site,
    uint32_t heartbeat_ms)
{
	struct report_post *p = mem_new(1, sizeof(*p));
	struct report_sink sink = {.send = on_send, .wake = on_wake, .ctx = p};

	p->base = base;
	p->client = client;
	p->routes = mem_new(controllers_count, sizeof(*p->routes));
	p->routes_count = controllers_count;
	for (size_t i = 0; i < controllers_count; i++) {
		size_t bytes = strlen(controllers[i]);
		while (bytes > 0 && controllers[i][bytes - 1] == '/')
			bytes--;
		p->routes[i] = (struct route){.post = p, .controller = i};
		p->routes[i].base = mem_strndup(controllers[i], bytes);
		p->routes[i].url = mem_printf("%s/v1/observations", p->routes[i].base);
	}
	p->report = report_new(site, controllers_count, heartbeat_ms, &sink, clock_mono_ms());
	p->timer = evtimer_new(base, on_timer, p);
	assert(p->timer != NULL);
	timer_arm(p);
	return p;
}

void report_post_free(struct report_post *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->routes_count; i++) {
		if (p->routes[i].call != NULL)
			http_call_cancel(p->routes[i].call);
		free(p->routes[i].base);
		free(p->routes[i].url);
	}
	free(p->routes);
	event_free(p->timer);
	report_free(p->report);
	free(p);
}

struct report *report_post_report(struct report_post *p)
{
	return p->report;
}

size_t report_post_controllers(const struct report_post *p)
{
	return p->routes_count;
}

void report_post_get(const struct report_post *p, size_t controller, struct report_post_view *out)
{
	assert(controller < p->routes_count);
	const struct route *r = &p->routes[controller];
	*out =
	    (struct report_post_view){.controller = r->base, .sent = r->sent, .failed = r->failed};
}
