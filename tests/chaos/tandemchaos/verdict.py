"""The verdict on a whole run, from everything that was seen."""

from tandemworld.processes import say

from . import followers, linearizable, model
from .faults import mail_address
from .history import OK, REFUSED

DECLARED = ("drain", "drain-extended", "hold", "pin-up", "pin-down")


def certain(operations):
    """What the linearizable history consists of: all changes, and what certain leaders told."""
    return [op for op in operations if op.kind != "read" or (op.outcome == OK
                                                             and op.role == "leader")]


def cluster_history(world):
    """Every line of the cluster's own history, oldest first."""
    lines, before = [], ""
    api = world.leader_api()
    while True:
        page = api.get(f"/v1/history?limit=1000{before}").json
        lines += page["entries"]
        if not page["next"]:
            return lines[::-1]
        before = f"&before={page['next']}"


def exactly_once(operations, lines):
    """What was confirmed stands in the cluster's history once, what was refused nowhere."""
    counts, bad = {}, []
    for line in lines:
        if line["action"] in DECLARED:
            value = line["text"].rsplit(": ", 1)[-1].split(" ")[0].rstrip(".,")
            counts[value] = counts.get(value, 0) + 1
    for op in operations:
        if op.kind != "declare":
            continue
        found = counts.get(op.value, 0)
        if op.outcome == OK and found != 1:
            bad.append(f"{found} lines in the history for {op}")
        elif op.outcome == REFUSED and found:
            bad.append(f"refused, and in the history: {op}")
        elif found > 1:
            bad.append(f"{found} lines in the history for {op}")
    versions = [line["version"] for line in lines]
    epochs = [line["epoch"] for line in lines]
    if versions != sorted(versions) or epochs != sorted(epochs):
        bad.append("versions or epochs of the cluster's history go back")
    return bad


def drains_measured(runner, operations):
    """Drains that people asked for amid faults: request → two of the three name servers show it.
    The third may be the one that is cut off, and shows it when that is over."""
    ends = sorted((op.invoked, op.key) for op in operations if op.kind == "withdraw")
    for op in operations:
        if op.kind != "declare" or op.outcome != OK or not op.client.startswith("operator"):
            continue
        what, site = op.key.split("/", 1)
        if what != "drain":
            continue
        address = mail_address(site)
        until = next((at for at, key in ends if key == op.key and at > op.invoked), op.returned + 30)
        watchers = runner.watch.watchers.values()
        if not all(address in (w.last_before(op.invoked).addresses or ()) for w in watchers):
            continue  # out already, or not known
        seen = sorted(at - op.invoked for w in watchers if (at := w.first_after(
            op.invoked, lambda found: address not in found, until)) is not None)
        if len(seen) >= 2:
            runner.figures.add("drain amid faults: request → served by two", seen[1])


def judge(runner):
    """Sentences about what is wrong; says what was looked at."""
    bad = list(runner.watch.violations)
    for name, watcher in runner.watch.watchers.items():
        for begin, end in watcher.silences(runner.faults.unable[name]):
            bad.append(f"rule 4: {name} was silent from {begin:.3f} to {end:.3f} without a reason")
    different, serials = runner.watch.same_answers_at_same_serial()
    bad += different
    operations = runner.history.operations()
    revision, epoch = runner.start
    checked = model.with_publications(certain(operations))
    try:
        result = linearizable.check(checked, model.initial(revision, epoch), model.step)
    except linearizable.TooMany as error:
        return bad + [f"it is not known whether the history is linearizable: {error}"]
    told = [f"{runner.watch.answers} answers of {len(runner.watch.watchers)} name servers, "
            f"{serials} serials, {runner.rounds} rounds",
            f"{len(operations)} operations of people: " + ", ".join(
                f"{sum(op.outcome == outcome for op in operations)} {outcome}"
                for outcome in ("ok", "refused", "nothing", "unknown"))]
    if not result.ok:
        bad.append(result.evidence(checked))
    else:
        told.append(f"linearizable: {result.checked} operations, at most {result.widest} "
                    "configurations at once")
        wrong, counts = followers.check(operations, result.timeline, runner.figures)
        bad += wrong
        told.append(f"reads: {counts['leader']} of leaders (in the linearizable history), "
                    f"{counts['follower']} of followers, {counts['marked']} that said they may be "
                    "late")
    drains_measured(runner, operations)
    for op in operations:
        if op.kind != "read" and op.outcome == OK:
            runner.figures.add("a change: request → answer", op.returned - op.invoked)
    bad += exactly_once(operations, cluster_history(runner.world))
    for line in told:
        say(line)
    return bad
