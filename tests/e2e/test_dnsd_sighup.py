"""SIGHUP: everything that can be read again is, what is wrong is told with its place and stays as it
was, and what needs a new process is told every time."""

import re
import shutil
import subprocess

import dns.edns
import dns.message
import dns.query
import dns.rcode
import dns.tsig
import pytest

from tandemworld import dns as ask
from tandemworld.daemons import SANITIZER_ENVIRONMENT
from tandemworld.processes import Processes, until
from tandemworld.secondaries import Key
from tandemworld.world import programs_folder, slack
from conftest import fresh_folder

ADDRESS, OTHER, PORT = "127.0.0.1", "127.0.0.2", 5314
ZONE = """\
$TTL 300
@       SOA ns1 hostmaster {serial} 3600 900 604800 60
@       NS ns1
ns1     A 127.0.0.1
mail    A 192.0.2.{serial}
"""


class Server:
    def __init__(self, folder, processes):
        self.folder, self.path = folder, folder / "dnsd.yaml"
        folder.mkdir(parents=True)
        self.serial = 0
        self.key = self.keygen("one")
        self.settings = {"nsid": "first", "listen": f"[{ADDRESS}@{PORT}]",
                         "transfers": f"{{allow: [{{key: {self.key.path}}}]}}"}
        self.write()
        self.write_zones()
        self.process = processes.add("dnsd", [programs_folder() / "tandem-dnsd", "-c", self.path],
                                     environment=SANITIZER_ENVIRONMENT)
        self.process.start()
        until(lambda: self.process.died or self.address("example.net"), 20, "no answer")
        assert self.process.alive

    def keygen(self, name):
        """A key of one name, but with a secret of its own."""
        folder = self.folder / name
        made = subprocess.run([programs_folder() / "tandem", "tsig", "keygen", "xfr.example.com",
                               "--out", folder], capture_output=True, text=True, check=True)
        return Key(folder / made.stdout.strip())

    def write(self, **changes):
        settings = dict(self.settings, **changes)
        self.path.write_text("".join(f"{key}: {value}\n" for key, value in settings.items() if value)
                             + "zones:\n  - {name: example.com, file: example.com.zone}\n"
                               "  - {name: example.net, file: example.net.zone}\n")

    def write_zones(self, wrong=""):
        """Both a serial on; example.com with a bad line at its end."""
        self.serial += 1
        for zone in ("example.com", "example.net"):
            (self.folder / f"{zone}.zone").write_text(
                ZONE.format(serial=self.serial) + (wrong if zone == "example.com" else ""))

    def reload(self, *words):
        """Reads again; returns what is logged until a line has all the words."""
        start = self.process.log_path.stat().st_size
        self.process.reload()

        def told():
            text = self.process.log_path.read_bytes()[start:].decode()
            lines = text.splitlines() if text.endswith("\n") else []
            return text if any(all(w in line for w in words) for line in lines) else None
        return until(lambda: self.process.died or told(), 10 * slack(),
                     lambda: f"no line with {words}: "
                     + self.process.log_path.read_bytes()[start:].decode())

    def address(self, zone):
        asker = ask.Asker(ADDRESS, PORT)
        found = asker.addresses(f"mail.{zone}")
        asker.close()
        return found

    def nsid(self):
        query = dns.message.make_query("example.com", "SOA", use_edns=0,
                                       options=[dns.edns.GenericOption(dns.edns.NSID, b"")])
        answer = dns.query.udp(query, ADDRESS, 5, PORT)
        return b"".join(option.data for option in answer.options if option.otype == dns.edns.NSID)

    def transfer(self, key):
        query = dns.message.make_query("example.com", "AXFR")
        query.use_tsig(key.ring())
        return dns.query.tcp(query, ADDRESS, 5, PORT)


@pytest.fixture(scope="module")
def running():
    folder = fresh_folder("dnsd_sighup")
    with Processes(folder) as processes:
        server = Server(folder, processes)
        yield server
        assert not processes.troubles(), processes.troubles()
        assert server.process.end() == 0
        assert not processes.troubles(), processes.troubles()


@pytest.fixture
def server(running):
    """Read, without anything wrong, before and after the test."""
    yield running
    running.write()
    running.write_zones()
    running.reload("serving 2 zones")


def test_bad_zone_file_is_told_with_its_line_and_only_that_zone_stays(server):
    before = server.address("example.com")
    server.write_zones("broken A 192.0.2.300\n")
    line = len((server.folder / "example.com.zone").read_text().splitlines())
    told = server.reload("serving 2 zones")
    assert re.search(rf"example\.com\.zone:{line}: .*the zone stays as it was", told), told
    assert server.address("example.com") == before
    assert server.address("example.net") == {f"192.0.2.{server.serial}"}


