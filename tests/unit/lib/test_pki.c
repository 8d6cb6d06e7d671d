/* Certificates: what pki makes is strict, private, and says who somebody is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/pki.h"
#include "lib/tls.h"

static char folder[64];

static int make_folder(void **state)
{
	(void)state;
	(void)strcpy(folder, "/tmp/tandem-pki-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	char *command = mem_printf("rm -r %s", folder);
	int failed = system(command);
	free(command);
	return failed;
}

static const char *in_folder(const char *name)
{
	static char path[128];
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static X509 *certificate_read(const char *name)
{
	FILE *file = fopen(in_folder(name), "r");
	assert_non_null(file);
	X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
	assert_non_null(certificate);
	(void)fclose(file);
	return certificate;
}

static struct pki_request request_of(enum tls_role role, const char *const *addresses, size_t count)
{
	struct pki_request request = {.identity = {.role = role, .site = "muc"},
	    .addresses = addresses,
	    .addresses_count = count,
	    .days = 30};
	(void)strcpy(request.identity.name, "anna");
	return request;
}

static const char *const addresses[] = {"127.0.0.1", "::1", "muc.example"};

static void a_ca_and_its_certificates_pass_openssl_and_name_the_holder(void **state)
{
	(void)state;
	struct err e;
	assert_int_equal(pki_init(folder, "Tandem test", &e), 0);
	struct pki_request server = request_of(TLS_ROLE_CONTROLD, addresses, 3);
	assert_int_equal(pki_issue(folder, "controld", &server, &e), 0);
	struct pki_request person = request_of(TLS_ROLE_OPERATOR, NULL, 0);
	assert_int_equal(pki_issue(folder, "anna", &person, &e), 0);

	struct tls_identity who;
	assert_int_equal(tls_certificate_identity(in_folder("anna.crt"), &who, &e), 0);
	assert_int_equal(who.role, TLS_ROLE_OPERATOR);
	assert_string_equal(who.site, "muc");
	assert_string_equal(who.name, "anna");

	X509 *certificate = certificate_read("controld.crt");
	assert_int_equal(X509_check_ip_asc(certificate, "127.0.0.1", 0), 1);
	assert_int_equal(X509_check_ip_asc(certificate, "::1", 0), 1);
	assert_int_equal(X509_check_host(certificate, "muc.example", 0, 0, NULL), 1);
	assert_int_equal(X509_check_host(certificate, "fra.example", 0, 0, NULL), 0);
	assert_int_equal(X509_get_extended_key_usage(certificate), XKU_SSL_SERVER | XKU_SSL_CLIENT);
	assert_int_equal(X509_get_key_usage(certificate), KU_DIGITAL_SIGNATURE);
	assert_int_equal(X509_check_ca(certificate), 0);
	assert_true(X509_cmp_current_time(X509_get0_notBefore(certificate)) < 0);
	assert_int_equal(ASN1_STRING_length(X509_get0_serialNumber(certificate)), 16);
	X509 *ca = certificate_read("ca.crt");
	assert_int_equal(X509_check_ca(ca), 1);
	X509_STORE *store = X509_STORE_new();
	assert_int_equal(X509_STORE_add_cert(store, ca), 1);
	X509_STORE_CTX *check = X509_STORE_CTX_new();
	assert_int_equal(X509_STORE_CTX_init(check, store, certificate, NULL), 1);
	X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(check), X509_V_FLAG_X509_STRICT);
	assert_int_equal(X509_verify_cert(check), 1);
	X509_STORE_CTX_free(check);
	X509_STORE_free(store);
	X509_free(ca);
	X509_free(certificate);
}

static void a_client_certificate_cannot_pose_as_a_server(void **state)
{
	(void)state;
	X509 *certificate = certificate_read("anna.crt");
	assert_int_equal(X509_get_extended_key_usage(certificate), XKU_SSL_CLIENT);
	X509_free(certificate);
}

static void keys_are_private_and_nothing_is_overwritten(void **state)
{
	(void)state;
	struct err e;
	struct stat st;
	struct pki_request person = request_of(TLS_ROLE_OPERATOR, NULL, 0);
	assert_int_equal(stat(in_folder("ca.key"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(in_folder("anna.key"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(pki_init(folder, "Other", &e), E_CONFLICT);
	assert_int_equal(pki_issue(folder, "anna", &person, &e), E_CONFLICT);
	assert_int_equal(unlink(in_folder("anna.crt")), 0); /* the key alone is kept as well */
	assert_int_equal(pki_issue(folder, "anna", &person, &e), E_CONFLICT);
	assert_int_equal(pki_issue("/nonexistent", "anna", &person, &e), E_NOT_FOUND);
}

static void bad_requests_are_refused_and_leave_no_files(void **state)
{
	(void)state;
	struct err e;
	static const char *const bad_names[] = {"", "../x", ".x", "ca", "a/b"};
	struct pki_request good = request_of(TLS_ROLE_DNSD, NULL, 0);
	for (size_t i = 0; i < sizeof(bad_names) / sizeof(bad_names[0]); i++)
		assert_int_equal(pki_issue(folder, bad_names[i], &good, &e), E_INVALID);
	struct pki_request bad = request_of(TLS_ROLE_CONTROLD, NULL, 0);
	assert_int_equal(pki_issue(folder, "x", &bad, &e), E_INVALID);
	bad = good;
	bad.days = 3651;
	assert_int_equal(pki_issue(folder, "x", &bad, &e), E_INVALID);
	bad = good;
	(void)strcpy(bad.identity.site, "Muc/x");
	assert_int_equal(pki_issue(folder, "x", &bad, &e), E_INVALID);
	bad = good;
	(void)strcpy(bad.identity.name, "a\nb");
	assert_int_equal(pki_issue(folder, "x", &bad, &e), E_INVALID);
	bad = request_of(TLS_ROLE_CONTROLD, (const char *const[]){"a b"}, 1);
	assert_int_equal(pki_issue(folder, "x", &bad, &e), E_INVALID);
	assert_int_not_equal(access(in_folder("x.key"), F_OK), 0);
}

