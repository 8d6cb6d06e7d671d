/* Fetches what is missing of lists of names. */
#include "dnsd/names_fetch.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/log.h"

enum {
	BATCH = 48,                     /* parts of one question: the controller's bound */
	ANSWER_BYTES = 8 * 1024 * 1024, /* 2 MiB of parts and one more, as base64 */
	SILENCE_MS = 10000,             /* without an octet: this controller does not answer */
	ANSWER_MS = 120000, /* of a whole answer, however slow the link: then fewer are asked for */
	AGAIN_MS = 500,
};

struct names_fetcher {
	struct names_fetch_options options;
	struct http_call *call; /* NULL: none under way */
	struct event *again;
	size_t controller;
	struct names_missing asked[BATCH];
	size_t asked_count;
	size_t batch; /* as many at once: fewer where they do not come in time */
	uint64_t asked_ms;
	size_t taken_count; /* the first of `asked` that the last answer had */
	bool completes;     /* inside options.complete */
	struct names_text text;
};

static void step(struct names_fetcher *f);

static void on_again(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	step(ctx);
}

struct names_fetcher *names_fetcher_new(const struct names_fetch_options *options)
{
	struct names_fetcher *f = mem_new(1, sizeof(*f));
	f->options = *options;
	f->options.silence_ms = options->silence_ms ? options->silence_ms : SILENCE_MS;
	f->options.answer_ms = options->answer_ms ? options->answer_ms : ANSWER_MS;
	f->batch = BATCH;
	f->again = evtimer_new(options->base, on_again, f);
	return f;
}

void names_fetcher_free(struct names_fetcher *f)
{
	if (!f)
		return;
	if (f->call)
		http_call_cancel(f->call);
	event_free(f->again);
	names_text_release(&f->text);
	free(f);
}

static void fail(struct names_fetcher *f, const char *why, unsigned pause_ms)
{
	struct timeval pause = {.tv_usec = (suseconds_t)pause_ms * 1000};
	f->controller = (f->controller + 1) % f->options.controllers_count;
	evtimer_add(f->again, &pause);
	f->options.failed(f->options.ctx, why);
}

/* Is the part what was asked for? */
static int part_check(struct names_fetcher *f, const struct names_missing *m, const void *data,
    size_t bytes, struct err *e)
{
	if (!m->is_list)
		return names_chunk_open(&m->chunk, data, bytes, &f->text, e);
	struct names_manifest manifest;
	int r = names_manifest_read(data, bytes, &manifest, e);
	if (r == 0 && memcmp(manifest.digest, m->chunk.digest, VIEW_DIGEST_BYTES) != 0)
		r = err_set(e, E_INVALID, "a list of names with another digest");
	names_manifest_release(&manifest);
	return r;
}

static int part_take(
    struct names_fetcher *f, const struct names_missing *m, const char *text, struct err *e)
{
	size_t length = strlen(text);
	if (length == 0 || length % 4 != 0)
		return err_set(e, E_INVALID, "a part of a list of names that is no base64");
	unsigned char *raw = mem_new(length / 4 * 3, 1);
	int bytes = EVP_DecodeBlock(raw, (const unsigned char *)text, (int)length);
	bytes -= (text[length - 1] == '=') + (text[length - 2] == '=');
	int r = bytes <= 0 ? err_set(e, E_INVALID, "a part of a list of names that is no base64")
	                   : part_check(f, m, raw, (size_t)bytes, e);
	if (r == 0)
		r = names_pack_add(f->options.pack, m->chunk.digest, raw, (size_t)bytes, e);
	free(raw);
	return r;
}

static int answer_take(struct names_fetcher *f, const struct http_response *response, struct err *e)
{
	char hex[NAMES_HEX_BYTES];
	const json_t *blobs;
	json_t *o = NULL;
	size_t taken = 0;
	f->taken_count = 0;
	if (response->error)
		return err_set(e, E_IO, "%.300s", response->error);
	if (response->status != 200)
		return err_set(e, E_NOT_FOUND, "answered with status %d", response->status);
	int r = json_parse(response->body, response->body_bytes, &o, e);
	if (r == 0)
		r = json_get_object(o, "blobs", &blobs, e);
	for (size_t i = 0; r == 0 && i < f->asked_count; i++) {
		const char *text = json_string_value(
		    json_object_get(blobs, names_hex(f->asked[i].chunk.digest, hex)));
		if (!text)
			continue;
		f->asked[taken++] = f->asked[i];
		r = part_take(f, &f->asked[taken - 1], text, e);
	}
	f->taken_count = taken;
	if (r == 0 && taken == 0)
		r = err_set(e, E_NOT_FOUND, "an answer without any part that was asked for");
	json_decref(o);
	return r;
}

