/* The controller's Unix socket: made at the start, and made again when somebody swept it away. A
 * controller votes and decides without it, so what is wrong with it is told, not died of. */
#include "controlplane/local.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/local_socket.h"
#include "lib/log.h"

enum { LOOK_MS = 2000 };

struct local {
	struct api *api; /* borrowed */
	char *path, *group;
	struct event *look;
	struct local_socket socket;
	bool open;
	struct err told; /* what was last said to be wrong */
};

static void local_try(struct local *l)
{
	struct err e = {0};
	gid_t group = (gid_t)-1;
	int fd = -1;
	int result = l->group != NULL ? local_socket_group(l->group, &group, &e) : 0;
	if (result == 0)
		result = local_socket_open(l->path, group, &l->socket, &fd, &e);
	if (result == 0) {
		result = api_listen_local(l->api, fd, &e);
		if (result != 0)
			local_socket_close(&l->socket);
	}
	l->open = result == 0;
	if (l->open)
		log_info("this machine's users reach the controller at %s", l->path);
	else if (strcmp(l->told.text, e.text) != 0)
		log_error(
		    "NO LOCAL SOCKET, it is tried again every %d s: %s", LOOK_MS / 1000, e.text);
	l->told = e;
}

static void on_look(evutil_socket_t fd, short what, void *ctx)
{
	struct local *l = ctx;
	(void)fd;
	(void)what;
	if (l->open && local_socket_stands(&l->socket))
		return;
	if (l->open)
		log_warn("\"%s\" was removed or replaced by somebody: made again", l->path);
	api_abandon_local(l->api);
	local_socket_close(&l->socket);
	local_try(l);
}

struct local *local_new(
    struct event_base *base, struct api *api, const char *path, const char *group)
{
	struct local *l = mem_new(1, sizeof *l);
	l->api = api;
	l->path = mem_strdup(path);
	l->group = group != NULL ? mem_strdup(group) : NULL;
	l->socket.lock = -1;
	l->look = event_new(base, -1, EV_PERSIST, on_look, l);
	assert(l->look != NULL);
	(void)event_add(l->look, &(struct timeval){.tv_sec = LOOK_MS / 1000});
	local_try(l);
	return l;
}

bool local_is_open(const struct local *l)
{
	return l->open;
}

void local_free(struct local *l)
{
	if (l == NULL)
		return;
	api_abandon_local(l->api);
	local_socket_close(&l->socket);
	event_free(l->look);
	free(l->path);
	free(l->group);
	free(l);
}
