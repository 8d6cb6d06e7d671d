/* Signed zones of the simulated name servers. */
#ifndef TANDEM_SIM_SIGNING_H
#define TANDEM_SIM_SIGNING_H

#include "dnsd/taker.h"
#include "tests/sim/sim.h"

void signing_start(size_t dnsd, struct process *node, struct taker *t); /* before it serves */
void signing_stop(size_t dnsd);
struct signer *signing_of(size_t dnsd); /* NULL: this run is not signed */

#endif
