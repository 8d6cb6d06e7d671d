/* libFuzzer target for the service document: any bytes give a service or a reason.
 *
 * By hand, from the top folder (clang brings libFuzzer):
 *   clang -std=gnu11 -g -O1 -I. -D_GNU_SOURCE -fsanitize=fuzzer,address,undefined \
 *       tests/fuzz/fuzz_service.c $(ls config/?*.c lib/base/?*.c) core/service.c lib/file.c \
 *       -lldns -lyaml -lcrypto -o build/fuzz_service
 *   mkdir -p build/corpus && cp config/examples/retarus.yaml build/corpus/
 *   build/fuzz_service -max_len=20000 -max_total_time=60 -timeout=5 build/corpus */
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
