/* OpenSSL contexts for mutual TLS 1.3, and identities read from certificates. */
#include "lib/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/file.h"
#include "lib/log.h"

#define TLS_SCHEME "tandem://"
#define TLS_DAYS_TO_TELL 14
#define TLS_FILE_BYTES (1U << 20)

static const struct {
	enum tls_role role;
	const char *word;
} tls_roles[] = {
    {TLS_ROLE_CONTROLD, "controld"},
    {TLS_ROLE_HEALTHD, "healthd"},
    {TLS_ROLE_DNSD, "dnsd"},
    {TLS_ROLE_AGENTD, "agentd"},
    {TLS_ROLE_OPERATOR, "operator"},
};
#define TLS_ROLES (sizeof(tls_roles) / sizeof(tls_roles[0]))

const char *tls_error_take(char out[static TLS_ERROR_BYTES])
{
	unsigned long number = ERR_get_error(); /* the oldest is the most telling */
	const char *reason = NULL;
	char buffer[TLS_ERROR_BYTES];
	if (number != 0 && ERR_SYSTEM_ERROR(number))
		reason = strerror_r(ERR_GET_REASON(number), buffer, sizeof(buffer));
	else if (number != 0)
		reason = ERR_reason_error_string(number);
	if (number != 0 && ERR_GET_LIB(number) == ERR_LIB_PEM &&
	    ERR_GET_REASON(number) == PEM_R_NO_START_LINE)
		reason = "nothing of the kind in it (expected PEM)"; /* "no start line" */
	(void)snprintf(out, TLS_ERROR_BYTES, "%s", reason ? reason : "unknown TLS error");
	ERR_clear_error();
	return out;
}

static int tls_no_passphrase(char *out, int bytes, int writing, void *ctx)
{
	/* without this OpenSSL asks on the terminal, and a daemon would hang there */
	(void)out;
	(void)bytes;
	(void)writing;
	(void)ctx;
	return 0;
}

static int tls_fail(struct err *e, const char *what, const char *path)
{
	char reason[TLS_ERROR_BYTES];
	return err_set(e, E_IO, "cannot use %s \"%s\": %s", what, path, tls_error_take(reason));
}

/* A certificate that others refuse is no reason not to start: the clock may be put right, the file
 * renewed. But whose fault it is must be said here, where it is known. */
static void tls_tell_validity(SSL_CTX *ctx, const char *path)
{
	const X509 *own = SSL_CTX_get0_certificate(ctx);
	int days = 0, seconds = 0;
	if (X509_cmp_current_time(X509_get0_notBefore(own)) > 0)
		log_error(
		    "certificate \"%s\" is not valid yet, so it is refused everywhere: is the "
		    "clock of this host right?",
		    path);
	else if (X509_cmp_current_time(X509_get0_notAfter(own)) < 0)
		log_error(
		    "certificate \"%s\" has expired, so it is refused everywhere: issue a new "
		    "one (tandem pki issue)",
		    path);
	else if (ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(own)) == 1 &&
	         days < TLS_DAYS_TO_TELL)
		log_warn("certificate \"%s\" expires in %d days", path, days);
}

static int tls_context_load(SSL_CTX *ctx, const struct tls_files *files, struct err *e)
{
	SSL_CTX_set_default_passwd_cb(ctx, tls_no_passphrase);
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1)
		return err_set(e, E_IO, "cannot ask OpenSSL for TLS 1.3");
	if (SSL_CTX_load_verify_file(ctx, files->ca) != 1)
		return tls_fail(e, "CA", files->ca);
	if (SSL_CTX_use_certificate_chain_file(ctx, files->certificate) != 1)
		return tls_fail(e, "certificate", files->certificate);
	if (SSL_CTX_use_PrivateKey_file(ctx, files->key, SSL_FILETYPE_PEM) != 1)
		return tls_fail(e, "key", files->key);
	if (SSL_CTX_check_private_key(ctx) != 1)
		return tls_fail(e, "key", files->key);
	tls_tell_validity(ctx, files->certificate);
	return 0;
}

static int tls_context(const SSL_METHOD *method, int verify, const struct tls_files *files,
    SSL_CTX **out, struct err *e)
{
	ERR_clear_error();
	SSL_CTX *ctx = SSL_CTX_new(method);
	if (!ctx)
		return err_set(e, E_IO, "cannot make a TLS context");
	int code = tls_context_load(ctx, files, e);
	if (code) {
		SSL_CTX_free(ctx);
		return code;
	}
	SSL_CTX_set_verify(ctx, verify, NULL);
	/* every connection is authenticated anew: nothing to resume, no ticket to steal */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	*out = ctx;
	return 0;
}

