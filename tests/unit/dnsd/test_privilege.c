/* What a process can and can not do once it has given up its rights. Each case is a child, for
 * there is no way back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dnsd/privilege.h"

enum { HELD, BROKEN, SKIPPED };

static int in_child(int (*body)(void))
{
	int status;
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(body());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void *nothing(void *argument)
{
	return argument;
}

static pthread_barrier_t barrier;

/* A thread that was there before must be confined too. */
static void *waits_then_execs(void *argument)
{
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	char *const none[] = {NULL};
	*(int *)argument = execve("/bin/true", none, none) == -1 ? errno : 0;
	return NULL;
}

static int confined_body(void)
{
	struct err e = {0};
	pthread_t early, late;
	int early_errno = 0;
	char *const none[] = {NULL};
	if (pthread_barrier_init(&barrier, NULL, 2) != 0 ||
	    pthread_create(&early, NULL, waits_then_execs, &early_errno) != 0)
		return BROKEN;
	pthread_barrier_wait(&barrier);
	int r = privilege_forbid_gain(&e);
	if (r != 0 || privilege_confine(&e) != 0)
		_exit(SKIPPED); /* a sanitizer, or a sandbox without seccomp */
	pthread_barrier_wait(&barrier);
	pthread_join(early, NULL);
	if (early_errno != EPERM)
		return BROKEN;
	/* not any more */
	if (execve("/bin/true", none, none) != -1 || errno != EPERM)
		return BROKEN;
	if (fork() != -1)
		return BROKEN;
	if (socket(AF_PACKET, SOCK_RAW, 0) != -1 || errno != EPERM)
		return BROKEN;
	if (setuid(0) != -1 || chroot("/") != -1)
		return BROKEN;
	/* still */
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct addrinfo *found = NULL;
	if (fd < 0 || udp < 0 || getaddrinfo("127.0.0.1", "53", NULL, &found) != 0)
		return BROKEN;
	freeaddrinfo(found);
	void *memory = malloc(64 << 20);
	if (!memory || pthread_create(&late, NULL, nothing, NULL) != 0 ||
	    pthread_join(late, NULL) != 0)
		return BROKEN;
	free(memory);
	return HELD;
}

static void a_confined_process_serves_but_starts_nothing(void **state)
{
	(void)state;
	int r = in_child(confined_body);
	if (r == SKIPPED)
		skip();
	assert_int_equal(r, HELD);
}

static int gain_body(void)
{
	struct err e = {0};
	return privilege_forbid_gain(&e) == 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1
	           ? HELD
	           : BROKEN;
}

static void nothing_started_can_gain_rights(void **state)
{
	(void)state;
	assert_int_equal(in_child(gain_body), HELD);
}

static char secret[] = "/tmp/tandem-privilege.XXXXXX"; /* 0600, of who runs the test */

static int become_body(void)
{
	struct err e = {0};
	if (geteuid() != 0)
		return SKIPPED;
	if (privilege_become("nobody", NULL, &e) != 0 || geteuid() == 0 || getegid() == 0)
		return BROKEN;
	if (setuid(0) == 0 || open(secret, O_RDONLY | O_CLOEXEC) >= 0)
		return BROKEN;
	/* it is that user now: again is no error, another one is */
	if (privilege_become("nobody", NULL, &e) != 0)
		return BROKEN;
	return privilege_become("root", NULL, &e) == E_DENIED ? HELD : BROKEN;
}

static void root_becomes_the_user_and_can_not_go_back(void **state)
{
	(void)state;
	int fd = mkstemp(secret);
	assert_true(fd >= 0);
	int r = in_child(become_body);
	close(fd);
	unlink(secret);
	if (r == SKIPPED)
		skip();
	assert_int_equal(r, HELD);
}

static void unknown_users_and_groups_are_named(void **state)
{
	(void)state;
	struct err e = {0};
	assert_int_equal(privilege_become(NULL, NULL, &e), 0);
	assert_int_equal(privilege_become("no-such-user", NULL, &e), E_NOT_FOUND);
	assert_non_null(strstr(e.text, "no-such-user"));
	assert_int_equal(privilege_become("root", "no-such-group", &e), E_NOT_FOUND);
	assert_non_null(strstr(e.text, "no-such-group"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_confined_process_serves_but_starts_nothing),
	    cmocka_unit_test(nothing_started_can_gain_rights),
	    cmocka_unit_test(root_becomes_the_user_and_can_not_go_back),
	    cmocka_unit_test(unknown_users_and_groups_are_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
