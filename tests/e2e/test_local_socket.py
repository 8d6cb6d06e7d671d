"""The controller's Unix socket: access for the people on its host when nothing else works."""

import json
import os
import shutil
import signal
import stat
import subprocess

import pytest

from tandemworld import service
from tandemworld.daemons import write_cli
from tandemworld.processes import run, until
from tandemworld.sites import FRA, MUC, SITES

NOBODY_TO_ASK = 3
HOLD = ("hold", "pool/mail-de", "--for", "1h", "--reason", "by the socket")


def local(world, site, *words):
    return world.tandem_by_socket(site, *words)


def me(site):
    return f"uid {os.getuid()} on {site.name}"


def owners(world):
    return [intent["owner"] for intent in world.status()["intents"]]


def test_people_on_the_host_are_operators_by_their_own_name(world3):
    world = world3
    mode = os.stat(world.controld[MUC.name].socket).st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o660
    for words in (("status",), ("explain", service.NAME), ("history",), ("whatif", "site-down",
                                                                         FRA.name)):
        done = local(world, MUC, *words)
        assert done.returncode == 0 and done.stdout, done
    done = local(world, MUC, *HOLD)
    assert done.returncode == 0, done
    assert any(me(MUC) in owner for owner in owners(world)), owners(world)
    assert local(world, MUC, "release", "pool/mail-de").returncode == 0
    assert me(MUC) in world.tandem("history", "--limit", "1").stdout


def remote(world, *words):
    """tandem over the network, asking muc's controller alone."""
    path = world.folder / "muc.yaml"
    write_cli(path, world.authority, world.operator_files, [MUC.api])
    return subprocess.run([world.programs / "tandem", "--config", path, *words],
                          capture_output=True, text=True, timeout=30, check=False)


@pytest.fixture
def expired(world3):
    """The certificate of muc's controller has run out; it read it again."""
    world = world3
    process = world.controld[MUC.name]
    files = [world.authority.folder / f"controld-{MUC.name}.{end}" for end in ("crt", "key")]
    for path in files:
        shutil.copy(path, f"{path}.good")
    old = world.authority.folder / "old"
    run(["faketime", "-f", "-10d", world.programs / "tandem", "pki", "issue", world.authority.folder,
         "--name", "old", "--site", MUC.name, "--role", "controld", "--address", MUC.control,
         "--days", "1"], "issuing a certificate that has run out")
    for path in files:
        shutil.copy(f"{old}{path.suffix}", path)
    process.signal(signal.SIGHUP)
    until(lambda: remote(world, "status").returncode == NOBODY_TO_ASK, 10,
          "the expired certificate is believed")
    yield
    for path in files:
        shutil.copy(f"{path}.good", path)
    process.signal(signal.SIGHUP)
    until(lambda: remote(world, "status").returncode == 0, 10, "the certificate is not read again")


def hold_at(world, site):
    """A hold asked for there: the answer, and who led all the while."""
    while True:
        before = world.status()["controller"]
        done = local(world, site, *HOLD)
        after = world.status()["controller"]
        if (before["leader"], before["term"]) == (after["leader"], after["term"]):
            return before["leader"], done
        for each in SITES:  # asked of one who was about to go: it may have been granted
            local(world, each, "release", "pool/mail-de")


def test_the_socket_works_when_certificates_have_expired(world3, expired):
    refused = remote(world3, "status")
    assert "certificate" in refused.stderr and "--socket" in refused.stderr, refused
    assert local(world3, MUC, "status").returncode == 0
    leader, done = hold_at(world3, MUC)
    if leader == MUC.name:
        assert done.returncode == 0, done
        assert local(world3, MUC, "release", "pool/mail-de").returncode == 0
    else:  # nobody lets this controller in; it says where to go
        assert done.returncode == NOBODY_TO_ASK, done
        assert f"{leader} leads, at https://" in done.stderr, done
        assert "nothing was changed" in done.stderr and "--socket" in done.stderr, done
    at_leader = next(site for site in SITES if site.name == leader)
    assert local(world3, at_leader, *HOLD).returncode == 0
    assert local(world3, at_leader, "release", "pool/mail-de").returncode == 0


def test_a_follower_passes_changes_on_in_the_users_name(world3):
    leader = world3.status()["controller"]["leader"]
    follower = next(site for site in SITES if site.name != leader)
    done = local(world3, follower, *HOLD)
    assert done.returncode == 0, done
    assert any(me(follower) in owner for owner in owners(world3)), owners(world3)
    planned = local(world3, follower, "whatif", "site-down", FRA.name)
    assert planned.returncode == 0 and f"{leader} leads and decides" in planned.stdout, planned
    refused = local(world3, follower, "hold", "pool/nothing", "--for", "1h", "--reason", "x")
    assert refused.returncode == 1 and "nothing" in refused.stderr, refused
    assert local(world3, follower, "release", "pool/mail-de").returncode == 0


def test_reading_needs_no_quorum_and_says_so(world3):
    for name in (FRA.name, "witness"):
        world3.etcd.members[name].process.kill()
    try:
        until(lambda: "no quorum" in local(world3, MUC, "status").stdout, 20,
              "the controller does not notice")
        for words in (("status",), ("explain", service.NAME), ("whatif", "site-down", FRA.name),
                      ("history",)):
            done = local(world3, MUC, *words)
            assert done.returncode == 0 and done.stdout, done
            assert "no quorum" in done.stdout + done.stderr, done
        told = json.loads(local(world3, MUC, "history", "--json").stdout)
        assert told["entries"] and told["text"], told
        refused = local(world3, MUC, *HOLD)
        assert refused.returncode == NOBODY_TO_ASK, refused
        assert "bring the store's members back" in refused.stderr, refused
    finally:
        for member in world3.etcd.members.values():
            if not member.process.alive:
                member.process.start()
        world3.etcd.wait_for_leader()
        world3.wait_for_leader()
