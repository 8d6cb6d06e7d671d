/* What is asked of resolvers: every question has its turn, and an answer is judged whole or not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ldns/ldns.h>

#include "controlplane/look_text.h"
#include "controlplane/outside.h"

enum { QUESTIONS = 100 };

struct heard {
	bool each[QUESTIONS];
	size_t count;
};

static void on_heard(void *ctx, const struct core_look *look)
{
	struct heard *h = ctx;
	size_t i = strtoul(look->owner, NULL, 10);
	assert_true(i < QUESTIONS && !h->each[i]);
	assert_true(*look->failure != '\0');
	h->each[i] = true;
	h->count++;
}

/* Without its trust anchor a question fails before anything is sent. */
static void more_questions_than_are_asked_at_once_wait_for_their_turn(void **state)
{
	(void)state;
	struct heard heard = {0};
	struct event_base *base = event_base_new();
	struct outside *o = outside_new(base, on_heard, &heard);
	for (int i = 0; i < QUESTIONS; i++) {
		char owner[32];
		snprintf(owner, sizeof owner, "%d.example.com.", i);
		const struct core_question q = {.type = LOOK_RESOLVER,
		    .subject = "outside",
		    .endpoint = "127.0.0.1@9",
		    .owner = owner,
		    .kind = LOOK_A,
		    .trust_anchor = "/nonexistent/anchor"};
		outside_ask(o, &q);
		outside_ask(o, &q);
	}
	assert_int_equal(heard.count, 0); /* never from inside the call */
	event_base_dispatch(base);
	assert_int_equal(heard.count, QUESTIONS);
	outside_free(o);
	event_base_free(base);
}

/* ---- one that is dead ---- */

struct waits {
	struct event_base *base;
	size_t dead, others;
};

static void on_heard_of_two(void *ctx, const struct core_look *look)
{
	struct waits *w = ctx;
	if (strcmp(look->subject, "dead") == 0)
		w->dead++;
	else if (++w->others == QUESTIONS)
		event_base_loopbreak(w->base);
}

/* It takes questions and never answers: each waits for seconds. */
static int socket_silent(char endpoint[static 64])
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t bytes = sizeof a;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, bytes), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &bytes), 0);
	snprintf(endpoint, 64, "127.0.0.1@%u", ntohs(a.sin_port));
	return fd;
}

static void a_dead_resolver_keeps_no_other_waiting(void **state)
{
	(void)state;
	struct waits heard = {.base = event_base_new()};
	struct outside *o = outside_new(heard.base, on_heard_of_two, &heard);
	char endpoint[64], owner[32];
	int fd = socket_silent(endpoint);
	for (int i = 0; i < 2 * QUESTIONS; i++) {
		snprintf(owner, sizeof owner, "%d.example.com.", i);
		const struct core_question q = {.type = LOOK_RESOLVER,
		    .subject = i < QUESTIONS ? "dead" : "other",
		    .endpoint = endpoint,
		    .owner = owner,
		    .kind = LOOK_A,
		    .trust_anchor = i < QUESTIONS ? NULL : "/nonexistent/anchor"};
		outside_ask(o, &q);
	}
	event_base_dispatch(heard.base);
	assert_int_equal(heard.others, QUESTIONS);
	assert_int_equal(heard.dead, 0);
	outside_free(o);
	event_base_free(heard.base);
	close(fd);
}

/* ---- one that answers ---- */

struct resolver { /* one answer to whatever it is asked */
	struct event_base *base;
	const char *records; /* a line each */
	ldns_pkt_rcode rcode;
	size_t asked;
	char heard[LOOK_TEXT_BYTES], failure[256];
};

static void on_asked(evutil_socket_t fd, short what, void *ctx)
{
	struct resolver *v = ctx;
	struct sockaddr_storage from;
	socklen_t from_bytes = sizeof from;
	uint8_t wire[1500], *reply = NULL;
	size_t reply_bytes;
	ldns_pkt *p = NULL;

	(void)what;
	ssize_t bytes = recvfrom(fd, wire, sizeof wire, 0, (struct sockaddr *)&from, &from_bytes);
	assert_true(bytes > 0);
	assert_int_equal(ldns_wire2pkt(&p, wire, (size_t)bytes), LDNS_STATUS_OK);
	v->asked++;
	ldns_pkt_set_qr(p, true);
	ldns_pkt_set_ra(p, true);
	ldns_pkt_set_rcode(p, (uint8_t)v->rcode);
	for (const char *line = v->records; *line;
	     line += strcspn(line, "\n"), line += *line != 0) {
		char one[1200];
		ldns_rr *rr = NULL;
		snprintf(one, sizeof one, "%.*s", (int)strcspn(line, "\n"), line);
		assert_int_equal(ldns_rr_new_frm_str(&rr, one, 0, NULL, NULL), LDNS_STATUS_OK);
		ldns_pkt_push_rr(p,
		    ldns_rr_get_type(rr) == LDNS_RR_TYPE_SOA ? LDNS_SECTION_AUTHORITY
		                                             : LDNS_SECTION_ANSWER,
		    rr);
	}
	assert_int_equal(ldns_pkt2wire(&reply, p, &reply_bytes), LDNS_STATUS_OK);
	assert_int_equal(
	    sendto(fd, reply, reply_bytes, 0, (struct sockaddr *)&from, from_bytes), reply_bytes);
	free(reply);
	ldns_pkt_free(p);
}

