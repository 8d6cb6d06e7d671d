/* What changes something, or would: plan, apply, drain, undrain. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/api_parts.h"
#include "controlplane/diff.h"
#include "controlplane/parser.h"
#include "controlplane/status.h"
#include "lib/base/mem.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/log.h"

enum { REASON_BYTES = 500, FILE_NAME_BYTES = 200, SUBJECT_BYTES = 120 };
enum { HOST_BYTES = 2 * SERVICE_NAME_BYTES - 1 }; /* SITE/NAME */
enum { CHANGES_MAX = 1000000000, OVERRIDE_BYTES = 60 };
#define FOR_MS_MAX (366LL * 24 * 3600 * 1000)

struct change { /* a request of an operator until its reply */
	struct api *api;
	struct http_request *request;
	char actor[API_ACTOR_BYTES];
	json_t *body;
	struct service *service;
	struct core_request core;
	struct core_names names; /* core.names points here once they are counted */
	char *names_text;        /* for people */
	bool holds_names;
};

static struct change *change_new(struct api *a, struct http_request *r)
{
	struct change *c = mem_new(1, sizeof *c);
	c->api = a;
	c->request = r;
	(void)api_actor(r, c->actor, &(struct err){0}); /* api_leads has seen to it */
	c->core.actor = c->actor;
	c->core.planned_on = UINT64_MAX;
	return c;
}

/* The texts are copies: the documents may be gone when the core decides. */
static void names_keep(struct core_names *n, const struct names_change *change)
{
	struct core_listed *listed = mem_new(change->listed_count + 1, sizeof *listed);
	struct core_pool_loss *losses = mem_new(change->losses_count + 1, sizeof *losses);
	for (size_t i = 0; i < change->listed_count; i++) {
		const struct names_listed *l = &change->listed[i];
		listed[i] = (struct core_listed){mem_strdup(l->owner),
		    l->pool_before != NULL ? mem_strdup(l->pool_before) : NULL,
		    l->pool_after != NULL ? mem_strdup(l->pool_after) : NULL};
	}
	for (size_t i = 0; i < change->losses_count; i++)
		losses[i] = (struct core_pool_loss){
		    mem_strdup(change->losses[i].pool), change->losses[i].type};
	struct core_named *sample = mem_new(2 * NAMES_CHECK_SAMPLE, sizeof *sample);
	const struct names_sample *samples[] = {&change->changed_sample, &change->same_sample};
	for (size_t i = 0; i < 2; i++)
		for (size_t j = 0; j < samples[i]->count; j++)
			sample[n->sample_count++] =
			    (struct core_named){mem_strdup(samples[i]->items[j].owner),
			        mem_strdup(samples[i]->items[j].pool)};
	n->sample = sample;
	n->before = change->before;
	n->added = change->added;
	n->removed = change->removed;
	n->listed = listed;
	n->listed_count = change->listed_count;
	n->losses = losses;
	n->losses_count = change->losses_count;
}

static void names_release(struct core_names *n)
{
	for (size_t i = 0; i < n->listed_count; i++) {
		free((char *)(uintptr_t)n->listed[i].owner);
		free((char *)(uintptr_t)n->listed[i].pool_before);
		free((char *)(uintptr_t)n->listed[i].pool_after);
	}
	for (size_t i = 0; i < n->losses_count; i++)
		free((char *)(uintptr_t)n->losses[i].pool);
	for (size_t i = 0; i < n->sample_count; i++) {
		free((char *)(uintptr_t)n->sample[i].owner);
		free((char *)(uintptr_t)n->sample[i].pool);
	}
	free((void *)(uintptr_t)n->listed);
	free((void *)(uintptr_t)n->losses);
	free((void *)(uintptr_t)n->sample);
}

static void change_free(struct change *c)
{
	if (c->holds_names)
		engine_names_release(c->api->engine);
	json_decref(c->body);
	service_drop(c->service);
	names_release(&c->names);
	free(c->names_text);
	free(c);
}

static void change_fail(struct change *c, const struct err *e)
{
	api_refuse(c->request, e->code, e->text, NULL);
	change_free(c);
}

/* The core knows nobody to ask; the shell knows why. */
static void refuse_reply(struct change *c, const struct engine_reply *reply)
{
	char obstacle[STATUS_TEXT_BYTES], text[STATUS_TEXT_BYTES + 512];
	status_obstacle(c->api->engine, obstacle);
	snprintf(text, sizeof text, "%s%s%s", reply->text, *obstacle != '\0' ? ": " : "", obstacle);
	api_refuse(c->request, reply->result, reply->result == E_UNAVAILABLE ? text : reply->text,
	    &(struct api_ways){.rule = reply->rule, .override = reply->override});
}

