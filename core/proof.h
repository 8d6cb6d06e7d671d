/* What the looks at the world prove; each function tells what stands, or what is missing. */
#ifndef TANDEM_CORE_PROOF_H
#define TANDEM_CORE_PROOF_H

#include "core/core.h"
#include "lib/base/buf.h"

struct look;

/* What a look at the world shows of a claim. */
enum proof { PROOF_MISSING, PROOF_STANDS, PROOF_CONTRADICTED };

/* proof.c, proof_measure.c: what the looks prove of a drain. Each appends to `text` what stands, or
 * what is missing or against it. Missing: nothing contradicts it, but it is not shown. */
struct proof_text { /* start from {0} */
	struct buf standing, missing;
	size_t missing_count;
	bool contradicted;
};
enum proof proof_end(struct proof_text *t, struct buf *text);
/* The look that answers the question, after that time and lately; NULL with a line in `t`. */
const struct look *question_answer(const struct core *c, const struct core_question *q,
    int64_t after_ms, struct core_time now, struct proof_text *t);
/* A SOA serial of that epoch or a later one? */
bool serial_covers(uint32_t serial, uint32_t expected);
void proof_miss(struct proof_text *t, bool contradicts, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
enum proof proof_name_servers(const struct core *c, const struct state *s,
    const struct state_drain *d, struct core_time now, struct buf *text);
enum proof proof_resolvers(const struct core *c, const struct state *s, const struct state_drain *d,
    struct core_time now, struct buf *text);
enum proof proof_measures(const struct core *c, const struct state_drain *d, enum measure_kind kind,
    struct core_time now, struct buf *text);
/* What is only shown: advisory resolvers that do not agree. */
void proof_remarks(const struct core *c, const struct state *s, const struct state_drain *d,
    struct core_time now, struct buf *text);

#endif
