/* The simulated world: one process, one thread, simulated time, everything drawn from a seed.
 *
 * Layers, each of which knows only those above it:
 *   queue.c clocks.c        what happens next; what each process believes the time to be
 *   loop.c                  libevent's timers as the daemons use them, on that queue
 *   network.c               who hears whom, how late, how often
 *   store_model.c disk.c    what survives a crash
 *   controller.c dnsd.c healthd.c hosts.c resolver.c   processes: the real engine, …
 *   plan.c faults.c people.c                   what goes wrong and who asks for what
 *   rules_*.c               what must hold all the same */
#ifndef TANDEM_SIM_SIM_H
#define TANDEM_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/core.h"

enum {
	SIM_SITES = 7,
	SIM_CONTROLLERS = 3,
	SIM_DNSDS = 8,
	SIM_HOSTS = 12,
	SIM_NODES = 40,
	SIM_MEMBERS = 48, /* over all documents */
	SIM_DOCUMENTS = 6,
	SIM_SENDERS = 24, /* dedicated sending addresses, over all documents */
	SIM_SPF_SETS = 2,
	SIM_RESOLVERS = 6,
	SIM_INCIDENTS = 2000,
};

#define SIM_SECOND UINT64_C(1000000)
#define SIM_MINUTE (60 * SIM_SECOND)
#define SIM_HOUR (60 * SIM_MINUTE)
#define SIM_WALL_BEGIN_MS INT64_C(1795000000000) /* 2026-11-18T11:06:40Z */

/* ---- chance ---- */

struct chance {
	uint64_t state;
};
uint64_t chance_draw(struct chance *c, uint64_t below); /* 0 … below-1; below >= 1 */
uint64_t chance_between(struct chance *c, uint64_t least, uint64_t most);
bool chance_hit(struct chance *c, unsigned per_mille);
struct chance chance_branch(uint64_t seed, uint64_t purpose); /* independent streams of one seed */

/* ---- processes ---- */

enum node_kind { NODE_CONTROLLER, NODE_DNSD, NODE_HEALTHD, NODE_HOST };

struct process { /* a process on a machine with a clock */
	enum node_kind kind;
	size_t index, site;
	char name[24];
	bool alive;
	uint32_t life;       /* grows with every start: what was meant for a former life is lost */
	uint64_t stalled_us; /* does nothing before this time */
	/* the machine's clock */
	uint64_t mono_base_us, since_us;
	int64_t rate_ppm, wall_offset_ms;
	bool wrong_from_start; /* that clock was never seen to be right by this life */
};

/* ---- the queue ---- */

struct task;
typedef void (*task_run)(void *arg);

uint64_t sim_now_us(void);
/* Runs `run(arg)` after that time as `node` (NULL: as the world), unless that node has died since:
 * then `drop(arg)` (may be NULL) runs instead. A stalled node runs it later. */
struct task *task_after(
    struct process *node, uint64_t delay_us, task_run run, task_run drop, void *arg);
void task_cancel(struct task *t); /* drop is not called */
bool queue_step(uint64_t end_us); /* false: nothing left before that time, which it is now */
void queue_release(void);

/* Runs as that node until node_leave; nests. */
struct process *node_enter(struct process *n);
void node_leave(struct process *before);

/* ---- clocks ---- */

uint64_t node_mono_ms(const struct process *n);
int64_t node_wall_ms(const struct process *n);
int64_t sim_wall_ms(void); /* the true one */

/* ---- network ---- */

struct link { /* from one site to another, one way */
	bool cut;
	uint64_t extra_us; /* added delay */
	unsigned loss;     /* per mille */
	unsigned twice;    /* per mille delivered a second time, later */
};

bool network_open(size_t from, size_t to);
/* Delay of one message; false: it is lost. */
bool network_delay(size_t from, size_t to, uint64_t *delay_us);

/* ---- what is drawn ---- */

