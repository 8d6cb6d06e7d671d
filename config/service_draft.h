/* A service document on its way: as written, as built, and what is wrong with it. The stages of
 * service_load() work on it one after the other, each reports all it finds, and none relies on an
 * earlier one having found nothing: what was wrong is NULL, 0 or SIZE_MAX. */
#ifndef TANDEM_CONFIG_SERVICE_DRAFT_H
#define TANDEM_CONFIG_SERVICE_DRAFT_H

#include "config/name_index.h"
#include "config/service_schema.h"

struct service_draft {
	struct raw_service raw;
	struct service *service; /* arrays run parallel to those of `raw` */
	struct report *report;
	struct name_index sites, checks, pools, zones, names; /* into both */
};

void service_draft_release(struct service_draft *d); /* all but the service and the report */

/* 1. Resolves references and fills the service. */
void service_build(struct service_draft *d);
void service_build_maintenance(struct service_draft *d); /* the part of it under maintenance */
void service_build_publication(struct service_draft *d); /* the part of it under publication */
/* 2. What must hold between regions, sites, pools and addresses. */
void service_check(struct service_draft *d);
/* 3. SPF sets: their terms, and the TXT records that publish them. */
void service_check_spf(struct service_draft *d);
/* 4. Reads the records of all zones, fills the service's zones, and checks what DNS asks for. */
void service_check_zones(struct service_draft *d);

/* 5. Names files: where they lead, and the lists that tandem apply has found in them. */
void service_build_names_files(struct service_draft *d);

/* The zone a name belongs to: the longest that holds it; SIZE_MAX for none. */
size_t service_zone_of(const struct service_draft *d, const char *name);

/* Adds "unknown pool "x", expected one of: …" to the report. */
void service_unknown(struct service_draft *d, struct yaml_mark mark, const char *kind,
    const char *found, const struct name_index *known);

#endif
