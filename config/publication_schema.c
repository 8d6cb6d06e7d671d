/* The rows of `publication`, and what becomes of them. */
#include <stdlib.h>
#include <string.h>

#include "config/service_draft.h"
#include "lib/base/mem.h"

static const struct schema_row publication_rows[] = {
    {.name = "canary",
        .type = SCHEMA_TEXT,
        .min = 1,
        .max = 128,
        SCHEMA_FIELD(struct raw_service, publication.canary),
        .otherwise = "one whose site has another that answers meanwhile, else any",
        .description = "the name server that gets a changed document first, SITE/NAME; another if "
                       "it is not heard. none: all get it at once, without being verified"},
    {.name = "verify",
        .type = SCHEMA_MS,
        .preset = "5s",
        .min = 500,
        .max = 300000,
        SCHEMA_FIELD(struct raw_service, publication.verify_ms),
        .description = "so long that one has to answer as planned; then the document is taken "
                       "back from it"},
};
const struct schema_table publication_table = {.name = "publication",
    SCHEMA_ROWS(publication_rows),
    .description = "How a changed document comes into force: first at one name server, which is "
                   "asked for what changes and for what does not. What the document in force says "
                   "counts."};

void service_build_publication(struct service_draft *d)
{
	const char *canary = d->raw.publication.canary;
	struct service_publication *to = &d->service->publication;
	const char *slash = canary != NULL ? strchr(canary, '/') : NULL;

	to->verify_ms = d->raw.publication.verify_ms;
	to->at_once = canary != NULL && strcmp(canary, "none") == 0;
	if (canary == NULL || to->at_once)
		return;
	char *site = mem_strndup(canary, strcspn(canary, "/"));
	if (slash == NULL || slash[1] == '\0')
		report_add(d->report, schema_mark(&d->raw.place, "publication"),
		    "canary: %s, expected SITE/NAME of a name server, or none",
		    report_quote(canary).text);
	else if (name_index_find(&d->sites, site) == SIZE_MAX)
		service_unknown(
		    d, schema_mark(&d->raw.place, "publication"), "site", site, &d->sites);
	free(site);
	to->canary = mem_strdup(canary);
}
