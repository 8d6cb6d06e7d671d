/* What the names of names files do beside the rest of a service document, and what changes from one
 * document to the next. Pure but for fetching the lists: used by tandem before it uploads anything,
 * and by controllers before anything is decided. */
#ifndef TANDEM_CONFIG_NAMES_CHECK_H
#define TANDEM_CONFIG_NAMES_CHECK_H

#include "core/service.h"
#include "wire/names.h"

enum { NAMES_CHECK_FAULTS = 20, NAMES_CHECK_SHOWN = 5, NAMES_CHECK_SAMPLE = 3 };

struct names_fault {
	size_t file; /* index into the service's names files */
	char *name;
	char *text; /* what is wrong with it there, and what was expected */
};

struct names_change { /* start from {0} */
	uint64_t before, after;
	uint64_t added, removed,
	    moved; /* moved: has another pool or TTL, or stood in the document */
	/* Answers of each former names file that change, without those of `removed`; for
	 * core_names. */
	uint64_t changed[SERVICE_NAMES_FILES];
	char *added_first[NAMES_CHECK_SHOWN], *removed_first[NAMES_CHECK_SHOWN];
	struct names_listed { /* a name of a file, before or after, that a document has too */
		char *owner;
		const char *pool_before, *pool_after; /* its service's; NULL: in no file */
	} * listed;
	size_t listed_count;
	/* Names of the files after, drawn evenly, each time others: first of those that are new or
	 * answered otherwise, then of those that stay. */
	struct names_sample {
		struct names_sampled {
			char *owner;
			const char *pool; /* its service's */
			uint64_t rank;    /* the lowest are in the sample */
		} items[NAMES_CHECK_SAMPLE];
		size_t count;
	} changed_sample, same_sample;
	struct names_pool_loss {  /* what names lose that change files, all of that pool together */
		const char *pool; /* the former service's */
		const char *type; /* "A" or "AAAA" */
	} * losses;
	size_t losses_count;
	struct names_fault faults[NAMES_CHECK_FAULTS];
	size_t faults_count; /* more may be there when this is NAMES_CHECK_FAULTS */
};

/* Reads the lists of both documents (`before` NULL: there was none) whose files are listed, name by
 * name. 0, also where faults were found; else a list could not be read, or has not the number of
 * names that the document says. */
int names_check(const struct service *before, const struct service *after, names_fetch fetch,
    void *ctx, struct names_change *out, struct err *e);
void names_change_release(struct names_change *c);

/* A sentence for people about what changes; the caller frees. NULL: no names files. */
char *names_change_text(const struct names_change *c);

#endif