/* A slow link gets through with less at a time. More again where there is time to spare: a link
 * that needs more than a quarter of it would not make twice as much for sure. True: it is worth
 * trying at once. */
static bool batch_adapt(struct names_fetcher *f, const struct http_response *response, bool good)
{
	if (good && clock_mono_ms() - f->asked_ms < f->options.answer_ms / 4)
		f->batch = 2 * f->batch < BATCH ? 2 * f->batch : BATCH;
	if (response->error_code != E_TIMEOUT || f->asked_count == 1)
		return false;
	f->batch = f->asked_count / 2;
	return true;
}

static void on_done(void *ctx, const struct http_response *response)
{
	struct names_fetcher *f = ctx;
	struct err e = {0};
	f->call = NULL;
	bool good = answer_take(f, response, &e) == 0;
	bool at_once = batch_adapt(f, response, good);
	if (good) {
		step(f);
		return;
	}
	char *why = mem_printf("its lists of names do not come from %s: %s",
	    f->options.controllers[f->controller], e.text);
	fail(f, why, at_once ? 0 : AGAIN_MS);
	free(why);
}

static void ask(struct names_fetcher *f)
{
	struct buf url = {0};
	char hex[NAMES_HEX_BYTES];
	bool is_list = f->asked[0].is_list;
	size_t kept = 0;
	for (size_t i = 0; i < f->asked_count; i++)
		if (f->asked[i].is_list == is_list && (!is_list || kept == 0))
			f->asked[kept++] = f->asked[i];
	f->asked_count = kept;
	buf_printf(&url, "%s/v1/names/%s/", f->options.controllers[f->controller],
	    is_list ? "list" : "chunk");
	for (size_t i = 0; i < f->asked_count; i++)
		buf_printf(
		    &url, "%s%s", i > 0 ? "," : "", names_hex(f->asked[i].chunk.digest, hex));
	f->asked_ms = clock_mono_ms();
	f->call =
	    http_call_start(f->options.client, &(struct http_call_options){.url = buf_text(&url),
	                                           .timeout_ms = f->options.answer_ms,
	                                           .silence_ms = f->options.silence_ms,
	                                           .max_bytes = ANSWER_BYTES,
	                                           .on_done = on_done,
	                                           .ctx = f});
	buf_free(&url);
}

/* Is something missing that was added just now? Then asking again at once would never end. */
static bool is_unkept(
    const struct names_fetcher *f, const struct names_missing *missing, size_t count)
{
	for (size_t i = 0; i < f->taken_count; i++)
		for (size_t j = 0; j < count; j++)
			if (memcmp(f->asked[i].chunk.digest, missing[j].chunk.digest,
			        VIEW_DIGEST_BYTES) == 0)
				return true;
	return false;
}

/* All is there; unless some of it turns out not to read. */
static void complete(struct names_fetcher *f)
{
	f->completes = true;
	f->options.complete(f->options.ctx);
	f->completes = false;
	if (f->options.wanted(f->options.ctx))
		fail(f, "what was fetched of its lists of names does not read from the disk",
		    AGAIN_MS);
}

static void step(struct names_fetcher *f)
{
	struct names_missing missing[BATCH];
	const struct view_catalog *wanted = f->options.wanted(f->options.ctx);
	if (f->call || !wanted)
		return;
	evtimer_del(f->again);
	size_t count = names_pack_missing(
	    f->options.pack, wanted->lists, wanted->lists_count, missing, f->batch);
	bool unkept = is_unkept(f, missing, count);
	f->taken_count = 0;
	if (unkept) {
		fail(f, "what was fetched of its lists of names does not stay on the disk",
		    AGAIN_MS);
	} else if (count == 0) {
		complete(f);
	} else {
		memcpy(f->asked, missing, count * sizeof(*missing));
		f->asked_count = count;
		ask(f);
	}
}

void names_fetcher_begin(struct names_fetcher *f, size_t controller)
{
	if (f->call || f->completes || evtimer_pending(f->again, NULL))
		return;
	f->controller = controller;
	step(f);
}
