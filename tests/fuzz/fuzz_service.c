/* libFuzzer target for the service document: any bytes give a service or a reason. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "config/service_load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct config_errors errors = {0};
	struct service *service = NULL;
	const int result = service_load("fuzz", (const char *)data, bytes, &service, &errors);

	assert((result == 0) == (service != NULL));
	assert((result == 0) == (errors.count == 0));
	service_drop(service);
	config_errors_free(&errors);
	return 0;
}
