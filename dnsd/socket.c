/* Sockets bound to "address@port". */
#include "dnsd/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/addr.h"

enum {
	UDP_BUFFER_BYTES = 4 * 1024 * 1024, /* a burst while the worker is off the CPU */
	TCP_BACKLOG = 512,
};

int socket_address_parse(const char *text, struct socket_address *out, struct err *e)
{
	static const uint8_t zeros[16];
	char host[ADDR_TEXT_BYTES], *end;
	struct addr a;
	const char *at = strchr(text, '@');
	bool bracketed = at && text[0] == '[' && at[-1] == ']'; /* "[::1]@53" */
	size_t bytes = at ? (size_t)(at - text) - (bracketed ? 2 : 0) : SIZE_MAX;
	if (bytes >= sizeof(host))
		return err_set(e, E_INVALID, "found \"%.80s\", expected ADDRESS@PORT", text);
	memcpy(host, text + bracketed, bytes);
	host[bytes] = '\0';
	if (addr_parse(host, &a, e) != 0)
		return err_prefix_code(e, E_INVALID, "\"%.80s\"", text);
	unsigned long port = strtoul(at + 1, &end, 10);
	if (at[1] < '0' || at[1] > '9' || *end != '\0' || port > UINT16_MAX)
		return err_set(e, E_INVALID, "\"%.80s\": found no port from 0 to 65535", text);
	*out = (struct socket_address){
	    .text = text, .is_any = memcmp(a.bytes, zeros, sizeof(zeros)) == 0};
	if (a.family == 4) {
		struct sockaddr_in *in = (struct sockaddr_in *)&out->storage;
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)port);
		memcpy(&in->sin_addr, a.bytes, 4);
		out->bytes = sizeof(*in);
	} else {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&out->storage;
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)port);
		memcpy(&in6->sin6_addr, a.bytes, 16);
		out->bytes = sizeof(*in6);
	}
	return 0;
}

static bool option_on(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

/* What a UDP socket needs: room for bursts, no fragments that others could forge, and on a
 * wildcard address the news which address was asked. */
static bool udp_options_set(int fd, const struct socket_address *a, bool shared)
{
	bool is_v6 = a->storage.ss_family == AF_INET6;
	if (!option_on(fd, SOL_SOCKET, SO_RCVBUFFORCE, UDP_BUFFER_BYTES))
		option_on(fd, SOL_SOCKET, SO_RCVBUF, UDP_BUFFER_BYTES); /* as much as we may */
	if (is_v6)
		option_on(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT);
	else
		option_on(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
	if (shared && !option_on(fd, SOL_SOCKET, SO_REUSEPORT, 1))
		return false;
	if (is_v6 && !option_on(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1))
		return false;
	if (!a->is_any)
		return true;
	return is_v6 ? option_on(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
	             : option_on(fd, IPPROTO_IP, IP_PKTINFO, 1);
}

static int failed(int fd, const struct socket_address *a, const char *what, struct err *e)
{
	int r = err_set_errno(e, errno, "can not %s %s", what, a->text);
	if (fd >= 0)
		close(fd);
	return r;
}

int socket_udp_open(const struct socket_address *a, bool shared, struct err *e)
{
	int fd = socket(a->storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || !udp_options_set(fd, a, shared))
		return failed(fd, a, "make a UDP socket for", e);
	if (bind(fd, (const struct sockaddr *)&a->storage, a->bytes) != 0)
		return failed(fd, a, "bind UDP", e);
	return fd;
}

int socket_tcp_open(const struct socket_address *a, struct err *e)
{
	int fd = socket(a->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || !option_on(fd, SOL_SOCKET, SO_REUSEADDR, 1) ||
	    (a->storage.ss_family == AF_INET6 && !option_on(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)))
		return failed(fd, a, "make a TCP socket for", e);
	if (bind(fd, (const struct sockaddr *)&a->storage, a->bytes) != 0)
		return failed(fd, a, "bind TCP", e);
	if (listen(fd, TCP_BACKLOG) != 0)
		return failed(fd, a, "listen on", e);
	return fd;
}

static bool option_is(int fd, int option, int expected)
{
	int value = 0;
	socklen_t bytes = sizeof(value);
	return getsockopt(fd, SOL_SOCKET, option, &value, &bytes) == 0 && value == expected;
}

static bool same_address(const struct sockaddr_storage *x, const struct sockaddr_storage *y)
{
	if (x->ss_family != y->ss_family)
		return false;
	if (x->ss_family == AF_INET) {
		struct sockaddr_in a, b;
		memcpy(&a, x, sizeof(a));
		memcpy(&b, y, sizeof(b));
		return a.sin_port == b.sin_port && a.sin_addr.s_addr == b.sin_addr.s_addr;
	}
	struct sockaddr_in6 a, b;
	memcpy(&a, x, sizeof(a));
	memcpy(&b, y, sizeof(b));
	return a.sin6_port == b.sin6_port &&
	       memcmp(&a.sin6_addr, &b.sin6_addr, sizeof(a.sin6_addr)) == 0;
}

bool socket_is_bound(int fd, const struct socket_address *a, int type)
{
	struct sockaddr_storage bound = {0};
	socklen_t bytes = sizeof(bound);
	if (!option_is(fd, SO_TYPE, type) ||
	    (type == SOCK_STREAM && !option_is(fd, SO_ACCEPTCONN, 1)))
		return false;
	if (getsockname(fd, (struct sockaddr *)&bound, &bytes) != 0)
		return false;
	return same_address(&bound, &a->storage);
}

void socket_share(int fd)
{
	(void)option_on(fd, SOL_SOCKET, SO_REUSEPORT, 1); /* binding tells whether it helped */
}
