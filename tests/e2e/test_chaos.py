"""The checks of tests/chaos are checked, and a few rounds of it are run: docs/chaos.md."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import RESULTS

CHAOS = Path(__file__).resolve().parent.parent / "chaos"
sys.path.insert(0, str(CHAOS))

from tandemchaos import followers, linearizable, model, plan, verdict  # noqa: E402
from tandemchaos.history import NOTHING, OK, REFUSED, UNKNOWN, Operation  # noqa: E402
from tandemchaos.report import Distributions, percentile  # noqa: E402
from tandemchaos.watch import Watcher  # noqa: E402

DRAIN_MUC, DRAIN_FRA, HOLD = "drain/muc", "drain/fra", "hold/pool/spare"


def declare(span, key, value, outcome=OK, epoch=0, revision=0):
    return Operation("a", "declare", key, value, span[0], returned=span[1], outcome=outcome,
                     epoch=epoch, revision=revision)


def withdraw(span, key, removed="", outcome=OK, epoch=0):
    return Operation("b", "withdraw", key, "", span[0], returned=span[1], outcome=outcome,
                     epoch=epoch, removed=removed)


def read(span, found=(), revision=0, epoch=0, role="leader", told="", through="muc"):
    return Operation("c", "read", "", "", span[0], returned=span[1], outcome=OK, role=role,
                     epoch=epoch, revision=revision, found=frozenset(found), told=told,
                     through=through)


def change(span, planned_on, outcome=OK, revision=0):
    return Operation("d", "apply", "", "text", span[0], returned=span[1], outcome=outcome,
                     planned_on=planned_on, revision=revision)


def checked(*operations):
    return linearizable.check(model.with_publications(operations), model.initial(), model.step)


LINEARIZABLE = {
    "one after another": [declare((1, 2), HOLD, "x"), read((3, 4), {(HOLD, "x")}),
                          withdraw((5, 6), HOLD, "x"), read((7, 8))],
    "a read beside a write sees it or not": [declare((1, 5), HOLD, "x"), read((2, 3)),
                                             read((3.5, 4), {(HOLD, "x")})],
    "an unanswered write that happens late": [declare((1, 2), HOLD, "x", UNKNOWN), read((3, 4)),
                                              read((5, 6)), read((7, 8), {(HOLD, "x")})],
    "an unanswered write that never happens": [declare((1, 2), HOLD, "x", UNKNOWN), read((3, 4)),
                                               declare((5, 6), HOLD, "y"),
                                               read((7, 8), {(HOLD, "y")})],
    "two changes compared with one revision": [change((1, 4), 0, revision=1),
                                               change((2, 5), 0, REFUSED),
                                               read((6, 7), revision=1)],
    "a document on trial comes into force later": [change((1, 2), 0, revision=1), read((3, 4)),
                                                   read((5, 6), revision=1)],
    "a document on trial is taken back": [change((1, 2), 0, revision=1), read((3, 4)),
                                          read((5, 6), revision=2),
                                          change((7, 8), 2, revision=3),
                                          read((9, 10), revision=3)],
    "a refused drain says nothing": [declare((1, 2), DRAIN_MUC, "x", REFUSED), read((3, 4))],
    "the end of one drain lets the other begin": [
        declare((1, 2), DRAIN_MUC, "x"), withdraw((3, 6), DRAIN_MUC, "x"),
        declare((4, 5), DRAIN_FRA, "y"), read((7, 8), {(DRAIN_FRA, "y")})],
}
NOT_LINEARIZABLE = {
    "a confirmed write is lost": [declare((1, 2), HOLD, "x"), read((3, 4))],
    "a read goes back": [declare((1, 9), HOLD, "x"), read((2, 3), {(HOLD, "x")}), read((4, 5))],
    "a write seen before it was asked for": [read((1, 2), {(HOLD, "x")}),
                                             declare((3, 4), HOLD, "x")],
    "what was not changed turns up": [declare((1, 2), HOLD, "x", NOTHING),
                                      read((3, 4), {(HOLD, "x")})],
    "what was refused turns up": [declare((1, 2), HOLD, "x", REFUSED),
                                  read((3, 4), {(HOLD, "x")})],
    "an unanswered write comes and goes": [declare((1, 2), HOLD, "x", UNKNOWN),
                                           read((3, 4), {(HOLD, "x")}), read((5, 6))],
    "an unanswered write happens twice": [declare((1, 2), HOLD, "x", UNKNOWN),
                                          read((3, 4), {(HOLD, "x")}),
                                          withdraw((5, 6), HOLD, "x"),
                                          read((7, 8), {(HOLD, "x")})],
    "both changes of one revision come into force": [
        change((1, 4), 0, revision=1), change((2, 5), 0, revision=1), read((6, 7), revision=1),
        read((8, 9), revision=2)],
    "a revision that nobody applied": [change((1, 2), 0, revision=1), read((3, 4), revision=3)],
    "a document in force is taken back": [change((1, 2), 0, revision=1), read((3, 4), revision=1),
                                          read((5, 6))],
    "a conflict where there was none": [change((1, 2), 0, REFUSED)],
    "both sites are drained (rule 3)": [declare((1, 2), DRAIN_MUC, "x"),
                                        declare((3, 4), DRAIN_FRA, "y")],
    "the end of something else is told": [declare((1, 2), HOLD, "x"),
                                          declare((3, 4), HOLD, "y"),
                                          withdraw((5, 6), HOLD, "x")],
    "gone although it stood": [declare((1, 2), HOLD, "x"), withdraw((3, 4), HOLD, outcome=REFUSED)],
    "epochs go back (rule 2)": [read((1, 2), epoch=5), read((3, 4), epoch=4)],
    "two leaders tell different things": [declare((1, 2), HOLD, "x"),
                                          declare((3, 4), HOLD, "y"),
                                          read((5, 6), {(HOLD, "y")}),
                                          read((7, 8), {(HOLD, "x")})],
}


@pytest.mark.parametrize("name", LINEARIZABLE)
def test_histories_that_have_an_order_are_accepted(name):
    result = checked(*LINEARIZABLE[name])
    assert result.ok, result.evidence(LINEARIZABLE[name])


@pytest.mark.parametrize("name", NOT_LINEARIZABLE)
def test_histories_without_an_order_are_rejected_with_the_answer_that_has_no_place(name):
    operations = NOT_LINEARIZABLE[name]
    result = checked(*operations)
    assert not result.ok
    assert str(result.failed) in result.evidence(operations)


def test_many_unanswered_writes_stay_cheap():
    operations = [declare((n, n + 1), HOLD, f"x{n}", UNKNOWN) for n in range(40)]
    operations += [read((n + 0.2, n + 0.4)) for n in range(40)]
    result = checked(*operations)
    assert result.ok and result.checked == 40


def test_an_order_that_only_epochs_ask_for_is_found():
    operations = [declare((1, 2), DRAIN_MUC, "x", UNKNOWN),
                  withdraw((3, 9), DRAIN_MUC, "x", epoch=5),
                  declare((4, 6), HOLD, "y", epoch=7)]
    assert checked(*operations).ok


def followed(*reads):
    writes = [declare((1, 2), HOLD, "x"), declare((11, 12), HOLD, "y")]
    result = checked(*writes)
    assert result.ok
    return followers.check([*writes, *reads], result.timeline, Distributions())[0]


MARK = "ATTENTION: no quorum: …; nothing can be changed through this controller."


def test_followers_may_be_a_little_late_and_never_more():
    assert not followed(read((13, 14), {(HOLD, "x")}, role="follower"))
    assert "late" in followed(read((40, 41), {(HOLD, "x")}, role="follower"))[0]
    assert not followed(read((40, 41), {(HOLD, "x")}, role="no quorum", told=MARK))


def test_who_has_no_quorum_has_to_say_so():
    assert "does not say" in followed(read((40, 41), {(HOLD, "y")}, role="no quorum"))[0]


def test_followers_never_invent_and_never_go_back():
    assert "never was" in followed(read((13, 14), {(HOLD, "z")}, role="follower"))[0]
    assert "went back" in followed(
        read((13, 14), {(HOLD, "y")}, role="follower", epoch=5),
        read((15, 16), {(HOLD, "y")}, role="follower", epoch=4))[0]


def line(value, version, epoch=1, action="hold"):
    return {"action": action, "text": f"hold by anna: {value} (rule 8)", "version": version,
            "epoch": epoch}


def test_confirmed_writes_stand_in_the_history_once():
    done = declare((1, 2), HOLD, "chaos-1")
    assert not verdict.exactly_once([done], [line("chaos-1", 4)])
    assert verdict.exactly_once([done], [])
    assert verdict.exactly_once([done], [line("chaos-1", 4), line("chaos-1", 5)])
    refused = declare((1, 2), HOLD, "chaos-1", REFUSED)
    assert verdict.exactly_once([refused], [line("chaos-1", 4)])
    assert verdict.exactly_once([], [line("chaos-1", 5), line("chaos-2", 4)])


def test_a_serial_goes_back_only_after_a_crash_with_a_view_that_was_not_kept():
    told, crashed = [], {}
    watcher = Watcher("dnsd-muc", "127.10.0.53", told.append, crashed)
    assert watcher.judge_serial(16, 17, 1.0) == 17 and not told
    assert watcher.judge_serial(17, 16, 2.0) == 17 and len(told) == 1
    crashed["dnsd-muc"] = 3.0
    assert watcher.judge_serial(17, 17, 2.9) == 17  # was asked before
    assert watcher.judge_serial(17, 16, 3.1) == 16 and len(told) == 1
    assert watcher.judge_serial(16, 15, 3.2) == 16 and len(told) == 2


def test_the_same_seed_is_the_same_plan():
    assert plan.plan(5, 200) == plan.plan(5, 200) != plan.plan(6, 200)


def test_what_is_measured_always_has_a_site_that_stays():
    for round_ in plan.plan(1, 2000):
        hit = {f.target.split("-")[-1] for f in round_.faults
               if f.what in ("cut", "dark") or f.target.startswith(("mail-", "https-"))}
        assert not round_.measured or hit == {round_.measured}, round_


def test_percentiles_are_measured_values():
    assert [percentile(range(1, 101), p) for p in (50, 90, 99, 100)] == [50, 90, 99, 100]
    assert percentile([7], 99) == 7


@pytest.mark.skipif(os.geteuid() != 0, reason="makes network namespaces: needs root")
def test_a_few_rounds_of_chaos_break_no_rule():
    folder = RESULTS / "chaos"
    done = subprocess.run([CHAOS / "run-chaos", "--smoke", "--seed", "27", "--dir", folder],
                          capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