struct layout {
	uint64_t pace; /* seconds between probes; everything else in proportion */
	size_t regions, sites;
	size_t region_of[SIM_SITES]; /* SIZE_MAX: witness */
	char site_names[SIM_SITES][8];
	size_t controllers, controller_site[SIM_CONTROLLERS];
	size_t dnsds, dnsd_site[SIM_DNSDS];
	size_t resolvers;
	unsigned resolver_stretch[SIM_RESOLVERS]; /* percent of the TTL it keeps */
	bool has_pairs; /* dedicated sending addresses; without, there are no hosts */
	size_t hosts, host_site[SIM_HOSTS];
	uint64_t queue_lifetime_us, quarantine_us;
	uint64_t look_s; /* between two questions about addresses on their way */
	size_t documents;
	char *texts[SIM_DOCUMENTS];
	struct service *services[SIM_DOCUMENTS];
	uint64_t duration_us;
	bool quiet_network, is_signed;
};

enum incident_kind {
	INCIDENT_PARTITION, /* a ↮ b */
	INCIDENT_ONE_WAY,   /* a → b is cut */
	INCIDENT_ISOLATION, /* a from everybody */
	INCIDENT_SLOW,      /* a → b is late by c ms */
	INCIDENT_LOSSY,     /* a → b loses and repeats */
	INCIDENT_CRASH_CONTROLLER,
	INCIDENT_CRASH_DNSD,
	INCIDENT_CRASH_STORE,
	INCIDENT_STORE_MUTE, /* answers get lost, writes come late */
	INCIDENT_STALL_CONTROLLER,
	INCIDENT_STALL_DNSD,
	INCIDENT_CLOCK_JUMP,
	INCIDENT_MEMBER_DOWN,
	INCIDENT_MEMBER_FLAPS,
	INCIDENT_VANTAGE_LIES,
	INCIDENT_HEALTHD_STOPS,
	INCIDENT_SITE_OUTAGE,
	INCIDENT_DISK_FAILS,
	INCIDENT_NEW_DISK, /* a dnsd comes back on a new machine */
	INCIDENT_CONFUSED_LINE,
	INCIDENT_UPGRADE,
	INCIDENT_WRONG_CLOCK,   /* a controller starts with a wrong clock */
	INCIDENT_AMBUSH,        /* something happens to a leader whose write is on its way */
	INCIDENT_LINES_LOST,    /* views for a dnsd get lost, keep-alives do not */
	INCIDENT_SITE_FAILS,    /* all members of a site, but no machine of Tandem's */
	INCIDENT_ALL_FAIL,      /* all members of a region */
	INCIDENT_POOL_FAILS,    /* all members of a pool */
	INCIDENT_WRONG_ANSWERS, /* a dnsd answers otherwise than it says, where it is asked first */
	INCIDENT_CRASH_HOST,
	INCIDENT_NEW_HOST,   /* a mail host comes back on a new machine, without its queue */
	INCIDENT_HAND_OVER,  /* addresses go from one host of a site to the other */
	INCIDENT_PTR_BREAKS, /* of one sending address, or its forward name */
	INCIDENT_DRAIN,      /* people from here */
	INCIDENT_UNDRAIN,
	INCIDENT_APPLY,
	INCIDENT_PLAN,
	INCIDENT_RETURN,
	INCIDENT_SCHEDULE,
	INCIDENT_EXTEND,
	INCIDENT_HOLD,
	INCIDENT_RELEASE,
	INCIDENT_PIN,
	INCIDENT_UNPIN,
	INCIDENT_OUTAGE,
	INCIDENT_PRACTICE,
	INCIDENT_KINDS,
};

struct incident {
	uint64_t at_us, lasts_us;
	enum incident_kind kind;
	uint64_t a, b, c;
	bool at_leader; /* `a` is whoever leads when it begins */
	bool left_out;  /* by the shrinker */
};

struct plan {
	uint64_t seed;
	struct layout layout;
	struct incident incidents[SIM_INCIDENTS];
	size_t incidents_count;
};
void plan_draw(struct plan *p, uint64_t seed);
void plan_release(struct plan *p);
const char *incident_name(enum incident_kind k);
char *incident_tell(const struct plan *p, const struct incident *i); /* the caller frees */
void incident_place(struct incident *i, const struct layout *l, struct chance *c);
void scene_draw(struct plan *p, struct chance *c, uint64_t begin_us); /* appends its incidents */
char *document_render(const struct layout *l, uint64_t seed, size_t variant); /* YAML */
struct buf;
void pairs_layout_draw(struct layout *l, uint64_t seed); /* documents_pairs.c */
/* spf, pairs and sending of that variant. */
void pairs_render(struct buf *b, const struct layout *l, uint64_t seed, size_t variant);

