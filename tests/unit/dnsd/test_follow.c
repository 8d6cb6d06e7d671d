/* Following controllers: the newest view wins, every controller is told, and none is needed. */
#include <unistd.h>

#include "dnsd/follow.h"
#include "lib/http_server.h"
#include "lib/json.h"
#include "lib/log.h"
#include "tests/unit/dnsd/ask.h"

#define CATALOG                                                                                    \
	",\"catalog\":{\"zones\":[{\"name\":\"example.\",\"ttl_s\":300,\"soa\":{\"mname\":"        \
	"\"ns1.example.\",\"rname\":\"host.example.\",\"refresh_s\":1,\"retry_s\":2,"              \
	"\"expire_s\":3,\"minimum_s\":60},\"serial_base\":0,\"records\":[]}],\"names\":"           \
	"[{\"owner\":\"mail.example.\",\"zone\":\"example.\",\"pool\":\"p\"}],\"removals\":[]}"
#define VIEW(epoch, revision, catalog, address)                                                    \
	"{\"version\":1,\"cluster\":\"c\",\"epoch\":" epoch ",\"revision\":" revision catalog      \
	",\"pools\":[{\"name\":\"p\",\"ttl_s\":30,\"members\":[{\"address\":\"" address "\","      \
	"\"site\":\"muc\"}]}]}"

enum { CONTROLLERS = 2 };

struct controller { /* what a controller says, and what it was told */
	struct http_server *server;
	struct http_stream *stream;
	const char *greeting; /* the first line of a stream, or NULL */
	char url[64];
	unsigned opened; /* streams so far */
	uint64_t acked;
	char refused[ERR_TEXT_BYTES];
};

struct stage {
	struct event_base *base;
	struct event *deadline;
	struct controller controllers[CONTROLLERS];
	char folder[64];
	struct keeper *keeper;
	struct snapshot_seat seat;
	struct taker taker;
	const char *urls[CONTROLLERS];
	struct follow *follow;
};

static void on_close(void *ctx)
{
	((struct controller *)ctx)->stream = NULL;
}

static void on_view(struct http_request *r, void *ctx)
{
	struct controller *c = ctx;
	c->opened++;
	c->stream = http_stream_start(r, on_close, c);
	if (c->greeting)
		http_stream_line(c->stream, c->greeting, strlen(c->greeting));
}

static void on_ack(struct http_request *r, void *ctx)
{
	struct controller *c = ctx;
	struct err e = {0};
	const char *name, *refused;
	json_t *o;
	assert_int_equal(http_request_json(r, &o, &e), 0);
	assert_int_equal(json_get_string(o, "name", &name, &e), 0);
	assert_string_equal(name, "dnsd-test");
	assert_int_equal(json_get_u64(o, "epoch", UINT64_MAX, &c->acked, &e), 0);
	assert_int_equal(json_get_string(o, "refused", &refused, &e), 0);
	(void)snprintf(c->refused, sizeof(c->refused), "%s", refused);
	json_decref(o);
	http_reply_json(r, 200, json_pack("{s:b}", "ok", 1));
}

static void on_deadline(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	(void)ctx;
	fail_msg("what was waited for did not come within 10 s");
}

#define UNTIL(condition)                                                                           \
	while (!(condition))                                                                       \
	event_base_loop(s->base, EVLOOP_ONCE)

static void controller_start(struct stage *s, struct controller *c)
{
	static const struct http_route routes[] = {
	    {"GET", "/v1/view", 0, on_view}, {"POST", "/v1/acks", 0, on_ack}};
	static const struct http_limits limits = {.body_bytes = 65536,
	    .header_bytes = 8192,
	    .connections = 16,
	    .idle_ms = 10000,
	    .stream_backlog_bytes = 1024 * 1024};
	struct err e = {0};
	if (http_server_new(s->base, NULL, &limits, routes, 2, c, &c->server, &e) != 0 ||
	    http_server_listen(c->server, "127.0.0.1@0", &e) != 0)
		fail_msg("%s", e.text);
	(void)snprintf(c->url, sizeof(c->url), "http://127.0.0.1:%u", http_server_port(c->server));
}

