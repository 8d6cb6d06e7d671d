/* Opening the SQLite file: a new one is made whole or not at all, and an old one is used only if
 * it is ours, undamaged, writable and nobody else's. Nothing is ever repaired or made anew
 * silently: what the file holds is what people decided. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controlplane/store_sqlite.h"
#include "lib/base/mem.h"

static const char schema[] =
    "PRAGMA page_size=8192;"
    "BEGIN IMMEDIATE;"
    "CREATE TABLE entry (key TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL,"
    " modified INTEGER NOT NULL) STRICT;"
    "CREATE TABLE store (one INTEGER PRIMARY KEY CHECK (one = 1),"
    " revision INTEGER NOT NULL) STRICT;"
    "INSERT INTO store VALUES (1, 1);"
    "PRAGMA application_id=%d;"
    "PRAGMA user_version=%d;"
    "COMMIT;";

/* EXCLUSIVE must come first: it keeps every other process out from the first read on. */
static const char settings[] = "PRAGMA locking_mode=EXCLUSIVE;"
                               "PRAGMA trusted_schema=OFF;"
                               "PRAGMA cell_size_check=ON;"
                               "PRAGMA journal_mode=WAL;"
                               "PRAGMA synchronous=FULL;"
                               "PRAGMA journal_size_limit=16777216;";

static const char advice_damaged[] = "move the file away for examination and restore a backup "
                                     "(docs/operations/back-up-and-restore.md)";

int sqlite_error(sqlite3 *db, const char *path, const char *doing, struct err *e)
{
	int code = sqlite3_errcode(db) & 0xff;
	const char *text = sqlite3_errmsg(db);
	switch (code) {
	case SQLITE_FULL:
		return err_set(e, E_IO,
		    "%s: no space left for store '%s': free space on its disk; "
		    "nothing was written",
		    doing, path);
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return err_set(e, E_IO,
		    "%s: store '%s' can not be written (%s): check the owner and "
		    "mode of the file and its folder, and that the disk is not mounted read-only",
		    doing, path, text);
	case SQLITE_CANTOPEN:
		return err_set_errno(e, sqlite3_system_errno(db),
		    "%s: can not open store '%s': check "
		    "the owner and mode of the file and its folder",
		    doing, path);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return err_set(e, E_IO,
		    "%s: store '%s' is in use by another process: only one "
		    "tandem-controld may use it",
		    doing, path);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return err_set(e, E_IO, "%s: store '%s' is damaged or no SQLite file (%s): %s",
		    doing, path, text, advice_damaged);
	default:
		return err_set(e, E_IO, "%s: store '%s': %s (SQLite code %d): check the disk",
		    doing, path, text, sqlite3_extended_errcode(db));
	}
}

static int folder_sync(const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash == NULL
	                   ? mem_strdup(".")
	                   : mem_strndup(path, slash == path ? 1 : (size_t)(slash - path));
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result = 0;
	if (fd < 0 || fsync(fd) != 0)
		result = err_set_errno(e, errno, "can not sync folder '%s'", folder);
	if (fd >= 0)
		close(fd);
	free(folder);
	return result;
}

