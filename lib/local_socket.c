/* A listening Unix socket, taken over only from the dead. */
#include "lib/local_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	SOCKET_BACKLOG = 16,
	SOCKET_MODE = 0660,
	LINE_BYTES = 4096,
	NAME_BYTES = 64, /* of a user's name, in what is recorded */
};

_Static_assert(sizeof((struct sockaddr_un){0}.sun_path) == LOCAL_SOCKET_PATH_BYTES, "unix(7)");

static struct sockaddr_un socket_address(const struct local_socket *l)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	memcpy(at.sun_path, l->path, sizeof at.sun_path);
	return at;
}

/* Held until the process ends, however it ends. */
static int lock_take(struct local_socket *l, struct err *e)
{
	char path[LOCAL_SOCKET_PATH_BYTES + 8];
	(void)snprintf(path, sizeof path, "%s.lock", l->path);
	l->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (l->lock < 0)
		return err_set_errno(e, errno, "can not open \"%s\"", path);
	if (flock(l->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	int number = errno;
	(void)close(l->lock);
	l->lock = -1;
	if (number == EWOULDBLOCK)
		return err_set(
		    e, E_CONFLICT, "another controller of this machine has \"%s\"", l->path);
	return err_set_errno(e, number, "can not lock \"%s\"", path);
}

/* 0 when nobody answers there any more; then the path is free. */
static int leftover_remove(const struct local_socket *l, struct err *e)
{
	struct sockaddr_un at = socket_address(l);
	struct stat there;
	if (lstat(l->path, &there) != 0)
		return errno == ENOENT ? 0
		                       : err_set_errno(e, errno, "can not look at \"%s\"", l->path);
	if (!S_ISSOCK(there.st_mode))
		return err_set(e, E_CONFLICT,
		    "\"%s\" is there and is no socket, expected nothing or a socket nobody uses",
		    l->path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set_errno(e, errno, "can not make a socket");
	int answer = connect(fd, (struct sockaddr *)&at, sizeof at) == 0 ? 0 : errno;
	(void)close(fd);
	if (answer != ECONNREFUSED)
		return err_set(e, E_CONFLICT, "another process uses \"%s\"", l->path);
	if (unlink(l->path) != 0 && errno != ENOENT)
		return err_set_errno(e, errno, "can not remove the leftover \"%s\"", l->path);
	return 0;
}

/* Nobody connects before listen(2), so nobody meets another owner or mode than these. */
static int socket_publish(struct local_socket *l, int fd, gid_t group, struct err *e)
{
	struct sockaddr_un at = socket_address(l);
	struct stat there;
	mode_t mask = umask(0177);
	int bound = bind(fd, (struct sockaddr *)&at, sizeof at);
	int number = errno;
	(void)umask(mask);
	if (bound != 0)
		return err_set_errno(e, number, "can not bind \"%s\"", l->path);
	if (lstat(l->path, &there) != 0)
		return err_set_errno(e, errno, "can not look at \"%s\"", l->path);
	l->device = there.st_dev;
	l->inode = there.st_ino;
	if (group != (gid_t)-1 && lchown(l->path, (uid_t)-1, group) != 0)
		return err_set_errno(
		    e, errno, "can not give \"%s\" to group %u", l->path, (unsigned)group);
	if (chmod(l->path, SOCKET_MODE) != 0)
		return err_set_errno(e, errno, "can not set the mode of \"%s\"", l->path);
	if (listen(fd, SOCKET_BACKLOG) != 0)
		return err_set_errno(e, errno, "can not listen on \"%s\"", l->path);
	return 0;
}

int local_socket_open(
    const char *path, gid_t group, struct local_socket *out, int *fd, struct err *e)
{
	*out = (struct local_socket){.lock = -1};
	*fd = -1;
	if (strlen(path) >= sizeof out->path)
		return err_set(e, E_INVALID,
		    "found a path of %zu bytes, expected at most %zu: \"%s\"", strlen(path),
		    sizeof out->path - 1, path);
	(void)strcpy(out->path, path);
	int result = lock_take(out, e);
	if (result == 0)
		result = leftover_remove(out, e);
	if (result == 0) {
		*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		result = *fd >= 0 ? socket_publish(out, *fd, group, e)
		                  : err_set_errno(e, errno, "can not make a socket");
	}
	if (result == 0)
		return 0;
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
	local_socket_close(out);
	return result;
}

bool local_socket_stands(const struct local_socket *l)
{
	struct stat there;
	return l->inode != 0 && lstat(l->path, &there) == 0 && there.st_dev == l->device &&
	       there.st_ino == l->inode;
}

/* The lock file stays: to remove it would let two hold locks on two files of one name. */
void local_socket_close(struct local_socket *l)
{
	if (local_socket_stands(l))
		(void)unlink(l->path);
	if (l->lock >= 0)
		(void)close(l->lock);
	*l = (struct local_socket){.lock = -1};
}

/* ---- who ---- */

static bool name_is_plain(const char *name)
{
	for (const char *c = name; *c != '\0'; c++)
		if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f || *c == '(')
			return false;
	return *name != '\0' && strlen(name) < NAME_BYTES;
}

/* getpwuid(3) would ask whatever nsswitch.conf names, and block the loop for as long. */
static bool user_name(uid_t uid, char out[static NAME_BYTES])
{
	char line[LINE_BYTES];
	struct passwd entry, *found = NULL;
	FILE *file = fopen("/etc/passwd", "re");
	*out = '\0';
	while (file != NULL && fgetpwent_r(file, &entry, line, sizeof line, &found) == 0)
		if (found->pw_uid == uid && name_is_plain(found->pw_name)) {
			(void)strcpy(out, found->pw_name);
			break;
		}
	if (file != NULL)
		(void)fclose(file);
	return *out != '\0';
}

int local_socket_peer(
    int fd, const char *site, const char *where, struct tls_identity *out, struct err *e)
{
	struct ucred peer = {.pid = 0};
	socklen_t bytes = sizeof peer;
	char name[NAME_BYTES];
	*out = (struct tls_identity){.role = TLS_ROLE_OPERATOR};
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) != 0 || bytes != sizeof peer)
		return err_set(
		    e, E_DENIED, "the system does not say who connected: %s", strerror(errno));
	if (peer.uid == (uid_t)-1)
		return err_set(e, E_DENIED, "this is no connection by a Unix socket");
	(void)snprintf(out->site, sizeof out->site, "%s", site);
	bool known = user_name(peer.uid, name);
	(void)snprintf(out->name, sizeof out->name, "%s%suid %u on %.48s%s", name,
	    known ? " (" : "", (unsigned)peer.uid, where, known ? ")" : "");
	return 0;
}