static void identities_parse_strictly(void **state)
{
	(void)state;
	struct err e;
	struct tls_identity who;
	assert_int_equal(tls_identity_parse("tandem://fra/healthd", &who, &e), 0);
	assert_int_equal(who.role, TLS_ROLE_HEALTHD);
	static const char *const bad[] = {"", "tandem://", "tandem:///healthd", "tandem://fra",
	    "tandem://fra/", "tandem://fra/root", "tandem://fra/healthd/x", "http://fra/healthd",
	    "tandem://f ra/healthd", "tandem://Fra/healthd",
	    "tandem://aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg/healthd"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(tls_identity_parse(bad[i], &who, &e), E_INVALID);
}

static void unusable_files_are_named_with_the_reason(void **state)
{
	(void)state;
	struct err e;
	SSL_CTX *ctx;
	struct tls_files files = {.ca = "/nonexistent", .certificate = "x", .key = "x"};
	assert_int_equal(tls_server_context(&files, &ctx, &e), E_IO);
	assert_string_equal(e.text, "cannot use CA \"/nonexistent\": No such file or directory");
	char ca[128];
	char other[128];
	(void)strcpy(ca, in_folder("ca.crt"));
	(void)strcpy(other, in_folder("controld.key"));
	files = (struct tls_files){.ca = ca, .certificate = ca, .key = other};
	assert_int_equal(tls_client_context(&files, &ctx, &e), E_IO);
	assert_non_null(strstr(e.text, "key values mismatch"));
	struct tls_identity who;
	assert_int_equal(tls_certificate_identity(ca, &who, &e), E_DENIED);
	assert_non_null(strstr(e.text, "found 0 tandem:// names"));
	assert_int_equal(tls_certificate_identity(other, &who, &e), E_IO);
	assert_int_equal(ERR_peek_error(), 0);
}

/* What is said when the certificate "dated" is used, its end `seconds` from now. */
static void use_dated(long start, long end, char *said, size_t bytes)
{
	const char *folder_ca = in_folder("dated");
	struct err e = {0};
	struct pki_request request = {
	    .identity = {.role = TLS_ROLE_DNSD, .site = "muc"}, .days = 1};
	char *path = mem_printf("%s/d.crt", folder_ca),
	     *key_path = mem_printf("%s/d.key", folder_ca);
	char *ca = mem_printf("%s/ca.crt", folder_ca);
	if (access(path, F_OK) != 0) {
		(void)strcpy(request.identity.name, "d");
		assert_int_equal(pki_init(folder_ca, "CA", &e), 0);
		assert_int_equal(pki_issue(folder_ca, "d", &request, &e), 0);
	}
	FILE *file = fopen(path, "r"), *key_file = fopen(key_path, "r");
	assert_true(file && key_file);
	X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
	EVP_PKEY *key = PEM_read_PrivateKey(key_file, NULL, NULL, NULL);
	(void)fclose(file);
	(void)fclose(key_file);
	assert_true(certificate && key);
	(void)X509_gmtime_adj(X509_getm_notBefore(certificate), start);
	(void)X509_gmtime_adj(X509_getm_notAfter(certificate), end);
	assert_true(
	    X509_sign(certificate, key, NULL) > 0 || X509_sign(certificate, key, EVP_sha256()) > 0);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(PEM_write_X509(file, certificate), 1);
	(void)fclose(file);
	X509_free(certificate);
	EVP_PKEY_free(key);

	int fds[2], saved = dup(STDERR_FILENO);
	SSL_CTX *ctx = NULL;
	assert_int_equal(pipe(fds), 0);
	assert_true(dup2(fds[1], STDERR_FILENO) >= 0);
	int code = tls_client_context(&(struct tls_files){ca, path, key_path}, &ctx, &e);
	assert_int_equal(write(STDERR_FILENO, "\n", 1), 1);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	assert_int_equal(code, 0);
	SSL_CTX_free(ctx);
	ssize_t got = read(fds[0], said, bytes - 1);
	said[got > 0 ? got : 0] = '\0';
	(void)close(saved);
	(void)close(fds[0]);
	(void)close(fds[1]);
	free(path);
	free(key_path);
	free(ca);
}

static void an_own_certificate_out_of_its_time_is_told_of_but_used(void **state)
{
	char said[1024];
	(void)state;
	use_dated(-7200, -3600, said, sizeof(said));
	assert_non_null(strstr(said, "has expired"));
	use_dated(3600, 7200, said, sizeof(said));
	assert_non_null(strstr(said, "is not valid yet"));
	use_dated(-3600, 3L * 86400 + 600, said, sizeof(said));
	assert_non_null(strstr(said, "expires in 3 days"));
	use_dated(-3600, 100L * 86400, said, sizeof(said));
	assert_string_equal(said, "\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_ca_and_its_certificates_pass_openssl_and_name_the_holder),
	    cmocka_unit_test(a_client_certificate_cannot_pose_as_a_server),
	    cmocka_unit_test(keys_are_private_and_nothing_is_overwritten),
	    cmocka_unit_test(bad_requests_are_refused_and_leave_no_files),
	    cmocka_unit_test(identities_parse_strictly),
	    cmocka_unit_test(unusable_files_are_named_with_the_reason),
	    cmocka_unit_test(an_own_certificate_out_of_its_time_is_told_of_but_used),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
