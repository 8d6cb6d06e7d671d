"""Reloads while questions are being answered, by several workers: what `make tsan` is about too."""

import threading

import pytest

from tandemworld import dns
from tandemworld.daemons import SANITIZER_ENVIRONMENT
from tandemworld.processes import Processes, until
from tandemworld.signed import keygen
from tandemworld.world import programs_folder
from conftest import fresh_folder

ADDRESS, PORT = "127.0.0.1", 5311
RELOADS = 25

ZONE = """\
$TTL 300
@       SOA ns1 hostmaster {serial} 3600 900 604800 60
@       NS ns1
ns1     A 127.0.0.1
mail    A 192.0.2.1
mail    A 192.0.2.{serial}
*.wild  TXT "any"
"""


@pytest.fixture(scope="module")
def server():
    folder = fresh_folder("dnsd_reloads")
    folder.mkdir(parents=True)
    key = keygen(folder, "example.com")
    (folder / "example.com.zone").write_text(ZONE.format(serial=2))
    (folder / "dnsd.yaml").write_text(
        f"listen: [{ADDRESS}@{PORT}]\nworkers: 2\n"
        "rate_limit: {responses_per_second: 100000, dry_run: true}\n"
        f"zones: [{{name: example.com, file: example.com.zone, dnssec: {{keys: [\"{key}\"]}}}}]\n")
    with Processes(folder) as processes:
        process = processes.add("dnsd", [programs_folder() / "tandem-dnsd", "-c",
                                         folder / "dnsd.yaml"], environment=SANITIZER_ENVIRONMENT)
        process.folder = folder
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
        self._threads = [threading.Thread(target=self._ask, args=(i,)) for i in range(4)]
        for thread in self._threads:
            thread.start()

    def _ask(self, number):
        while not self._stop.is_set():
            try:
                name, kind = (("mail.example.com", "A"), ("x.wild.example.com", "TXT"),
                              ("nothing.example.com", "A"))[self.answers % 3]
                answer = dns.ask(ADDRESS, name, kind, tcp=number == 0, port=PORT, limit_s=10)
                if answer.rcode() not in (0, 3) or (kind == "TXT" and not answer.answer):
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
            fresh = server.folder / "fresh"
            fresh.write_text(ZONE.format(serial=serial))
            fresh.rename(server.folder / "example.com.zone")
            server.reload()
            until(lambda: server.died or f"192.0.2.{serial}" in (
                asker.addresses("mail.example.com") or ()), 20, f"change {serial} is not served")
    finally:
        crowd.stop()
        asker.close()
    assert crowd.answers > RELOADS and not crowd.wrong, crowd.wrong[:3]
