/* tandem-controld's numbers as Prometheus text, on a plain local listener. */
#ifndef TANDEM_CONTROLPLANE_CONTROLD_METRICS_H
#define TANDEM_CONTROLPLANE_CONTROLD_METRICS_H

#include "controlplane/api.h"

struct controld_metrics;

/* Engine and API are borrowed. */
int controld_metrics_new(struct event_base *base, const struct engine *engine,
    const struct api *api, const char *address_at_port, struct controld_metrics **out,
    struct err *e);
void controld_metrics_free(struct controld_metrics *m);

/* The text of a scrape; the caller frees. */
char *controld_metrics_text(const struct engine *engine, const struct api *api);

#endif
