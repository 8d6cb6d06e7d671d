/* Fetching lists of names: a disk that keeps nothing does not make it ask without pause, a slow
 * link is not asked for more than it carries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dnsd/names_fetch.h"
#include "lib/base/mem.h"
#include "lib/http_server.h"
#include "lib/json.h"

struct stage {
	struct event_base *base;
	struct names_manifest manifest;
	char *text; /* of the manifest, as base64 */
	struct view_names list;
	struct view_catalog wanted;
	unsigned asked, failed;
};

static void chunk_made(void *ctx, const struct names_chunk *c, const void *data, size_t bytes)
{
	(void)ctx;
	(void)c;
	(void)data;
	(void)bytes;
}

static void list_make(struct stage *s)
{
	static const char *const names[] = {"a.example.", "b.example."};
	size_t bytes;
	names_pack(names, 2, chunk_made, NULL, &s->manifest);
	char *text = names_manifest_text(&s->manifest, &bytes);
	s->text = mem_new(bytes / 3 * 4 + 5, 1);
	EVP_EncodeBlock((unsigned char *)s->text, (const unsigned char *)text, (int)bytes);
	free(text);
	memcpy(s->list.digest, s->manifest.digest, VIEW_DIGEST_BYTES);
	s->wanted = (struct view_catalog){.lists = &s->list, .lists_count = 1};
}

static void on_list(struct http_request *r, void *ctx)
{
	struct stage *s = ctx;
	char hex[NAMES_HEX_BYTES];
	s->asked++;
	http_reply_json(
	    r, 200, json_pack("{s:{s:s}}", "blobs", names_hex(s->manifest.digest, hex), s->text));
}

static const struct view_catalog *wanted(void *ctx)
{
	return &((struct stage *)ctx)->wanted;
}

static void complete(void *ctx)
{
	(void)ctx;
	fail_msg("nothing was kept, and all is there");
}

static void failed(void *ctx, const char *why)
{
	assert_non_null(strstr(why, "does not stay on the disk"));
	((struct stage *)ctx)->failed++;
}

static void what_does_not_stay_on_the_disk_is_asked_for_with_a_pause(void **state)
{
	static const struct http_route routes[] = {{"GET", "/v1/names/list/", 0, on_list}};
	static const struct http_limits limits = {.body_bytes = 65536,
	    .header_bytes = 8192,
	    .connections = 16,
	    .idle_ms = 10000,
	    .stream_backlog_bytes = 1024 * 1024};
	const struct timeval time = {.tv_usec = 400 * 1000};
	struct stage s = {.base = event_base_new()};
	struct http_server *server;
	struct names_fetch_options options = {.base = s.base,
	    .controllers_count = 1,
	    .wanted = wanted,
	    .complete = complete,
	    .failed = failed,
	    .ctx = &s};
	char folder[] = "/tmp/test-fetch-XXXXXX", url[64], path[64];
	(void)state;
	list_make(&s);
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/names.pack", folder);
	assert_int_equal(symlink("/dev/null", path), 0); /* takes all and keeps nothing */
	assert_int_equal(names_pack_open(folder, &options.pack, NULL), 0);
	assert_int_equal(http_server_new(s.base, NULL, &limits, routes, 1, &s, &server, NULL), 0);
	assert_int_equal(http_server_listen(server, "127.0.0.1@0", NULL), 0);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u", http_server_port(server));
	options.controllers = (const char *const[]){url};
	assert_int_equal(http_client_new(s.base, NULL, &options.client, NULL), 0);
	struct names_fetcher *f = names_fetcher_new(&options);
	names_fetcher_begin(f, 0);
	event_base_loopexit(s.base, &time);
	event_base_dispatch(s.base);
	assert_int_equal(s.asked, 1);
	assert_int_equal(s.failed, 1);
	names_fetcher_free(f);
	http_client_free(options.client);
	http_server_free(server);
	names_pack_close(options.pack);
	names_manifest_release(&s.manifest);
	free(s.text);
	event_base_free(s.base);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(folder), 0);
}

/* --- a slow link ---------------------------------------------------------------------------- */

enum { NAMES = 40000, CHUNKS_MAX = 256, SLOW_PARTS = 3, HELD_MAX = 32 };

struct link { /* with room for so many parts an answer: what is asked beyond never comes */
	struct event_base *base;
	struct names_manifest manifest;
	struct view_names list;
	struct view_catalog wanted;
	struct names_pack *pack;
	struct part {
		uint8_t digest[VIEW_DIGEST_BYTES];
		char *text;
	} parts[CHUNKS_MAX];
	size_t parts_count;
	struct http_request *held[HELD_MAX];
	size_t held_count;
	bool is_complete;
};