static int schema_write(const char *path, const char *partial, struct err *e)
{
	sqlite3 *db = NULL;
	char *sql = mem_printf(schema, SQLITE_STORE_APPLICATION, SQLITE_STORE_SCHEMA);
	int result = 0;
	if (sqlite3_open_v2(partial, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
	    sqlite3_exec(db, "PRAGMA synchronous=FULL;", NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		result = sqlite_error(db, path, "can not create", e);
	sqlite3_close(db);
	free(sql);
	return result;
}

/* Under another name first, then linked into place: a crash leaves no half store, and of two
 * processes that start at once one finds the file of the other. */
static int database_create(const char *path, struct err *e)
{
	char *partial = mem_printf("%s.XXXXXX", path);
	int result = 0;
	int fd = mkostemp(partial, O_CLOEXEC);
	if (fd < 0) {
		result = err_set_errno(e, errno, "can not create store '%s'", path);
		goto out;
	}
	close(fd);
	result = schema_write(path, partial, e);
	if (result == 0 && link(partial, path) != 0 && errno != EEXIST)
		result = err_set_errno(e, errno, "can not create store '%s'", path);
	unlink(partial);
	if (result == 0)
		result = folder_sync(path, e);
out:
	free(partial);
	return result;
}

/* What can be told from the outside, before SQLite touches anything. */
static int file_check(const char *path, bool *missing, struct err *e)
{
	struct stat st;
	*missing = false;
	if (path[0] == '\0' || path[0] == ':')
		return err_set(
		    e, E_INVALID, "no path of a store: found '%s', expected a file", path);
	if (stat(path, &st) == 0) {
		if (!S_ISREG(st.st_mode))
			return err_set(e, E_INVALID, "not a file: '%s', expected a store", path);
		if (st.st_size == 0)
			return err_set(e, E_IO,
			    "store '%s' is empty: if it never held anything, "
			    "remove it; otherwise restore a backup",
			    path);
		return 0;
	}
	if (errno != ENOENT)
		return err_set_errno(e, errno, "can not read store '%s'", path);
	*missing = true;
	char *wal = mem_printf("%s-wal", path);
	int result = 0;
	if (stat(wal, &st) == 0 && st.st_size > 0)
		result = err_set(e, E_IO,
		    "store '%s' is gone but its '%s' is there: put the file "
		    "back; to restore a backup or begin anew, remove the -wal file too",
		    path, wal);
	free(wal);
	return result;
}

static int pragma_number(sqlite3 *db, const char *sql, int64_t *out)
{
	sqlite3_stmt *st = NULL;
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
		return E_IO;
	int step = sqlite3_step(st);
	*out = step == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
	sqlite3_finalize(st);
	return step == SQLITE_ROW ? 0 : E_IO;
}

static int identity_check(sqlite3 *db, const char *path, struct err *e)
{
	int64_t application = 0, version = 0;
	if (pragma_number(db, "PRAGMA application_id", &application) != 0 ||
	    pragma_number(db, "PRAGMA user_version", &version) != 0)
		return sqlite_error(db, path, "can not open", e);
	if (application != SQLITE_STORE_APPLICATION)
		return err_set(e, E_INVALID,
		    "not a store of Tandem: '%s' is a SQLite file of "
		    "something else",
		    path);
	if (version != SQLITE_STORE_SCHEMA)
		return err_set(e, E_INVALID,
		    "store '%s' has schema %lld, this program knows %d: "
		    "start the version of Tandem that wrote it",
		    path, (long long)version, SQLITE_STORE_SCHEMA);
	return 0;
}

static int pages_check(sqlite3 *db, const char *path, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int result = 0;
	if (sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &st, NULL) != SQLITE_OK ||
	    sqlite3_step(st) != SQLITE_ROW) {
		result = sqlite_error(db, path, "can not open", e);
	} else {
		const char *verdict = (const char *)sqlite3_column_text(st, 0);
		if (verdict == NULL || strcmp(verdict, "ok") != 0)
			result = err_set(e, E_IO, "store '%s' is damaged (%s): %s", path,
			    verdict != NULL ? verdict : "no verdict", advice_damaged);
	}
	sqlite3_finalize(st);
	return result;
}

static int database_check(sqlite3 *db, const char *path, struct err *e)
{
	/* The first read takes the lock, and tells of another holder and of a file that is none. */
	if (sqlite3_exec(db, "PRAGMA locking_mode=EXCLUSIVE;", NULL, NULL, NULL) != SQLITE_OK)
		return sqlite_error(db, path, "can not open", e);
	int result = identity_check(db, path, e);
	if (result != 0)
		return result;
	if (sqlite3_db_readonly(db, "main") != 0)
		return err_set(e, E_IO,
		    "store '%s' can not be written: check the owner and mode of "
		    "the file and its folder, and that the disk is not mounted read-only",
		    path);
	if (sqlite3_exec(db, settings, NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_exec(db, "BEGIN IMMEDIATE; COMMIT;", NULL, NULL, NULL) != SQLITE_OK)
		return sqlite_error(db, path, "can not open", e);
	return pages_check(db, path, e);
}

int sqlite_database_open(const char *path, sqlite3 **out, struct err *e)
{
	bool missing = false;
	sqlite3 *db = NULL;
	int result = file_check(path, &missing, e);
	if (result == 0 && missing)
		result = database_create(path, e);
	if (result != 0)
		return result;
	int opened = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (opened != SQLITE_OK)
		result = sqlite_error(db, path, "can not open", e);
	else
		result = database_check(db, path, e);
	if (result != 0) {
		sqlite3_close(db);
		return result;
	}
	*out = db;
	return 0;
}