bool local_socket_group_read(FILE *file, const char *name, gid_t *out)
{
	size_t room = 0, bytes = strlen(name);
	char *line = NULL;
	bool found = false;
	/* "name:password:number:member,member,…": of any length */
	while (!found && getline(&line, &room, file) > 0) {
		if (strncmp(line, name, bytes) != 0 || line[bytes] != ':')
			continue;
		const char *number = line + bytes + 1 + strcspn(line + bytes + 1, ":");
		char *end = NULL;
		unsigned long value = *number == ':' ? strtoul(number + 1, &end, 10) : 0;
		found = end != NULL && end != number + 1 && *end == ':' && value < (gid_t)-1;
		*out = found ? (gid_t)value : *out;
	}
	free(line);
	return found;
}

int local_socket_group(const char *name, gid_t *out, struct err *e)
{
	char *end = NULL;
	unsigned long number = strtoul(name, &end, 10);
	*out = (gid_t)-1;
	if (*name >= '0' && *name <= '9' && *end == '\0' && number < (gid_t)-1) {
		*out = (gid_t)number;
		return 0;
	}
	FILE *file = fopen("/etc/group", "re");
	if (file == NULL)
		return err_set_errno(e, errno, "can not read /etc/group");
	bool found = local_socket_group_read(file, name, out);
	(void)fclose(file);
	return found ? 0 : err_set(e, E_NOT_FOUND, "there is no group \"%s\"", name);
}
