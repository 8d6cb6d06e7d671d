/* libFuzzer: any text as what the predecessor or successor of a dnsd says, without sockets. */
#include <assert.h>
#include <string.h>

#include "dnsd/handover_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct handover_message m;
	struct err e = {0};
	if (handover_decode((const char *)data, bytes, &m, &e) != 0) {
		assert(e.text[0] != '\0');
		return 0;
	}
	assert(m.word < HANDOVER_WORDS && handover_word_name(m.word) && m.fds_count == 0);
	assert(memchr(m.cluster, 0, sizeof(m.cluster)) && memchr(m.why, 0, sizeof(m.why)));
	return 0;
}
