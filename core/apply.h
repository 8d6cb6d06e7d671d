/* A service document as the core may rely on it. */
#ifndef TANDEM_CORE_APPLY_H
#define TANDEM_CORE_APPLY_H

#include "core/service.h"
#include "lib/base/err.h"

/* What config/ promises and a decision needs: names present, references inside, pools not empty.
 * 0 or E_INVALID. */
int apply_check(const struct service *s, struct err *e);

#endif
