/* A snapshot of the SQLite store: copied by the backup API some pages a turn of the loop, so that
 * a large store does not hold up the decisions; renamed into place when it is whole and durable.
 * What is committed meanwhile is in the copy too (same connection: SQLite writes it to both). */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controlplane/store_sqlite.h"
#include "lib/base/mem.h"

#define COPY_PAGES 128

struct sqlite_copy {
	LIST_ENTRY(sqlite_copy) next;
	struct sqlite_store *store;
	struct event *turn;
	sqlite3 *target;
	sqlite3_backup *backup;
	char *path;
	char *partial;
	store_commit_done done;
	void *ctx;
};

static void copy_free(struct sqlite_copy *c)
{
	LIST_REMOVE(c, next);
	if (c->backup != NULL)
		sqlite3_backup_finish(c->backup);
	sqlite3_close(c->target);
	if (c->turn != NULL)
		event_free(c->turn);
	if (c->partial != NULL)
		unlink(c->partial);
	free(c->partial);
	free(c->path);
	free(c);
}

static void copy_end(struct sqlite_copy *c, int result, const struct err *e)
{
	store_answer_commit(&c->store->base, c->done, c->ctx, result, e, c->store->revision);
	copy_free(c);
}

/* Durable, then visible. */
static int copy_publish(struct sqlite_copy *c, struct err *e)
{
	sqlite3_backup_finish(c->backup);
	c->backup = NULL;
	int closed = sqlite3_close(c->target);
	c->target = NULL;
	if (closed != SQLITE_OK)
		return err_set(e, E_IO, "can not finish snapshot '%s'", c->path);
	int fd = open(c->partial, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0 || rename(c->partial, c->path) != 0) {
		int result = err_set_errno(e, errno, "can not write snapshot '%s'", c->path);
		if (fd >= 0)
			close(fd);
		return result;
	}
	close(fd);
	free(c->partial);
	c->partial = NULL;
	return 0;
}

static void copy_turn(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	struct sqlite_copy *c = arg;
	struct err e = {0};
	int result = 0;
	int step = sqlite3_backup_step(c->backup, COPY_PAGES);
	if (step == SQLITE_OK) {
		event_active(c->turn, EV_TIMEOUT, 0);
		return;
	}
	if (step == SQLITE_DONE)
		result = copy_publish(c, &e);
	else
		result = sqlite_error(c->target, c->partial, "can not write snapshot", &e);
	copy_end(c, result, &e);
}

static int copy_open(struct sqlite_copy *c, struct err *e)
{
	struct stat store, target;
	if (stat(c->path, &target) == 0 && stat(c->store->path, &store) == 0 &&
	    store.st_ino == target.st_ino && store.st_dev == target.st_dev)
		return err_set(
		    e, E_INVALID, "can not write a snapshot over the store itself: '%s'", c->path);
	char *partial = mem_printf("%s.XXXXXX", c->path);
	int fd = mkostemp(partial, O_CLOEXEC);
	if (fd < 0) {
		int result = err_set_errno(e, errno, "can not write snapshot '%s'", c->path);
		free(partial);
		return result;
	}
	close(fd);
	c->partial = partial;
	if (sqlite3_open_v2(partial, &c->target, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
	        NULL) != SQLITE_OK)
		return sqlite_error(c->target, partial, "can not write snapshot", e);
	c->backup = sqlite3_backup_init(c->target, "main", c->store->db, "main");
	if (c->backup == NULL)
		return sqlite_error(c->target, partial, "can not write snapshot", e);
	return 0;
}

void sqlite_copy_start(struct sqlite_store *s, const char *path, store_commit_done done, void *ctx)
{
	struct sqlite_copy *c = mem_new(1, sizeof(*c));
	c->store = s;
	c->path = mem_strdup(path);
	c->done = done;
	c->ctx = ctx;
	LIST_INSERT_HEAD(&s->copies, c, next);
	struct err e = s->broken;
	int result = e.code;
	if (result == 0)
		result = copy_open(c, &e);
	if (result != 0) {
		copy_end(c, result, &e);
		return;
	}
	c->turn = event_new(s->loop, -1, 0, copy_turn, c);
	assert(c->turn != NULL);
	event_active(c->turn, EV_TIMEOUT, 0);
}

void sqlite_copies_cancel(struct sqlite_store *s, const void *ctx)
{
	struct sqlite_copy *c = LIST_FIRST(&s->copies);
	while (c != NULL) {
		struct sqlite_copy *following = LIST_NEXT(c, next);
		if (ctx == NULL || c->ctx == ctx)
			copy_free(c);
		c = following;
	}
}
