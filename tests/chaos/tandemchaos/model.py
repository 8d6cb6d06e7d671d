"""What the cluster is to its operators, as one register.

The register holds what people have declared (drains, holds, pins, each with the reason it was last
declared with), the revision of the service document, and the last epoch told. One operation reads
or changes it in one moment between its invocation and its return:

- drain, hold, pin: sets its key to its reason. Refused: always possible (rule 3 weighs health,
  which is no part of the register), except that a drain may not be *accepted* while the other site
  is drained.
- undrain, release, unpin: removes its key; the answer names the reason that has ended, which must
  be the one that stood. Refused as "not there": only if it was not there.
- apply, compared with revision R: possible only at R; answers with the revision that the document
  will have. It changes nothing yet: one name server has it on trial.
- publish: what comes of that, at any later time (docs/publication.md): from R to that revision, or
  to the one after it, under which the former document is returned. So of two documents compared
  with one revision at most one comes into force.
  apply refused as a conflict: only at another revision than R.
- read: tells all of it.

No answer's epoch or revision is lower than that of an operation before it.
"""

from dataclasses import replace
from typing import NamedTuple

from .history import OK, REFUSED, UNKNOWN

UNKNOWN_REVISIONS = 2
MAIL_DRAINS = frozenset(("drain/muc", "drain/fra"))


class State(NamedTuple):
    declared: frozenset  # {(key, reason)}
    revision: int
    epoch: int


def initial(revision=0, epoch=0, declared=frozenset()):
    return State(frozenset(declared), revision, epoch)


def _value(state, key):
    return next((value for k, value in state.declared if k == key), None)


def _without(state, key):
    return frozenset(item for item in state.declared if item[0] != key)


def _declare(state, op):
    if op.key in MAIL_DRAINS and any(
            key in MAIL_DRAINS and key != op.key for key, _ in state.declared):
        return None
    return state._replace(declared=_without(state, op.key) | {(op.key, op.value)})


def _withdraw(state, op):
    former = _value(state, op.key)
    if former is None and op.outcome == OK and not op.removed:
        return state  # members without a drain, held back by something else, were let in
    if former is None or (op.outcome == OK and op.removed != former):
        return None
    return state._replace(declared=_without(state, op.key))


def _apply(state, op):
    if state.revision != op.planned_on or (op.outcome == OK and op.revision <= op.planned_on):
        return None
    return state


def _publish(state, op):
    return state._replace(revision=op.revision) if state.revision == op.planned_on else None


def _read(state, op):
    return state if state.declared == op.found and state.revision == op.revision else None


_STEPS = {"read": _read, "declare": _declare, "withdraw": _withdraw, "apply": _apply,
          "publish": _publish}


def with_publications(operations):
    """The same, with what may come of each apply. That of an unanswered one is not told."""
    found = list(operations)
    for op in operations:
        if op.kind != "apply" or op.outcome not in (OK, UNKNOWN):
            continue
        revisions = ([op.revision, op.revision + 1] if op.outcome == OK
                     else range(op.planned_on + 1, op.planned_on + 1 + UNKNOWN_REVISIONS))
        found += [replace(op, kind="publish", outcome=UNKNOWN, revision=revision, returned=0.0)
                  for revision in revisions]
    return found


def step(state, op):
    """The state after the operation with the answer it got, or None: impossible here."""
    if op.outcome == REFUSED:
        if op.kind == "withdraw":
            return state if _value(state, op.key) is None else None
        if op.kind == "apply":
            return state if state.revision != op.planned_on else None
        return state
    after = _STEPS[op.kind](state, op)
    if after is None or op.outcome == UNKNOWN or op.kind == "apply":
        return after  # the epoch of an apply is the one that it will have
    if op.epoch < state.epoch or op.revision < state.revision:
        return None
    # What a write's answer tells of the revision is no write of it.
    if op.revision != after.revision:
        return None
    return after._replace(epoch=op.epoch)
