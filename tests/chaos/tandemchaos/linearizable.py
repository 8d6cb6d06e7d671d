"""Is there one order of the operations, each at a moment between its invocation and its return,
in which every answer is right?

Wing and Gong's search, just in time (as in Lowe, "Testing for linearizability", 2017): going through
invocations and returns in time, a set of configurations is kept, each a state of the model with the
open operations that have taken effect in it already. When an operation returns, those configurations
survive in which it has taken effect by then, before or after other open ones. None left: no such
order exists. An operation without an answer stays open to the end, and may take effect at any time
or never; one that changes nothing need not.
"""

from dataclasses import dataclass, field

from .history import NOTHING, UNKNOWN

CONFIGURATIONS_MAX = 200_000


class TooMany(Exception):
    """More configurations than can be looked at: nothing is known about the history."""


@dataclass
class Result:
    ok: bool
    checked: int
    failed: object = None                    # the operation that no order explains
    states: list = field(default_factory=list)  # that were possible just before it
    open: list = field(default_factory=list)    # what else was under way
    timeline: list = field(default_factory=list)  # (from when on, states possible)
    widest: int = 0

    def evidence(self, operations, before=8):
        """The failure told with what happened around it."""
        lines = ["no order of the operations explains this answer:", f"  {self.failed}",
                 "possible before it, each with what had taken effect:"]
        lines += [f"  {state}" for state in self.states[:6]]
        lines.append("under way with it:")
        lines += [f"  {op}" for op in self.open if op is not self.failed]
        lines.append("answered before it:")
        earlier = sorted((op for op in operations if op.returned
                          and op.returned <= self.failed.returned and op is not self.failed
                          and op.kind != "read"), key=lambda op: op.returned)
        lines += [f"  {op}" for op in earlier[-before:]]
        return "\n".join(lines)


def _events(operations):
    """(moment, 0 invocation | 1 return, number, operation); invocations first at one moment.

    What was declared without an answer and shown by nobody is in no order's way: it is left out."""
    events = []
    shown = {value for op in operations for _, value in op.found}
    shown |= {op.removed for op in operations}
    for number, op in enumerate(operations):
        if op.outcome == NOTHING:
            continue
        if op.outcome == UNKNOWN and op.kind == "declare" and op.value not in shown:
            continue
        events.append((op.invoked, 0, number, op))
        if op.outcome != UNKNOWN:
            events.append((op.returned, 1, number, op))
    return sorted(events, key=lambda event: event[:3])


class _Configurations:
    """A set, without those that another one makes needless: the same state and the same answered
    operations with fewer unanswered ones used up, which stay free to happen later or never."""

    def __init__(self, items=()):
        self._least, self.count = {}, 0
        for state, done, used in items:
            self.add(state, done, used)

    def add(self, state, done, used):
        """False: nothing new."""
        known = self._least.setdefault((state, done), [])
        if any(other <= used for other in known):
            return False
        self.count += 1 - sum(used < other for other in known)
        known[:] = [other for other in known if not used < other]
        known.append(used)
        return True

    def __iter__(self):
        for (state, done), known in self._least.items():
            for used in known:
                yield state, done, used

    @property
    def states(self):
        return frozenset(state for state, _ in self._least)


def _group(op):
    """Operations of different groups change nothing for each other."""
    return op.kind if op.kind == "apply" else op.key.split("/")[0]


def _candidates(number, valid, used, under_way, lazy):
    """What may have taken effect before `number` does. Where `number` is possible as things stand,
    an unanswered operation on something else can as well take effect later."""
    op, alike = under_way[number], set()
    for other, candidate in under_way.items():
        if candidate.outcome == UNKNOWN and candidate.kind != "declare" and other not in used:
            # Unanswered ones that do the same stand for each other: the first is enough.
            same = (candidate.kind, candidate.key, candidate.planned_on, candidate.revision)
            if same in alike:
                continue
            alike.add(same)
        if lazy and valid and candidate.outcome == UNKNOWN and (
                op.kind == "read" or _group(op) != _group(candidate)):
            continue
        yield other, candidate


def _close(configurations, number, under_way, step, lazy):
    """Those in which `number` has taken effect, and every state on the way there."""
    survived, seen = _Configurations(), _Configurations(configurations)
    stack = list(configurations)
    while stack:
        state, done, used = stack.pop()
        if number in done:
            survived.add(state, done - {number}, used)
            continue
        valid = step(state, under_way[number]) is not None
        for other, op in _candidates(number, valid, used, under_way, lazy):
            if other in done or other in used:
                continue
            after = step(state, op)
            unanswered = op.outcome == UNKNOWN
            if after is None or (unanswered and after == state):
                continue
            one = frozenset((other,))
            made = (after, done, used | one) if unanswered else (after, done | one, used)
            if seen.add(*made):
                stack.append(made)
                if seen.count > CONFIGURATIONS_MAX:
                    raise TooMany(f"more than {CONFIGURATIONS_MAX} at {op}")
    return survived, seen.states


def _search(operations, initial, step, lazy):
    configurations = _Configurations([(initial, frozenset(), frozenset())])
    under_way, checked = {}, 0
    result = Result(True, 0, timeline=[(float("-inf"), frozenset((initial,)))])
    for moment, returns, number, op in _events(operations):
        if not returns:
            under_way[number] = op
            continue
        survived, states = _close(configurations, number, under_way, step, lazy)
        checked += 1
        result.widest = max(result.widest, survived.count)
        if not survived.count:
            result.ok, result.failed = False, op
            result.states = [state for state, _, _ in configurations]
            result.open = list(under_way.values())
            result.checked = checked
            return result
        configurations = survived
        del under_way[number]
        # Until this moment any of those on the way, from now on only those that are left.
        result.timeline[-1] = (result.timeline[-1][0], result.timeline[-1][1] | states)
        if survived.states != result.timeline[-1][1]:
            result.timeline.append((moment, survived.states))
    result.checked = checked
    return result


def check(operations, initial, step):
    """A Result for the operations on a model that begins in `initial`.

    At first lazily, which leaves orders out that only epochs could ask for; what has no order then
    is searched once more, completely. Raises TooMany when that takes too long."""
    result = _search(operations, initial, step, True)
    return result if result.ok else _search(operations, initial, step, False)
