/* The socket for people of this machine: who gets the path, and who they are. */
#include "tests/unit/lib/http_rig.h"

#include <errno.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/local_socket.h"

static char folder[64], path[96];
static struct local_socket held;

static int open_at(const char *at, struct local_socket *l, struct err *e)
{
	int fd = -1;
	int result = local_socket_open(at, (gid_t)-1, l, &fd, e);
	assert_int_equal(result == 0, fd >= 0);
	return result != 0 ? result : fd;
}

static int start_local(void **state)
{
	(void)strcpy(folder, "/tmp/tandem-socket-XXXXXX");
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof path, "%s/c.sock", folder);
	return start_bare(state);
}

static int stop_local(void **state)
{
	char lock[128];
	(void)stop(state);
	local_socket_close(&held);
	(void)snprintf(lock, sizeof lock, "%s.lock", path);
	(void)unlink(lock);
	(void)unlink(path);
	return rmdir(folder);
}

static void serve_local(struct world *w, const struct http_limits *with)
{
	struct err e = {0};
	int fd = open_at(path, &held, &e);
	assert_true(fd >= 0);
	assert_int_equal(http_server_new(loop_base(w->loop), NULL, with, routes,
	                     sizeof routes / sizeof routes[0], w, &w->server, &e),
	    0);
	http_server_set_local(w->server, "muc", "muc-1");
	assert_int_equal(http_server_adopt(w->server, fd, &e), 0);
	(void)strcpy(w->base_url, "http://localhost");
	use_client(w, NULL);
	http_client_use_socket(w->client, path);
}

static int socket_connect(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	(void)strcpy(at.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
	return fd;
}

/* ---- the path ---- */

static void the_socket_is_reached_by_its_group_alone(void **state)
{
	struct stat there;
	struct err e;
	(void)state;
	int fd = open_at(path, &held, &e);
	assert_int_equal(stat(path, &there), 0);
	assert_true(S_ISSOCK(there.st_mode));
	assert_int_equal(there.st_mode & 07777, 0660);
	assert_true(local_socket_stands(&held));
	(void)close(fd);
	local_socket_close(&held);
	assert_int_equal(access(path, F_OK), -1);
}

static void what_a_crash_left_behind_is_taken_over(void **state)
{
	struct err e;
	(void)state;
	pid_t child = fork();
	if (child == 0) {
		int fd = -1;
		struct local_socket l;
		_exit(local_socket_open(path, (gid_t)-1, &l, &fd, NULL) == 0 ? 0 : 1);
	}
	int status = -1;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(access(path, F_OK), 0); /* nobody removed it */
	int fd = open_at(path, &held, &e);
	assert_true(fd >= 0);
	(void)close(socket_connect());
	(void)close(fd);
}

static void the_socket_of_a_living_process_is_left_alone(void **state)
{
	struct local_socket second;
	struct err e;
	(void)state;
	int fd = open_at(path, &held, &e);
	assert_int_equal(open_at(path, &second, &e), E_CONFLICT);
	assert_non_null(strstr(e.text, "another controller"));
	assert_true(local_socket_stands(&held));
	(void)close(fd);
}

static void the_socket_of_a_foreign_process_is_left_alone(void **state)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct err e;
	(void)state;
	(void)strcpy(at.sun_path, path);
	int foreign = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(foreign, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(foreign, 1), 0);
	assert_int_equal(open_at(path, &held, &e), E_CONFLICT);
	assert_non_null(strstr(e.text, "another process uses"));
	assert_int_equal(access(path, F_OK), 0);
	(void)close(foreign);
	int fd = open_at(path, &held, &e); /* it is gone: now it is a leftover */
	assert_true(fd >= 0);
	(void)close(fd);
}

static void what_is_no_socket_is_never_removed(void **state)
{
	struct err e;
	(void)state;
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	(void)fclose(file);
	assert_int_equal(open_at(path, &held, &e), E_CONFLICT);
	assert_non_null(strstr(e.text, "no socket"));
	assert_int_equal(access(path, F_OK), 0);
}

static void a_path_that_does_not_fit_is_refused_whole(void **state)
{
	struct err e;
	char *longer = mem_printf("%s/%0*d", folder, 108, 0);
	(void)state;
	assert_int_equal(open_at(longer, &held, &e), E_INVALID);
	assert_non_null(strstr(e.text, "expected at most 107"));
	free(longer);
}

static void a_swept_socket_is_missed_and_another_ones_is_not_removed(void **state)
{
	struct local_socket later;
	struct err e;
	(void)state;
	int fd = open_at(path, &held, &e);
	assert_int_equal(unlink(path), 0);
	assert_false(local_socket_stands(&held));
	(void)close(held.lock); /* as if it were another process's from here on */
	held.lock = -1;
	int fresh = open_at(path, &later, &e);
	local_socket_close(&held);
	assert_true(local_socket_stands(&later));
	local_socket_close(&later);
	(void)close(fd);
	(void)close(fresh);
}

/* ---- who ---- */

static void a_local_user_is_an_operator_by_their_own_name(void **state)
{
	struct world *w = *state;
	const struct passwd *me = getpwuid(getuid());
	serve_local(w, &limits);
	get(w, "/operator");
	assert_int_equal(w->status, 200);
	char *expected = me ? mem_printf("\"%s (uid %u on muc-1)\"", me->pw_name, getuid())
	                    : mem_printf("\"uid %u on muc-1\"", getuid());
	assert_non_null(strstr(buf_text(&w->body), expected));
	assert_non_null(strstr(buf_text(&w->body), "\"muc\""));
	free(expected);
	get(w, "/later"); /* a daemon's route */
	assert_int_equal(w->status, 403);
}

