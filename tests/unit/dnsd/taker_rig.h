/* For the tests of what is taken: views in one line, and a folder, a keeper and a taker that get
 * them. */
#ifndef TANDEM_TESTS_DNSD_TAKER_RIG_H
#define TANDEM_TESTS_DNSD_TAKER_RIG_H

#include <unistd.h>

#include "dnsd/taker.h"
#include "lib/json.h"
#include "lib/log.h"
#include "tests/unit/dnsd/ask.h"
#include "wire/view.h"

#define ZONE(records)                                                                              \
	"{\"name\":\"example.\",\"ttl_s\":300,\"soa\":{\"mname\":\"ns1.example.\",\"rname\":"      \
	"\"host.example.\",\"refresh_s\":1,\"retry_s\":2,\"expire_s\":3,\"minimum_s\":60},"        \
	"\"serial_base\":0,\"records\":[\"example. NS ns1.example.\"" records "]}"
#define NAME(owner, pool)                                                                          \
	"{\"owner\":\"" owner ".example.\",\"zone\":\"example.\",\"pool\":\"" pool "\"}"
#define CATALOG(records, names, removals)                                                          \
	",\"catalog\":{\"zones\":[" ZONE(records) "],\"names\":[" names                            \
	                                          "],\"removals\":[" removals "]}"
/* of a controller that tells which types have left, since that revision */
#define TYPED(records, names, since, removals, losses)                                             \
	",\"catalog\":{\"zones\":[" ZONE(records) "],\"names\":[" names                            \
	                                          "],\"removals\":[" removals                      \
	                                          "],\"types_since\":" since                       \
	                                          ",\"types_removed\":[" losses "]}"
#define LOSS(subject, type, revision)                                                              \
	"{" subject ",\"type\":\"" type "\",\"revision\":" revision "}"
#define OF(owner) "\"owner\":\"" owner "\""
#define OF_POOL "\"pool\":\"p\""
#define GONE(owner, revision) "{\"owner\":\"" owner ".example.\",\"revision\":" revision "}"
#define MAIL NAME("mail", "p")
#define TEXT ",\"text.example. TXT x\""
#define ONE "192.0.2.1"
#define TWO "192.0.2.2"
#define V6 "2001:db8::1"

/* The world of one test: a folder, a keeper, a taker. */
struct stage {
	char folder[64];
	struct keeper *keeper;
	struct snapshot_seat seat;
	struct taker taker;
	struct err why;
};

static inline struct stage *stage_new(void)
{
	struct stage *s = mem_new(1, sizeof(*s));
	struct err e = {0};
	strcpy(s->folder, "/tmp/test-taker-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	assert_int_equal(keeper_open(s->folder, &s->keeper, &e), 0);
	s->taker = (struct taker){.seat = &s->seat, .keeper = s->keeper};
	return s;
}

static inline void stage_free(struct stage *s)
{
	char *command = mem_printf("rm -rf '%s'", s->folder);
	taker_release(&s->taker);
	keeper_close(s->keeper);
	assert_int_equal(system(command), 0);
	free(command);
	free(s);
}

/* As after kill -9: nothing but the disk is left. */
static inline void stage_restart(struct stage *s, int expected)
{
	struct err e = {0};
	taker_release(&s->taker);
	s->taker = (struct taker){.seat = &s->seat, .keeper = s->keeper};
	assert_int_equal(taker_start(&s->taker, &e), expected);
}

static inline struct view *view_of(const char *cluster, unsigned epoch, unsigned revision,
    const char *catalog, const char *const *addresses)
{
	struct buf text = {0};
	struct err e = {0};
	struct view *v = NULL;
	json_t *o;
	buf_printf(&text, "{\"version\":1,\"cluster\":\"%s\",\"epoch\":%u,\"revision\":%u%s",
	    cluster, epoch, revision, catalog);
	buf_puts(&text, ",\"pools\":[{\"name\":\"p\",\"ttl_s\":30,\"members\":[");
	for (size_t i = 0; addresses[i]; i++)
		buf_printf(
		    &text, "%s{\"address\":\"%s\",\"site\":\"muc\"}", i ? "," : "", addresses[i]);
	buf_puts(&text, "]}]}");
	if (json_parse(text.data, text.bytes, &o, &e) != 0 || view_decode(o, &v, &e) != 0)
		fail_msg("%s", e.text);
	json_decref(o);
	buf_free(&text);
	return v;
}

#define VIEW(epoch, revision, catalog, ...)                                                        \
	view_of("c", epoch, revision, catalog, (const char *const[]){__VA_ARGS__, NULL})

static inline void take(struct stage *s, struct view *v, enum accept_verdict verdict)
{
	s->why = (struct err){0};
	enum accept_verdict found = taker_take(&s->taker, v, &s->why);
	if (found != verdict)
		fail_msg("expected %d, found %d: %s", verdict, found, s->why.text);
	assert_int_equal(found == ACCEPT_REFUSE, s->why.text[0] != '\0');
}

static inline void refuse(struct stage *s, struct view *v, const char *why)
{
	take(s, v, ACCEPT_REFUSE);
	if (!strstr(s->why.text, why))
		fail_msg("expected \"%s\", found \"%s\"", why, s->why.text);
}

/* What mail.example. is answered with, in any order. */
static inline void serves(struct stage *s, const char *address, bool expected)
{
	char *text =
	    ask(s->seat.now, strchr(address, ':') ? "mail.example. AAAA" : "mail.example. A", 0);
	if ((strstr(text, address) != NULL) != expected)
		fail_msg("%s %s in: %s", address, expected ? "is not" : "is", text);
	free(text);
}

#endif
