/* The names of a view's catalog, once they are on disk and in the catalog that is served: a digest
 * is enough to know them again, and a million of them take three times what serving them takes. */
#ifndef TANDEM_DNSD_VIEW_NAMES_H
#define TANDEM_DNSD_VIEW_NAMES_H

#include "core/view.h"

/* Gives the names back and keeps their number and digest. Such a catalog can not be encoded. */
void view_names_forget(struct view_catalog *c);

/* The same names with the same pools in the same order, whether remembered or not? */
bool view_names_same(const struct view_catalog *a, const struct view_catalog *b);

#endif