static void on_heard_of_one(void *ctx, const struct core_look *look)
{
	struct resolver *v = ctx;
	snprintf(v->heard, sizeof v->heard, "%s", look->detail);
	snprintf(v->failure, sizeof v->failure, "%s", look->failure);
	event_base_loopbreak(v->base);
}

static struct resolver resolver_ask(
    uint16_t kind, const char *owner, ldns_pkt_rcode rcode, const char *records)
{
	struct resolver v = {.base = event_base_new(), .records = records, .rcode = rcode};
	struct outside *o = outside_new(v.base, on_heard_of_one, &v);
	char endpoint[64];
	int fd = socket_silent(endpoint);
	struct event *asked = event_new(v.base, fd, EV_READ | EV_PERSIST, on_asked, &v);

	event_add(asked, NULL);
	outside_ask(o, &(struct core_question){.type = LOOK_RESOLVER,
	                   .subject = "outside",
	                   .endpoint = endpoint,
	                   .owner = owner,
	                   .kind = kind});
	event_base_dispatch(v.base);
	assert_true(v.asked > 0); /* nothing is answered from here */
	outside_free(o);
	event_free(asked);
	event_base_free(v.base);
	close(fd);
	return v;
}

#define SOA "example.com. 60 IN SOA ns.example.com. host.example.com. 1 2 3 4 5"

static void an_spf_record_is_heard_whole_at_the_end_of_an_alias(void **state)
{
	(void)state;
	struct resolver v = resolver_ask(LOOK_TXT, "_spf.example.com.", LDNS_RCODE_NOERROR,
	    "_spf.example.com. 60 IN CNAME other.example.com.\n"
	    "other.example.com. 60 IN TXT \"something else\"\n"
	    "other.example.com. 60 IN TXT \"v=spf1 ip4:192.0\" \".2.130 -all\"");
	assert_string_equal(v.failure, "");
	assert_string_equal(v.heard, "v=spf1 ip4:192.0.2.130 -all");
}

/* libunbound knows zones of private addresses, and denies what is in them, unless told. */
static void the_name_of_a_private_address_is_asked_for_too(void **state)
{
	(void)state;
	struct resolver v = resolver_ask(LOOK_PTR, "130.2.0.10.in-addr.arpa.", LDNS_RCODE_NOERROR,
	    "130.2.0.10.in-addr.arpa. 60 IN PTR Mail.Example.COM.");
	assert_string_equal(v.failure, "");
	assert_string_equal(v.heard, "mail.example.com.");
}

static void what_is_missing_is_an_answer_of_text_kinds_only(void **state)
{
	(void)state;
	const struct {
		uint16_t kind;
		ldns_pkt_rcode rcode;
		bool is_answer;
	} cases[] = {
	    {LOOK_TXT, LDNS_RCODE_NXDOMAIN, true},
	    {LOOK_TXT, LDNS_RCODE_NOERROR, true},
	    {LOOK_PTR, LDNS_RCODE_NXDOMAIN, true},
	    {LOOK_TXT, LDNS_RCODE_SERVFAIL, false},
	    {LOOK_PTR, LDNS_RCODE_REFUSED, false},
	    {LOOK_A, LDNS_RCODE_NXDOMAIN, false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct resolver v =
		    resolver_ask(cases[i].kind, "gone.example.com.", cases[i].rcode, SOA);
		assert_string_equal(v.heard, "");
		assert_int_equal(*v.failure == '\0', cases[i].is_answer);
	}
}

static void what_does_not_fit_or_can_not_be_read_is_a_failure(void **state)
{
	(void)state;
	struct resolver v = resolver_ask(LOOK_TXT, "_spf.example.com.", LDNS_RCODE_NOERROR,
	    "_spf.example.com. 60 IN TXT \"v=spf1 ip4:192.0.2.1\\007 -all\"");
	assert_non_null(strstr(v.failure, "not printable"));
	assert_string_equal(v.heard, "");
}

/* One that has to be proven is not content with the answer to one that has not. */
static void a_question_with_another_trust_anchor_is_another_question(void **state)
{
	(void)state;
	static const char *const anchors[] = {NULL, "/nonexistent/a", "/nonexistent/b"};
	struct resolver v = {.base = event_base_new()};
	struct outside *o = outside_new(v.base, on_heard_of_one, &v);
	struct core_question q = {
	    .type = LOOK_RESOLVER, .owner = "example.com.", .subject = "outside", .kind = LOOK_TXT};
	char endpoint[64];
	int fd = socket_silent(endpoint);

	q.endpoint = endpoint;
	for (size_t i = 0; i < sizeof anchors / sizeof *anchors; i++) {
		q.trust_anchor = anchors[i];
		outside_ask(o, &q);
	}
	for (size_t i = 1; i < sizeof anchors / sizeof *anchors; i++) {
		event_base_dispatch(v.base);
		assert_non_null(strstr(v.failure, anchors[i]));
	}
	outside_free(o);
	event_base_free(v.base);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(more_questions_than_are_asked_at_once_wait_for_their_turn),
	    cmocka_unit_test(a_dead_resolver_keeps_no_other_waiting),
	    cmocka_unit_test(an_spf_record_is_heard_whole_at_the_end_of_an_alias),
	    cmocka_unit_test(the_name_of_a_private_address_is_asked_for_too),
	    cmocka_unit_test(what_is_missing_is_an_answer_of_text_kinds_only),
	    cmocka_unit_test(what_does_not_fit_or_can_not_be_read_is_a_failure),
	    cmocka_unit_test(a_question_with_another_trust_anchor_is_another_question),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