static void only_a_unix_socket_tells_who_connects(void **state)
{
	struct tls_identity who;
	struct err e;
	int ends[2];
	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(local_socket_peer(ends[0], "muc", "muc-1", &who, &e), 0);
	assert_int_equal(who.role, TLS_ROLE_OPERATOR);
	(void)close(ends[0]);
	(void)close(ends[1]);
	int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(local_socket_peer(tcp, "muc", "muc-1", &who, &e), E_DENIED);
	(void)close(tcp);
}

static void groups_are_found_by_name_and_number(void **state)
{
	gid_t group;
	struct err e;
	(void)state;
	assert_int_equal(local_socket_group("root", &group, &e), 0);
	assert_int_equal(group, 0);
	assert_int_equal(local_socket_group("4711", &group, &e), 0);
	assert_int_equal(group, 4711);
	assert_int_equal(local_socket_group("no such group", &group, &e), E_NOT_FOUND);
}

/* A group of thousands does not hide those behind it. */
static void groups_behind_a_long_line_are_found(void **state)
{
	gid_t group = 0;
	(void)state;
	FILE *file = tmpfile();
	assert_non_null(file);
	fputs("many:x:100:anna", file);
	for (int i = 0; i < 1000; i++)
		fprintf(file, ",user-%d", i);
	fputs("\nops-broken:x:\nops:x:4242:anna,ben\n", file);
	rewind(file);
	assert_true(local_socket_group_read(file, "ops", &group));
	assert_int_equal(group, 4242);
	rewind(file);
	assert_true(local_socket_group_read(file, "many", &group));
	assert_int_equal(group, 100);
	rewind(file);
	assert_false(local_socket_group_read(file, "ops-broken", &group));
	rewind(file);
	assert_false(local_socket_group_read(file, "op", &group));
	fclose(file);
}

/* ---- bounds ---- */

static void one_user_can_not_take_all_connections(void **state)
{
	struct world *w = *state;
	struct http_limits few = limits;
	static const char request[] = "GET /operator HTTP/1.1\r\nHost: x\r\n\r\n";
	char answer[16];
	int fds[4];
	few.connections = 16;
	few.connections_per_peer = 2;
	serve_local(w, &few);
	for (size_t i = 0; i < 4; i++) {
		fds[i] = socket_connect();
		assert_int_equal(write(fds[i], request, sizeof request - 1), sizeof request - 1);
		while (counts(w).requests < i + 1)
			step(w);
	}
	while (counts(w).connections > 2)
		step(w);
	ssize_t bytes;
	while ((bytes = recv(fds[0], answer, sizeof answer, 0)) > 0) /* the oldest was closed */
		;
	assert_int_equal(bytes, 0);
	assert_true(recv(fds[3], answer, sizeof answer, 0) > 0);
	for (size_t i = 0; i < 4; i++)
		(void)close(fds[i]);
}

static void a_request_that_trickles_in_is_cut_off(void **state)
{
	struct world *w = *state;
	struct http_limits hasty = limits;
	static const char begin[] = "GET /operator HTTP/1.1\r\nX: ";
	hasty.request_ms = 100;
	serve_local(w, &hasty);
	int fd = socket_connect();
	assert_int_equal(write(fd, begin, sizeof begin - 1), sizeof begin - 1);
	while (counts(w).handshakes_failed == 0) {
		(void)send(fd, "x", 1, MSG_NOSIGNAL); /* never silent for long */
		step(w);
	}
	char byte;
	assert_int_equal(recv(fd, &byte, 1, 0), 0);
	(void)close(fd);
	get(w, "/operator");
	assert_int_equal(w->status, 200);
}

static void a_redirect_never_leads_away_from_the_socket(void **state)
{
	struct world *w = *state;
	static const struct http_route away[] = {{"GET", "/away", TLS_ROLE_OPERATOR, on_elsewhere}};
	struct err e = {0};
	int fd = open_at(path, &held, &e);
	assert_int_equal(
	    http_server_new(loop_base(w->loop), NULL, &limits, away, 1, w, &w->server, &e), 0);
	http_server_set_local(w->server, "muc", "muc-1");
	assert_int_equal(http_server_adopt(w->server, fd, &e), 0);
	(void)strcpy(w->base_url, "http://localhost");
	use_client(w, NULL);
	http_client_use_socket(w->client, path);
	get(w, "/away");
	assert_int_equal(w->status, 307);
	http_server_abandon(w->server);
	(void)unlink(path);
	get(w, "/away"); /* the connection that is there goes on */
	assert_int_equal(w->status, 307);
}

#define T(name) cmocka_unit_test_setup_teardown(name, start_local, stop_local)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(the_socket_is_reached_by_its_group_alone),
	    T(what_a_crash_left_behind_is_taken_over),
	    T(the_socket_of_a_living_process_is_left_alone),
	    T(the_socket_of_a_foreign_process_is_left_alone),
	    T(what_is_no_socket_is_never_removed),
	    T(a_path_that_does_not_fit_is_refused_whole),
	    T(a_swept_socket_is_missed_and_another_ones_is_not_removed),
	    T(a_local_user_is_an_operator_by_their_own_name),
	    T(only_a_unix_socket_tells_who_connects),
	    T(groups_are_found_by_name_and_number),
	    T(groups_behind_a_long_line_are_found),
	    T(one_user_can_not_take_all_connections),
	    T(a_request_that_trickles_in_is_cut_off),
	    T(a_redirect_never_leads_away_from_the_socket),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
