"""What followers and controllers without quorum told: they may be late, and must never invent.

A follower shows what it has adopted through the store's watch, so its answers are no part of the
linearizable history. But each must be something that the register was at some moment, no longer ago
than LATE_S, and one controller never goes back while it runs. A controller without quorum may be as
late as it likes, if its answer says so first.
"""

import bisect

from .history import OK, UNKNOWN

LATE_S = 4.0
NO_QUORUM = ("no quorum", "uncertain leader")


def says_so(op):
    return op.told.startswith("ATTENTION: ") and "nothing can be changed through this" in op.told


def _last_possible(timeline, moments, op):
    """The last moment before the answer at which the register may have been what it tells."""
    def shows(index):
        return any(state.declared == op.found and state.revision == op.revision
                   for state in timeline[index][1])

    at = bisect.bisect_right(moments, op.returned) - 1
    for index in range(at, -1, -1):
        if shows(index):
            later = moments[index + 1] if index + 1 < len(moments) else float("inf")
            return min(later, op.returned)
    # Something unanswered may have taken effect before the search had a reason to let it.
    return op.returned if any(shows(index) for index in range(at + 1, len(timeline))) else None


def _written(operations, op):
    """Was each thing it tells asked for before? What nobody confirmed and the next one replaced
    need not be part of any order."""
    asked = {(other.key, other.value) for other in operations
             if other.kind == "declare" and other.outcome in (OK, UNKNOWN)
             and other.invoked <= op.returned}
    return op.found <= asked


def check(operations, timeline, figures):
    """Sentences about what is wrong; adds how late followers were."""
    bad, counts, former = [], {"leader": 0, "follower": 0, "marked": 0,
                         "unconfirmed": 0}, {}
    moments = [moment for moment, _ in timeline]
    reads = [op for op in operations if op.kind == "read" and op.outcome == OK]
    for op in sorted(reads, key=lambda op: op.returned):
        if op.role == "leader":
            counts["leader"] += 1
            continue
        marked = says_so(op)
        counts["marked" if marked else "follower"] += 1
        if op.role in NO_QUORUM and not marked:
            bad.append(f"does not say that it may be late: {op} ({op.told})")
        if marked and op.revision == 0:
            continue  # just started, and says that it has read nothing yet
        seen = _last_possible(timeline, moments, op)
        if seen is None and _written(operations, op):
            counts["unconfirmed"] += 1
            seen = op.returned
        if seen is None:
            bad.append(f"something that never was: {op}")
            continue
        if not marked:
            late_s = max(0.0, op.invoked - seen)
            figures.add("a follower's answer is late by", late_s)
            if late_s > LATE_S:
                bad.append(f"{late_s:.1f} s late without saying so: {op} ({op.told})")
        if marked:
            continue  # one that was started anew without quorum knows what one member holds
        before = former.get(op.through)
        # Reads that overlap may be answered in any order.
        if before and before.returned <= op.invoked and (
                op.epoch < before.epoch or op.revision < before.revision):
            bad.append(f"went back: {before}, then {op}")
        if before is None or op.returned > before.returned:
            former[op.through] = op
    return bad, counts
