/* The tcp probe, and whose fault a failure is. */
#include "rig.h"

#include <errno.h>
#include <sys/resource.h>

static struct service_check tcp(uint16_t port, uint32_t timeout_ms)
{
	return (struct service_check){
	    .name = "tcp", .type = CHECK_TCP, .port = port, .timeout_ms = timeout_ms};
}

static void an_open_port_is_ok(void **state)
{
	static const char *const addresses[] = {"127.0.0.1", "::1"};
	struct rig r;
	uint16_t port;
	(void)state;
	rig_init(&r);
	for (size_t i = 0; i < 2; i++) {
		int fd = rig_socket(addresses[i], 4, &port);
		struct service_check c = tcp(port, 1000);
		assert_ok(rig_probe(&r, &c, addresses[i]));
		close(fd);
	}
	rig_release(&r);
}

static void a_closed_port_is_refused(void **state)
{
	struct rig r;
	uint16_t port;
	(void)state;
	rig_init(&r);
	int fd = rig_socket("127.0.0.1", -1, &port); /* bound, not listening */
	struct service_check c = tcp(port, 1000);
	assert_failed(rig_probe(&r, &c, "127.0.0.1"), "connection refused");
	close(fd);
	rig_release(&r);
}

static void a_full_backlog_times_out(void **state)
{
	struct rig r;
	uint16_t port;
	int full[4];
	(void)state;
	rig_init(&r);
	int fd = rig_socket("127.0.0.1", 0, &port);
	struct sockaddr_in sa = {.sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	for (size_t i = 0; i < 4; i++) {
		full[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)!connect(full[i], (struct sockaddr *)&sa, sizeof(sa));
	}
	struct service_check c = tcp(port, 60);
	const struct probe_result *result = rig_probe(&r, &c, "127.0.0.1");
	assert_failed(result, "timed out connecting after 60 ms");
	assert_in_range(result->latency_ms, 60, 1000);
	for (size_t i = 0; i < 4; i++)
		close(full[i]);
	close(fd);
	rig_release(&r);
}

static void without_descriptors_a_probe_is_void(void **state)
{
	struct rig r;
	struct rlimit old, none;
	(void)state;
	rig_init(&r);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	struct service_check c = tcp(25, 1000);
	const struct probe_result *result = rig_probe(&r, &c, "127.0.0.1");
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(result->outcome, PROBE_VOID);
	assert_contains(result->detail, "no socket");
	rig_release(&r);
}

static void without_a_way_of_our_own_a_probe_is_void(void **state)
{
	struct rig r;
	(void)state;
	rig_init(&r);
	/* 0.0.0.0/8 beyond this host and multicast cannot be connected to from here. */
	struct service_check c = tcp(25, 1000);
	assert_int_equal(rig_probe(&r, &c, "ff02::1")->outcome, PROBE_VOID);
	assert_int_equal(rig_probe(&r, &c, "255.255.255.255")->outcome, PROBE_VOID);
	rig_release(&r);
}

static void a_cancelled_probe_says_nothing(void **state)
{
	struct rig r;
	uint16_t port;
	(void)state;
	rig_init(&r);
	int fd = rig_socket("127.0.0.1", 4, &port);
	struct service_check c = tcp(port, 1000);
	struct addr a = rig_address("127.0.0.1");
	probe_cancel(probe_start(r.env, &c, &a, rig_done, &r));
	event_base_dispatch(r.base); /* nothing is left to wait for */
	assert_int_equal(r.results, 0);
	close(fd);
	rig_release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_open_port_is_ok),
	    cmocka_unit_test(a_closed_port_is_refused),
	    cmocka_unit_test(a_full_backlog_times_out),
	    cmocka_unit_test(without_descriptors_a_probe_is_void),
	    cmocka_unit_test(without_a_way_of_our_own_a_probe_is_void),
	    cmocka_unit_test(a_cancelled_probe_says_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
