/* Inside the SQLite engine: the open database, shared by the files that open it and work on it. */
#ifndef TANDEM_CONTROLPLANE_STORE_SQLITE_H
#define TANDEM_CONTROLPLANE_STORE_SQLITE_H

#include <sqlite3.h>

#include "controlplane/store_changes.h"
#include "controlplane/store_engine.h"

#define SQLITE_STORE_APPLICATION 0x54414e44 /* "TAND" */
#define SQLITE_STORE_SCHEMA 1

enum sqlite_statement {
	STATEMENT_BEGIN,
	STATEMENT_COMMIT,
	STATEMENT_ROLLBACK,
	STATEMENT_READ,
	STATEMENT_MODIFIED,
	STATEMENT_LIST,
	STATEMENT_LIST_DOWN,
	STATEMENT_LIST_AFTER,
	STATEMENT_PUT,
	STATEMENT_REMOVE,
	STATEMENT_SET_REVISION,
	STATEMENTS
};

struct sqlite_store {
	struct store base;
	struct event_base *loop;
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENTS];
	char *path;
	uint64_t revision;
	uint64_t answered_ms;
	struct err broken; /* set: the file can not be trusted any more, every request gets this */
	struct store_changes *changes;
};

/* Opens or creates the file and checks that it is ours, whole and not in use. */
int sqlite_database_open(const char *path, sqlite3 **out, struct err *e);

/* SQLite's last error as E_IO with advice. */
int sqlite_error(sqlite3 *db, const char *path, const char *doing, struct err *e);

#endif
