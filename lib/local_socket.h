/* A listening Unix socket for people and programs of this machine, and who connected to it.
 *
 * The path is taken over from the dead only: a lock file beside it tells whether one of our own
 * processes has it, a connection whether any other one listens. Blocks no longer than file calls
 * do.
 */
#ifndef TANDEM_LIB_LOCAL_SOCKET_H
#define TANDEM_LIB_LOCAL_SOCKET_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "lib/base/err.h"
#include "lib/tls.h"

/* What fits into sockaddr_un with its NUL (unix(7): 108). */
#define LOCAL_SOCKET_PATH_BYTES 108

struct local_socket {
	char path[LOCAL_SOCKET_PATH_BYTES];
	int lock;
	dev_t device; /* what stands at the path is ours */
	ino_t inode;
};

/* A socket that listens, does not block and is reached with mode 0660 by `group` ((gid_t)-1: that
 * of the process). Nobody can connect before owner and mode are set. *fd is the caller's, who
 * closes it. E_INVALID: path too long; E_CONFLICT: somebody else's, or no socket; E_IO. */
int local_socket_open(
    const char *path, gid_t group, struct local_socket *out, int *fd, struct err *e);
/* Whether the path still leads to this socket: folders such as /run are swept by others. */
bool local_socket_stands(const struct local_socket *l);
/* Removes what stands at the path, if it is still ours. */
void local_socket_close(struct local_socket *l);

/* Who connected (SO_PEERCRED): an operator called "anna (uid 1001 on WHERE)" of `site`; "uid 1001
 * on WHERE" if /etc/passwd does not know the user. Other sources of names are not asked, for they
 * may be at the other end of a network that is down (decision 066). E_DENIED. */
int local_socket_peer(
    int fd, const char *site, const char *where, struct tls_identity *out, struct err *e);

/* The group's number from /etc/group, or written as digits. E_NOT_FOUND. */
int local_socket_group(const char *name, gid_t *out, struct err *e);
/* The same by name from lines as those of /etc/group; false: there is none such. */
bool local_socket_group_read(FILE *file, const char *name, gid_t *out);

#endif
