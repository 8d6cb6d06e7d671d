"""Zones given to real secondaries: Knot, NSD and BIND hold what tandem-dnsd serves, hear of changes
at once, and follow the catalog zone. Without the right key nobody gets anything."""

import re
import subprocess
import time
import urllib.request

import dns.message
import dns.query
import dns.rcode
import dns.tsig
import pytest

from tandemworld.daemons import SANITIZER_ENVIRONMENT
from tandemworld.processes import Processes, until
from tandemworld.secondaries import KNOWS_CATALOGS, PLACES, Key, Secondary, content
from tandemworld.world import programs_folder, slack
from conftest import fresh_folder

PRIMARY = ("127.0.0.1", 5300)
CATALOG = "catalog.tandem"
ZONE = """\
$TTL 300
@       SOA ns1 hostmaster {serial} 3600 900 604800 60
@       NS ns1
@       MX 10 mail
ns1     A 127.0.0.1
mail    A {address}
mail    AAAA 2001:db8::1
www     CNAME mail
*.wild  TXT "any" "text"
old     DNAME new
sub     NS ns.sub
ns.sub  A 192.0.2.53
x       TYPE65400 \\# 3 abcdef
"""


def metrics():
    """The notices, by counter and secondary."""
    with urllib.request.urlopen(f"http://{PRIMARY[0]}:5301/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    found = re.findall(r'^tandem_dnsd_notify_(\w+){secondary="([^"]+)"} (\d+)$', "\n".join(lines),
                       re.MULTILINE)
    return {(counter, secondary): int(value) for counter, secondary, value in found}


class Alone:
    """tandem-dnsd on zone files, with three secondaries. The refresh of the zones is an hour: what
    arrives sooner came with a NOTIFY."""

    def __init__(self, folder, processes):
        self.folder = folder
        folder.mkdir(parents=True)
        made = subprocess.run([programs_folder() / "tandem", "tsig", "keygen", "xfr.example.com",
                               "--out", folder], capture_output=True, text=True, check=True)
        self.key = Key(folder / made.stdout.strip())
        self.zones, self.catalog_serial = ["example.com", "example.net"], 0
        for zone in [*self.zones, "example.org"]:
            self.write_zone(zone, 1)
        self.write_file()
        self.dnsd = processes.add("dnsd", [programs_folder() / "tandem-dnsd", "-c",
                                           folder / "dnsd.yaml"],
                                  environment=SANITIZER_ENVIRONMENT)
        self.dnsd.start()
        # Two zones by name; BIND and Knot get the second one by the catalog zone.
        self.secondaries = {name: Secondary(
            processes, folder, name, PRIMARY,
            ["example.com"] if name in KNOWS_CATALOGS else self.zones, self.key,
            CATALOG if name in KNOWS_CATALOGS else None) for name in PLACES}

    def write_zone(self, zone, serial, address="192.0.2.1"):
        (self.folder / f"{zone}.zone").write_text(ZONE.format(serial=serial, address=address))

    def write_file(self):
        self.catalog_serial += 1
        zones = "".join(f"  - {{name: {z}, file: {z}.zone}}\n" for z in self.zones)
        only = {"nsd": ", zones: [example.com, example.net]"}  # it knows no catalog zone
        rows = "".join(f"    - {{address: {a}, port: {p}, key: {self.key.path.name}"
                       f"{only.get(name, '')}}}\n" for name, (a, p) in PLACES.items())
        (self.folder / "dnsd.yaml").write_text(
            f"listen: [{PRIMARY[0]}@{PRIMARY[1]}]\nzones:\n{zones}"
            f"metrics: {PRIMARY[0]}@5301\n"
            f"transfers:\n  secondaries:\n{rows}  allow: [{{key: {self.key.path.name}}}]\n"
            f"  catalog: {{name: {CATALOG}, serial: {self.catalog_serial}}}\n")

    def wait_for(self, zone, serial, names=tuple(PLACES), limit_s=15):
        """serial None: until it is no longer served."""
        until(lambda: all(self.secondaries[n].serial(zone) == serial for n in names),
              limit_s * slack(), lambda: f"{zone} has not the serial {serial} everywhere: " + str(
                  {n: self.secondaries[n].serial(zone) for n in names}))


@pytest.fixture(scope="module")
def alone():
    folder = fresh_folder("transfers")
    with Processes(folder) as processes:
        world = Alone(folder, processes)
        for zone in world.zones:
            world.wait_for(zone, 1, limit_s=30)
        yield world
        assert not processes.troubles(), "\n".join(processes.troubles())
        assert world.dnsd.end() == 0


def test_secondaries_hold_what_is_served(alone):
    for zone in alone.zones:
        wanted = content(*PRIMARY, zone, alone.key)
        assert len(wanted) > 10
        for secondary in alone.secondaries.values():
            assert secondary.content(zone) == wanted, secondary.name


def test_a_change_arrives_at_once(alone, figures):
    for serial in (2, 3, 4):
        alone.write_zone("example.com", serial, f"192.0.2.{serial}")
        began = time.monotonic()
        alone.dnsd.reload()
        for name in ("knot", "bind", "nsd"):  # NSD takes a second of its own to load it
            alone.wait_for("example.com", serial, (name,))
            figures.add(f"zone file read again → {name} has it", time.monotonic() - began)
        wanted = content(*PRIMARY, "example.com", alone.key)
        for secondary in alone.secondaries.values():
            assert secondary.content("example.com") == wanted, secondary.name


def test_each_secondary_answers_the_notices(alone):
    for address, port in PLACES.values():
        place = f"{address}@{port}"
        until(lambda: metrics()["pending", place] == 0, 15 * slack(), f"{place} does not answer")
        assert metrics()["answered_total", place] >= 3
        assert metrics()["given_up_total", place] == 0


def query(kind, key=None, secret=None, zone="example.com", source=None, tcp=True):
    message = dns.message.make_query(zone, kind, use_edns=0)
    if key:
        message.use_tsig(key.ring(secret))
    how = dns.query.tcp if tcp else dns.query.udp
    return how(message, PRIMARY[0], 5, PRIMARY[1], source=source)


def test_without_the_key_nobody_gets_a_zone(alone):
    for zone in ("example.com", CATALOG):
        for source in (None, PLACES["knot"][0]):  # a secondary's address alone is not enough
            reply = query("AXFR", zone=zone, source=source)
            assert reply.rcode() == dns.rcode.REFUSED and not reply.answer, reply
    assert query("SOA", zone=CATALOG).rcode() == dns.rcode.REFUSED
    assert query("SOA", alone.key, zone=CATALOG, tcp=False).answer
    wrong = "A" * 43 + "="
    for kind in ("AXFR", "SOA"):
        with pytest.raises(dns.tsig.PeerBadSignature):
            query(kind, alone.key, wrong)


def test_knot_and_bind_follow_the_catalog_zone(alone):
    alone.zones.append("example.org")
    alone.write_file()
    alone.dnsd.reload()
    alone.wait_for("example.org", 1, KNOWS_CATALOGS)
    alone.write_zone("example.org", 2)
    alone.dnsd.reload()
    alone.wait_for("example.org", 2, KNOWS_CATALOGS)
    alone.zones.remove("example.org")
    alone.write_file()
    alone.dnsd.reload()
    alone.wait_for("example.org", None, KNOWS_CATALOGS)
    alone.wait_for("example.net", 1)


def test_a_secondary_that_was_away_is_told_again(alone):
    """The notice is repeated until it is answered."""
    nsd = alone.secondaries["nsd"]
    nsd.process.end()
    alone.write_zone("example.net", 5)
    alone.dnsd.reload()
    alone.wait_for("example.net", 5, KNOWS_CATALOGS)
    nsd.process.start()
    alone.wait_for("example.net", 5)
