/* What the files of the engine share; nobody else includes it. */
#ifndef TANDEM_CONTROLPLANE_ENGINE_PARTS_H
#define TANDEM_CONTROLPLANE_ENGINE_PARTS_H

#include "controlplane/engine.h"
#include "controlplane/names_sweep.h"
#include "controlplane/parser.h"

#define KEY_STATE "/tandem/state"
#define KEY_CONFIG "/tandem/config/"
#define KEY_HISTORY "/tandem/history/"

enum {
	ENGINE_KEY_BYTES = 48,
	ENGINE_REQUESTS_MAX = 128,
	ENGINE_HISTORY_KEEP = 10000, /* versions */
	ENGINE_CONFIG_KEEP = 100,    /* revisions */
};

/* Reading the store: one read at a time; `wanted` asks for one more, begun after the present. */
struct engine_load {
	bool busy, wanted;
	bool watched;     /* what is being read came by the watch, and may be old */
	bool watch_ended; /* tell the store's handle apart from one that a gap has ended */
	uint64_t floor;   /* `modified` when the read was begun: an older answer was overtaken */
	uint64_t seen; /* newest `modified` that the watch has shown while a commit was under way */
	struct state *state; /* read, waiting for its service document */
	uint64_t modified;
	struct event *timer; /* the next attempt, or the regular re-read */
	struct store_watch *watch;
	char trouble[ERR_TEXT_BYTES];
};

/* The commit under way. */
struct engine_commit {
	bool busy, sent, settling, sealing, sealed;
	int result; /* what the store said, while settling */
	char id[40];
	struct store_compare fence; /* under which it was sent */
	char *document;             /* a new one that it writes, or NULL */
	size_t document_bytes;
	uint64_t document_revision;
	uint64_t version; /* of the state it writes */
	uint64_t decided_ms, sent_ms;
	struct state *found; /* settling: what the store holds */
	uint64_t found_modified;
	bool pruning;
};

/* The document on trial, read beside the one in force. */
struct engine_trial {
	bool busy;
	uint64_t revision;       /* of `service` */
	struct service *service; /* parsed; NULL: none, or it can not be used */
	char *document;
	size_t document_bytes;
	uint64_t refused;    /* the revision that can not be used here; 0: none */
	struct event *timer; /* the next attempt */
};

struct engine_waiting { /* a request without its reply */
	uint64_t id;
	uint64_t deadline_ms;
	engine_replied replied;
	void *ctx;
	bool plan_only;
};

struct engine {
	struct engine_options options;
	struct core *core;
	struct election *election;
	struct parser *parser;
	struct names_store *names;
	struct names_sweep *sweep;
	struct event *sweep_timer;
	unsigned names_held; /* documents on their way whose lists must not go */

	enum election_role role;
	uint64_t term;
	char *leader_name, *leader_url;
	bool leading, resigned;
	bool behind; /* the quorum has returned, what was missed has not been read yet */

	bool loaded;
	uint64_t modified;       /* of KEY_STATE as adopted or written by us */
	uint64_t version;        /* of the state that `modified` belongs to */
	struct service *service; /* parsed document of service_revision; NULL for none */
	char *document;          /* its text */
	size_t document_bytes;
	uint64_t service_revision;
	struct engine_load load;
	struct engine_commit commit;
	struct engine_trial trial;

	struct event *core_timer;
	uint64_t step_ms; /* when the event being worked on came in */

	struct engine_waiting waiting[ENGINE_REQUESTS_MAX];
	size_t waiting_count;
	uint64_t next_id;
	struct event *waiting_timer;

	struct engine_counters counters;
};

/* engine.c */
void engine_step(struct engine *en, const struct core_event *event);
void engine_lead_if_ready(struct engine *en); /* after a read that followed the election */
void engine_lead_end(struct engine *en);
bool engine_leads(const struct engine *en); /* and nobody else can: for answers without a commit */
void engine_changed(struct engine *en);
void engine_trouble(struct engine *en, const char *text); /* "" ends it; logged on change */

/* engine_load.c */
void load_begin(struct engine *en); /* or once more after the read under way */
void load_later(struct engine *en, unsigned delay_ms);
void load_adopt(struct engine *en, const struct state *state, uint64_t modified);
void load_release(struct engine *en);
const char *key_format(char out[static ENGINE_KEY_BYTES], const char *prefix, uint64_t number);

/* engine_commit.c */
void commit_start(struct engine *en, const struct core_effect *effect);
/* While settling, what a read has found; takes over the state. */
void commit_found(struct engine *en, struct state *state, uint64_t modified);
void commit_release(struct engine *en);

/* engine_trial.c: the document on trial */
void trial_load(struct engine *en); /* if one is on trial here that is not known yet */
/* The document of that revision was on trial and is known: it becomes the one in force. */
bool trial_take_over(struct engine *en, uint64_t revision);
/* A commit of ours has put this one on trial; takes the text. */
void trial_keep(struct engine *en, uint64_t revision, char *document, size_t document_bytes);
/* Why this controller must not lead: it can not read what is on trial. NULL: it can. */
const char *trial_obstacle(const struct engine *en);
void trial_release(struct engine *en);

/* engine_names.c: lists of names of names files */
void names_open(struct engine *en);
void names_release(struct engine *en);
/* What a revision refers to, to be written with it; NULL: no lists. The caller frees. */
char *names_use_text(const struct service *s);

/* engine_request.c */
void request_reply(struct engine *en, const struct core_effect *effect);
void request_release(struct engine *en);

#endif
