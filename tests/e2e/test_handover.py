"""A new tandem-dnsd takes over from the running one: no question is lost, whatever fails."""

import itertools
import json
import os
import socket
import time
import urllib.request

import dns.query as dns_query
import pytest

from tandemworld import dns
from tandemworld.daemons import SANITIZER_ENVIRONMENT
from tandemworld.dns_load import Load
from tandemworld.processes import Processes, until
from tandemworld.world import programs_folder
from conftest import fresh_folder

ADDRESS, PORT, METRICS = "127.0.0.1", 5301, 9301
NAME = "mail.example.com"
ZONE = """\
$TTL 300
@       SOA ns1 hostmaster 7 3600 900 604800 60
@       NS ns1
ns1     A 127.0.0.1
mail    A 192.0.2.1
"""


class Servers:
    """One after the other, all with the same file and state folder."""

    def __init__(self, processes, folder):
        self._processes, self.folder = processes, folder
        self.state = folder / "state"
        self.count = 0
        self.running = None
        self.zone(ZONE)
        self.configure()

    def zone(self, text):
        (self.folder / "example.com.zone").write_text(text)

    def configure(self, workers=1, listen=(f"{ADDRESS}@{PORT}",), more=""):
        (self.folder / "dnsd.yaml").write_text(
            f"listen: [{', '.join(listen)}]\nworkers: {workers}\nstate: state\n"
            f"metrics: {ADDRESS}@{METRICS}\n{more}"
            "zones: [{name: example.com, file: example.com.zone}]\n")

    def new(self, *options, environment=None):
        self.count += 1
        return self._processes.add(
            f"dnsd-{self.count}",
            [programs_folder() / "tandem-dnsd", "-c", self.folder / "dnsd.yaml", *options],
            environment=dict(SANITIZER_ENVIRONMENT, **(environment or {})))

    def first(self):
        self.running = self.new().start()
        until(lambda: self.running.died or dns.Asker(ADDRESS, PORT).serial("example.com"), 10,
              "dnsd does not answer")
        until((self.state / "handover").is_socket, 5, "no socket to take over by")

    def take_over(self):
        """Starts a new one; returns the old one, which has ended."""
        old, self.running = self.running, self.new("--take-over")
        old.may_end()
        self.running.start()
        until(lambda: self.running.died or not old.alive, 20,
              lambda: f"{old.name} does not end: {tail_of(self.running)}")
        assert not self.running.died, tail_of(self.running)
        assert old.exit_code == 0
        return old

    def fails(self, process):
        """Starts a new one that must not take over."""
        process.start()
        process.may_end()
        until(lambda: not process.alive, 20, f"{process.name} does not end")
        assert process.exit_code == 1
        assert not self.running.died
        return process.log_path.read_text()


def tail_of(process):
    return process.log_path.read_text()[-4000:]


_numbers = itertools.count(1)


@pytest.fixture
def servers():
    folder = fresh_folder(f"handover/{next(_numbers)}")  # short: a socket's path has 107 characters
    folder.mkdir(parents=True)
    with Processes(folder) as processes:
        yield Servers(processes, folder)
        assert not processes.troubles(), processes.troubles()


def test_no_question_is_lost_over_several_hand_overs(servers, figures):
    servers.configure(workers=2)
    servers.first()
    with Load(ADDRESS, PORT, NAME) as load:
        load.wait_for(500)
        # fewer workers than sockets, more, another address in between
        for workers, listen in ((1, [f"{ADDRESS}@{PORT}"]), (3, [f"{ADDRESS}@{PORT}"]),
                                (3, [f"{ADDRESS}@{PORT}", f"127.0.0.2@{PORT}"]),
                                (2, [f"{ADDRESS}@{PORT}"]), (2, [f"{ADDRESS}@{PORT}"])):
            servers.configure(workers=workers, listen=listen)
            began = time.monotonic()
            servers.take_over()
            figures.add("dnsd hand-over, until the old process is gone", time.monotonic() - began)
            load.wait_for(500)
            assert (dns.Asker("127.0.0.2", PORT).serial("example.com") == 7) == (len(listen) > 1)
    assert not load.wrong, load.wrong[0]
    assert load.lost == 0, f"{load.lost} of {load.sent} lost"
    assert load.told_to_leave > 0
    print(f"{load.sent} questions over 5 hand-overs")
    with urllib.request.urlopen(f"http://{ADDRESS}:{METRICS}/metrics", timeout=5) as answer:
        assert b"tandem_dnsd_queries_total" in answer.read()


def test_new_process_serves_what_is_in_its_files(servers):
    servers.first()
    servers.zone(ZONE.replace(" 7 ", " 8 "))
    servers.take_over()
    assert dns.Asker(ADDRESS, PORT).serial("example.com") == 8


