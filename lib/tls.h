/* Mutual TLS 1.3 and who the other side is.
 *
 * Every certificate of Tandem names role and site in one URI SAN: tandem://SITE/ROLE. Operators
 * are tandem://SITE/operator, their common name is the person. */
#ifndef TANDEM_LIB_TLS_H
#define TANDEM_LIB_TLS_H

#include <openssl/ssl.h>

#include "lib/base/err.h"

enum tls_role { /* bits, so that a route can admit several */
	TLS_ROLE_CONTROLD = 1,
	TLS_ROLE_HEALTHD = 2,
	TLS_ROLE_DNSD = 4,
	TLS_ROLE_AGENTD = 8,
	TLS_ROLE_OPERATOR = 16,
};

struct tls_files { /* paths of PEM files; borrowed */
	const char *ca;
	const char *certificate;
	const char *key;
};

#define TLS_SITE_BYTES 64
#define TLS_NAME_BYTES 128

struct tls_identity {
	enum tls_role role;
	char site[TLS_SITE_BYTES];
	char name[TLS_NAME_BYTES]; /* common name */
	int64_t expires_ms;        /* of its certificate, wall time; 0 where there is none */
};

/* Both: TLS 1.3 only, the peer must present a certificate of `ca`. The caller frees with
 * SSL_CTX_free. */
int tls_server_context(const struct tls_files *files, SSL_CTX **out, struct err *e);
int tls_client_context(const struct tls_files *files, SSL_CTX **out, struct err *e);

/* Reads the peer's identity after the handshake. E_DENIED: no certificate, no or several
 * tandem:// names, unknown role, site longer than its bound, no common name. */
int tls_peer_identity(SSL *ssl, struct tls_identity *out, struct err *e);
/* The same of a certificate that is at hand, and of a PEM file (E_NOT_FOUND, E_IO too). */
int tls_x509_identity(X509 *certificate, struct tls_identity *out, struct err *e);
int tls_certificate_identity(const char *path, struct tls_identity *out, struct err *e);
/* When a PEM file's first certificate expires, wall time: any certificate, not only Tandem's. */
int tls_certificate_expiry(const char *path, int64_t *expires_ms, struct err *e);
/* "tandem://SITE/ROLE"; the name becomes "". E_INVALID. A site is 1 … 63 of a-z 0-9 - _ . */
int tls_identity_parse(const char *uri, struct tls_identity *out, struct err *e);

const char *tls_role_name(enum tls_role role);            /* "controld" …; "nobody" for none */
int tls_role_parse(const char *word, enum tls_role *out); /* 0 or E_INVALID */

/* Why OpenSSL failed, in words; empties this thread's queue of errors. */
#define TLS_ERROR_BYTES 160
const char *tls_error_take(char out[static TLS_ERROR_BYTES]);

#endif