/* ---- the world ---- */

struct sim_member { /* the truth about one address */
	char id[112];
	size_t site;
	unsigned down;    /* reasons why it does not work now */
	uint64_t flap_us; /* 0: steady; else up and down for that long each */
	bool known_in[SIM_DOCUMENTS];
};

struct sim_sender { /* the truth about one dedicated sending address */
	struct addr address;
	char text[ADDR_TEXT_BYTES];
	uint64_t ptr_us;    /* from then on there is a PTR */
	unsigned broken[4]; /* reasons why it is wrong, by kind: senders.c */
	/* When each half was right last, while it is not. */
	uint64_t ptr_right_us, forward_right_us;
};

struct sim {
	struct plan *plan;
	const struct layout *layout;
	struct chance network_chance, store_chance, probe_chance, people_chance, senders_chance;
	uint64_t now_us, tasks_run;
	uint64_t hash; /* of everything that has happened */
	struct process *current;

	struct link links[SIM_SITES][SIM_SITES];
	unsigned cuts[SIM_SITES][SIM_SITES]; /* reasons for `cut` */
	unsigned site_out[SIM_SITES];
	struct process nodes[SIM_NODES];
	size_t nodes_count;

	struct sim_member members[SIM_MEMBERS];
	size_t members_count;
	unsigned lying[SIM_SITES];
	struct sim_sender senders[SIM_SENDERS];
	size_t senders_count;

	struct incident *ambush; /* waits for the leader's next write; or NULL */

	bool settling; /* faults and people are over */
};

extern struct sim *sim;
extern bool sim_narrates;

struct process *node_add(enum node_kind kind, size_t index, size_t site, const char *name);
void sim_run(struct plan *p); /* ends by itself or through sim_fail */
uint64_t sim_run_hash(void);  /* of the last run */

uint64_t sim_beat_us(void);             /* of the election */
size_t sim_member_find(const char *id); /* or SIZE_MAX */
bool member_works(const struct sim_member *m);

/* Something happened: into the hash, and told where a story is wanted. */
void story_tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same of what many say at once: one line for those of a kind and group in a row. `line` is
 * what is told where they are few. */
enum story_kind { STORY_UP, STORY_DOWN, STORY_SERVES };
void story_gather(enum story_kind kind, const char *group, const char *item, const char *line);
void story_flush(void); /* the story is at its end */
void trace_add(const void *data, size_t bytes);
void trace_number(uint64_t n);

/* A rule is broken: does not return. `rule` 0: a broken promise of the code. */
__attribute__((noreturn, format(printf, 2, 3))) void sim_fail(int rule, const char *format, ...);

/* ---- processes, seen from outside ---- */

void controller_start(size_t index, bool newer);
void controller_stop(size_t index);
const struct core *controller_core(size_t index); /* NULL while it is dead */
bool controller_leads(size_t index);
struct engine *controller_engine(size_t index);
struct process *controller_node(size_t index);
/* Of member and vantage as the simulator counts them; and of that dnsd. */
void controller_observe(size_t index, size_t member, size_t site, const struct core_observation *o);
void controller_acknowledge(size_t index, size_t dnsd, const struct core_ack *a);
void controllers_release(void);

void dnsd_start(size_t index);
void dnsd_stop(size_t index);
struct process *dnsd_node(size_t index);
const struct taker *dnsd_taker(size_t index); /* NULL while it is dead */
void dnsd_disk_fail(size_t index, bool fails);
void dnsd_forget_disk(size_t index);
void dnsds_release(void);
void disks_release(void);

void healthd_start(size_t site);
void healthd_stop(size_t site);
void healthds_release(void);