def test_secondary_that_was_current_goes_on_with_differences(servers):
    """The history ends with the old process, but what it served last is the new one's first."""
    texts = "".join(f"t{i} TXT \"stays as it is\"\n" for i in range(20))
    servers.zone(ZONE + texts)
    servers.configure(more=f"transfers: {{allow: [{{from: [{ADDRESS}]}}]}}\n")
    servers.first()
    servers.take_over()
    servers.zone(ZONE.replace("hostmaster 7", "hostmaster 8") + texts + "new A 192.0.2.9\n")
    servers.running.reload()
    until(lambda: dns.Asker(ADDRESS, PORT).serial("example.com") == 8, 10, "no new zone")
    told = [rr for message in dns_query.xfr(ADDRESS, "example.com", port=PORT, lifetime=10,
                                            rdtype="IXFR", serial=7, relativize=False)
            for rrset in message.answer for rr in rrset.to_text().splitlines()]
    assert len(told) == 5 and told[3] == "new.example.com. 300 IN A 192.0.2.9", told


def test_new_process_that_can_not_serve_changes_nothing(servers):
    servers.first()
    with Load(ADDRESS, PORT, NAME) as load:
        servers.configure(more="nonsense: 1\n")
        assert "nonsense" in servers.fails(servers.new("--take-over"))
        servers.configure()
        servers.zone(ZONE + "broken A x\n")
        assert "example.com.zone" in servers.fails(servers.new("--take-over"))
        servers.zone(ZONE)
        servers.configure(listen=[f"{ADDRESS}@{PORT}", f"203.0.113.9@{PORT}"])
        assert "203.0.113.9" in servers.fails(servers.new("--take-over"))
        servers.configure()
        load.wait_for(200)
        servers.take_over()
        load.wait_for(200)
    assert load.lost == 0 and not load.wrong


def test_take_over_from_nobody_fails(servers):
    servers.running = servers.new()
    assert "no server to take over from" in servers.fails(servers.new("--take-over"))


def test_killed_new_process_leaves_the_old_one_answering(servers):
    big = "".join(f"h{n} A 192.0.2.9\n" for n in range(300000))
    servers.first()
    with Load(ADDRESS, PORT, NAME) as load:
        servers.zone(ZONE + big)
        new = servers.new("--take-over").start()
        until(lambda: "wants to take over" in tail_of(servers.running), 10, "not asked")
        new.kill()
        until(lambda: "this one goes on" in tail_of(servers.running), 10, "not noticed")
        servers.zone(ZONE)
        load.wait_for(200)
    assert load.lost == 0 and not load.wrong


class Successor:
    """The new side of the protocol by hand, so that it can fail at each step."""

    def __init__(self, state):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(5)
        self._socket.connect(str(state / "handover"))
        self.fds = []

    def say(self, word, **fields):
        self._socket.send(json.dumps({"say": word, **fields}).encode())

    def hear(self):
        try:
            text, fds, _, _ = socket.recv_fds(self._socket, 4096, 64)
        except ConnectionResetError:  # told once; what was said before it comes next
            text, fds, _, _ = socket.recv_fds(self._socket, 4096, 64)
        self.fds += fds
        return json.loads(text) if text else None

    def reach(self, step):
        if step == "connected":
            return self
        self.say("hello", version=1)
        offer = self.hear()
        assert offer["say"] == "offer" and offer["version"] == 1
        while len(self.fds) < offer["count"]:
            assert self.hear()["say"] == "sockets"
        if step == "ready":
            self.say("ready")
            assert self.hear()["say"] == "go"
        return self

    def close(self):
        for fd in self.fds:
            os.close(fd)
        self._socket.close()


def serves_changes(servers, serial):
    servers.zone(ZONE.replace(" 7 ", f" {serial} "))
    servers.running.reload()
    until(lambda: dns.Asker(ADDRESS, PORT).serial("example.com") == serial, 5, "not reloaded")


def test_successor_that_fails_at_any_step_changes_nothing(servers):
    servers.first()
    failed = itertools.count(1)

    def noticed():
        number = next(failed)
        until(lambda: tail_of(servers.running).count("goes on") == number, 5,
              f"failure {number} was not noticed")

    with Load(ADDRESS, PORT, NAME) as load:
        for step in ("connected", "offered", "ready"):
            Successor(servers.state).reach(step).close()
            noticed()
            load.wait_for(100)
        for nonsense in (b"", b"x", b'{"say":"ready"}', b'{"say":"hello","version":0}', b"[]" * 4000):
            successor = Successor(servers.state)
            successor._socket.send(nonsense)
            if nonsense:
                assert successor.hear()["say"] == "no"
            successor.close()
            noticed()
        first, second = Successor(servers.state).reach("offered"), Successor(servers.state)
        assert second.hear()["say"] == "no"
        first.close()
        second.close()
        noticed()
    assert load.lost == 0 and not load.wrong
    serves_changes(servers, 8)
    servers.take_over()


def test_detached_process_tells_the_unit_who_it_is(servers):
    servers.first()
    old = servers.running
    old.may_end()
    path = servers.folder / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(path))
        notify.settimeout(5)
        starter = servers.new("--take-over", "--detach", environment={"NOTIFY_SOCKET": str(path)})
        starter.start()
        starter.may_end()
        told = dict(line.split("=") for line in notify.recv(4096).decode().split("\n"))
    assert told["READY"] == "1"
    until(lambda: not starter.alive and not old.alive, 10, "they do not end")
    assert starter.exit_code == 0 and old.exit_code == 0
    assert dns.Asker(ADDRESS, PORT).serial("example.com") == 7
    os.kill(int(told["MAINPID"]), 15)
    until(lambda: not dns.Asker(ADDRESS, PORT).serial("example.com"), 10, "it does not end")