/* A drain is told with its time: whoever follows it can tell it from an earlier one of the site. */
static json_t *changed_encode(const struct change *c, const struct engine_reply *reply)
{
	char time[CLOCK_TEXT_BYTES];
	json_t *o = json_pack("{s:I, s:I, s:o}", "epoch", (json_int_t)reply->epoch, "revision",
	    (json_int_t)reply->revision, "text", api_lines(reply->text));
	const struct state *state = core_state(engine_core(c->api->engine));
	const struct state_drain *d = c->core.type == CORE_REQUEST_DRAIN && state != NULL
	                                  ? state_drain_find(state, c->core.site)
	                                  : NULL;
	if (d != NULL)
		json_object_set_new(o, "declared", json_string(clock_format(d->declared_ms, time)));
	return o;
}

static void on_changed(void *ctx, const struct engine_reply *reply)
{
	static const char *const words[] = {[CORE_REQUEST_APPLY] = "apply",
	    [CORE_REQUEST_DRAIN] = "drain",
	    [CORE_REQUEST_UNDRAIN] = "undrain",
	    [CORE_REQUEST_OUTAGE] = "outage",
	    [CORE_REQUEST_EXTEND] = "extend",
	    [CORE_REQUEST_RETURN] = "return",
	    [CORE_REQUEST_HOLD] = "hold",
	    [CORE_REQUEST_RELEASE] = "release",
	    [CORE_REQUEST_PIN_UP] = "pin up",
	    [CORE_REQUEST_PIN_DOWN] = "pin down",
	    [CORE_REQUEST_UNPIN] = "unpin",
	    [CORE_REQUEST_HOST_GONE] = "host-gone"};
	struct change *c = ctx;
	if (reply->result != 0) {
		refuse_reply(c, reply);
	} else {
		log_info("%s by %s: %.*s", words[c->core.type], c->actor,
		    (int)strcspn(reply->text, "\n"), reply->text);
		http_reply_json(c->request, 200, changed_encode(c, reply));
	}
	change_free(c);
}

/* Whose knowledge the plan is made of, where that is not the leader's of this moment. */
static void plan_note(const struct change *c, json_t *text)
{
	struct engine_standing st;
	char obstacle[STATUS_TEXT_BYTES];
	char *note = NULL;
	engine_stand(c->api->engine, &st);
	status_obstacle(c->api->engine, obstacle);
	if (*obstacle != '\0')
		note = mem_printf("planned on what this controller knows: %s", obstacle);
	else if (!st.leading)
		note = mem_printf(
		    "planned on what this controller knows; %s leads and decides", st.leader_name);
	if (note != NULL)
		json_array_append_new(text, json_string(note));
	free(note);
}

/* `confirm`: what has to be said when it is applied, 0 when nothing has. */
static json_t *share_encode(const struct core_share *s)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "of", (json_int_t)s->of, "changed",
	    (json_int_t)s->changed, "added", (json_int_t)s->added, "confirm",
	    (json_int_t)s->confirm);
}

static void on_planned(void *ctx, const struct engine_reply *reply)
{
	struct change *c = ctx;
	if (reply->result != 0 && reply->result != E_REFUSED) {
		refuse_reply(c, reply);
		change_free(c);
		return;
	}
	struct diff d = {0};
	if (reply->after != NULL)
		diff_compute(reply->before, reply->after, &d);
	json_t *answer = json_pack("{s:s, s:o, s:I, s:o, s:I}", "result",
	    reply->result == 0 ? "ok" : "refused", "text", api_lines(reply->text), "revision",
	    (json_int_t)reply->revision, "changes", diff_encode(&d), "more", (json_int_t)d.more);
	if (reply->rule != 0)
		json_object_set_new(answer, "rule", json_integer(reply->rule));
	plan_note(c, json_object_get(answer, "text"));
	if (c->core.type == CORE_REQUEST_APPLY)
		json_object_set_new(answer, "share", share_encode(&reply->share));
	if (c->names_text != NULL) {
		json_array_append_new(json_object_get(answer, "text"), json_string(c->names_text));
		json_object_set_new(answer, "names",
		    json_pack("{s:I, s:I, s:I}", "before", (json_int_t)c->names.before, "added",
		        (json_int_t)c->names.added, "removed", (json_int_t)c->names.removed));
	}
	diff_free(&d);
	http_reply_json(c->request, 200, answer);
	change_free(c);
}

