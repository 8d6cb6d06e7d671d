"""Generated zones, signed, asked through a validating resolver: what Tandem answers must hold.

unbound validates every answer; a proof that is missing or wrong makes it SERVFAIL. Both ways of denial.
Whether the content is right is told by test_differential.py on the same zones.
"""

import os
import subprocess

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

from tandemworld import dns as asking
from tandemworld.daemons import SANITIZER_ENVIRONMENT
from tandemworld.generator import Zone
from tandemworld.processes import Processes, need_program, until
from tandemworld.signed import anchor_of, keygen, reachable
from tandemworld.world import programs_folder
from conftest import fresh_folder

ADDRESS, PORT, RESOLVER_PORT = "127.0.0.1", 5325, 5304
FIRST, _, LAST = os.environ.get("SEEDS", "1-4").partition("-")
QUESTIONS = int(os.environ.get("QUESTIONS", "100"))


@pytest.fixture(scope="module")
def zones():
    return [Zone(seed) for seed in range(int(FIRST), int(LAST or FIRST) + 1)]


def start_dnsd(processes, folder, zones):
    rows = ""
    for i, zone in enumerate(zones):
        name = zone.name.rstrip(".")
        key = keygen(folder, name)
        (folder / f"{name}.zone").write_text(zone.text())
        rows += (f"  - {{name: {name}, file: {name}.zone, dnssec: {{keys: [\"{key}\"], "
                 f"denial: {('nsec', 'compact')[i % 2]}}}}}\n")
    (folder / "dnsd.yaml").write_text(f"listen: [{ADDRESS}@{PORT}]\nzones:\n{rows}"
                                      f"transfers: {{allow: [{{from: [{ADDRESS}]}}]}}\n")
    process = processes.add("dnsd", [programs_folder() / "tandem-dnsd", "-c",
                                     folder / "dnsd.yaml"], environment=SANITIZER_ENVIRONMENT)
    process.start()
    until(lambda: process.died or asking.Asker(ADDRESS, PORT).serial(zones[0].name), 20,
          f"dnsd does not answer, see {process.log_path}")


def start_resolver(processes, folder, zones):
    anchors = "".join(anchor_of(folder, zone.name.rstrip(".")) + "\n" for zone in zones)
    (folder / "anchors").write_text(anchors)
    stubs = "".join(f'stub-zone:\n  name: "{zone.name}"\n  stub-addr: {ADDRESS}@{PORT}\n'
                    for zone in zones)
    (folder / "unbound.conf").write_text(f"""\
server:
  interface: {ADDRESS}@{RESOLVER_PORT}
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: ""
  use-syslog: no
  logfile: ""
  val-log-level: 2
  num-threads: 1
  do-not-query-localhost: no
  qname-minimisation: no
  trust-anchor-file: "{folder}/anchors"
  module-config: "validator iterator"
remote-control:
  control-enable: no
{stubs}""")
    resolver = processes.add("unbound", [need_program("unbound", "unbound"), "-d", "-p", "-c",
                                         folder / "unbound.conf"])
    resolver.start()
    until(lambda: resolver.died or reachable(RESOLVER_PORT), 10, "unbound does not answer")
    assert not resolver.died


@pytest.fixture(scope="module")
def resolver(zones):
    folder = fresh_folder("differential_signed")
    folder.mkdir(parents=True)
    with Processes(folder) as processes:
        start_dnsd(processes, folder, zones)
        start_resolver(processes, folder, zones)
        yield folder
        assert not processes.troubles(), processes.troubles()


def ask(name, kind, port):
    query = dns.message.make_query(name, kind, want_dnssec=True, payload=1232)
    answer, _ = dns.query.udp_with_fallback(query, ADDRESS, 10, port)
    return answer


def ends_here(answer, zone):
    """Does the answer come to its end inside the zone, so that the resolver needs nobody else?"""
    if not answer.flags & dns.flags.AA:
        return False  # a delegation to somebody who is not there
    if any(rr.rdtype == dns.rdatatype.NS for rr in answer.authority):
        return False  # a chain that leads to one
    targets = {str(rr[0].target).lower() for rr in answer.answer
               if rr.rdtype == dns.rdatatype.CNAME}
    owners = {str(rr.name).lower() for rr in answer.answer}
    last = targets - owners
    if len(targets) > 8 or any(not target.endswith("." + zone.name) for target in last):
        return False
    return not targets or bool(last) or any(rr.rdtype != dns.rdatatype.CNAME and
                                            rr.rdtype != dns.rdatatype.RRSIG and
                                            rr.rdtype != dns.rdatatype.DNAME
                                            for rr in answer.answer)


def records(answer):
    return {f"{rr.name} {rr.rdtype} {item}".lower() for rr in answer.answer for item in rr
            if rr.rdtype != dns.rdatatype.RRSIG}


def test_a_validating_resolver_believes_every_answer(zones, resolver):
    asked, wrong = 0, []
    for zone in zones:
        for name, kind, cls in zone.questions(QUESTIONS):
            if cls != "IN" or not name.lower().endswith("." + zone.name) or \
                    kind in ("RRSIG", "NSEC", "DNSKEY", "MAILB", "TYPE0"):
                continue
            ours = ask(name, kind, PORT)
            if not ends_here(ours, zone) or (
                    kind in ("CNAME", "DNAME") and
                    any(rr.rdtype == dns.rdatatype.DNAME for rr in ours.answer)):
                continue  # unbound looks for a DS below the DNAME and does not believe what it gets
            theirs = ask(name, kind, RESOLVER_PORT)
            asked += 1
            if theirs.rcode() != ours.rcode() or not theirs.flags & dns.flags.AD or \
                    records(ours) != records(theirs):
                wrong.append(f"{name} {kind}: ours {dns.rcode.to_text(ours.rcode())}, the resolver "
                             f"{dns.rcode.to_text(theirs.rcode())} {theirs.flags & dns.flags.AD}\n"
                             f"{ours}\n{theirs}")
    print(f"{asked} answers validated")
    (resolver / "wrong.txt").write_text("\n\n".join(wrong))
    assert asked > 50 and not wrong, f"{len(wrong)} of {asked}:\n" + "\n".join(wrong[:3])


def test_transferred_zones_verify(zones, resolver):
    """The whole chain of NSEC and every signature, as ldns sees them. Compact denial has no chain."""
    for zone in zones[::2]:
        path = resolver / f"{zone.name}transferred"
        dig = [need_program("dig", "bind9-dnsutils"), f"@{ADDRESS}", "-p", str(PORT), "AXFR",
               zone.name, "+noall", "+answer", "+onesoa"]
        path.write_text(subprocess.run(dig, capture_output=True, text=True, check=True).stdout)
        done = subprocess.run([need_program("ldns-verify-zone", "ldnsutils"), path],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{path}:\n{done.stdout}{done.stderr}"
