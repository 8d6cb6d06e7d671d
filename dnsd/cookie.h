/* DNS cookies (RFC 7873), made so that all servers with the same secret take each other's (RFC
 * 9018): version 1, the time, and SipHash-2-4 over both cookies' plain parts and the client's
 * address.
 *
 * A thread makes cookies with a mill of its own; the secrets are shared and immutable. */
#ifndef TANDEM_DNSD_COOKIE_H
#define TANDEM_DNSD_COOKIE_H

#include <stddef.h>

#include "lib/base/addr.h"

enum {
	COOKIE_CLIENT_BYTES = 8,
	COOKIE_SERVER_BYTES = 16,
	COOKIE_BYTES = COOKIE_CLIENT_BYTES + COOKIE_SERVER_BYTES,
	COOKIE_SERVER_BYTES_MIN = 8, /* of servers' cookies in general: RFC 7873 section 4 */
	COOKIE_SERVER_BYTES_MAX = 32,
	COOKIE_SECRET_BYTES = 16,
	COOKIE_SECRETS_MAX = 4,
};

struct cookie_secrets {
	size_t count;
	uint8_t keys[COOKIE_SECRETS_MAX][COOKIE_SECRET_BYTES]; /* the first makes, all are taken */
};

/* A secret a line, 32 hexadecimal digits; "#" begins a comment. To change the secret without
 * refusing anybody (RFC 9018 section 5): put the new one last on every server, then first, then
 * take the old one out. E_INVALID "path:line: …", E_NOT_FOUND, E_IO, E_LIMIT. */
int cookie_secrets_read(const char *path, struct cookie_secrets *out, struct err *e);
/* One of this process's own. E_IO: no randomness. */
int cookie_secrets_draw(struct cookie_secrets *out, struct err *e);

struct cookie_mill;
int cookie_mill_new(struct cookie_mill **out, struct err *e); /* E_IO */
void cookie_mill_free(struct cookie_mill *m);                 /* NULL allowed */

void cookie_make(struct cookie_mill *m, const uint8_t key[static COOKIE_SECRET_BYTES],
    const uint8_t client[static COOKIE_CLIENT_BYTES], const struct addr *address, uint32_t now_s,
    uint8_t server[static COOKIE_SERVER_BYTES]);

/* What a query's cookie option of `bytes` says, and which cookie the answer carries. The lengths
 * were checked (cookie_is_wellformed). True: the client has shown that the address is its own. */
bool cookie_answer(struct cookie_mill *m, const struct cookie_secrets *s,
    const struct addr *address, uint32_t now_s, const uint8_t *cookie, size_t bytes,
    uint8_t out[static COOKIE_BYTES]);
bool cookie_is_wellformed(size_t bytes); /* 8, or 16 to 40 */

#endif
