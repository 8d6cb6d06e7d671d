"""A changed document comes into force by way of one name server, which is asked, or not at all."""

import os
import signal
import subprocess
import time

import pytest

from tandemworld import dns, service
from tandemworld.demo import KILL_TARGET_S
from tandemworld.processes import until
from tandemworld.sites import MAIL_ADDRESSES, MAIL_SITES
from tandemworld.trial import NEW, all_serve, first_of, first_site, publication, with_name
from tandemworld.world import slack


@pytest.fixture
def document(world):
    """The document in force; put back after the test."""
    text = world.service_file.read_text()
    yield text
    world.service_file.write_text(text)
    done = world.tandem("apply", "-f", world.service_file)
    assert done.returncode == 0, done


def test_one_name_server_has_it_first_then_all(world, document):
    until(lambda: all_serve(world), 5, "the name servers do not serve what is in force")
    revision = world.status()["revision"]
    began = time.monotonic()
    done = world.tandem("apply", "-f", with_name(world))
    took = time.monotonic() - began
    assert done.returncode == 0, done
    p = publication(world)
    assert p["state"] == "published" and p["revision"] == revision + 1, p
    assert "answers as planned" in p["text"] and p["server"], p
    for server in world.dns_servers:
        dns.wait_for_addresses([server], NEW, lambda found: found == MAIL_ADDRESSES, 2,
                               "the new name is not answered")
    print(f"apply took {took * 1000:.0f} ms: {p['text']}; {done.stdout}")
    lines = [e["action"] for e in world.leader_api().get("/v1/history?limit=5").json["entries"]]
    assert "published" in lines and "apply" in lines, lines


def test_stopped_one_loses_it_and_the_others_never_see_it(world, document):
    until(lambda: all_serve(world), 5, "the name servers do not serve what is in force")
    world.tandem("apply", "-f", with_name(world))
    first = first_site(world)
    other = next(s for s in MAIL_SITES if s is not first)
    assert world.tandem("apply", "-f", world.service_file).returncode == 0
    until(lambda: all_serve(world), 5, "the name servers do not serve what is in force")
    asker = dns.Asker(other.dns)
    serial = world.serial(other.dns)
    pid = world.dnsd[first.name].pid
    os.kill(pid, signal.SIGSTOP)
    try:
        done = world.tandem("apply", "-f", with_name(world))
        assert done.returncode != 0, done
        assert "was taken back" in done.stderr, done
        assert asker.ask(NEW).rcode == dns.NXDOMAIN
        assert publication(world)["state"] == "returned"
        until(lambda: any(a["key"] == "publication-returned" for a in world.status()["alarms"]), 5,
              "no alarm tells that it was taken back")
    finally:
        os.kill(pid, signal.SIGCONT)
    until(lambda: all_serve(world), 10, "the one that was stopped did not come back")
    for server in world.dns_servers:
        assert dns.Asker(server).ask(NEW).rcode == dns.NXDOMAIN
    assert world.serial(other.dns) != serial  # the former document under a revision of its own


def test_nobody_waits_in_an_emergency(world, document):
    until(lambda: all_serve(world), 5, "the name servers do not serve what is in force")
    done = world.tandem("apply", "-f", with_name(world), "--no-canary")
    assert done.returncode == 2, done
    done = world.tandem("apply", "-f", with_name(world), "--no-canary", "--reason", "in a hurry")
    assert done.returncode == 0, done
    p = publication(world)
    assert p["state"] == "published" and "at once: in a hurry" in p["text"], p


def test_failure_meanwhile_reaches_the_others_as_fast_as_ever(world, document, figures):
    """The one that goes first is stopped, so that its document stays on trial for seconds."""
    first = first_of(world)
    other = next(s for s in MAIL_SITES if s is not first)
    os.kill(world.dnsd[first.name].pid, signal.SIGSTOP)
    try:
        apply = subprocess.Popen(world.command("apply", "-f", with_name(world)),
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        until(lambda: publication(world)["state"] == "offered", 5, "nothing is on trial")
        moment = world.mail[other.name].kill()
        gone = dns.wait_gone(other.mail, service.NAME, [other.dns])[other.dns]
        assert publication(world)["state"] == "offered", "the trial was over before the failure"
        event = "a document on trial, kill -9 of a mail server → address gone"
        figures.add(event, gone - moment, KILL_TARGET_S)
        assert gone - moment <= KILL_TARGET_S * slack()
        assert dns.Asker(other.dns).ask(NEW).rcode == dns.NXDOMAIN
        assert apply.wait(30) != 0
    finally:
        os.kill(world.dnsd[first.name].pid, signal.SIGCONT)
    until(lambda: all_serve(world), 10, "the one that was stopped did not come back")


def test_address_that_only_the_file_has_is_not_asked(world, document):
    """Who has read a `listen` that needs a new process says where it really answers."""
    files = {process.configuration: process.configuration.read_text()
             for process in world.dnsd.values()}
    try:
        for process in world.dnsd.values():
            start = process.log_path.stat().st_size
            text = files[process.configuration]
            process.configuration.write_text(text.replace('listen: ["', 'listen: ["127.0.0.77@77", "'))
            process.reload()
            until(lambda: b"listen has changed: that needs a new process"
                  in process.log_path.read_bytes()[start:], 5, "the change is not told of")
        for path in (with_name(world), world.service_file):  # the second after acks of both
            until(lambda: all_serve(world), 5, "the name servers do not serve what is in force")
            done = world.tandem("apply", "-f", path)
            assert done.returncode == 0, done
            assert "answers as planned" in publication(world)["text"], publication(world)
    finally:
        for path, text in files.items():
            path.write_text(text)
        for process in world.dnsd.values():
            process.reload()
