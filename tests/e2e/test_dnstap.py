"""dnstap: a collector gets everything that is asked and answered, and nobody waits for it."""

import socket
import time
import urllib.request

import dns.message
import pytest

from tandemworld import dns as asking
from tandemworld import dnstap
from tandemworld.daemons import SANITIZER_ENVIRONMENT
from tandemworld.processes import Processes, need_program, until
from tandemworld.world import programs_folder
from conftest import fresh_folder

ADDRESS, PORT, METRICS = "127.0.0.1", 5302, 9302
ZONE = """\
$TTL 300
@       SOA ns1 hostmaster 7 3600 900 604800 60
@       NS ns1
ns1     A 127.0.0.1
mail    A 192.0.2.1
"""


class Stage:
    def __init__(self, processes, folder):
        self.folder, self._processes = folder, processes
        self.socket = folder / "tap"
        self.file = folder / "tap.fstrm"
        (folder / "example.com.zone").write_text(ZONE)
        (folder / "dnsd.yaml").write_text(
            f"listen: [{ADDRESS}@{PORT}]\nmetrics: {ADDRESS}@{METRICS}\n"
            "dnstap: {socket: tap, identity: ns.example}\n"
            "zones: [{name: example.com, file: example.com.zone}]\n")
        self.server = processes.add("dnsd", [programs_folder() / "tandem-dnsd", "-c",
                                             folder / "dnsd.yaml"],
                                    environment=SANITIZER_ENVIRONMENT)

    def start(self):
        self.server.start()
        until(lambda: self.server.died or asking.Asker(ADDRESS, PORT).serial("example.com"), 10,
              "dnsd does not answer")

    def collect(self):
        collector = self._processes.add("fstrm_capture", [
            need_program("fstrm_capture", "fstrm-bin"), "-t", "protobuf:dnstap.Dnstap",
            "-u", self.socket, "-w", self.file])
        collector.start()
        until(self.socket.is_socket, 5, "fstrm_capture does not listen")
        return collector

    def frames(self, result):
        with urllib.request.urlopen(f"http://{ADDRESS}:{METRICS}/metrics", timeout=5) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith(f'tandem_dnsd_dnstap_frames_total{{result="{result}"}}'):
                    return int(line.split()[1])
        raise AssertionError("no such counter")


@pytest.fixture
def stage():
    folder = fresh_folder("dnstap")
    folder.mkdir(parents=True)
    with Processes(folder) as processes:
        yield Stage(processes, folder)
        assert not processes.troubles(), processes.troubles()


def test_collector_gets_queries_and_answers(stage):
    collector = stage.collect()
    stage.start()
    until(lambda: asking.Asker(ADDRESS, PORT).serial("example.com") and stage.frames("queued"), 10,
          "nobody is connected to the collector")
    for tcp in (False, True):
        asking.ask(ADDRESS, "mail.example.com", "A", tcp=tcp, port=PORT)
    stage.server.end()  # writes what is queued
    collector.end()
    found = list(dnstap.messages(stage.file.read_bytes()))
    mail = [m for m in found if b"\4mail\7example\3com" in m.get("query", m.get("response", b""))]
    mail.sort(key=lambda m: (m["protocol"], m["type"]))  # each thread has a queue of its own
    assert [(m["type"], m["protocol"]) for m in mail] == [(1, 1), (2, 1), (1, 2), (2, 2)]
    for message in mail:
        assert message["identity"] == b"ns.example" and message["version"] == b"tandem-dnsd"
        assert message["asker"] == message["server"] == bytes([127, 0, 0, 1])
        assert message["family"] == 1 and message["server_port"] == PORT
        assert message["asker_port"] >= 1024
        assert abs(message["asked_s"] - time.time()) < 60 and message["asked_ns"] < 10**9
    query, answer = (dns.message.from_wire(mail[0]["query"]),
                     dns.message.from_wire(mail[1]["response"]))
    assert query.id == answer.id and query.is_response(answer)
    assert "192.0.2.1" in str(answer.answer[0])
    assert (mail[1]["answered_s"], mail[1]["answered_ns"]) >= (mail[0]["asked_s"],
                                                               mail[0]["asked_ns"])


def test_without_a_collector_frames_are_lost_and_counted(stage):
    stage.start()
    lost = stage.frames("lost")
    assert lost >= 2 and stage.frames("queued") == 0
    asking.ask(ADDRESS, "mail.example.com", "A", port=PORT)
    assert stage.frames("lost") == lost + 2


def test_collector_that_hangs_holds_nobody_up(stage):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(stage.socket))
        listener.listen()
        stage.start()  # it connects, and nobody ever answers its handshake
        asker = asking.Asker(ADDRESS, PORT)
        longest = 0
        for _ in range(3000):
            began = time.monotonic()
            assert asker.ask("mail.example.com").rcode == 0
            longest = max(longest, time.monotonic() - began)
        assert longest < 1
        until(lambda: stage.frames("lost"), 5, "nothing counts as lost")
        began = time.monotonic()
        assert stage.server.end() == 0
        assert time.monotonic() - began < 8
