/* The private certificate authority: keys, certificates and the files they live in. */
#include "lib/pki.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/addr.h"
#include "lib/base/mem.h"
#include "lib/file.h"

#define PKI_CA_DAYS 3650
#define PKI_MAX_DAYS 3650
#define PKI_MAX_ADDRESSES 64
#define PKI_COMMON_NAME_BYTES 64 /* X.520's upper bound */
#define PKI_SERIAL_BYTES 16
#define PKI_FILE_BYTES (64 * 1024)
#define PKI_BACKDATE_S 3600

static int pki_fail(struct err *e, const char *what)
{
	char reason[TLS_ERROR_BYTES];
	return err_set(e, E_IO, "cannot %s: %s", what, tls_error_take(reason));
}

/* ---- files ---- */

static int pki_file_write(const char *path, mode_t mode, BIO *text, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0 && errno == EEXIST)
		return err_set(e, E_CONFLICT, "\"%s\" exists, it is not overwritten", path);
	if (fd < 0)
		return err_set_errno(e, errno, "cannot write \"%s\"", path);
	char *data;
	long bytes = BIO_get_mem_data(text, &data);
	ssize_t written = write(fd, data, (size_t)bytes);
	int code = 0;
	if (written != bytes)
		code = err_set_errno(e, written < 0 ? errno : ENOSPC, "cannot write \"%s\"", path);
	else if (fsync(fd) != 0)
		code = err_set_errno(e, errno, "cannot write \"%s\"", path);
	if (close(fd) != 0 && code == 0)
		code = err_set_errno(e, errno, "cannot write \"%s\"", path);
	if (code)
		(void)unlink(path);
	return code;
}

/* Writes both files or none. */
static int pki_pair_write(
    const char *folder, const char *name, X509 *certificate, EVP_PKEY *key, struct err *e)
{
	char *certificate_path = mem_printf("%s/%s.crt", folder, name);
	char *key_path = mem_printf("%s/%s.key", folder, name);
	BIO *certificate_text = BIO_new(BIO_s_mem());
	BIO *key_text = BIO_new(BIO_s_secmem());
	int code;
	if (!certificate_text || !key_text ||
	    PEM_write_bio_X509(certificate_text, certificate) != 1 ||
	    PEM_write_bio_PrivateKey(key_text, key, NULL, NULL, 0, NULL, NULL) != 1) {
		code = pki_fail(e, "encode a certificate");
		goto out;
	}
	if (access(certificate_path, F_OK) == 0) { /* before a key is made for nothing */
		code = err_set(
		    e, E_CONFLICT, "\"%s\" exists, it is not overwritten", certificate_path);
		goto out;
	}
	code = pki_file_write(key_path, 0600, key_text, e);
	if (code)
		goto out;
	code = pki_file_write(certificate_path, 0644, certificate_text, e);
	if (code)
		(void)unlink(key_path);
out:
	BIO_free(key_text);
	BIO_free(certificate_text);
	free(key_path);
	free(certificate_path);
	return code;
}

static int pki_folder_make(const char *folder, struct err *e)
{
	struct stat st;
	if (mkdir(folder, 0700) != 0 && errno != EEXIST)
		return err_set_errno(e, errno, "cannot make folder \"%s\"", folder);
	if (stat(folder, &st) != 0)
		return err_set_errno(e, errno, "cannot use folder \"%s\"", folder);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, E_IO, "cannot use \"%s\": it is not a folder", folder);
	return 0;
}

/* ---- certificates ---- */

static bool pki_serial_set(X509 *certificate)
{
	unsigned char bytes[PKI_SERIAL_BYTES];
	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return false;
	bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40); /* positive, all 16 bytes long */
	BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	bool ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
	BN_free(number);
	return ok;
}

static bool pki_extension_add(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, certificate, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_nconf_nid(NULL, &ctx, nid, value);
	bool ok = extension && X509_add_ext(certificate, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return ok;
}

/* What every certificate of ours has: version, serial, subject, key, validity. */
static bool pki_certificate_fill(
    X509 *certificate, const char *common_name, EVP_PKEY *key, unsigned days)
{
	X509_NAME *subject = X509_get_subject_name(certificate);
	return X509_set_version(certificate, X509_VERSION_3) == 1 && pki_serial_set(certificate) &&
	       X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
	           (const unsigned char *)common_name, -1, -1, 0) == 1 &&
	       X509_set_pubkey(certificate, key) == 1 &&
	       X509_gmtime_adj(X509_getm_notBefore(certificate), -PKI_BACKDATE_S) &&
	       X509_time_adj_ex(X509_getm_notAfter(certificate), (int)days, 0, NULL);
}

