/* What may stand in a check. */
#include "config/service_schema.h"

static const char *const check_words[] = {"tcp", "smtp", "http", "https", NULL};

/* The same rows twice: under `checks`, where the name is the key, and inside a pool. */
#define CHECK(field) SCHEMA_FIELD(struct raw_check, check.field)
#define CHECK_ROWS                                                                                 \
	{.name = "type",                                                                           \
	    .type = SCHEMA_WORD,                                                                   \
	    .words = check_words,                                                                  \
	    .required = true,                                                                      \
	    CHECK(type),                                                                           \
	    .description = "tcp: the port accepts connections. smtp: banner, EHLO and what is "    \
	                   "asked for below. http, https: a GET"},                                 \
	    {.name = "port",                                                                       \
	        .type = SCHEMA_NUMBER,                                                             \
	        .min = 1,                                                                          \
	        .max = 65535,                                                                      \
	        CHECK(port),                                                                       \
	        .otherwise = "25 for smtp, 80 for http, 443 for https; needed for tcp",            \
	        .description = "the port probed at the member's address"},                         \
	    {.name = "interval",                                                                   \
	        .type = SCHEMA_MS,                                                                 \
	        .preset = "1s",                                                                    \
	        .min = 100,                                                                        \
	        .max = 3600000,                                                                    \
	        CHECK(interval_ms),                                                                \
	        .description = "time from one probe's start to the next"},                         \
	    {.name = "timeout",                                                                    \
	        .type = SCHEMA_MS,                                                                 \
	        .preset = "2s",                                                                    \
	        .min = 10,                                                                         \
	        .max = 60000,                                                                      \
	        CHECK(timeout_ms),                                                                 \
	        .description = "a probe that takes longer has failed"},                            \
	    {.name = "jitter",                                                                     \
	        .type = SCHEMA_NUMBER,                                                             \
	        .preset = "10",                                                                    \
	        .unit = "%",                                                                       \
	        .max = 50,                                                                         \
	        CHECK(jitter_percent),                                                             \
	        .description = "how much the interval varies, so that vantages do not march in "   \
	                       "step"},                                                            \
	    {.name = "fall",                                                                       \
	        .type = SCHEMA_NUMBER,                                                             \
	        .preset = "3",                                                                     \
	        .min = 1,                                                                          \
	        .max = 100,                                                                        \
	        CHECK(fall),                                                                       \
	        .description = "failures in a row until a vantage says down"},                     \
	    {.name = "rise",                                                                       \
	        .type = SCHEMA_NUMBER,                                                             \
	        .preset = "5",                                                                     \
	        .min = 1,                                                                          \
	        .max = 1000,                                                                       \
	        CHECK(rise),                                                                       \
	        .description = "successes in a row until a vantage says up again"},                \
	    {.name = "expire",                                                                     \
	        .type = SCHEMA_MS,                                                                 \
	        .min = 2000,                                                                       \
	        .max = 86400000,                                                                   \
	        CHECK(expire_ms),                                                                  \
	        .otherwise = "5s, or 3 times interval plus timeout where that is longer",          \
	        .description = "an observation older than this is unknown, which is not down"},    \
	    {.name = "ehlo",                                                                       \
	        .type = SCHEMA_DNAME,                                                              \
	        .preset = "tandem.invalid",                                                        \
	        .when = "smtp",                                                                    \
	        CHECK(ehlo),                                                                       \
	        .description = "the name to greet with"},                                          \
	    {.name = "starttls",                                                                   \
	        .type = SCHEMA_BOOL,                                                               \
	        .preset = "false",                                                                 \
	        .when = "smtp",                                                                    \
	        CHECK(starttls),                                                                   \
	        .description = "require STARTTLS and go on inside it"},                            \
	    {.name = "tls_name",                                                                   \
	        .type = SCHEMA_DNAME,                                                              \
	        .when = "smtp https",                                                              \
	        CHECK(tls_name),                                                                   \
	        .otherwise = "the certificate's name is not checked",                              \
	        .description = "the name that the certificate must carry; also sent as SNI"},      \
	    {.name = "tls_ca",                                                                     \
	        .type = SCHEMA_PATH,                                                               \
	        .when = "smtp https",                                                              \
	        CHECK(tls_ca),                                                                     \
	        .otherwise = "the system's",                                                       \
	        .description = "PEM file, on the probing host, of the CAs to trust"},              \
	    {.name = "tls_days",                                                                   \
	        .type = SCHEMA_DAYS,                                                               \
	        .preset = "0d",                                                                    \
	        .max = 365,                                                                        \
	        .when = "smtp https",                                                              \
	        CHECK(tls_days),                                                                   \
	        .description = "fail when the certificate ends sooner than this"},                 \
	    {.name = "mail_from",                                                                  \
	        .type = SCHEMA_TEXT,                                                               \
	        .max = 254,                                                                        \
	        .when = "smtp",                                                                    \
	        CHECK(mail_from),                                                                  \
	        .otherwise = "no MAIL",                                                            \
	        .description = "go on to MAIL FROM with this address (empty: the null sender)"},   \
	    {.name = "rcpt_to",                                                                    \
	        .type = SCHEMA_TEXT,                                                               \
	        .min = 3,                                                                          \
	        .max = 254,                                                                        \
	        .when = "smtp",                                                                    \
	        CHECK(rcpt_to),                                                                    \
	        .otherwise = "no RCPT",                                                            \
	        .description = "then RCPT TO this address, then RSET; nothing is ever sent"},      \
	    {.name = "user",                                                                       \
	        .type = SCHEMA_TEXT,                                                               \
	        .min = 1,                                                                          \
	        .max = 255,                                                                        \
	        .when = "smtp http https",                                                         \
	        CHECK(user),                                                                       \
	        .otherwise = "no authentication",                                                  \
	        .description = "log in as this account: AUTH of SMTP, Basic of HTTP"},             \
	    {.name = "password_file",                                                              \
	        .type = SCHEMA_PATH,                                                               \
	        .when = "smtp http https",                                                         \
	        CHECK(password_file),                                                              \
	        .description = "file, on the probing host, whose first line is the password"},     \
	    {.name = "host",                                                                       \
	        .type = SCHEMA_DNAME,                                                              \
	        .when = "http https",                                                              \
	        CHECK(host),                                                                       \
	        .otherwise = "the member's address",                                               \
	        .description = "the Host header"},                                                 \
	    {.name = "path",                                                                       \
	        .type = SCHEMA_TEXT,                                                               \
	        .preset = "/",                                                                     \
	        .min = 1,                                                                          \
	        .max = 1024,                                                                       \
	        .when = "http https",                                                              \
	        CHECK(path),                                                                       \
	        .description = "what to GET"},                                                     \
	    {.name = "expect_status",                                                              \
	        .type = SCHEMA_RANGE,                                                              \
	        .preset = "200-299",                                                               \
	        .min = 100,                                                                        \
	        .max = 599,                                                                        \
	        .when = "http https",                                                              \
	        CHECK(expect_status_min),                                                          \
	        .count_offset = offsetof(struct raw_check, check.expect_status_max),               \
	        .description = "status codes that count as success"},                              \
	    {.name = "expect_body",                                                                \
	        .type = SCHEMA_TEXT,                                                               \
	        .min = 1,                                                                          \
	        .max = 1024,                                                                       \
	        .when = "http https",                                                              \
	        CHECK(expect_body),                                                                \
	        .otherwise = "any",                                                                \
	        .description = "text that the first 5120 bytes of the body must contain"},         \
	{                                                                                          \
		.name = "max_latency", .type = SCHEMA_MS, .preset = "0s", .max = 60000,            \
		CHECK(max_latency_ms),                                                             \
		.description = "slower counts as a failure; 0s: only the "                         \
		               "timeout does"                                                      \
	}

