"""Without quorum nothing is decided, everything is still answered, and people are told."""

import json
import signal

import pytest

from tandemworld import dns, service
from tandemworld.processes import until
from tandemworld.sites import MAIL_ADDRESSES, MUC, SITES

NOBODY_TO_ASK, ATTENTION = 3, 5  # exit statuses of tandem(1)


@pytest.fixture
def watch(world3):
    with dns.Watch(service.NAME, service.ZONE, pause_s=0.01) as watch:
        yield watch
    watch.never_empty()
    watch.serials_only_grow()


def no_quorum_everywhere(world):
    told = [world.api(site).try_status() for site in SITES]
    return all(t and t["controller"]["role"] == "no quorum" for t in told)


def cut(world, number):
    """Two of three etcd members: killed or hanging."""
    for name in ("fra", "witness"):
        process = world.etcd.members[name].process
        if number == signal.SIGKILL:
            process.kill()
        else:
            process.stop()


def heal(world):
    for member in world.etcd.members.values():
        member.process.resume()
        if not member.process.alive:
            member.process.start()
    world.etcd.wait_for_leader()
    world.wait_for_leader()


@pytest.mark.parametrize("number", (signal.SIGKILL, signal.SIGSTOP), ids=lambda n: n.name)
def test_quorum_lost(world3, watch, figures, number):
    serials = [world3.serial(server) for server in world3.dns_servers]
    cut(world3, number)
    until(lambda: no_quorum_everywhere(world3), 20, "the controllers do not notice")

    # Answers stay, although a mail server dies now: nobody may decide.
    world3.mail[MUC.name].kill()
    told = world3.tandem("status", "--exit-code")
    assert told.returncode == ATTENTION, told
    assert "quorum" in told.stdout.splitlines()[0].lower(), told
    as_json = world3.tandem("status", "--exit-code", "--json")
    assert as_json.returncode == ATTENTION
    assert json.loads(as_json.stdout)["controller"]["role"] == "no quorum"

    # A drain is refused with the reason, soon enough for a person.
    done = world3.drain(MUC)
    assert done.returncode == NOBODY_TO_ASK, done
    assert "quorum" in (done.stdout + done.stderr).lower(), done
    for site in SITES:
        answer = world3.api(site).post("/v1/drain", {"site": MUC.name, "for_ms": 60000,
                                                     "reason": "test"})
        assert answer.status == 503, answer
        assert answer.error["code"] == "unavailable" and "quorum" in answer.error["message"]
        assert world3.api(site).get("/v1/health").status == 503

    for server, serial in zip(world3.dns_servers, serials):
        assert dns.Asker(server).addresses(service.NAME) == MAIL_ADDRESSES
        assert world3.serial(server) == serial

    # Quorum returns: the failover is made up for, and no half-done drain turns up.
    heal(world3)
    dns.wait_gone(MUC.mail, service.NAME)
    status = world3.status()
    assert status["drains"] == [] and not world3.drained_sites()
    history = until(lambda: world3.api().get("/v1/history?limit=20").json.get("entries"), 20,
                    "the history can not be read again")
    assert not [entry for entry in history[:5] if entry["action"] == "drain"], history
    world3.mail[MUC.name].start()
    dns.wait_back(MUC.mail, service.NAME)
    world3.wait_settled()
    # What was said of the store's members goes with the next look at them.
    until(lambda: world3.tandem("status", "--exit-code").returncode == 0, 25,
          "there is something left to attend to")


def test_name_servers_restart_from_disk_without_quorum(world3, watch):
    cut(world3, signal.SIGKILL)
    until(lambda: no_quorum_everywhere(world3), 20, "the controllers do not notice")
    for process in world3.dnsd.values():
        process.kill()
        process.start()
    dns.wait_for_addresses(world3.dns_servers, service.NAME,
                           lambda found: found == MAIL_ADDRESSES, 10, "not served from disk")
    heal(world3)