int tls_server_context(const struct tls_files *files, SSL_CTX **out, struct err *e)
{
	return tls_context(
	    TLS_server_method(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, files, out, e);
}

int tls_client_context(const struct tls_files *files, SSL_CTX **out, struct err *e)
{
	return tls_context(TLS_client_method(), SSL_VERIFY_PEER, files, out, e);
}

int tls_peer_identity(SSL *ssl, struct tls_identity *out, struct err *e)
{
	X509 *certificate = SSL_get1_peer_certificate(ssl);
	if (!certificate)
		return err_set(e, E_DENIED, "the peer showed no certificate");
	int code;
	if (SSL_get_verify_result(ssl) != X509_V_OK)
		code = err_set(e, E_DENIED, "the peer's certificate is not valid: %s",
		    X509_verify_cert_error_string(SSL_get_verify_result(ssl)));
	else
		code = tls_x509_identity(certificate, out, e);
	X509_free(certificate);
	return code;
}

/* The one tandem:// name among the subject's alternative names. */
static int tls_x509_uri(X509 *certificate, struct tls_identity *out, struct err *e)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	int found = 0;
	int code = 0;
	for (int i = 0; names && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		if (name->type != GEN_URI)
			continue;
		const ASN1_IA5STRING *uri = name->d.uniformResourceIdentifier;
		const char *text = (const char *)ASN1_STRING_get0_data(uri);
		size_t bytes = (size_t)ASN1_STRING_length(uri);
		if (bytes < strlen(TLS_SCHEME) || memcmp(text, TLS_SCHEME, strlen(TLS_SCHEME)) != 0)
			continue;
		found++;
		if (strlen(text) != bytes) /* OpenSSL terminates it; an inner NUL is a trick */
			code = err_set(e, E_DENIED, "the certificate's tandem:// name holds a NUL");
		else if (code == 0 && tls_identity_parse(text, out, e) != 0)
			code = E_DENIED;
	}
	GENERAL_NAMES_free(names);
	ERR_clear_error();
	if (found != 1)
		return err_set(e, E_DENIED,
		    "found %d tandem:// names in the certificate, expected one", found);
	if (code && e)
		e->code = code;
	return code;
}

static int tls_x509_name(X509 *certificate, struct tls_identity *out, struct err *e)
{
	const X509_NAME *subject = X509_get_subject_name(certificate);
	int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	if (index < 0)
		return err_set(e, E_DENIED, "the certificate has no common name");
	unsigned char *text = NULL;
	int bytes = ASN1_STRING_to_UTF8(
	    &text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
	int bad = bytes <= 0 || bytes >= TLS_NAME_BYTES;
	for (int i = 0; !bad && i < bytes; i++)
		bad = text[i] < 0x20 || text[i] == 0x7f;
	if (!bad) {
		memcpy(out->name, text, (size_t)bytes);
		out->name[bytes] = '\0';
	}
	OPENSSL_free(text);
	ERR_clear_error();
	return bad ? err_set(e, E_DENIED,
	                 "the certificate's common name is empty, longer than %d bytes or "
	                 "not printable",
	                 TLS_NAME_BYTES - 1)
	           : 0;
}

static int64_t tls_x509_expiry(const X509 *certificate)
{
	struct tm end;
	if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1)
		return 0;
	return (int64_t)timegm(&end) * 1000;
}

int tls_x509_identity(X509 *certificate, struct tls_identity *out, struct err *e)
{
	struct tls_identity found;
	memset(&found, 0, sizeof(found));
	int code = tls_x509_uri(certificate, &found, e);
	if (code == 0)
		code = tls_x509_name(certificate, &found, e);
	found.expires_ms = tls_x509_expiry(certificate);
	if (code == 0)
		*out = found;
	return code;
}

/* The first certificate of a PEM file; the caller frees. */
static int tls_x509_read(const char *path, X509 **out, struct err *e)
{
	char *text;
	size_t bytes;
	*out = NULL;
	int code = file_read(path, TLS_FILE_BYTES, &text, &bytes, e);
	if (code)
		return code;
	ERR_clear_error();
	BIO *bio = BIO_new_mem_buf(text, (int)bytes);
	*out = bio ? PEM_read_bio_X509(bio, NULL, tls_no_passphrase, NULL) : NULL;
	if (!*out)
		code = tls_fail(e, "certificate", path);
	BIO_free(bio);
	free(text);
	return code;
}

int tls_certificate_identity(const char *path, struct tls_identity *out, struct err *e)
{
	X509 *certificate;
	int code = tls_x509_read(path, &certificate, e);
	if (code)
		return code;
	code = tls_x509_identity(certificate, out, e);
	if (code)
		(void)err_prefix(e, "certificate \"%s\"", path);
	X509_free(certificate);
	return code;
}

int tls_certificate_expiry(const char *path, int64_t *expires_ms, struct err *e)
{
	X509 *certificate;
	*expires_ms = 0;
	int code = tls_x509_read(path, &certificate, e);
	if (code == 0)
		*expires_ms = tls_x509_expiry(certificate);
	X509_free(certificate);
	return code;
}

int tls_identity_parse(const char *uri, struct tls_identity *out, struct err *e)
{
	size_t scheme_bytes = strlen(TLS_SCHEME);
	if (strncmp(uri, TLS_SCHEME, scheme_bytes) != 0)
		goto bad;
	const char *site = uri + scheme_bytes;
	size_t site_bytes = strspn(site, "abcdefghijklmnopqrstuvwxyz0123456789-_.");
	if (site_bytes == 0 || site_bytes >= TLS_SITE_BYTES || site[site_bytes] != '/')
		goto bad;
	enum tls_role role;
	if (tls_role_parse(site + site_bytes + 1, &role) != 0)
		goto bad;
	*out = (struct tls_identity){.role = role};
	memcpy(out->site, site, site_bytes);
	return 0;
bad:
	return err_set(e, E_INVALID, "found name \"%.100s\", expected tandem://SITE/ROLE", uri);
}

const char *tls_role_name(enum tls_role role)
{
	for (size_t i = 0; i < TLS_ROLES; i++) {
		if (tls_roles[i].role == role)
			return tls_roles[i].word;
	}
	return "nobody";
}

int tls_role_parse(const char *word, enum tls_role *out)
{
	for (size_t i = 0; i < TLS_ROLES; i++) {
		if (strcmp(tls_roles[i].word, word) == 0) {
			*out = tls_roles[i].role;
			return 0;
		}
	}
	return E_INVALID;
}
