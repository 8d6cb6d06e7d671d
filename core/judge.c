/* Judging one request: by its type, and whether it may break the rules that its sender names. */
#include <assert.h>
#include <string.h>

#include "core/inside.h"

static int judge(struct core *c, struct draft *d, struct request *r, struct core_time now,
    struct buf *text, int *rule, bool *same)
{
	switch (r->type) {
	case CORE_REQUEST_DRAIN:
		return request_judge_drain(c, d, r, now, text, rule);
	case CORE_REQUEST_UNDRAIN:
		return request_judge_undrain(c, d, r, now, text);
	case CORE_REQUEST_OUTAGE:
		return request_judge_outage(c, d, r, now, text);
	case CORE_REQUEST_EXTEND:
		return request_judge_extend(c, d, r, now, text);
	case CORE_REQUEST_RETURN:
		return request_judge_return(c, d, r, now, text);
	case CORE_REQUEST_HOLD:
	case CORE_REQUEST_PIN_UP:
	case CORE_REQUEST_PIN_DOWN:
		return request_judge_intent(c, d, r, now, text, rule);
	case CORE_REQUEST_RELEASE:
	case CORE_REQUEST_UNPIN:
		return request_judge_release(c, d, r, now, text);
	case CORE_REQUEST_HOST_GONE:
		return request_judge_host_gone(c, d, r, now, text, rule);
	case CORE_REQUEST_APPLY:
		return request_judge_apply(c, d, r, now, text, rule, same);
	}
	assert(!"a type of request");
	return E_INVALID;
}

bool override_takes(struct request *r, enum override o)
{
	if ((r->overrides & o) == 0)
		return false;
	r->overridden |= o;
	return true;
}

void override_offer(struct request *r, enum override o, struct buf *text)
{
	r->offered |= o;
	buf_printf(text, "; in need --override %s --reason TEXT lifts that, and it is recorded",
	    override_name(o));
}

int owner_refuse(struct request *r, const char *owner, const char *told, struct buf *text)
{
	if (strcmp(owner, r->actor) == 0 || override_takes(r, OVERRIDE_OWNER))
		return 0;
	buf_printf(text, "refused: %s, and you are %s: ask %s", told, r->actor, owner);
	override_offer(r, OVERRIDE_OWNER, text);
	return E_REFUSED;
}

/* What is overridden without need would be overridden by habit: it is refused, on a draft that is
 * thrown away, before anything is changed. */
static int overrides_rehearse(struct core *c, const struct draft *d, struct request *r,
    struct core_time now, struct buf *text)
{
	struct draft trial = {.base = draft_read(d), .service = d->service};
	char names[OVERRIDES_TEXT_BYTES];
	struct buf unused = {0};
	int rule = 0;
	bool same = false;

	if (*r->reason == '\0' && !r->plan_only) {
		buf_puts(text,
		    "--override needs a reason: who reads the status at night has to know why");
		return E_INVALID;
	}
	if (trial.service)
		service_hold(trial.service);
	r->overridden = 0;
	int result = judge(c, &trial, r, now, &unused, &rule, &same);
	draft_release(&trial);
	buf_free(&unused);
	if (result != 0 || (r->overrides & ~r->overridden) == 0)
		return 0; /* refused for something else, which is told then */
	buf_printf(text, "nothing stands against it by this rule: leave --override %s away",
	    overrides_text(r->overrides & ~r->overridden, names));
	return E_INVALID;
}

static void overrides_note(
    struct draft *d, const struct request *r, struct core_time now, struct buf *text)
{
	static const char *const acts[] = {[CORE_REQUEST_APPLY] = "to apply a document",
	    [CORE_REQUEST_DRAIN] = "to drain",
	    [CORE_REQUEST_UNDRAIN] = "to undrain",
	    [CORE_REQUEST_EXTEND] = "to extend the drain of",
	    [CORE_REQUEST_HOLD] = "to stop automation for",
	    [CORE_REQUEST_RELEASE] = "to end the hold of",
	    [CORE_REQUEST_PIN_UP] = "to pin up",
	    [CORE_REQUEST_PIN_DOWN] = "to pin down",
	    [CORE_REQUEST_UNPIN] = "to unpin",
	    [CORE_REQUEST_HOST_GONE] = "to call gone"};
	char names[OVERRIDES_TEXT_BYTES];
	const char *subject = r->type == CORE_REQUEST_APPLY ? "" : r->site;

	overrides_text(r->overridden, names);
	buf_printf(text, "\noverridden, and recorded so: %s", names);
	draft_note(d, now.wall_ms, r->actor, "override", *subject ? subject : "document",
	    mem_printf("%s overrode %s %s%s%s: %s (rule 8)", r->actor, names, acts[r->type],
	        *subject ? " " : "", subject, r->reason));
}

int request_judge(struct core *c, struct draft *d, struct request *r, struct core_time now,
    struct buf *text, int *rule, bool *same)
{
	int result = overrides_read(r->override, &r->overrides, text);

	*rule = 0;
	*same = false;
	if (result == 0 && r->overrides != 0)
		result = overrides_rehearse(c, d, r, now, text);
	if (result != 0)
		return result;
	r->overridden = r->offered = 0;
	result = judge(c, d, r, now, text, rule, same);
	if (result == 0 && r->overridden != 0)
		overrides_note(d, r, now, text);
	return result;
}
