/* What DNSSEC adds to an answer: signatures behind its RRsets, and proofs of what is not there.
 *
 * RFC 4035 section 3.1; 9824 where the zone's denial is compact. Nothing is added, and nothing
 * looked at, unless the asker wants it (DO) and the zone has keys. */
#ifndef TANDEM_DNSD_PROOF_H
#define TANDEM_DNSD_PROOF_H

#include "dnsd/signer.h"
#include "dnsd/snapshot.h"

enum {
	PROOF_NSECS_MAX = 16,
	PROOF_LATE_MAX = 9, /* a name for each link of the longest chain */
};

struct proof_place { /* the name in question, and where it led */
	const struct name *name;
	size_t name_at;              /* in the message */
	const struct node *node;     /* exactly this name, or NULL */
	const struct node *encloser; /* it, or its nearest ancestor that exists */
};

struct proof {                 /* of one answer; start from {.signer = …, …} */
	struct signer *signer; /* NULL: nothing is added */
	const struct snapshot *snapshot;
	struct message *m;
	bool is_starved; /* a signature is missing for want of time; m->full is set too */
	bool is_compact; /* said of a name that does not exist: NOERROR and NXNAME */
	size_t nsecs_count;
	const struct node
	    *nsecs[PROOF_NSECS_MAX]; /* of the chain, that are in the answer already */
	size_t late_count;
	struct proof_late { /* names that wildcards answered: why is told behind the answer section
		             */
		const struct zone *zone;
		struct proof_place place;
	} late[PROOF_LATE_MAX];
};

static inline bool proof_is_due(const struct proof *p, const struct zone *z)
{
	return p->signer && z->keys;
}

/* Behind an RRset in the answer section, with the TTL it has in the zone and the one shown. Why
 * nothing closer stands where a wildcard answered is told by proof_late: `at` and its name must
 * last until then. */
void proof_answer(struct proof *p, const struct zone *z, const struct proof_place *at,
    const struct rrset *set, uint32_t ttl_s);

/* What proof_answer left for the authority section. Once the answer section is complete and before
 * anything of the additional one; nothing is done twice. */
void proof_late(struct proof *p);

/* Behind an RRset of a name above the one in question (a DNAME), which stands at octet `owner_at`.
 */
void proof_above(
    struct proof *p, const struct node *above, const struct rrset *set, size_t owner_at);

/* Behind the SOA in the authority section: there is no such name, or no such type at `node` (the
 * place's own, or the wildcard). */
void proof_absence(
    struct proof *p, const struct zone *z, const struct proof_place *at, const struct node *node);

/* Behind the NS records of a delegation, whose owner name is at octet `cut_at`: its DS, or why not.
 */
void proof_referral(struct proof *p, const struct zone *z, const struct proof_place *at,
    const struct node *cut, size_t cut_at);

/* The NSEC that was asked for by its type, which is in the zone for those without DO too (but not
 * where it is made up for each question). False: there is none at this name. */
bool proof_nsec(
    struct proof *p, const struct zone *z, const struct proof_place *at, const struct node *node);

#endif
