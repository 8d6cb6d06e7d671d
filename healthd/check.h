/* Copies of service_check, so that a probe under way outlives the plan it came from. */
#ifndef TANDEM_HEALTHD_CHECK_H
#define TANDEM_HEALTHD_CHECK_H

#include "core/service.h"

void check_copy(struct service_check *to, const struct service_check *from); /* deep */
void check_release(struct service_check *c); /* what check_copy allocated */
bool check_equal(const struct service_check *a, const struct service_check *b);

#endif
