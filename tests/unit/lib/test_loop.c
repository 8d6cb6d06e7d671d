/* lib/loop: when signals are heard, from a daemon's first line to its last. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

#include "lib/loop.h"

static bool is_held(int number)
{
	sigset_t now;
	assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &now), 0);
	return sigismember(&now, number) == 1;
}

/* Of one test the next must not hear. */
static int forget(void **state)
{
	(void)state;
	static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
	sigset_t all;
	sigemptyset(&all);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		assert_true(signal(numbers[i], SIG_IGN) != SIG_ERR);
		sigaddset(&all, numbers[i]);
	}
	assert_int_equal(pthread_sigmask(SIG_UNBLOCK, &all, NULL), 0);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		assert_true(signal(numbers[i], SIG_DFL) != SIG_ERR);
	return 0;
}

static void on_reload(void *ctx)
{
	loop_end(ctx);
}

static void a_signal_to_end_that_comes_at_the_start_ends_the_loop(void **state)
{
	(void)state;
	static const int numbers[] = {SIGTERM, SIGINT};
	for (size_t i = 0; i < 2; i++) {
		struct loop *l = NULL;
		loop_hold_signals();
		assert_int_equal(raise(numbers[i]), 0); /* the configuration is being read */
		assert_int_equal(loop_new(&l, NULL), 0);
		assert_false(is_held(SIGTERM));
		assert_true(is_held(SIGHUP)); /* nobody hears it yet */
		assert_int_equal(loop_run(l), 0);
		loop_free(l);
	}
}

static void a_reload_that_is_asked_for_at_the_start_is_done(void **state)
{
	(void)state;
	struct loop *l = NULL;
	loop_hold_signals();
	assert_int_equal(loop_new(&l, NULL), 0);
	assert_int_equal(raise(SIGHUP), 0);
	loop_on_reload(l, on_reload, l);
	assert_int_equal(loop_run(l), 0);
	loop_free(l);
	assert_false(is_held(SIGTERM)); /* no signal has ended it */
}

static void who_was_told_to_end_hears_no_more(void **state)
{
	(void)state;
	struct loop *l = NULL;
	loop_hold_signals();
	assert_int_equal(loop_new(&l, NULL), 0);
	loop_on_reload(l, on_reload, l);
	assert_int_equal(raise(SIGTERM), 0);
	assert_int_equal(loop_run(l), 0);
	assert_int_equal(raise(SIGTERM), 0); /* what it has is being put down */
	loop_free(l);
	assert_int_equal(raise(SIGTERM), 0); /* and now it would have ended by these */
	assert_int_equal(raise(SIGINT), 0);
	assert_int_equal(raise(SIGHUP), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(
	        a_signal_to_end_that_comes_at_the_start_ends_the_loop, forget),
	    cmocka_unit_test_teardown(a_reload_that_is_asked_for_at_the_start_is_done, forget),
	    cmocka_unit_test_teardown(who_was_told_to_end_hears_no_more, forget),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
