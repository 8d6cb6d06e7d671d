"""tandem-dnsd -c FILE on plain zone files, without any controller."""

import re
import urllib.request

import pytest

from tandemworld import dns
from tandemworld.daemons import SANITIZER_ENVIRONMENT
from tandemworld.processes import Processes, until
from tandemworld.world import programs_folder
from conftest import fresh_folder

ADDRESS, PORT, METRICS = "127.0.0.1", 5300, 9300

ZONE = """\
$TTL 300
@       SOA ns1 hostmaster 7 3600 900 604800 60
@       NS ns1
@       NS ns2
@       MX 10 mail
@       TXT "v=spf1 mx -all"
ns1     A 127.0.0.1
ns2     AAAA ::1
mail    A 192.0.2.1
mail    A 192.0.2.2
www     CNAME mail
*.wild  TXT "any"
_smtp._tcp SRV 0 5 25 mail
@       CAA 0 issue "ca.example"
sub     NS ns.sub
ns.sub  A 192.0.2.53
a.b.c   A 192.0.2.9
x       TYPE65400 \\# 3 abcdef
"""


@pytest.fixture(scope="module")
def server():
    folder = fresh_folder("dnsd_alone")
    folder.mkdir(parents=True)
    (folder / "example.com.zone").write_text(ZONE)
    (folder / "dnsd.yaml").write_text(
        f"listen: [{ADDRESS}@{PORT}]\nmetrics: {ADDRESS}@{METRICS}\n"
        "zones: [{name: example.com, file: example.com.zone}]\n")
    with Processes(folder) as processes:
        process = processes.add("dnsd", [programs_folder() / "tandem-dnsd", "-c",
                                         folder / "dnsd.yaml"], environment=SANITIZER_ENVIRONMENT)
        process.folder = folder
        process.start()
        until(lambda: process.died or dns.Asker(ADDRESS, PORT).serial("example.com"), 10,
              "dnsd does not answer")
        yield process
        assert not processes.troubles(), processes.troubles()
        assert process.end() == 0
        assert not processes.troubles(), processes.troubles()


def ask(name, kind, **options):
    return dns.rrset(ADDRESS, name, kind, port=PORT, **options)


@pytest.mark.parametrize("tcp", (False, True), ids=("udp", "tcp"))
@pytest.mark.parametrize("name, kind, expected", (
    ("mail.example.com", "A", ["mail.example.com. 300 A 192.0.2.1",
                               "mail.example.com. 300 A 192.0.2.2"]),
    ("example.com", "MX", ["example.com. 300 MX 10 mail.example.com."]),
    ("example.com", "TXT", ['example.com. 300 TXT "v=spf1 mx -all"']),
    ("ns2.example.com", "AAAA", ["ns2.example.com. 300 AAAA ::1"]),
    ("any.wild.example.com", "TXT", ['any.wild.example.com. 300 TXT "any"']),
    ("_smtp._tcp.example.com", "SRV", ["_smtp._tcp.example.com. 300 SRV 0 5 25 mail.example.com."]),
    ("example.com", "CAA", ['example.com. 300 CAA 0 issue "ca.example"']),
    ("x.example.com", "TYPE65400", ["x.example.com. 300 TYPE65400 \\# 3 abcdef"]),
    ("MAIL.Example.COM", "A", ["MAIL.Example.COM. 300 A 192.0.2.1",
                               "MAIL.Example.COM. 300 A 192.0.2.2"]),
))
def test_answers(server, name, kind, expected, tcp):
    records, rcode = ask(name, kind, tcp=tcp)
    assert rcode == 0
    assert [r.lower() for r in records] == sorted(e.lower() for e in expected)


def test_cname_is_followed_in_the_zone(server):
    records, _ = ask("www.example.com", "A")
    assert "www.example.com. 300 CNAME mail.example.com." in records
    assert "mail.example.com. 300 A 192.0.2.1" in records


@pytest.mark.parametrize("name, kind, rcode", (
    ("nothing.example.com", "A", 3), ("mail.example.com", "TXT", 0), ("b.c.example.com", "A", 0),
    ("c.example.com", "A", 0)))
def test_negative_answers_carry_the_soa(server, name, kind, rcode):
    answer = dns.ask(ADDRESS, name, kind, port=PORT)
    assert answer.rcode() == rcode and not answer.answer
    assert dns.kind_of(answer.authority[0]) == "SOA" and answer.authority[0].ttl == 60


def test_other_zones_are_refused(server):
    assert dns.ask(ADDRESS, "example.net", "A", port=PORT).rcode() == 5


def test_delegation_gives_a_referral_with_glue(server):
    answer = dns.ask(ADDRESS, "host.sub.example.com", "A", port=PORT)
    assert not answer.answer and dns.kind_of(answer.authority[0]) == "NS"
    assert str(answer.additional[0].name) == "ns.sub.example.com."


def counters():
    with urllib.request.urlopen(f"http://{ADDRESS}:{METRICS}/metrics", timeout=5) as answer:
        lines = re.findall(r"^(tandem_dnsd_\w+)(\{[^}]*\})? (\S+)$", answer.read().decode(), re.M)
    return {name + labels: float(value) for name, labels, value in lines}


def test_what_is_asked_and_answered_is_counted_by_transport_type_and_rcode(server):
    before = counters()
    for name, kind, tcp in (("mail.example.com", "A", False), ("mail.example.com", "A", True),
                            ("nothing.example.com", "MX", False), ("example.net", "TXT", True)):
        dns.ask(ADDRESS, name, kind, tcp=tcp, port=PORT)
    after = counters()
    grown = {key: int(after[key] - before[key]) for key in after
             if key.startswith(("tandem_dnsd_queries", "tandem_dnsd_answers"))
             and after[key] != before[key]}
    told = {f'tandem_dnsd_{what}_total{{transport="{transport}",{label}="{value}"}}': 1
            for what, transport, label, value in (
                ("queries", "udp", "type", "A"), ("queries", "tcp", "type", "A"),
                ("queries", "udp", "type", "MX"), ("queries", "tcp", "type", "TXT"),
                ("answers", "udp", "rcode", "NOERROR"), ("answers", "tcp", "rcode", "NOERROR"),
                ("answers", "udp", "rcode", "NXDOMAIN"), ("answers", "tcp", "rcode", "REFUSED"))}
    assert grown == told
    assert after["tandem_dnsd_zones"] == 1 and after["tandem_dnsd_names"] > 10


def test_changed_zone_is_served_after_sighup(server):
    zone = server.folder / "example.com.zone"
    zone.write_text(ZONE.replace(" 7 3600", " 8 3600").replace("192.0.2.9", "192.0.2.10"))
    server.reload()
    until(lambda: dns.Asker(ADDRESS, PORT).serial("example.com") == 8, 5, "not reloaded")
    assert ask("a.b.c.example.com", "A")[0] == ["a.b.c.example.com. 300 A 192.0.2.10"]


def test_broken_zone_keeps_the_last_good_one(server):
    zone = server.folder / "example.com.zone"
    good = zone.read_text()
    start = server.log_path.stat().st_size
    zone.write_text(good + "broken IN A not-an-address\n")
    server.reload()
    until(lambda: b"example.com.zone" in server.log_path.read_bytes()[start:], 5,
          "the broken file is not told of")
    assert ask("mail.example.com", "A")[0]
    zone.write_text(good)
