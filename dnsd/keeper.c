/* The last good view on disk. */
#include "dnsd/keeper.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/file.h"
#include "lib/json.h"
#include "lib/log.h"
#include "wire/view.h"

enum { STATE_BYTES = 256 * 1024 * 1024 };

struct generations { /* of one file, newest first */
	char *now, *previous, *spare, *damaged;
};

struct keeper {
	struct generations catalog, pools;
	char *folder;
	int lock; /* the folder, locked; -1: not */
};

static struct generations generations_new(const char *folder, const char *stem)
{
	return (struct generations){mem_printf("%s/%s.json", folder, stem),
	    mem_printf("%s/%s.previous.json", folder, stem),
	    mem_printf("%s/%s.spare.json", folder, stem),
	    mem_printf("%s/%s.damaged.json", folder, stem)};
}

static void generations_free(struct generations *g)
{
	free(g->now);
	free(g->previous);
	free(g->spare);
	free(g->damaged);
}

int keeper_open(const char *folder, struct keeper **out, struct err *e)
{
	*out = NULL;
	int r = file_make_folder(folder, e);
	if (r != 0)
		return r;
	struct keeper *k = mem_new(1, sizeof(*k));
	k->folder = mem_strdup(folder);
	k->lock = -1;
	k->catalog = generations_new(folder, "catalog");
	k->pools = generations_new(folder, "pools");
	*out = k;
	return 0;
}

void keeper_close(struct keeper *k)
{
	if (!k)
		return;
	generations_free(&k->catalog);
	generations_free(&k->pools);
	keeper_unlock(k);
	free(k->folder);
	free(k);
}

int keeper_lock(struct keeper *k, struct err *e)
{
	if (k->lock >= 0)
		return 0;
	int fd = open(k->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set_errno(e, errno, "can not open \"%s\"", k->folder);
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		k->lock = fd;
		return 0;
	}
	int r = errno == EWOULDBLOCK
	            ? err_set(e, E_CONFLICT, "another process writes \"%s\"", k->folder)
	            : err_set_errno(e, errno, "can not lock \"%s\"", k->folder);
	close(fd);
	return r;
}

void keeper_unlock(struct keeper *k)
{
	if (k->lock >= 0)
		close(k->lock);
	k->lock = -1;
}

void keeper_tidy(struct keeper *k)
{
	assert(k->lock >= 0);
	file_remove_leftovers(k->catalog.now);
	file_remove_leftovers(k->pools.now);
}

static int view_read(const char *path, struct view **out, struct err *e)
{
	char *text;
	size_t bytes;
	json_t *o = NULL;
	*out = NULL;
	int r = file_read_checked(path, STATE_BYTES, &text, &bytes, e);
	if (r != 0)
		return r;
	r = json_parse(text, bytes, &o, e);
	if (r == 0)
		r = view_decode(o, out, e);
	if (r != 0)
		err_prefix(e, "\"%s\"", path);
	json_decref(o);
	free(text);
	return r;
}

/* Both generations, newest first, NULL where there is none or it is damaged. */
static void generations_read(
    const struct generations *g, bool may_rename, struct view *views[static 2])
{
	const char *const paths[2] = {g->now, g->previous};
	for (size_t i = 0; i < 2; i++) {
		struct err e = {0};
		int r = view_read(paths[i], &views[i], &e);
		if (r == 0 || r == E_NOT_FOUND)
			continue;
		if (r != E_INVALID || !may_rename) /* it may be readable again another day */
			log_error("state file can not be used: %s", e.text);
		else if (rename(paths[i], g->damaged) == 0)
			log_error(
			    "state file can not be used: %s; kept as \"%s\"", e.text, g->damaged);
		else
			log_error("state file can not be used: %s; nor renamed to \"%s\": %s",
			    e.text, g->damaged, strerror(errno));
	}
}

/* Do the pools belong to the catalog's revision, and are they not older? */
static bool fits(const struct view *catalog, const struct view *pools)
{
	return pools && strcmp(pools->cluster, catalog->cluster) == 0 &&
	       pools->revision == catalog->revision && pools->epoch >= catalog->epoch;
}

/* Gives `catalog` the newer pools. */
static void pools_take(struct view *catalog, struct view *pools)
{
	struct view_pool *items = catalog->pools;
	size_t count = catalog->pools_count;
	catalog->epoch = pools->epoch;
	catalog->pools = pools->pools;
	catalog->pools_count = pools->pools_count;
	pools->pools = items;
	pools->pools_count = count;
}

/* From this generation of the catalog on. */
static int load_from(struct keeper *k, size_t first, struct view **out, struct err *e)
{
	struct view *catalogs[2], *pools[2], *best = NULL;
	generations_read(&k->catalog, k->lock >= 0, catalogs);
	generations_read(&k->pools, k->lock >= 0, pools);
	for (size_t i = first; i < 2 && !best; i++) {
		if (!catalogs[i] || !catalogs[i]->catalog)
			continue;
		best = catalogs[i];
		catalogs[i] = NULL;
	}
	for (size_t i = 0; best && i < 2; i++)
		if (fits(best, pools[i]))
			pools_take(best, pools[i]);
	for (size_t i = 0; i < 2; i++) {
		view_free(catalogs[i]);
		view_free(pools[i]);
	}
	*out = best;
	return best ? 0 : err_set(e, E_NOT_FOUND, "no usable view in \"%s\"", k->catalog.now);
}

int keeper_load(struct keeper *k, struct view **out, struct err *e)
{
	return load_from(k, 0, out, e);
}

int keeper_load_previous(struct keeper *k, struct view **out, struct err *e)
{
	return load_from(k, 1, out, e);
}

static int view_write(
    const struct generations *g, const struct view *v, bool with_catalog, struct err *e)
{
	json_t *o = view_encode(v, with_catalog);
	char *text = json_text(o);
	json_decref(o);
	int r = file_write_turns(g->now, g->previous, g->spare, text, strlen(text), e);
	free(text);
	return r;
}

int keeper_save(struct keeper *k, const struct view *v, bool with_catalog, struct err *e)
{
	int r = keeper_lock(k, e);
	if (r != 0)
		return r;
	return view_write(with_catalog ? &k->catalog : &k->pools, v, with_catalog, e);
}