static const struct schema_row check_rows[] = {CHECK_ROWS};
static const struct schema_row check_name = {
    .name = "name",
    .type = SCHEMA_LABEL,
    .required = true,
    CHECK(name),
    .description = "the check's name, unique in its pool",
};
const struct schema_table check_table = {.name = "check",
    SCHEMA_ROWS(check_rows),
    .item_bytes = sizeof(struct raw_check),
    .placed = true,
    .key = &check_name,
    .selector = "type",
    .description = "One way to find out whether a member works, from every site."};

static const struct schema_row pool_check_rows[] = {
    {.name = "name",
        .type = SCHEMA_LABEL,
        .required = true,
        CHECK(name),
        .description = "the check's name, unique in its pool"},
    CHECK_ROWS,
};
static const struct schema_row check_reference = {.name = "check",
    .type = SCHEMA_LABEL,
    SCHEMA_FIELD(struct raw_check, reference),
    .description = "the name of a check defined under checks"};
const struct schema_table pool_check_table = {.name = "check",
    SCHEMA_ROWS(pool_check_rows),
    .item_bytes = sizeof(struct raw_check),
    .placed = true,
    .shorthand = &check_reference,
    .like = &check_table,
    .selector = "type",
    .description = "The name of a check under checks, or a check of this pool alone, with the "
                   "options of those and a name."};