/* senders.c: who they are, and what is true of their names */
void senders_collect(void);
size_t sender_find(const struct addr *a); /* or SIZE_MAX */
void sender_break(size_t sender, unsigned kind, bool on);
/* When each half of its PTR was right last: now, or before; 0: never. */
uint64_t sender_ptr_right_us(size_t sender);
uint64_t sender_forward_right_us(size_t sender);
/* Answers of the reverse tree, and of the names in it: "" for none. */
void sender_answer_ptr(const char *owner, char *names, size_t bytes);
bool sender_answer_forward(const char *owner, uint8_t family, struct addr *out);

/* hosts.c: mail hosts */
void hosts_start(void);
void hosts_published(size_t controller); /* it has published a view */
void host_start(size_t host);
void host_stop(size_t host);
void host_forget(size_t host); /* its disk, with its queue */
void hosts_hand_over(size_t site);
const struct process *host_node(size_t host);
size_t hosts_queued(size_t sender, uint64_t since_us); /* mails taken since then */
bool hosts_others_have(size_t host, size_t sender);    /* on an interface, or in a queue */
void hosts_release(void);

void streams_reset(void);
void stream_published(size_t controller, bool delta);
void stream_lose(size_t dnsd, bool on);
void stream_tried(size_t controller, bool delta); /* to the one with a document on trial */
void stream_confuse(size_t dnsd, uint64_t how);
void streams_controller_gone(size_t controller);

void resolvers_start(void);
void asker_start(void);
void asker_try(size_t controller);        /* asks that one, if it is to be asked now */
void asker_mislead(size_t dnsd, bool on); /* whoever asks that dnsd is answered wrongly */
/* What of the last questions to the one with a document on trial was answered wrongly, and not
 * rightly since; NULL: nothing. */
const char *asker_wrong(size_t controller, uint64_t epoch);

/* ---- store ---- */

void store_model_reset(void);
void store_member_kill(size_t controller, bool dead);
void store_mute(bool on, unsigned how);
const struct state *store_state(void);            /* NULL: empty */
size_t store_document_variant(uint64_t revision); /* SIZE_MAX: unknown */

/* ---- faults and people ---- */

void incident_aim(struct incident *i); /* at whoever leads now, where it is meant for that one */
void incident_begin(struct incident *i);
void incident_end(struct incident *i);
/* It sends a write: how much later that arrives, if something happens to it now; else 0. */
uint64_t ambush_spring(struct process *controller);
void people_ask(const struct incident *i);
void people_reset(void);
void people_calm(void);      /* they end what they have declared beside drains */
void people_check_end(void); /* what people were told was so */

/* ---- rules ---- */

struct said { /* the lines of history of one commit, as far as the rules look at them */
	struct said_line {
		char actor[16], action[32], subject[112];
		unsigned overrides; /* of a line "override": what it names */
		char reason[16];    /* of such a line: "request 12" */
	} * lines;
	size_t count;
	bool by_people; /* not by automation alone */
};
void said_free(struct said *s); /* NULL allowed */

void rules_reset(void);
void rules_release(void);
/* A controller sends this state to be written, decided from what its core holds. */
void rules_on_decide(struct process *controller, const struct state *next);
/* The store took it; `in_office`: the sender still held the office; `said` is what its history
 * says. `former` and `said` may be NULL. */
void rules_on_commit(struct process *controller, bool in_office, const struct said *said,
    const struct state *former, const struct state *next);
/* A history is sent to be written; said_free. */
struct said *rules_on_history(const char *text, size_t bytes);
void rules_on_heard(
    size_t controller, size_t member, size_t site, const struct core_observation *o);
void rules_on_ack(size_t controller, size_t dnsd, uint64_t epoch);
void rules_on_publish(size_t controller, const struct view *v);
void rules_on_dnsd_start(size_t dnsd); /* before it serves what it has kept */
void rules_on_new_disk(size_t dnsd);
void rules_on_serve(size_t dnsd); /* what a dnsd serves has changed, or it was started again */
void rules_on_turn(size_t dnsd);  /* other signatures are due */
void rules_on_controller_start(size_t controller);
/* A host takes a mail for a customer from that address (`since_us` now), or one that it took then
 * leaves from it. */
void rules_on_mail(size_t host, size_t sender, size_t customer, uint64_t since_us);
void rules_now(void);                        /* looked at regularly */
bool rules_settled(char *why, size_t bytes); /* liveness: answers agree with the truth */

#endif
