/* Which release this is, as people see it: tandem cluster, logs at start. What daemons of different
 * releases understand of each other hangs on the versions of views and states alone (decision 071).
 */
#ifndef TANDEM_LIB_BASE_RELEASE_H
#define TANDEM_LIB_BASE_RELEASE_H

#define TANDEM_RELEASE "0.1"

#endif