static struct stage *stage_new(const char *greeting)
{
	struct stage *s = mem_new(1, sizeof(*s));
	struct err e = {0};
	struct timeval limit = {.tv_sec = 10};
	s->base = event_base_new();
	s->deadline = evtimer_new(s->base, on_deadline, NULL);
	evtimer_add(s->deadline, &limit);
	strcpy(s->folder, "/tmp/test-follow-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	assert_int_equal(keeper_open(s->folder, &s->keeper, &e), 0);
	s->taker = (struct taker){.seat = &s->seat, .keeper = s->keeper};
	for (size_t i = 0; i < CONTROLLERS; i++) {
		s->controllers[i].greeting = greeting;
		controller_start(s, &s->controllers[i]);
		s->urls[i] = s->controllers[i].url;
	}
	struct follow_options options = {.name = "dnsd-test",
	    .controllers = s->urls,
	    .controllers_count = CONTROLLERS,
	    .taker = &s->taker};
	if (follow_start(s->base, &options, &s->follow, &e) != 0)
		fail_msg("%s", e.text);
	return s;
}

static void stage_free(struct stage *s)
{
	char *command = mem_printf("rm -rf '%s'", s->folder);
	follow_stop(s->follow);
	for (size_t i = 0; i < CONTROLLERS; i++)
		if (s->controllers[i].server)
			http_server_free(s->controllers[i].server);
	taker_release(&s->taker);
	keeper_close(s->keeper);
	event_free(s->deadline);
	event_base_free(s->base);
	assert_int_equal(system(command), 0);
	free(command);
	free(s);
}

static void say(struct controller *c, const char *line)
{
	http_stream_line(c->stream, line, strlen(line));
}

static bool acked_by_all(const struct stage *s, uint64_t epoch)
{
	for (size_t i = 0; i < CONTROLLERS; i++)
		if (s->controllers[i].acked != epoch)
			return false;
	return true;
}

static bool subscription_is_whole(const struct stage *s)
{
	struct buf text = {0};
	follow_print(s->follow, &text);
	taker_print(&s->taker, &text);
	bool whole = strstr(text.data, "\ntandem_dnsd_controllers_connected 2\n") != NULL;
	buf_free(&text);
	return whole;
}

static void on_keepalives(evutil_socket_t fd, short what, void *ctx)
{
	struct stage *s = ctx;
	(void)fd;
	(void)what;
	for (size_t i = 0; i < CONTROLLERS; i++)
		say(&s->controllers[i], "{\"keepalive\":true,\"epoch\":3,\"quorum\":true}");
}

static void a_view_is_served_and_acked_to_every_controller(void **state)
{
	(void)state;
	struct stage *s = stage_new(VIEW("1", "1", CATALOG, "192.0.2.1"));
	UNTIL(acked_by_all(s, 1));
	expect(s->seat.now, "mail.example. A", "NOERROR aa | mail.example. 30 A 192.0.2.1 |  | ");
	UNTIL(s->controllers[0].stream && s->controllers[1].stream);
	say(&s->controllers[1], VIEW("2", "1", "", "192.0.2.2"));
	UNTIL(acked_by_all(s, 2));
	expect(s->seat.now, "mail.example. A", "NOERROR aa | mail.example. 30 A 192.0.2.2 |  | ");
	struct buf text = {0};
	follow_print(s->follow, &text);
	taker_print(&s->taker, &text);
	assert_non_null(strstr(text.data, "\ntandem_dnsd_epoch 2\n"));
	assert_non_null(strstr(text.data, "\ntandem_dnsd_controllers_connected 2\n"));
	buf_free(&text);
	stage_free(s);
}

static void the_loss_of_a_controller_costs_nothing(void **state)
{
	(void)state;
	struct stage *s = stage_new(VIEW("1", "1", CATALOG, "192.0.2.1"));
	UNTIL(acked_by_all(s, 1) && s->controllers[0].stream && s->controllers[1].stream);
	http_server_free(s->controllers[0].server);
	s->controllers[0].server = NULL;
	say(&s->controllers[1], VIEW("2", "1", "", "192.0.2.2"));
	UNTIL(s->controllers[1].acked == 2);
	http_server_free(s->controllers[1].server);
	s->controllers[1].server = NULL;
	expect(s->seat.now, "mail.example. A", "NOERROR aa | mail.example. 30 A 192.0.2.2 |  | ");
	stage_free(s);
}

static void a_refused_view_is_told_to_every_controller_and_changes_nothing(void **state)
{
	(void)state;
	struct stage *s = stage_new(VIEW("5", "1", CATALOG, "192.0.2.1"));
	UNTIL(acked_by_all(s, 5) && s->controllers[0].stream && s->controllers[1].stream);
	say(&s->controllers[0], VIEW("5", "1", "", "192.0.2.66"));
	UNTIL(strstr(s->controllers[0].refused, "rule 2") &&
	      strstr(s->controllers[1].refused, "rule 2"));
	expect(s->seat.now, "mail.example. A", "NOERROR aa | mail.example. 30 A 192.0.2.1 |  | ");
	say(&s->controllers[0], VIEW("6", "1", "", "192.0.2.6")); /* and over it is */
	UNTIL(acked_by_all(s, 6) && s->controllers[1].refused[0] == '\0');
	say(&s->controllers[1], "{\"version\":9}");
	UNTIL(strstr(s->controllers[0].refused, "can read up to 2"));
	stage_free(s);
}

static void pools_of_an_unknown_revision_bring_the_whole_view(void **state)
{
	(void)state;
	struct stage *s = stage_new(VIEW("1", "1", CATALOG, "192.0.2.1"));
	UNTIL(acked_by_all(s, 1) && s->controllers[0].stream && s->controllers[1].stream);
	for (size_t i = 0; i < CONTROLLERS; i++)
		s->controllers[i].greeting = VIEW("3", "2", CATALOG, "192.0.2.3");
	say(&s->controllers[0], VIEW("3", "2", "", "192.0.2.3"));
	UNTIL(acked_by_all(s, 3));
	assert_true(s->controllers[0].opened >= 2);
	assert_int_equal(s->taker.held->revision, 2);
	stage_free(s);
}

static void a_confused_controller_does_not_cost_the_stream_of_another(void **state)
{
	(void)state;
	struct stage *s = stage_new(VIEW("1", "1", CATALOG, "192.0.2.1"));
	UNTIL(acked_by_all(s, 1) && s->controllers[0].stream && s->controllers[1].stream);
	for (int i = 0; i < 3; i++) { /* pools of a revision that its whole view does not have */
		unsigned opened = s->controllers[0].opened;
		say(&s->controllers[0], VIEW("9", "8", "", "192.0.2.66"));
		UNTIL(s->controllers[0].opened > opened);
		UNTIL(subscription_is_whole(s));
	}
	assert_int_equal(s->controllers[1].opened, 1);
	say(&s->controllers[1], VIEW("2", "1", "", "192.0.2.2"));
	UNTIL(acked_by_all(s, 2));
	stage_free(s);
}

static void a_cluster_that_went_back_is_not_believed_and_not_kept_silent_about(void **state)
{
	(void)state;
	struct stage *s = stage_new(VIEW("9", "1", CATALOG, "192.0.2.1"));
	UNTIL(acked_by_all(s, 9) && s->controllers[0].stream && s->controllers[1].stream);
	say(&s->controllers[0], VIEW("3", "1", "", "192.0.2.3")); /* one alone may lag */
	struct event *more = event_new(s->base, -1, EV_PERSIST, on_keepalives, s);
	struct timeval pause = {.tv_usec = 200000};
	event_add(more, &pause);
	UNTIL(strstr(s->controllers[0].refused, "rule 2: serves epoch 9, but every controller"));
	expect(s->seat.now, "mail.example. A", "NOERROR aa | mail.example. 30 A 192.0.2.1 |  | ");
	event_free(more);
	say(&s->controllers[1], VIEW("10", "1", "", "192.0.2.4"));
	UNTIL(acked_by_all(s, 10) && s->controllers[0].refused[0] == '\0');
	stage_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_view_is_served_and_acked_to_every_controller),
	    cmocka_unit_test(the_loss_of_a_controller_costs_nothing),
	    cmocka_unit_test(a_refused_view_is_told_to_every_controller_and_changes_nothing),
	    cmocka_unit_test(pools_of_an_unknown_revision_bring_the_whole_view),
	    cmocka_unit_test(a_confused_controller_does_not_cost_the_stream_of_another),
	    cmocka_unit_test(a_cluster_that_went_back_is_not_believed_and_not_kept_silent_about),
	};
	log_open("test_follow", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
