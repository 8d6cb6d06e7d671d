/* The reader of service documents: the real loader, its result remembered, its thread a delay. */
#include <stdlib.h>
#include <string.h>

#include "controlplane/parser.h"
#include "lib/base/mem.h"
#include "tests/sim/sim.h"

struct job {
	struct parser *parser;
	parser_done done;
	void *ctx;
	char *text;
	size_t bytes;
	struct job *next;
};

struct parser {
	struct process *node;
	struct job *jobs;
};

int parser_new(struct event_base *base, struct parser **out, struct err *e)
{
	(void)base, (void)e;
	*out = mem_new(1, sizeof(**out));
	(*out)->node = sim->current;
	return 0;
}

static void job_free(void *arg)
{
	struct job *j = arg;
	for (struct job **p = j->parser ? &j->parser->jobs : NULL; p && *p; p = &(*p)->next)
		if (*p == j) {
			*p = j->next;
			break;
		}
	free(j->text);
	free(j);
}

static struct service *document_read(const char *text, struct config_errors *errors)
{
	struct service *s = NULL;
	for (size_t i = 0; i < sim->layout->documents; i++)
		if (strcmp(sim->layout->texts[i], text) == 0)
			return service_hold(sim->layout->services[i]);
	(void)service_load("document", text, strlen(text), &s, errors);
	return s;
}

static void job_end(void *arg)
{
	struct job *j = arg;
	struct parser_result result = {.text = mem_strndup(j->text, j->bytes), .bytes = j->bytes};
	result.service = document_read(result.text, &result.errors);
	result.result = result.service ? 0 : E_INVALID;
	if (j->done)
		j->done(j->ctx, &result);
	service_drop(result.service);
	config_errors_free(&result.errors);
	free(result.text);
	job_free(j);
}

int parser_parse(struct parser *p, const char *name, const char *text, size_t bytes,
    parser_done done, void *ctx, struct err *e)
{
	struct job *j = mem_new(1, sizeof(*j));
	(void)name, (void)e;
	*j = (struct job){p, done, ctx, mem_strndup(text, bytes), bytes, p->jobs};
	p->jobs = j;
	(void)task_after(
	    p->node, 1000 + chance_draw(&sim->store_chance, 20000), job_end, job_free, j);
	return 0;
}

void parser_forget(struct parser *p, const void *ctx)
{
	for (struct job *j = p->jobs; j; j = j->next)
		if (j->ctx == ctx)
			j->done = NULL;
}

void parser_free(struct parser *p)
{
	if (!p)
		return;
	for (struct job *j = p->jobs; j; j = j->next) {
		j->done = NULL;
		j->parser = NULL;
	}
	free(p);
}
