/* The verdict over a certificate, in the order people think: is it still valid, do we trust who
 * signed it, is it for the right name, will it last. */
#include "healthd/tls_judge.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/addr.h"
#include "lib/base/mem.h"

struct authority {
	char *ca;         /* NULL: the system's */
	SSL_CTX *context; /* NULL: could not be read */
	struct err error;
};

struct tls_judge_cache {
	struct authority *items;
	size_t count;
};

static int judge_index(void) /* of the judge in an SSL */
{
	static int index = -1;
	if (index < 0)
		index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	assert(index >= 0);
	return index;
}

static void __attribute__((format(printf, 2, 3)))
refuse(struct tls_judge *j, const char *format, ...)
{
	va_list args;
	j->refused = true;
	va_start(args, format);
	vsnprintf(j->detail, sizeof(j->detail), format, args);
	va_end(args);
}

/* "2026-11-23" */
static const char *date_format(const ASN1_TIME *t, char out[static 16])
{
	struct tm tm;
	if (ASN1_TIME_to_tm(t, &tm) != 1 || strftime(out, 16, "%Y-%m-%d", &tm) == 0)
		strcpy(out, "?");
	return out;
}

static bool dates_judge(struct tls_judge *j, const X509 *leaf)
{
	char date[16];
	int days = 0, seconds = 0;
	const ASN1_TIME *end = X509_get0_notAfter(leaf), *begin = X509_get0_notBefore(leaf);

	if (X509_cmp_current_time(begin) > 0) {
		refuse(j, "certificate is not valid before %s", date_format(begin, date));
	} else if (X509_cmp_current_time(end) <= 0) {
		refuse(j, "certificate ended on %s", date_format(end, date));
	} else if (j->days > 0 && ASN1_TIME_diff(&days, &seconds, NULL, end) == 1 &&
	           days < (int)j->days) {
		refuse(j, "certificate ends in %d day%s (%s), expected at least %u days", days,
		    days == 1 ? "" : "s", date_format(end, date), j->days);
	}
	return !j->refused;
}

/* The name a person would call the certificate: its first DNS or IP name, else its subject's. */
static void name_of(X509 *leaf, char *out, size_t bytes)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	const ASN1_STRING *found = NULL;
	for (int i = 0; i < sk_GENERAL_NAME_num(names) && found == NULL; i++) {
		const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);
		if (n->type == GEN_DNS)
			found = n->d.dNSName;
	}
	if (found != NULL) {
		snprintf(out, bytes, "%.*s", ASN1_STRING_length(found),
		    (const char *)ASN1_STRING_get0_data(found));
	} else if (X509_NAME_get_text_by_NID(
	               X509_get_subject_name(leaf), NID_commonName, out, (int)bytes) < 0) {
		snprintf(out, bytes, "nobody");
	}
	GENERAL_NAMES_free(names);
}

static bool name_judge(struct tls_judge *j, X509 *leaf)
{
	struct addr ignored;
	char found[128];
	if (j->name == NULL)
		return true;
	bool good = addr_parse(j->name, &ignored, NULL) == 0
	                ? X509_check_ip_asc(leaf, j->name, 0) == 1
	                : X509_check_host(
	                      leaf, j->name, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
	if (!good) {
		name_of(leaf, found, sizeof(found));
		refuse(j, "certificate is for %s, expected %s", found, j->name);
	}
	return good;
}

static int verify(X509_STORE_CTX *store, void *arg)
{
	struct tls_judge *j = arg;
	if (j == NULL) {
		SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
		j = SSL_get_ex_data(ssl, judge_index());
	}
	assert(j != NULL);
	X509 *leaf = X509_STORE_CTX_get0_cert(store);
	if (leaf == NULL) {
		refuse(j, "no certificate");
	} else if (dates_judge(j, leaf)) {
		if (j->chain && X509_verify_cert(store) != 1) {
			refuse(j, "certificate is not trusted: %s",
			    X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)));
			return 0;
		}
		name_judge(j, leaf);
	}
	if (j->refused) {
		X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
		return 0;
	}
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
}

static void authority_read(struct authority *a)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	assert(context != NULL);
	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	/* A resumed session would skip the certificate. */
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(context, verify, NULL);
	int good = a->ca != NULL ? SSL_CTX_load_verify_file(context, a->ca)
	                         : SSL_CTX_set_default_verify_paths(context);
	if (good == 1) {
		a->context = context;
		return;
	}
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());
	err_set(&a->error, E_INVALID, "certificate authorities \"%s\" cannot be read: %s",
	    a->ca != NULL ? a->ca : "of the system", reason != NULL ? reason : "no certificate");
	ERR_clear_error();
	SSL_CTX_free(context);
}

struct tls_judge_cache *tls_judge_cache_new(void)
{
	return mem_new(1, sizeof(struct tls_judge_cache));
}

void tls_judge_cache_forget(struct tls_judge_cache *c)
{
	for (size_t i = 0; i < c->count; i++) {
		free(c->items[i].ca);
		SSL_CTX_free(c->items[i].context);
	}
	free(c->items);
	c->items = NULL;
	c->count = 0;
}

void tls_judge_cache_free(struct tls_judge_cache *c)
{
	if (c == NULL)
		return;
	tls_judge_cache_forget(c);
	free(c);
}

static bool same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

int tls_judge_context(struct tls_judge_cache *c, const char *ca, SSL_CTX **out, struct err *e)
{
	size_t i = 0;
	while (i < c->count && !same(c->items[i].ca, ca))
		i++;
	if (i == c->count) {
		struct authority fresh = {.ca = ca != NULL ? mem_strdup(ca) : NULL};
		authority_read(&fresh);
		VEC_PUSH(c->items, c->count) = fresh;
	}
	if (c->items[i].context == NULL)
		return err_set(e, c->items[i].error.code, "%s", c->items[i].error.text);
	*out = c->items[i].context;
	return 0;
}

void tls_judge_ssl(struct tls_judge *judge, SSL *ssl)
{
	SSL_set_ex_data(ssl, judge_index(), judge);
}

void tls_judge_foreign(struct tls_judge *judge, SSL_CTX *foreign, SSL_CTX *trusted)
{
	SSL_CTX_set_verify(foreign, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(foreign, verify, judge);
	SSL_CTX_set1_cert_store(foreign, SSL_CTX_get_cert_store(trusted));
}
