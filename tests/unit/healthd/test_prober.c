/* Targets as a whole: order of results, streaks over a change of plan, bounds, our own sleep. */
#include "rig.h"

#include <time.h>

#include "healthd/prober.h"
#include "lib/log.h"

struct stage {
	struct rig rig;
	struct prober *prober;
	struct evconnlistener *listener;
	uint16_t port;
	unsigned accepted, silent; /* the first `silent` connections hear nothing */
	struct bufferevent *streams[64];
};

static void on_line(struct bufferevent *stream, void *ctx)
{
	struct evbuffer *in = bufferevent_get_input(stream);
	(void)ctx;
	evbuffer_drain(in, evbuffer_get_length(in));
	evbuffer_add_printf(bufferevent_get_output(stream), "250 yes\r\n");
}

static void on_accept(
    struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *sa, int bytes, void *ctx)
{
	struct stage *s = ctx;
	(void)listener, (void)sa, (void)bytes;
	struct bufferevent *stream = bufferevent_socket_new(s->rig.base, fd, BEV_OPT_CLOSE_ON_FREE);
	struct bufferevent **slot = &s->streams[s->accepted % 64];
	if (*slot != NULL)
		bufferevent_free(*slot);
	*slot = stream;
	if (s->accepted++ < s->silent)
		return;
	bufferevent_setcb(stream, on_line, NULL, NULL, s);
	bufferevent_enable(stream, EV_READ | EV_WRITE);
	evbuffer_add_printf(bufferevent_get_output(stream), "220 hello\r\n");
}

static void stage_init(struct stage *s, unsigned silent, unsigned in_flight_max)
{
	memset(s, 0, sizeof(*s));
	log_open("test", LOG_LEVEL_ERROR);
	rig_init(&s->rig);
	s->silent = silent;
	int fd = rig_socket("127.0.0.1", 64, &s->port);
	s->listener = evconnlistener_new(s->rig.base, on_accept, s, LEV_OPT_CLOSE_ON_FREE, 0, fd);
	s->prober = prober_new(s->rig.base, s->rig.env, in_flight_max, 1);
}

static void stage_release(struct stage *s)
{
	prober_free(s->prober);
	evconnlistener_free(s->listener);
	for (size_t i = 0; i < 64; i++)
		if (s->streams[i] != NULL)
			bufferevent_free(s->streams[i]);
	rig_release(&s->rig);
}

static struct service_check smtp(const struct stage *s, uint32_t interval_ms, uint32_t timeout_ms)
{
	return (struct service_check){.name = "smtp",
	    .type = CHECK_SMTP,
	    .port = s->port,
	    .interval_ms = interval_ms,
	    .timeout_ms = timeout_ms,
	    .fall = 3,
	    .rise = 2};
}

static void take(
    struct stage *s, const char *const *members, size_t count, struct service_check check)
{
	struct probe_target targets[8] = {0};
	struct probe_plan plan = {.revision = 1, .targets = targets, .targets_count = count};
	for (size_t i = 0; i < count; i++)
		targets[i] = (struct probe_target){.member = (char *)members[i],
		    .address = rig_address("127.0.0.1"),
		    .checks = &check,
		    .checks_count = 1};
	prober_take(s->prober, &plan);
}

static struct prober_counts counts(const struct stage *s)
{
	struct prober_counts c;
	prober_counts_get(s->prober, &c);
	return c;
}

static struct prober_target_view target(const struct stage *s, size_t i)
{
	struct prober_target_view v;
	prober_target_get(s->prober, i, &v);
	return v;
}

static void turn(struct stage *s)
{
	event_base_loop(s->rig.base, EVLOOP_ONCE);
}

static const char *const one[] = {"mail-de/127.0.0.1"};
static const char *const two[] = {"mail-de/127.0.0.1", "mail-us/127.0.0.1"};

static void a_good_member_gathers_a_streak(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s, 0, 100);
	take(&s, two, 2, smtp(&s, 10, 1000));
	while (target(&s, 0).streak->count < 5 || target(&s, 1).streak->count < 5)
		turn(&s);
	assert_true(target(&s, 0).streak->ok);
	assert_int_equal(counts(&s).failed, 0);
	assert_int_equal(counts(&s).targets, 2);
	stage_release(&s);
}

static void results_count_in_the_order_of_their_start(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s, 1, 100); /* only the first probe hangs */
	take(&s, one, 1, smtp(&s, 20, 100));
	while (counts(&s).failed == 0) {
		assert_int_equal(target(&s, 0).streak->count, 0); /* younger ones have to wait */
		turn(&s);
	}
	while (target(&s, 0).streak->count < 3)
		turn(&s);
	assert_true(target(&s, 0).streak->ok);
	assert_int_equal(counts(&s).failed, 1);
	stage_release(&s);
}

