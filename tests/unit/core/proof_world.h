/* For the tests of the proof of a drain: a service with everything that can bear witness, and what
 * its name servers, resolvers and sources of figures say. */
#ifndef TANDEM_TESTS_CORE_PROOF_WORLD_H
#define TANDEM_TESTS_CORE_PROOF_WORLD_H

#include "tests/unit/core/world.h"

#define MUC_DNS "127.10.0.53@5353"
#define FRA_DNS "127.20.0.53@5353"
#define MAIL "mail-de.retarus.com."
#define ZONE "retarus.com."

static inline void name_server_add(struct service *s, size_t site, const char *endpoint)
{
	VEC_PUSH(s->maintenance.name_servers, s->maintenance.name_servers_count) =
	    (struct service_name_server){site, mem_strdup(endpoint)};
}

static inline void resolver_add(struct service *s, const char *name, bool validated, bool needed)
{
	struct service_resolver r = {.name = mem_strdup(name),
	    .endpoint = mem_strdup("192.0.2.1@53"),
	    .validated = validated,
	    .needed = needed};

	VEC_PUSH(r.owners, r.owners_count) = mem_strdup(MAIL);
	VEC_PUSH(s->maintenance.resolvers, s->maintenance.resolvers_count) = r;
}

static inline void measure_add(
    struct service *s, const char *name, enum measure_kind kind, bool counter)
{
	VEC_PUSH(s->maintenance.measures, s->maintenance.measures_count) =
	    (struct service_measure){.name = mem_strdup(name),
	        .site = MUC,
	        .kind = kind,
	        .url = mem_strdup("http://127.10.0.1/"),
	        .field = mem_strdup("x"),
	        .unit = mem_strdup("sessions"),
	        .counter = counter,
	        .floor = 5,
	        .interval_ms = 5000};
}

static inline struct service *service_proven(void)
{
	struct service *s = service_usual();

	s->maintenance.quiet_ms = 60000;
	s->maintenance.look_ms = 2000;
	name_server_add(s, MUC, MUC_DNS);
	name_server_add(s, FRA, FRA_DNS);
	resolver_add(s, "quad", true, true);
	measure_add(s, "smtp-muc", MEASURE_TRAFFIC, false);
	measure_add(s, "queue-muc", MEASURE_QUEUE, false);
	return s;
}

static inline void look_fails(struct world *w, enum core_look_type type, const char *subject,
    const char *owner, uint16_t kind, const char *failure)
{
	step(w, (struct core_event){.type = CORE_LOOK,
	            .look = {.type = type,
	                .subject = subject,
	                .owner = owner,
	                .kind = kind,
	                .failure = failure}});
}

static inline void answers(struct world *w, enum core_look_type type, const char *subject,
    const char *owner, const char *address)
{
	struct addr a;

	assert_int_equal(addr_parse(address, &a, NULL), 0);
	step(w, (struct core_event){.type = CORE_LOOK,
	            .look = {.type = type,
	                .subject = subject,
	                .owner = owner,
	                .kind = LOOK_A,
	                .failure = "",
	                .validated = type == LOOK_RESOLVER,
	                .addresses = &a,
	                .addresses_count = 1,
	                .detail = ""}});
}

static inline void serial(struct world *w, const char *server, uint64_t epoch)
{
	step(w, (struct core_event){.type = CORE_LOOK,
	            .look = {.type = LOOK_NAME_SERVER,
	                .subject = server,
	                .owner = ZONE,
	                .kind = LOOK_SOA,
	                .failure = "",
	                .serial = (uint32_t)epoch,
	                .detail = ""}});
}

/* Both name servers tell the present serial and Frankfurt alone. */
static inline void servers_answer(struct world *w)
{
	const char *servers[] = {MUC_DNS, FRA_DNS};

	for (size_t i = 0; i < 2; i++) {
		serial(w, servers[i], epoch_of(w));
		answers(w, LOOK_NAME_SERVER, servers[i], MAIL, "127.20.0.25");
		answers(
		    w, LOOK_NAME_SERVER, servers[i], "kdinmx.rmx.de.retarus.com.", "127.10.0.34");
	}
}

static inline void acks(struct world *w)
{
	dnsd_acks(w, "muc", epoch_of(w));
	dnsd_acks(w, "fra", epoch_of(w));
}

static inline void measured(struct world *w, const char *name, int64_t value, const char *from)
{
	step(w, (struct core_event){.type = CORE_LOOK,
	            .look = {.type = LOOK_MEASURE,
	                .subject = name,
	                .owner = "",
	                .failure = "",
	                .value_milli = value * 1000,
	                .detail = from}});
}

static inline enum maintenance_state state_now(const struct world *w)
{
	return state_of(w)->drains[0].state;
}

/* Seconds in which everything is heard as it should be. */
static inline void all_well(struct world *w, unsigned seconds)
{
	for (unsigned i = 0; i < seconds; i++) {
		pass(w, 1000);
		all_is_up(w);
		acks(w);
		servers_answer(w);
		answers(w, LOOK_RESOLVER, "quad", MAIL, "127.20.0.25");
		measured(w, "smtp-muc", 1, "");
		measured(w, "queue-muc", 0, "");
	}
}

#endif