static int pki_common_name_check(const char *name, struct err *e)
{
	size_t bytes = strlen(name);
	if (bytes == 0 || bytes > PKI_COMMON_NAME_BYTES)
		return err_set(e, E_INVALID, "found a common name of %zu bytes, expected 1 to %d",
		    bytes, PKI_COMMON_NAME_BYTES);
	for (const char *p = name; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return err_set(
			    e, E_INVALID, "found a control character in the common name");
	}
	return 0;
}

int pki_init(const char *folder, const char *common_name, struct err *e)
{
	int code = pki_common_name_check(common_name, e);
	if (code == 0)
		code = pki_folder_make(folder, e);
	if (code)
		return code;
	ERR_clear_error();
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *ca = X509_new();
	if (!key || !ca || !pki_certificate_fill(ca, common_name, key, PKI_CA_DAYS) ||
	    X509_set_issuer_name(ca, X509_get_subject_name(ca)) != 1 ||
	    !pki_extension_add(ca, ca, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
	    !pki_extension_add(ca, ca, NID_key_usage, "critical,keyCertSign,cRLSign") ||
	    !pki_extension_add(ca, ca, NID_subject_key_identifier, "hash") ||
	    X509_sign(ca, key, EVP_sha256()) <= 0)
		code = pki_fail(e, "make a certificate authority");
	else
		code = pki_pair_write(folder, "ca", ca, key, e);
	X509_free(ca);
	EVP_PKEY_free(key);
	return code;
}

/* ---- issuing ---- */

static int pki_ca_read(const char *folder, X509 **certificate, EVP_PKEY **key, struct err *e)
{
	char *certificate_path = mem_printf("%s/ca.crt", folder);
	char *key_path = mem_printf("%s/ca.key", folder);
	char *text = NULL;
	size_t bytes;
	*certificate = NULL;
	*key = NULL;
	int code = file_read(certificate_path, PKI_FILE_BYTES, &text, &bytes, e);
	if (code)
		goto out;
	BIO *bio = BIO_new_mem_buf(text, (int)bytes);
	*certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	free(text);
	text = NULL;
	code = file_read(key_path, PKI_FILE_BYTES, &text, &bytes, e);
	if (code)
		goto out;
	bio = BIO_new_mem_buf(text, (int)bytes);
	*key = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)(uintptr_t) ""); /* never asks */
	BIO_free(bio);
	OPENSSL_cleanse(text, bytes);
	if (!*certificate || !*key || X509_check_private_key(*certificate, *key) != 1)
		code = pki_fail(e, "use the certificate authority");
out:
	free(text);
	free(certificate_path);
	free(key_path);
	if (code) {
		X509_free(*certificate);
		EVP_PKEY_free(*key);
		*certificate = NULL;
		*key = NULL;
		(void)err_prefix(e, "certificate authority in \"%s\"", folder);
	}
	return code;
}

static bool pki_is_host_name(const char *text)
{
	size_t bytes = strlen(text);
	return bytes > 0 && bytes <= 253 && text[0] != '.' && text[0] != '-' &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") ==
	           bytes;
}

/* Takes `value`; false (and `value` freed) if it or the room for it is lacking. */
static bool pki_name_push(GENERAL_NAMES *names, int type, ASN1_STRING *value)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	if (!name || !value) {
		GENERAL_NAME_free(name);
		ASN1_STRING_free(value);
		return false;
	}
	GENERAL_NAME_set0_value(name, type, value);
	if (sk_GENERAL_NAME_push(names, name) > 0)
		return true;
	GENERAL_NAME_free(name);
	return false;
}

static ASN1_STRING *pki_string(int type, const void *data, size_t bytes)
{
	ASN1_STRING *string = ASN1_STRING_type_new(type);
	if (string && ASN1_STRING_set(string, data, (int)bytes) == 1)
		return string;
	ASN1_STRING_free(string);
	return NULL;
}