def test_zone_file_that_is_gone_is_told_and_the_zone_stays(server):
    before = server.address("example.com")
    server.write_zones()
    (server.folder / "example.com.zone").unlink()
    told = server.reload("serving 2 zones")
    assert re.search(r"example\.com\.zone.*No such file", told), told
    assert server.address("example.com") == before


def test_bad_configuration_is_told_with_line_and_column_and_everything_stays(server):
    before = server.address("example.net")
    server.write(nsid="second", rate_limit="{slip: many}")
    server.write_zones()
    line = next(number for number, text in enumerate(server.path.read_text().splitlines(), 1)
                if "slip" in text)
    told = server.reload("reload refused, everything stays as it was")
    assert re.search(rf"dnsd\.yaml:{line}:\d+: .*slip", told), told
    assert server.nsid() == b"first" and server.address("example.net") == before
    server.write(nsid="second", no_such_key="1")
    assert "no_such_key" in server.reload("reload refused, everything stays as it was")
    assert server.nsid() == b"first" and server.address("example.net") == before


def test_what_may_change_takes_effect_at_once(server):
    server.write(nsid="second", rate_limit="{responses_per_second: 1, slip: 1}")
    server.write_zones()
    told = server.reload("serving 2 zones")
    assert server.nsid() == b"second", told
    flags = [ask.ask(ADDRESS, "mail.example.com", "A", port=PORT).flags for _ in range(8)]
    assert flags[-1] & dns.flags.TC, flags
    server.write(rate_limit=f"{{responses_per_second: 1, allow: [{ADDRESS}/32]}}")
    server.write_zones()
    server.reload("serving 2 zones")
    for _ in range(8):
        assert not ask.ask(ADDRESS, "mail.example.com", "A", port=PORT).flags & dns.flags.TC
    assert server.nsid() == b"first"


def test_keys_of_transfers_are_read_again(server):
    fresh = server.keygen("two")
    assert server.transfer(server.key).answer
    with pytest.raises(dns.tsig.PeerBadSignature):
        server.transfer(fresh)
    kept = server.key.path.read_bytes()
    shutil.copyfile(fresh.path, server.key.path)
    server.write_zones()
    server.reload("serving 2 zones")
    assert server.transfer(fresh).answer
    with pytest.raises(dns.tsig.PeerBadSignature):
        server.transfer(server.key)
    server.key.path.write_text("nothing that is a key\n")
    server.write_zones()
    told = server.reload("reload refused, everything stays as it was")
    assert server.key.path.name in told
    assert server.transfer(fresh).answer
    assert server.address("example.net") != {f"192.0.2.{server.serial}"}
    server.key.path.write_bytes(kept)


@pytest.mark.parametrize("key, value", (
    ("name", "another"), ("listen", f"[{OTHER}@{PORT}]"), ("metrics", f"{OTHER}@5315"),
    ("tcp", "{idle: 20s}"), ("workers", "2"), ("seccomp", "false"),
    ("dnstap", "{socket: tap.sock}")))
def test_what_needs_a_new_process_is_told_every_time_and_not_done(server, key, value):
    for _ in range(2):
        server.write(**{key: value})
        server.write_zones()
        told = server.reload("serving 2 zones")
        assert re.search(rf"{key}.* has changed: that needs a restart", told), told
        assert server.address("example.com") == {f"192.0.2.{server.serial}"}
    asker = ask.Asker(OTHER, PORT)
    assert asker.ask("example.com") is None
    asker.close()


def test_a_rate_is_not_shared_among_workers_that_are_not_there(server):
    """More workers in the file than run: each would get a part, and one alone is there to give it."""
    server.write(workers="64", rate_limit="{responses_per_second: 640, slip: 1}")
    server.write_zones()
    server.reload("serving 2 zones")
    for _ in range(60):
        assert not ask.ask(ADDRESS, "mail.example.com", "A", port=PORT).flags & dns.flags.TC


def test_from_zone_files_to_controllers_is_refused(server):
    before = server.path.read_text()
    server.path.write_text(before[:before.index("zones:")] + "name: x\nstate: state\n"
                           "controllers: [https://127.0.0.1:8443]\n"
                           "tls: {ca: a, certificate: b, key: c}\n")
    server.reload("reload refused", "needs a restart")
    assert server.address("example.com")
