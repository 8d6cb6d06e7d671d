/* Taking over from a server that dies meanwhile: what it served last is on the disk. */
#include <signal.h>
#include <sys/socket.h>

#include "dnsd/daemon_private.h"
#include "tests/unit/dnsd/taker_rig.h"

/* A new server that has read the disk and greeted the old one. */
static struct daemon *successor_new(const struct stage *old, int *old_end)
{
	struct daemon *d = mem_new(1, sizeof(*d));
	struct err e = {0};
	int ends[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	*old_end = ends[0];
	d->takes_over = true;
	d->takeover.fd = ends[1];
	assert_int_equal(keeper_open(old->folder, &d->keeper, &e), 0);
	d->taker = (struct taker){.seat = &d->seat, .keeper = d->keeper};
	(void)taker_start(&d->taker, &e);
	return d;
}

static void successor_free(struct daemon *d)
{
	takeover_close(&d->takeover);
	taker_release(&d->taker);
	keeper_close(d->keeper);
	free(d);
}

static void old_dies(struct stage *old, int old_end)
{
	close(old_end);
	keeper_unlock(old->keeper);
}

static void what_the_old_server_wrote_before_it_died_is_served(void **state)
{
	struct stage *old = stage_new();
	struct err e = {0};
	int old_end;
	(void)state;
	take(old, VIEW(1, 1, CATALOG("", MAIL, ""), ONE, TWO), ACCEPT_TAKE);
	struct daemon *d = successor_new(old, &old_end);
	assert_int_equal(d->taker.held->epoch, 1);
	/* told to the controllers as on disk: a drain may be proven by it */
	take(old, VIEW(2, 1, "", TWO), ACCEPT_TAKE);
	old_dies(old, old_end);
	assert_int_equal(daemon_takeover_catch_up(d, &e), 0);
	assert_true(d->takeover.is_alone);
	assert_int_equal(d->taker.held->epoch, 2);
	assert_int_equal(d->taker.kept_epoch, 2);
	successor_free(d);
	stage_free(old);
}

/* There is nobody left to leave it to. */
static void a_disk_that_became_unreadable_does_not_keep_it_from_answering(void **state)
{
	struct stage *old = stage_new();
	struct err e = {0};
	int old_end;
	(void)state;
	take(old, VIEW(1, 1, CATALOG("", MAIL, ""), ONE, TWO), ACCEPT_TAKE);
	struct daemon *d = successor_new(old, &old_end);
	char *command = mem_printf("rm -f '%s'/*.json", old->folder);
	assert_int_equal(system(command), 0);
	free(command);
	old_dies(old, old_end);
	assert_int_equal(daemon_takeover_catch_up(d, &e), 0);
	assert_int_equal(d->taker.held->epoch, 1);
	successor_free(d);
	stage_free(old);
}

static void with_nothing_on_disk_it_waits_for_the_controllers(void **state)
{
	struct stage *old = stage_new();
	struct err e = {0};
	int old_end;
	(void)state;
	struct daemon *d = successor_new(old, &old_end);
	old_dies(old, old_end);
	assert_int_equal(daemon_takeover_catch_up(d, &e), 0);
	assert_null(d->taker.held);
	successor_free(d);
	stage_free(old);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_the_old_server_wrote_before_it_died_is_served),
	    cmocka_unit_test(a_disk_that_became_unreadable_does_not_keep_it_from_answering),
	    cmocka_unit_test(with_nothing_on_disk_it_waits_for_the_controllers),
	};
	(void)signal(SIGPIPE, SIG_IGN);
	log_open("test_takeover_alone", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
