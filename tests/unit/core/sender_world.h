/* For the tests of sending addresses: a customer with an address in each site, and what name
 * servers, resolvers and mail hosts say of them. */
#ifndef TANDEM_TESTS_CORE_SENDER_WORLD_H
#define TANDEM_TESTS_CORE_SENDER_WORLD_H

#include "tests/unit/core/proof_world.h"

#define SPF "_spf.retarus.com."
#define MUC_ADDRESS "192.0.2.130"
#define FRA_ADDRESS "198.51.100.130"
#define MUC_REVERSE "130.2.0.192.in-addr.arpa."
#define FRA_REVERSE "130.100.51.198.in-addr.arpa."
#define SPF_BOTH "v=spf1 ip4:192.0.2.128/26 ip4:198.51.100.128/26 ~all"
#define SPF_FRA "v=spf1 ip4:198.51.100.128/26 ~all"

enum { SPF_TTL_S = 300 };

static inline void spf_add(struct service *s, const char *name, const char *terms)
{
	struct service_spf_set set = {.name = mem_strdup(name)};
	char *copy = mem_strdup(terms), *rest = copy;

	for (char *term; (term = strtok_r(rest, " ", &rest)) != NULL;)
		VEC_PUSH(set.terms, set.terms_count) = mem_strdup(term);
	free(copy);
	VEC_PUSH(s->spf_sets, s->spf_sets_count) = set;
}

static inline void pair_add(
    struct service *s, const char *customer, const char *spf, const char *muc, const char *fra)
{
	struct service_pair pair = {.customer = mem_strdup(customer), .spf = mem_strdup(spf)};
	struct service_push_sender at = {.site = MUC};

	if (muc) {
		assert_int_equal(addr_parse(muc, &at.address, NULL), 0);
		VEC_PUSH(pair.addresses, pair.addresses_count) = at;
	}
	at.site = FRA;
	if (fra) {
		assert_int_equal(addr_parse(fra, &at.address, NULL), 0);
		VEC_PUSH(pair.addresses, pair.addresses_count) = at;
	}
	VEC_PUSH(s->pairs, s->pairs_count) = pair;
}

/* Name servers and a resolver that is asked; no pair. */
static inline struct service *service_asked(void)
{
	struct service *s = service_usual();

	s->maintenance.look_ms = 2000;
	name_server_add(s, MUC, MUC_DNS);
	name_server_add(s, FRA, FRA_DNS);
	resolver_add(s, "quad", false, true);
	return s;
}

static inline struct service *service_sending(void)
{
	struct service *s = service_asked();

	spf_add(s, SPF, "ip4:192.0.2.128/26 ip4:198.51.100.128/26 ~all");
	pair_add(s, "4711", SPF, MUC_ADDRESS, FRA_ADDRESS);
	return s;
}

static inline void says(struct world *w, enum core_look_type type, const char *subject,
    const char *owner, uint16_t kind, const char *detail)
{
	step(w, (struct core_event){.type = CORE_LOOK,
	            .look = {.type = type,
	                .subject = subject,
	                .owner = owner,
	                .kind = kind,
	                .failure = "",
	                .detail = detail}});
}

static inline void servers_say(struct world *w, const char *muc, const char *fra)
{
	says(w, LOOK_NAME_SERVER, MUC_DNS, SPF, LOOK_TXT, muc);
	says(w, LOOK_NAME_SERVER, FRA_DNS, SPF, LOOK_TXT, fra);
}

static inline void quad_says_spf(struct world *w, const char *record)
{
	says(w, LOOK_RESOLVER, "quad", SPF, LOOK_TXT, record);
}

/* PTR of both, and the forward names. */
static inline void quad_says_names(struct world *w)
{
	says(w, LOOK_RESOLVER, "quad", MUC_REVERSE, LOOK_PTR, "out1.retarus.com.");
	says(w, LOOK_RESOLVER, "quad", FRA_REVERSE, LOOK_PTR, "out2.retarus.com.");
	answers(w, LOOK_RESOLVER, "quad", "out1.retarus.com.", MUC_ADDRESS);
	answers(w, LOOK_RESOLVER, "quad", "out2.retarus.com.", FRA_ADDRESS);
}