static int pki_names_add(X509 *certificate, const struct pki_request *request, struct err *e)
{
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	char *uri = mem_printf(
	    "tandem://%s/%s", request->identity.site, tls_role_name(request->identity.role));
	bool ok =
	    names && pki_name_push(names, GEN_URI, pki_string(V_ASN1_IA5STRING, uri, strlen(uri)));
	for (size_t i = 0; ok && i < request->addresses_count; i++) {
		const char *text = request->addresses[i];
		struct addr a;
		if (addr_parse(text, &a, NULL) == 0)
			ok = pki_name_push(names, GEN_IPADD,
			    pki_string(V_ASN1_OCTET_STRING, a.bytes, a.family == 4 ? 4 : 16));
		else
			ok = pki_name_push(
			    names, GEN_DNS, pki_string(V_ASN1_IA5STRING, text, strlen(text)));
	}
	if (ok)
		ok = X509_add1_ext_i2d(
		         certificate, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1;
	sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
	free(uri);
	return ok ? 0 : pki_fail(e, "name a certificate");
}

static int pki_request_check(const char *name, const struct pki_request *request, struct err *e)
{
	size_t bytes = strlen(name);
	if (bytes == 0 || bytes > 64 || name[0] == '.' || name[0] == '-' || strchr(name, '/') ||
	    strcmp(name, "ca") == 0)
		return err_set(e, E_INVALID,
		    "found file name \"%.80s\", expected 1 to 64 characters, without '/', not "
		    "starting with '.' or '-', and not \"ca\"",
		    name);
	if (request->days < 1 || request->days > PKI_MAX_DAYS)
		return err_set(
		    e, E_INVALID, "found %u days, expected 1 to %d", request->days, PKI_MAX_DAYS);
	if (request->addresses_count > PKI_MAX_ADDRESSES)
		return err_set(e, E_INVALID, "found %zu addresses, expected at most %d",
		    request->addresses_count, PKI_MAX_ADDRESSES);
	if (request->identity.role == TLS_ROLE_CONTROLD && request->addresses_count == 0)
		return err_set(e, E_INVALID,
		    "a controld certificate needs the address or name clients will use");
	for (size_t i = 0; i < request->addresses_count; i++) {
		if (addr_parse(request->addresses[i], &(struct addr){0}, NULL) != 0 &&
		    !pki_is_host_name(request->addresses[i]))
			return err_set(e, E_INVALID,
			    "found \"%.80s\", expected an IP address or a DNS name",
			    request->addresses[i]);
	}
	struct tls_identity parsed;
	char *uri = mem_printf(
	    "tandem://%s/%s", request->identity.site, tls_role_name(request->identity.role));
	int code = tls_identity_parse(uri, &parsed, e);
	free(uri);
	return code ? code : pki_common_name_check(request->identity.name, e);
}

static int pki_certificate_sign(X509 *certificate, EVP_PKEY *key, X509 *ca, EVP_PKEY *ca_key,
    const struct pki_request *request, struct err *e)
{
	const char *usage =
	    request->identity.role == TLS_ROLE_CONTROLD ? "serverAuth,clientAuth" : "clientAuth";
	if (!pki_certificate_fill(certificate, request->identity.name, key, request->days) ||
	    X509_set_issuer_name(certificate, X509_get_subject_name(ca)) != 1)
		return pki_fail(e, "make a certificate");
	if (ASN1_TIME_compare(X509_get0_notAfter(certificate), X509_get0_notAfter(ca)) > 0 &&
	    X509_set1_notAfter(certificate, X509_get0_notAfter(ca)) != 1)
		return pki_fail(e, "make a certificate");
	if (!pki_extension_add(certificate, ca, NID_basic_constraints, "critical,CA:FALSE") ||
	    !pki_extension_add(certificate, ca, NID_key_usage, "critical,digitalSignature") ||
	    !pki_extension_add(certificate, ca, NID_ext_key_usage, usage) ||
	    !pki_extension_add(certificate, ca, NID_subject_key_identifier, "hash") ||
	    !pki_extension_add(certificate, ca, NID_authority_key_identifier, "keyid:always"))
		return pki_fail(e, "make a certificate");
	int code = pki_names_add(certificate, request, e);
	if (code)
		return code;
	if (X509_sign(certificate, ca_key, EVP_sha256()) <= 0)
		return pki_fail(e, "sign a certificate");
	return 0;
}

int pki_issue(
    const char *folder, const char *name, const struct pki_request *request, struct err *e)
{
	int code = pki_request_check(name, request, e);
	if (code)
		return code;
	ERR_clear_error();
	X509 *ca;
	EVP_PKEY *ca_key;
	code = pki_ca_read(folder, &ca, &ca_key, e);
	if (code)
		return code;
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	if (!key || !certificate)
		code = pki_fail(e, "make a key");
	if (code == 0)
		code = pki_certificate_sign(certificate, key, ca, ca_key, request, e);
	if (code == 0)
		code = pki_pair_write(folder, name, certificate, key, e);
	X509_free(certificate);
	EVP_PKEY_free(key);
	X509_free(ca);
	EVP_PKEY_free(ca_key);
	return code;
}
