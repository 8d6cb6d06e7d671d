/* libFuzzer: any octets as a PROXY header. Nothing may be read past the end; a header that is whole
 * must stay whole when more follows, and each of its beginnings must ask for more. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dnsd/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct addr client, again;
	size_t header_bytes, same_bytes;
	enum proxy_verdict v = proxy_read(data, bytes, &header_bytes, &client);
	assert(client.family == 0 || client.family == 4 || client.family == 6);
	if (v != PROXY_DONE)
		return 0;
	assert(header_bytes >= PROXY_FIXED_BYTES && header_bytes <= bytes &&
	       header_bytes <= PROXY_BYTES_MAX);
	uint8_t *exact = malloc(header_bytes);
	assert(exact);
	memcpy(exact, data, header_bytes);
	v = proxy_read(exact, header_bytes, &same_bytes, &again);
	assert(v == PROXY_DONE && same_bytes == header_bytes &&
	       memcmp(&client, &again, sizeof(client)) == 0);
	v = proxy_read(exact, header_bytes - 1, &same_bytes, &again);
	assert(v == PROXY_MORE);
	free(exact);
	return 0;
}
