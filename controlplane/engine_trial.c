/* Reads the document that is on trial at one name server, beside the one in force.
 *
 * Nothing waits for it: what is in force is followed and streamed meanwhile. A controller that can
 * not read it leaves the office to one that can (decision 013). */
#include <inttypes.h>
#include <stdlib.h>

#include "controlplane/engine_parts.h"
#include "lib/base/mem.h"
#include "lib/log.h"

enum { TRIAL_AGAIN_MS = 100 };

static void trial_forget(struct engine *en)
{
	service_drop(en->trial.service);
	free(en->trial.document);
	en->trial.service = NULL;
	en->trial.document = NULL;
	en->trial.document_bytes = 0;
	en->trial.revision = 0;
}

/* The revision on trial, 0: none. */
static uint64_t trial_wanted(const struct engine *en)
{
	const struct state *s = core_state(en->core);

	return s != NULL && s->trial.state == TRIAL_OFFERED ? s->trial.revision : 0;
}

static void trial_feed(struct engine *en)
{
	engine_step(en, &(struct core_event){.type = CORE_TRIAL_DOCUMENT,
	                    .trial_document = {.revision = en->trial.revision,
	                        .service = en->trial.service,
	                        .document = en->trial.document,
	                        .document_bytes = en->trial.document_bytes}});
}

static void on_again(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd, (void)what;
	trial_load(ctx);
}

static void trial_later(struct engine *en)
{
	static const struct timeval pause = {.tv_usec = TRIAL_AGAIN_MS * 1000};

	en->trial.busy = false;
	if (en->trial.timer == NULL)
		en->trial.timer = evtimer_new(en->options.base, on_again, en);
	evtimer_add(en->trial.timer, &pause);
}

static void on_parsed(void *ctx, struct parser_result *parsed)
{
	struct engine *en = ctx;
	uint64_t revision = en->trial.revision;

	en->trial.busy = false;
	trial_forget(en);
	if (parsed->result != 0) {
		en->trial.refused = revision;
		log_error("this release does not accept the service document on trial, revision "
		          "%" PRIu64 ": this controller does not lead meanwhile; %s",
		    revision, parsed->errors.count > 0 ? parsed->errors.lines[0] : "");
		load_begin(en); /* which looks at trial_obstacle */
		return;
	}
	en->trial.revision = revision;
	en->trial.service = parsed->service;
	en->trial.document = parsed->text;
	en->trial.document_bytes = parsed->bytes;
	parsed->service = NULL;
	parsed->text = NULL;
	if (trial_wanted(en) == revision)
		trial_feed(en);
	else
		trial_load(en); /* another one meanwhile */
}

static void on_document(void *ctx, int result, const struct err *e, uint64_t revision,
    const struct store_entry *entries, size_t count)
{
	struct engine *en = ctx;
	char name[ENGINE_KEY_BYTES];

	(void)e, (void)revision;
	snprintf(name, sizeof name, "revision %" PRIu64, en->trial.revision);
	if (result != 0 || count == 0 ||
	    parser_parse(
	        en->parser, name, entries[0].value, entries[0].bytes, on_parsed, en, NULL) != 0)
		trial_later(en);
}

void trial_load(struct engine *en)
{
	uint64_t wanted = trial_wanted(en);
	char key[ENGINE_KEY_BYTES];

	if (wanted == 0 || en->trial.busy || en->trial.refused == wanted ||
	    core_trial_service(en->core) != NULL)
		return;
	if (en->trial.service != NULL && en->trial.revision == wanted) {
		trial_feed(en);
		return;
	}
	trial_forget(en);
	en->trial.busy = true;
	en->trial.revision = wanted;
	store_get(en->options.store, key_format(key, KEY_CONFIG, wanted), on_document, en);
}

void trial_keep(struct engine *en, uint64_t revision, char *document, size_t document_bytes)
{
	const struct service *service = core_trial_service(en->core);

	if (en->trial.busy || service == NULL || trial_wanted(en) != revision) {
		free(document);
		return;
	}
	trial_forget(en);
	en->trial.revision = revision;
	en->trial.service = service_hold((struct service *)(uintptr_t)service);
	en->trial.document = document;
	en->trial.document_bytes = document_bytes;
}

bool trial_take_over(struct engine *en, uint64_t revision)
{
	if (en->trial.busy || en->trial.service == NULL || en->trial.revision != revision)
		return false;
	service_drop(en->service);
	free(en->document);
	en->service = en->trial.service;
	en->document = en->trial.document;
	en->document_bytes = en->trial.document_bytes;
	en->service_revision = revision;
	en->trial.service = NULL;
	en->trial.document = NULL;
	trial_forget(en);
	return true;
}

const char *trial_obstacle(const struct engine *en)
{
	return en->trial.refused != 0 && en->trial.refused == trial_wanted(en)
	           ? "this release does not accept the service document that is on trial: what is "
	             "published stays, and this controller does not lead"
	           : NULL;
}

void trial_release(struct engine *en)
{
	if (en->trial.timer != NULL)
		event_free(en->trial.timer);
	trial_forget(en);
}