/* Texts that people will read in history and logs: no control characters, a bound. */
static int text_check(const char *key, const char *text, size_t max, struct err *e)
{
	size_t bytes = strlen(text);
	if (bytes == 0 || bytes > max)
		return err_set(
		    e, E_INVALID, "%s: found %zu bytes, expected 1 to %zu", key, bytes, max);
	for (size_t i = 0; i < bytes; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return err_set(e, E_INVALID,
			    "%s: found a control character, expected plain text on one line", key);
	return 0;
}

/* The rules that people break knowingly, "" for none; the core knows their names. The reason goes
 * with them where nothing else asks for one. */
static int override_read(struct change *c, struct err *e)
{
	int result = json_get_string_or(c->body, "override", "", &c->core.override, e);
	if (result == 0 && *c->core.override != '\0')
		result = text_check("override", c->core.override, OVERRIDE_BYTES, e);
	if (result == 0 && c->core.reason == NULL)
		result = json_get_string_or(c->body, "reason", "", &c->core.reason, e);
	if (result == 0 && *c->core.reason != '\0')
		result = text_check("reason", c->core.reason, REASON_BYTES, e);
	return result;
}

static int terms_read(struct change *c, struct err *e)
{
	uint64_t for_ms = 0;
	int result = json_get_u64(c->body, "for_ms", FOR_MS_MAX, &for_ms, e);
	if (result == 0)
		result = c->core.plan_only
		             ? json_get_string_or(c->body, "reason", "plan", &c->core.reason, e)
		             : json_get_string(c->body, "reason", &c->core.reason, e);
	if (result == 0)
		result = text_check("reason", c->core.reason, REASON_BYTES, e);
	if (result == 0 && for_ms == 0)
		result = err_set(e, E_INVALID, "for_ms: found 0, expected how long it lasts");
	if (result == 0)
		result = override_read(c, e);
	c->core.until_ms =
	    (c->core.start_ms > 0 ? c->core.start_ms : clock_wall_ms()) + (int64_t)for_ms;
	return result;
}

static int drain_read(struct change *c, const char *site_key, struct err *e)
{
	const char *at = "";
	c->core.type = CORE_REQUEST_DRAIN;
	int result = json_get_string(c->body, site_key, &c->core.site, e);
	if (result == 0)
		result = text_check(site_key, c->core.site, SERVICE_NAME_BYTES - 1, e);
	if (result == 0)
		result = json_get_string_or(c->body, "at", "", &at, e);
	if (result == 0 && *at != '\0')
		result = clock_parse(at, &c->core.start_ms, e);
	if (result == 0)
		result = json_get_bool_or(c->body, "practice", false, &c->core.practice, e);
	return result != 0 ? result : terms_read(c, e);
}

static int outage_read(struct change *c, const char *site_key, struct err *e)
{
	c->core.type = CORE_REQUEST_OUTAGE;
	int result = json_get_string(c->body, site_key, &c->core.site, e);
	return result != 0 ? result : text_check(site_key, c->core.site, SERVICE_NAME_BYTES - 1, e);
}

static int undrain_read(struct change *c, const char *site_key, struct err *e)
{
	c->core.type = CORE_REQUEST_UNDRAIN;
	int result = json_get_string(c->body, site_key, &c->core.site, e);
	if (result == 0)
		result = text_check(site_key, c->core.site, SERVICE_NAME_BYTES - 1, e);
	return result != 0 ? result : override_read(c, e);
}

/* Everything is read: ask the core, or say what is wrong. */
static void change_send(struct change *c, int result, json_t *details, struct err *e)
{
	if (result == 0 && *c->core.actor == '\0')
		result = err_set(
		    e, E_DENIED, "the certificate has no common name: it is not known who asks");
	if (result == 0)
		result = text_check("common name", c->core.actor, TLS_NAME_BYTES, e);
	if (result != 0) {
		api_refuse(c->request, result, e->text, &(struct api_ways){.details = details});
		change_free(c);
		return;
	}
	engine_request(c->api->engine, &c->core, c->core.plan_only ? on_planned : on_changed, c);
}

static json_t *errors_list(const struct config_errors *errors)
{
	json_t *details = json_array();
	for (size_t i = 0; i < errors->count; i++)
		json_array_append_new(details, json_string(errors->lines[i]));
	return details;
}

/* The lists were read and compared; what was counted goes to the core. */
static void on_names_checked(
    void *ctx, int result, const struct names_change *change, json_t *details, const struct err *e)
{
	struct change *c = ctx;
	struct err copy = *e;
	if (result == 0 && !c->core.plan_only && !api_leads(c->api, c->request)) {
		change_free(c);
		return;
	}
	if (result == 0) {
		names_keep(&c->names, change);
		memcpy(c->names.changed, change->changed, sizeof c->names.changed);
		c->names_text = names_change_text(change);
		c->core.names = &c->names;
	}
	change_send(c, result, details, &copy);
}

/* True: the document has to do with names files, and goes on in on_names_checked. */
static bool names_begin(struct change *c)
{
	const struct core *core = engine_core(c->api->engine);
	const struct service *before = core_service(core);
	const struct state *state = core_state(core);
	if (c->service->names_files_count == 0 &&
	    (before == NULL || before->names_files_count == 0))
		return false;
	c->names.base = state != NULL ? state->revision : 0;
	c->holds_names = engine_names_hold(c->api->engine);
	if (!c->holds_names) {
		struct err e;
		err_set(&e, E_UNAVAILABLE,
		    "old lists of names are being thrown away at this moment; nothing was "
		    "changed; try again in a few seconds");
		change_fail(c, &e);
		return true;
	}
	api_names_check(c->api, before, c->service, on_names_checked, c);
	return true;
}

/* The office may have gone to another while the document was read. */
static void on_parsed(void *ctx, struct parser_result *parsed)
{
	struct change *c = ctx;
	struct err e = {0};
	json_t *details = NULL;
	if (parsed->result == E_UNAVAILABLE) {
		err_set(&e, E_UNAVAILABLE, "this controller is being stopped; nothing was changed");
	} else if (parsed->result != 0) {
		details = errors_list(&parsed->errors);
		err_set(&e, parsed->result,
		    "the document is not valid (%s%zu errors); nothing was changed",
		    parsed->errors.more ? "more than " : "", parsed->errors.count);
	} else if (!c->core.plan_only && !api_leads(c->api, c->request)) {
		change_free(c);
		return;
	}
	c->core.service = c->service = parsed->service;
	parsed->service = NULL;
	if (parsed->result == 0 && names_begin(c))
		return;
	change_send(c, parsed->result, details, &e);
}

/* Without being verified at one name server: for who has a reason. */
static int at_once_read(struct change *c, struct err *e)
{
	int result = json_get_bool_or(c->body, "at_once", false, &c->core.at_once, e);
	if (result == 0 && c->core.at_once && !c->core.plan_only && *c->core.reason == '\0')
		result = err_set(e, E_INVALID, "reason: found \"\", expected why at once");
	return result;
}

/* 0: the document is being read, and the request goes on in on_parsed. */
static int document_read(struct change *c, struct err *e)
{
	const char *file, *text;
	c->core.type = CORE_REQUEST_APPLY;
	int result = json_get_string(c->body, "document", &text, e);
	if (result == 0)
		result = override_read(c, e);
	if (result == 0)
		result = json_get_string_or(c->body, "file", "document", &file, e);
	if (result == 0)
		result = text_check("file", file, FILE_NAME_BYTES, e);
	if (result == 0)
		result = json_get_u64_or(
		    c->body, "planned_on", INT64_MAX, UINT64_MAX, &c->core.planned_on, e);
	if (result == 0)
		result = json_get_u64_or(
		    c->body, "remove_names", SERVICE_LIST_NAMES, 0, &c->core.remove_names, e);
	if (result == 0)
		result = json_get_u64_or(c->body, "changes", CHANGES_MAX, 0, &c->core.changes, e);
	if (result == 0)
		result = at_once_read(c, e);
	if (result != 0)
		return result;
	c->core.document = text;
	c->core.document_bytes = strlen(text);
	return parser_parse(
	    engine_parser(c->api->engine), file, text, c->core.document_bytes, on_parsed, c, e);
}

static void change_handle(struct api *a, struct http_request *r,
    int (*read)(struct change *c, const char *key, struct err *e))
{
	struct err e = {0};
	if (!api_leads(a, r))
		return;
	struct change *c = change_new(a, r);
	if (http_request_json(r, &c->body, &e) != 0)
		change_fail(c, &e);
	else
		change_send(c, read(c, "site", &e), NULL, &e);
}

void api_drain(struct http_request *r, void *ctx)
{
	change_handle(ctx, r, drain_read);
}

void api_undrain(struct http_request *r, void *ctx)
{
	change_handle(ctx, r, undrain_read);
}

static int extend_read(struct change *c, const char *site_key, struct err *e)
{
	uint64_t by_ms = 0;
	c->core.type = CORE_REQUEST_EXTEND;
	int result = json_get_string(c->body, site_key, &c->core.site, e);
	if (result == 0)
		result = text_check(site_key, c->core.site, SERVICE_NAME_BYTES - 1, e);
	if (result == 0)
		result = json_get_u64(c->body, "by_ms", FOR_MS_MAX, &by_ms, e);
	if (result == 0)
		result = override_read(c, e);
	c->core.extend_ms = (int64_t)by_ms;
	return result;
}

void api_extend(struct http_request *r, void *ctx)
{
	change_handle(ctx, r, extend_read);
}

static int return_read(struct change *c, const char *site_key, struct err *e)
{
	(void)site_key;
	c->core.type = CORE_REQUEST_RETURN;
	int result = json_get_string(c->body, "subject", &c->core.site, e);
	return result != 0 ? result : text_check("subject", c->core.site, SUBJECT_BYTES, e);
}

/* The core says what is wrong with the host, and that a reason is needed. */
static int host_gone_read(struct change *c, const char *site_key, struct err *e)
{
	(void)site_key;
	c->core.type = CORE_REQUEST_HOST_GONE;
	int result = json_get_string(c->body, "host", &c->core.site, e);
	if (result == 0)
		result = text_check("host", c->core.site, HOST_BYTES, e);
	if (result == 0)
		result = json_get_string(c->body, "reason", &c->core.reason, e);
	return result != 0 ? result : text_check("reason", c->core.reason, REASON_BYTES, e);
}

static int hold_read(struct change *c, const char *key, struct err *e)
{
	int result = return_read(c, key, e);
	c->core.type = CORE_REQUEST_HOLD;
	return result != 0 ? result : terms_read(c, e);
}

static int release_read(struct change *c, const char *key, struct err *e)
{
	int result = return_read(c, key, e);
	c->core.type = CORE_REQUEST_RELEASE;
	return result != 0 ? result : override_read(c, e);
}

static int pin_read(struct change *c, const char *key, struct err *e)
{
	const char *to = "";
	int result = return_read(c, key, e);
	if (result == 0)
		result = json_get_string(c->body, "to", &to, e);
	if (result == 0 && strcmp(to, "up") != 0 && strcmp(to, "down") != 0)
		result = err_set(e, E_INVALID, "to: found \"%.20s\", expected up or down", to);
	c->core.type = *to == 'u' ? CORE_REQUEST_PIN_UP : CORE_REQUEST_PIN_DOWN;
	return result != 0 ? result : terms_read(c, e);
}

static int unpin_read(struct change *c, const char *key, struct err *e)
{
	int result = return_read(c, key, e);
	c->core.type = CORE_REQUEST_UNPIN;
	return result != 0 ? result : override_read(c, e);
}

void api_hold(struct http_request *r, void *ctx)
{
	change_handle(ctx, r, hold_read);
}

void api_release(struct http_request *r, void *ctx)
{
	change_handle(ctx, r, release_read);
}

void api_pin(struct http_request *r, void *ctx)
{
	change_handle(ctx, r, pin_read);
}

void api_unpin(struct http_request *r, void *ctx)
{
	change_handle(ctx, r, unpin_read);
}

void api_return(struct http_request *r, void *ctx)
{
	change_handle(ctx, r, return_read);
}

void api_host_gone(struct http_request *r, void *ctx)
{
	change_handle(ctx, r, host_gone_read);
}

static void document_handle(struct change *c)
{
	struct err e = {0};
	int result = document_read(c, &e);
	if (result != 0)
		change_send(c, result, NULL, &e);
}

void api_apply(struct http_request *r, void *ctx)
{
	struct err e = {0};
	if (!api_leads(ctx, r))
		return;
	struct change *c = change_new(ctx, r);
	if (http_request_json(r, &c->body, &e) != 0)
		change_fail(c, &e);
	else
		document_handle(c);
}

/* The leader's plan is the one that will be true; without one, what stands here is asked. */
void api_plan(struct http_request *r, void *ctx)
{
	struct err e = {0};
	if (!http_request_is_local(r) && api_elsewhere(ctx, r))
		return;
	struct change *c = change_new(ctx, r);
	c->core.plan_only = true;
	if (http_request_json(r, &c->body, &e) != 0)
		change_fail(c, &e);
	else if (json_object_get(c->body, "document") != NULL)
		document_handle(c);
	else if (json_object_get(c->body, "drain") != NULL)
		change_send(c, drain_read(c, "drain", &e), NULL, &e);
	else if (json_object_get(c->body, "undrain") != NULL)
		change_send(c, undrain_read(c, "undrain", &e), NULL, &e);
	else if (json_object_get(c->body, "site_down") != NULL)
		change_send(c, outage_read(c, "site_down", &e), NULL, &e);
	else {
		err_set(&e, E_INVALID,
		    "found nothing to plan, expected \"document\", \"drain\", \"undrain\" or "
		    "\"site_down\"");
		change_fail(c, &e);
	}
}
