/* Judges a mail or web server's certificate, in words for people. Used by SMTP and HTTPS.
 *
 * Installed as the verify callback of an SSL_CTX, so a bad certificate ends the handshake before
 * anything (a password, say) is sent. */
#ifndef TANDEM_HEALTHD_TLS_JUDGE_H
#define TANDEM_HEALTHD_TLS_JUDGE_H

#include <openssl/ssl.h>

#include "healthd/streak.h"
#include "lib/base/err.h"

struct tls_judge {        /* one a probe; the caller fills the first part */
	const char *name; /* DNS name or address the certificate must carry; NULL: any */
	bool chain;       /* it must lead to an authority we trust */
	unsigned days;    /* it must last at least so long; 0: just not have ended */

	bool refused;
	char detail[PROBE_DETAIL_BYTES]; /* why; may hold bytes of the peer's choice */
};

/* Client contexts, one a CA file, read once: the system's list takes tens of milliseconds. */
struct tls_judge_cache;
struct tls_judge_cache *tls_judge_cache_new(void);
void tls_judge_cache_free(struct tls_judge_cache *c);
void tls_judge_cache_forget(struct tls_judge_cache *c);

/* A context for TLS 1.2 and later that trusts `ca` (PEM; NULL: the system's authorities);
 * borrowed until forget, SSLs made from it keep it. E_INVALID or E_IO if the file is not good. */
int tls_judge_context(struct tls_judge_cache *c, const char *ca, SSL_CTX **out, struct err *e);

/* Has `judge` decide for connections of this SSL, or of this context of the caller's own. Both
 * borrow it until the handshake is over. */
void tls_judge_ssl(struct tls_judge *judge, SSL *ssl);
void tls_judge_foreign(struct tls_judge *judge, SSL_CTX *foreign, SSL_CTX *trusted);

#endif