static void part_keep(struct link *l, const uint8_t *digest, const void *data, size_t bytes)
{
	assert_true(l->parts_count < CHUNKS_MAX);
	struct part *part = &l->parts[l->parts_count++];
	memcpy(part->digest, digest, VIEW_DIGEST_BYTES);
	part->text = mem_new(bytes / 3 * 4 + 5, 1);
	EVP_EncodeBlock((unsigned char *)part->text, data, (int)bytes);
}

static void link_chunk(void *ctx, const struct names_chunk *c, const void *data, size_t bytes)
{
	part_keep(ctx, c->digest, data, bytes);
}

static void link_fill(struct link *l)
{
	static char *names[NAMES];
	size_t bytes;
	for (size_t i = 0; i < NAMES; i++)
		names[i] = mem_printf("n%05zu.example.", i);
	names_pack((const char *const *)names, NAMES, link_chunk, l, &l->manifest);
	for (size_t i = 0; i < NAMES; i++)
		free(names[i]);
	char *text = names_manifest_text(&l->manifest, &bytes);
	part_keep(l, l->manifest.digest, text, bytes);
	free(text);
	memcpy(l->list.digest, l->manifest.digest, VIEW_DIGEST_BYTES);
	l->wanted = (struct view_catalog){.lists = &l->list, .lists_count = 1};
	assert_true(l->parts_count > 4 * SLOW_PARTS);
}

static void on_parts(struct http_request *r, void *ctx)
{
	struct link *l = ctx;
	char hex[NAMES_HEX_BYTES];
	const char *asked = http_request_path_rest(r);
	json_t *blobs = json_object();
	for (size_t i = 0; i < l->parts_count; i++)
		if (strstr(asked, names_hex(l->parts[i].digest, hex)))
			json_object_set_new(blobs, hex, json_string(l->parts[i].text));
	if (json_object_size(blobs) <= SLOW_PARTS) {
		http_reply_json(r, 200, json_pack("{s:o}", "blobs", blobs));
		return;
	}
	json_decref(blobs);
	assert_true(l->held_count < HELD_MAX);
	l->held[l->held_count++] = r;
}

static const struct view_catalog *link_wanted(void *ctx)
{
	struct link *l = ctx;
	return l->is_complete ? NULL : &l->wanted;
}

static void link_complete(void *ctx)
{
	struct link *l = ctx;
	l->is_complete = true;
	event_base_loopbreak(l->base);
}

static void link_failed(void *ctx, const char *why)
{
	(void)ctx;
	(void)why;
}

static void a_slow_link_is_asked_for_less_at_a_time(void **state)
{
	static const struct http_route routes[] = {
	    {"GET", "/v1/names/list/", 0, on_parts}, {"GET", "/v1/names/chunk/", 0, on_parts}};
	static const struct http_limits limits = {.body_bytes = 65536,
	    .header_bytes = 8192,
	    .connections = 64,
	    .idle_ms = 10000,
	    .stream_backlog_bytes = 1024 * 1024};
	struct link *l = mem_new(1, sizeof(*l));
	struct http_server *server;
	char folder[] = "/tmp/test-fetch-XXXXXX", url[64], path[64];
	(void)state;
	l->base = event_base_new();
	link_fill(l);
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/names.pack", folder);
	assert_int_equal(names_pack_open(folder, &l->pack, NULL), 0);
	assert_int_equal(http_server_new(l->base, NULL, &limits, routes, 2, l, &server, NULL), 0);
	assert_int_equal(http_server_listen(server, "127.0.0.1@0", NULL), 0);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u", http_server_port(server));
	struct names_fetch_options options = {.base = l->base,
	    .controllers = (const char *const[]){url},
	    .controllers_count = 1,
	    .pack = l->pack,
	    .silence_ms = 100,
	    .answer_ms = 10000,
	    .wanted = link_wanted,
	    .complete = link_complete,
	    .failed = link_failed,
	    .ctx = l};
	const struct timeval long_enough = {.tv_sec = 20};
	assert_int_equal(http_client_new(l->base, NULL, &options.client, NULL), 0);
	struct names_fetcher *f = names_fetcher_new(&options);
	names_fetcher_begin(f, 0);
	event_base_loopexit(l->base, &long_enough);
	event_base_dispatch(l->base);
	assert_true(l->is_complete);
	assert_true(l->held_count > 0);
	names_fetcher_free(f);
	http_client_free(options.client);
	http_server_free(server);
	for (size_t i = 0; i < l->held_count; i++)
		http_reply_text(l->held[i], 200, "text/plain", "");
	names_pack_close(l->pack);
	names_manifest_release(&l->manifest);
	for (size_t i = 0; i < l->parts_count; i++)
		free(l->parts[i].text);
	event_base_free(l->base);
	free(l);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_does_not_stay_on_the_disk_is_asked_for_with_a_pause),
	    cmocka_unit_test(a_slow_link_is_asked_for_less_at_a_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
