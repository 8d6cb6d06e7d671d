/* The tcp probe: somebody accepts connections. */
#include <unistd.h>

#include "healthd/dial.h"

static void connected(struct probe *p, int fd)
{
	close(fd);
	probe_finish(p, PROBE_OK, "%s", "");
}

static void tcp_start(struct probe *p)
{
	p->run = dial_start(p, connected);
}

static void tcp_expire(struct probe *p)
{
	probe_finish(p, PROBE_FAILED, "timed out connecting after %u ms", p->check->timeout_ms);
}

static void tcp_release(struct probe *p)
{
	dial_free(p->run);
}

const struct probe_type probe_tcp = {tcp_start, tcp_expire, tcp_release};
