/* Certificates in a folder of their own, and a loop with a deadline, for the tests over TLS. */
#ifndef TANDEM_TESTS_LIB_TLS_RIG_H
#define TANDEM_TESTS_LIB_TLS_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/loop.h"
#include "lib/pki.h"

static char rig_folder[64];

static inline void rig_issue(const char *ca, const char *name, enum tls_role role)
{
	struct err e = {0};
	char *folder = mem_printf("%s/%s", rig_folder, ca);
	struct pki_request request = {.identity = {.role = role, .site = "muc"},
	    .addresses = (const char *const[]){"127.0.0.1", "::1"},
	    .addresses_count = 2,
	    .days = 1};
	(void)strcpy(request.identity.name, name);
	if (pki_issue(folder, name, &request, &e) != 0)
		fail_msg("%s", e.text);
	free(folder);
}

static inline FILE *rig_open(const char *ca, const char *name, const char *mode)
{
	char path[160];
	(void)snprintf(path, sizeof(path), "%s/%s/%s", rig_folder, ca, name);
	FILE *file = fopen(path, mode);
	assert_non_null(file);
	return file;
}

/* What pki never makes: a server's certificate of our CA with the given names, and its key. */
static inline void rig_issue_server(const char *name, const char *names)
{
	FILE *ca_file = rig_open("ours", "ca.crt", "r");
	FILE *ca_key_file = rig_open("ours", "ca.key", "r");
	FILE *file = rig_open("ours", name, "w");
	X509 *ca = PEM_read_X509(ca_file, NULL, NULL, NULL);
	EVP_PKEY *ca_key = PEM_read_PrivateKey(ca_key_file, NULL, NULL, NULL);
	X509 *certificate = X509_new();
	X509_EXTENSION *extension = X509V3_EXT_nconf_nid(NULL, NULL, NID_subject_alt_name, names);
	assert_true(ca && ca_key && certificate && extension);
	(void)X509_set_version(certificate, X509_VERSION_3);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7);
	(void)X509_set_issuer_name(certificate, X509_get_subject_name(ca));
	(void)X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
	    (const unsigned char *)"server", -1, -1, 0);
	(void)X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
	(void)X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	(void)X509_set_pubkey(certificate, ca_key); /* the CA's own key does for a test */
	(void)X509_add_ext(certificate, extension, -1);
	assert_true(X509_sign(certificate, ca_key, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_X509(file, certificate), 1);
	X509_EXTENSION_free(extension);
	X509_free(certificate);
	X509_free(ca);
	EVP_PKEY_free(ca_key);
	(void)fclose(file);
	(void)fclose(ca_key_file);
	(void)fclose(ca_file);
}

/* Group set-up: our CA with a server, a dnsd and a person; an alien CA with a dnsd. */
static inline int rig_make(void **state)
{
	(void)state;
	struct err e = {0};
	(void)strcpy(rig_folder, "/tmp/tandem-tls-XXXXXX");
	assert_non_null(mkdtemp(rig_folder));
	for (int i = 0; i < 2; i++) {
		char *folder = mem_printf("%s/%s", rig_folder, i ? "alien" : "ours");
		assert_int_equal(pki_init(folder, "Test CA", &e), 0);
		free(folder);
	}
	rig_issue("ours", "controld", TLS_ROLE_CONTROLD);
	rig_issue("ours", "dnsd", TLS_ROLE_DNSD);
	rig_issue("ours", "anna", TLS_ROLE_OPERATOR);
	rig_issue("alien", "dnsd", TLS_ROLE_DNSD);
	rig_issue_server("etcd.crt", "IP:127.0.0.1");
	rig_issue_server("healthd.crt", "IP:127.0.0.1,URI:tandem://muc/healthd");
	rig_issue_server("elsewhere.crt", "IP:127.0.0.9,URI:tandem://muc/controld");
	return 0;
}

static inline int rig_remove(void **state)
{
	(void)state;
	char *command = mem_printf("rm -r %s", rig_folder);
	int failed = system(command);
	free(command);
	return failed;
}

/* The files of a certificate of CA `ca`, trusting the CA `trusted`. Good until the next call but 3.
 */
static inline struct tls_files rig_files(const char *trusted, const char *ca, const char *name)
{
	static char paths[12][160];
	static unsigned next;
	char *path[3];
	for (int i = 0; i < 3; i++)
		path[i] = paths[next++ % 12];
	(void)snprintf(path[0], 160, "%s/%s/ca.crt", rig_folder, trusted);
	(void)snprintf(path[1], 160, "%s/%s/%s.crt", rig_folder, ca, name);
	(void)snprintf(path[2], 160, "%s/%s/%s.key", rig_folder, ca, name);
	return (struct tls_files){.ca = path[0], .certificate = path[1], .key = path[2]};
}

/* For one of pki's certificates, or one of rig_issue_server's when `key` is "ca". */
static inline SSL_CTX *rig_server_tls(const char *name, const char *key)
{
	struct err e = {0};
	struct tls_files files = rig_files("ours", "ours", name);
	files.key = rig_files("ours", "ours", key).key;
	SSL_CTX *ctx;
	if (tls_server_context(&files, &ctx, &e) != 0)
		fail_msg("%s", e.text);
	return ctx;
}

static inline void rig_on_deadline(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	(void)ctx;
	fail_msg("what the test waits for did not happen within 10 s");
}

static inline struct event *rig_deadline(struct loop *loop)
{
	struct event *deadline = evtimer_new(loop_base(loop), rig_on_deadline, NULL);
	assert_non_null(deadline);
	assert_int_equal(evtimer_add(deadline, &(struct timeval){.tv_sec = 10}), 0);
	return deadline;
}

#endif
