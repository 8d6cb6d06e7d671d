/* libFuzzer: any octets as the answer to a NOTIFY of ours. */
#include <assert.h>

#include "dnsd/notify_message.h"
#include "dnsd/octets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct notify_answer a;
	if (notify_answer_read(data, bytes, &a)) {
		assert(bytes >= DNS_HEADER_BYTES && a.id == get_u16(data) && (data[2] & 0x80));
		assert(a.rcode <= 0x0f);
	}
	return 0;
}