/* `bound`: addresses with blanks between. */
static inline void host_says(
    struct world *w, const char *site, const char *name, uint64_t epoch, const char *bound)
{
	struct core_bound list[4] = {0};
	size_t count = 0;
	char *copy = mem_strdup(bound), *rest = copy;

	for (char *a; (a = strtok_r(rest, " ", &rest)) != NULL; count++)
		assert_int_equal(addr_parse(a, &list[count].address, NULL), 0);
	free(copy);
	step(w, (struct core_event){.type = CORE_HOST, .host = {site, name, epoch, list, count}});
}

static inline const struct state_sender *sender_of(const struct world *w, const char *address)
{
	struct addr a;

	assert_int_equal(addr_parse(address, &a, NULL), 0);
	return state_sender_find(state_of(w), &a);
}

/* "" where it is not known. */
static inline const char *sender_now(const struct world *w, const char *address)
{
	const struct state_sender *s = sender_of(w, address);

	return s ? sender_state_name(s->state) : "";
}

/* In the view published last; NULL: it is not in there. */
static inline const struct view_sender *sender_published(const struct world *w, const char *address)
{
	const struct view *v = core_view(w->core);
	struct addr a;

	assert_int_equal(addr_parse(address, &a, NULL), 0);
	for (size_t i = 0; i < v->senders_count; i++)
		if (addr_equal(&v->senders[i].address, &a))
			return &v->senders[i];
	return NULL;
}

/* "bind" "use" "leave", or "": what hosts may do with it. */
static inline const char *sender_may(const struct world *w, const char *address)
{
	const struct view_sender *s = sender_published(w, address);

	return s ? view_use_name(s->use) : "";
}

/* Who alone may have it; "": whichever host of its site; NULL: it is not published. */
static inline const char *sender_host(const struct world *w, const char *address)
{
	const struct view_sender *s = sender_published(w, address);

	if (!s)
		return NULL;
	return s->host ? s->host : "";
}

static inline const char *sender_waits_for(const struct world *w, const char *address)
{
	static char text[2048];
	struct core_report r;

	text[0] = '\0';
	core_report(w->core, w->now, &r);
	for (size_t i = 0; i < r.senders_count; i++) {
		char name[ADDR_TEXT_BYTES];
		if (strcmp(addr_format(&r.senders[i].address, name), address) == 0)
			snprintf(text, sizeof(text), "%s", r.senders[i].text);
	}
	core_report_free(&r);
	return text;
}

/* Seconds in which name servers and the resolver answer as they should; `hosts`: and hosts have
 * what they may have. */
static inline void sending_well(struct world *w, unsigned seconds, bool hosts)
{
	for (unsigned i = 0; i < seconds; i++) {
		pass(w, 1000);
		all_is_up(w);
		acks(w);
		servers_answer(w);
		answers(w, LOOK_RESOLVER, "quad", MAIL, "127.20.0.25");
		servers_say(w, SPF_BOTH, SPF_BOTH);
		quad_says_spf(w, SPF_BOTH);
		quad_says_names(w);
		if (!hosts)
			continue;
		host_says(w, "muc", "out-muc", epoch_of(w),
		    *sender_may(w, MUC_ADDRESS) ? MUC_ADDRESS : "");
		host_says(w, "fra", "out-fra", epoch_of(w),
		    *sender_may(w, FRA_ADDRESS) ? FRA_ADDRESS : "");
	}
}

/* People know better. The reference of `s` is taken. */
static inline struct world_reply *apply_overriding(
    struct world *w, struct service *s, const char *text)
{
	struct world_reply *r = request(w, (struct core_request){.type = CORE_REQUEST_APPLY,
	                                       .service = s,
	                                       .document = text,
	                                       .document_bytes = strlen(text),
	                                       .planned_on = UINT64_MAX,
	                                       .override = "in-use",
	                                       .reason = "the machine burned"});

	service_drop(s);
	return r;
}

/* Both addresses of 4711 are in use. */
static inline struct world *world_sending(void)
{
	struct world *w = world_with(service_sending());

	sending_well(w, SPF_TTL_S + 20, true);
	assert_string_equal(sender_now(w, MUC_ADDRESS), "active");
	assert_string_equal(sender_now(w, FRA_ADDRESS), "active");
	return w;
}

#endif
