/* The model of the store, as the simulated controllers open it; used through store.h. */
#ifndef TANDEM_SIM_STORE_MODEL_H
#define TANDEM_SIM_STORE_MODEL_H

#include "tests/sim/sim.h"

struct store;

struct store *store_model_open(struct process *node);
bool controller_is_newer(size_t index);

#endif
