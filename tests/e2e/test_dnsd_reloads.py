"""Reloads while questions are being answered, by every thread: what `make tsan` is about too."""

import socket
import struct
import threading

import pytest
from dns.message import from_wire, make_query
from dns.query import xfr

from tandemworld import dns
from tandemworld.daemons import SANITIZER_ENVIRONMENT
from tandemworld.processes import Processes, until
from tandemworld.signed import keygen
from tandemworld.world import programs_folder
from conftest import fresh_folder

ADDRESS, PORT = "127.0.0.1", 5311
BALANCER = "127.0.0.9"
RELOADS = 25

# Everything of the file that a reload takes changes with each one, and wrongs nobody.
FILE = """\
listen: [{address}@{port}]
workers: 2
rate_limit: {{responses_per_second: {rate}, dry_run: true}}
proxy: ["{balancer}/32", "192.0.2.{serial}/32"]
nsid: server-{serial}
log: {log}
transfers: {{allow: [{{from: ["{address}/32", "192.0.2.{serial}/32"]}}]}}
zones: [{{name: example.com, file: example.com.zone, dnssec: {{keys: ["{key}"], denial: nsec}}}}]
"""

ZONE = """\
$TTL 300
@       SOA ns1 hostmaster {serial} 3600 900 604800 60
@       NS ns1
ns1     A 127.0.0.1
mail    A 192.0.2.1
mail    A 192.0.2.{serial}
*.wild  TXT "any"
"""


def write_files(folder, key, serial):
    """Both are replaced as a whole, as an editor does."""
    texts = {"example.com.zone": ZONE.format(serial=serial),
             "dnsd.yaml": FILE.format(address=ADDRESS, port=PORT, balancer=BALANCER, key=key,
                                      serial=serial, rate=100000 + serial,
                                      log=("info", "debug")[serial % 2])}
    for name, text in texts.items():
        (folder / "fresh").write_text(text)
        (folder / "fresh").rename(folder / name)


def ask_through_balancer():
    """A datagram with the header of the PROXY protocol, version 2, for a client at 192.0.2.1."""
    header = (b"\r\n\r\n\0\r\nQUIT\n" + bytes([0x21, 0x12]) + struct.pack("!H", 12)
              + socket.inet_aton("192.0.2.1") + socket.inet_aton(ADDRESS)
              + struct.pack("!HH", 5353, PORT))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as balancer:
        balancer.bind((BALANCER, 0))
        balancer.settimeout(10)
        balancer.sendto(header + make_query("mail.example.com", "A").to_wire(), (ADDRESS, PORT))
        return from_wire(balancer.recv(4096))


def transfer():
    """The whole zone, made by the thread of transfers."""
    return list(xfr(ADDRESS, "example.com", port=PORT, timeout=10))[-1]


@pytest.fixture(scope="module")
def server():
    folder = fresh_folder("dnsd_reloads")
    folder.mkdir(parents=True)
    key = keygen(folder, "example.com")
    write_files(folder, key, 2)
    with Processes(folder) as processes:
        process = processes.add("dnsd", [programs_folder() / "tandem-dnsd", "-c",
                                         folder / "dnsd.yaml"], environment=SANITIZER_ENVIRONMENT)
        process.folder, process.key = folder, key
        process.start()
        until(lambda: process.died or dns.Asker(ADDRESS, PORT).serial("example.com"), 20,
              "dnsd does not answer")
        yield process
        assert not processes.troubles(), processes.troubles()
        assert process.end() == 0
        assert not processes.troubles(), processes.troubles()


class Crowd:
    """Threads that ask until told to stop; `wrong` has what no answer may be."""

    def __init__(self):
        self._stop = threading.Event()
        self.answers, self.wrong = 0, []
        asks = [lambda: self._ask_plainly(tcp=True), self._ask_plainly, self._ask_plainly,
                ask_through_balancer, transfer]
        self._threads = [threading.Thread(target=self._ask, args=(ask,)) for ask in asks]
        for thread in self._threads:
            thread.start()

    def _ask_plainly(self, tcp=False):
        name, kind = (("mail.example.com", "A"), ("x.wild.example.com", "TXT"),
                      ("nothing.example.com", "A"))[self.answers % 3]
        answer = dns.ask(ADDRESS, name, kind, tcp=tcp, port=PORT, limit_s=10)
        if kind == "TXT" and not answer.answer:
            self.wrong.append(answer.to_text())
        return answer

    def _ask(self, ask):
        while not self._stop.is_set():
            try:
                answer = ask()
                if answer.rcode() not in (0, 3):
                    self.wrong.append(answer.to_text())
                self.answers += 1
            except Exception as error:  # silence is wrong too
                self.wrong.append(repr(error))
                return

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()


def test_reloads_lose_no_question(server):
    crowd = Crowd()
    asker = dns.Asker(ADDRESS, PORT, limit_s=10)
    try:
        for serial in range(3, 3 + RELOADS):
            write_files(server.folder, server.key, serial)
            server.reload()
            until(lambda: server.died or f"192.0.2.{serial}" in (
                asker.addresses("mail.example.com") or ()), 20, f"change {serial} is not served")
    finally:
        crowd.stop()
        asker.close()
    assert crowd.answers > RELOADS and not crowd.wrong, crowd.wrong[:3]