static void a_hanging_member_has_a_bounded_number_of_probes(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s, UINT32_MAX, 100);
	take(&s, one, 1, smtp(&s, 10, 40));
	while (target(&s, 0).streak->count < 5) {
		assert_in_range(target(&s, 0).in_flight, 0, 6);
		turn(&s);
	}
	assert_false(target(&s, 0).streak->ok);
	assert_string_equal(
	    target(&s, 0).streak->detail, "timed out waiting for the banner after 40 ms");
	stage_release(&s);
}

static void beyond_the_limit_probes_wait_and_that_is_counted(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s, UINT32_MAX, 1);
	take(&s, two, 2, smtp(&s, 30, 30));
	while (target(&s, 0).streak->count < 2 || target(&s, 1).streak->count < 2) {
		assert_in_range(counts(&s).in_flight, 0, 1);
		turn(&s);
	}
	assert_true(counts(&s).delayed > 0);
	stage_release(&s);
}

static void a_new_plan_keeps_the_streaks_of_what_is_unchanged(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s, 0, 100);
	take(&s, one, 1, smtp(&s, 10, 1000));
	while (target(&s, 0).streak->count < 4)
		turn(&s);
	take(&s, two, 2, smtp(&s, 10, 1000));
	assert_int_equal(prober_targets(s.prober), 2);
	assert_string_equal(target(&s, 0).member, two[0]);
	assert_int_equal(target(&s, 0).streak->count, 4);
	assert_int_equal(target(&s, 1).streak->count, 0);
	struct service_check changed = smtp(&s, 10, 1000);
	changed.ehlo = "other.example";
	take(&s, two, 1, changed);
	assert_int_equal(prober_targets(s.prober), 1);
	assert_int_equal(target(&s, 0).streak->count, 0);
	stage_release(&s);
}

static void what_leaves_the_plan_is_cancelled(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s, UINT32_MAX, 100);
	take(&s, two, 2, smtp(&s, 10, 10000));
	while (counts(&s).in_flight < 6)
		turn(&s);
	take(&s, two, 0, smtp(&s, 10, 10000));
	assert_int_equal(counts(&s).in_flight, 0);
	assert_int_equal(prober_targets(s.prober), 0);
	stage_release(&s);
}

static void void_probes_leave_the_streak_alone(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s, 0, 100);
	struct service_check c = smtp(&s, 10, 1000);
	c.user = "user"; /* without STARTTLS: refused by ourselves */
	take(&s, one, 1, c);
	while (counts(&s).void_results < 3)
		turn(&s);
	assert_int_equal(target(&s, 0).streak->count, 0);
	assert_int_equal(counts(&s).failed, 0);
	stage_release(&s);
}

/* The process is stopped (SIGSTOP, a paused machine): here, the loop does not come to run. */
static void stop_for(unsigned ms)
{
	struct timespec t = {.tv_nsec = (long)ms * 1000000};
	nanosleep(&t, NULL);
}

static void timeouts_of_our_own_sleep_are_not_reported(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s, 3, 100);
	take(&s, one, 1, smtp(&s, 60, 150));
	while (counts(&s).in_flight < 1)
		turn(&s);
	stop_for(200); /* longer than the timeout: the probe under way has run out */
	while (counts(&s).stalled == 0)
		turn(&s);
	assert_int_equal(counts(&s).failed, 0);
	assert_int_equal(target(&s, 0).streak->count, 0);
	assert_true(counts(&s).stalls >= 1);
	/* What starts afterwards counts again, timeouts too. */
	while (target(&s, 0).streak->count == 0)
		turn(&s);
	assert_false(target(&s, 0).streak->ok);
	stage_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_good_member_gathers_a_streak),
	    cmocka_unit_test(results_count_in_the_order_of_their_start),
	    cmocka_unit_test(a_hanging_member_has_a_bounded_number_of_probes),
	    cmocka_unit_test(beyond_the_limit_probes_wait_and_that_is_counted),
	    cmocka_unit_test(a_new_plan_keeps_the_streaks_of_what_is_unchanged),
	    cmocka_unit_test(what_leaves_the_plan_is_cancelled),
	    cmocka_unit_test(void_probes_leave_the_streak_alone),
	    cmocka_unit_test(timeouts_of_our_own_sleep_are_not_reported),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
