/* What the files of the store's model share: store_data.c what is in it, store_reach.c who is
 * served, store_model.c requests, store_watch.c watches. */
#ifndef TANDEM_SIM_STORE_PARTS_H
#define TANDEM_SIM_STORE_PARTS_H

#include "tests/sim/sim.h"
#include "tests/sim/store_model.h"

struct request;
struct store {
	struct process *node;
	struct request *requests;
	uint64_t heard_ms; /* on the node's clock; 0: never */
};

struct blob { /* a value, shared by those who hold it */
	unsigned references;
	size_t bytes;
	char data[];
};
struct blob *blob_new(const void *data, size_t bytes);
struct blob *blob_hold(struct blob *b);
void blob_drop(struct blob *b);

struct entry {
	char *key;
	struct blob *value;
	uint64_t modified;
};

struct change {
	char *key;
	struct blob *value; /* NULL: deleted */
	uint64_t modified;
};

enum { CHANGES = 512 };
struct store_data {
	struct entry *entries; /* sorted by key */
	size_t count;
	uint64_t revision;
	struct change changes[CHANGES]; /* the last ones */
	uint64_t changes_count;
};
extern struct store_data store_data;

size_t entry_place(const char *key, bool *there);
uint64_t entry_modified(const char *key);            /* 0: there is none */
void entry_put(const char *key, struct blob *value); /* at store_data.revision; NULL deletes */
void store_data_reset(void);

bool store_reached(size_t site); /* a member of the majority */
void store_reach_reset(void);

void watches_tell(void); /* of the last revision */

#endif
