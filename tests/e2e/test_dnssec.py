"""Zones that tandem-dnsd signs, as delv, unbound and ldns-verify-zone judge them."""

import subprocess

import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

from tandemworld.processes import Processes, need_program
from tandemworld.signed import ADDRESS, PORT, RESOLVER_PORT, TWIN_PORT, Signed, ask
from conftest import fresh_folder

VARIANTS = {
    "csk-compact": (("csk",), "ecdsap256sha256", "compact"),
    "csk-nsec": (("csk",), "ecdsap256sha256", "nsec"),
    "ksk-zsk-nsec-ed25519": (("ksk", "zsk"), "ed25519", "nsec"),
    "ksk-zsk-compact": (("ksk", "zsk"), "ecdsap256sha256", "compact"),
}


@pytest.fixture(scope="module", params=VARIANTS.values(), ids=VARIANTS.keys())
def signed(request):
    folder = fresh_folder("dnssec-" + "-".join((*request.param[0], *request.param[1:])))
    with Processes(folder) as processes:
        world = Signed(folder, processes, *request.param)
        world.start_others()
        world.start_resolver()
        yield world
        troubles = [t for t in processes.troubles() if "unbound" not in t]
        assert not troubles, troubles
        for server in (world.parent, world.twin, world.child):
            assert server.end() == 0


# name, type, whether there is an answer, the rcode with an NSEC chain
CASES = {
    "positive": ("mail.example.com", "A", True, "NOERROR"),
    "names in rdata": ("example.com", "MX", True, "NOERROR"),
    "srv": ("_smtp._tcp.example.com", "SRV", True, "NOERROR"),
    "soa": ("example.com", "SOA", True, "NOERROR"),
    "keys": ("example.com", "DNSKEY", True, "NOERROR"),
    "cds": ("example.com", "CDS", True, "NOERROR"),
    "cdnskey": ("example.com", "CDNSKEY", True, "NOERROR"),
    "unknown type": ("x.example.com", "TYPE65400", True, "NOERROR"),
    "wildcard": ("some.wild.example.com", "TXT", True, "NOERROR"),
    "deep wildcard": ("a.b.c.wild.example.com", "TXT", True, "NOERROR"),
    "the wildcard itself": ("*.wild.example.com", "TXT", True, "NOERROR"),
    "nodata": ("mail.example.com", "TXT", False, "NOERROR"),
    "nodata at the top": ("example.com", "TXT", False, "NOERROR"),
    "empty non-terminal": ("b.c.example.com", "A", False, "NOERROR"),
    "nxdomain": ("nothing.example.com", "A", False, "NXDOMAIN"),
    "deep nxdomain": ("x.y.z.example.com", "A", False, "NXDOMAIN"),
    "nxdomain below a name": ("below.mail.example.com", "A", False, "NXDOMAIN"),
    "first nxdomain": ("0.example.com", "A", False, "NXDOMAIN"),
    "last nxdomain": ("zzz.example.com", "A", False, "NXDOMAIN"),
    "wildcard nodata": ("some.wild.example.com", "A", False, "NOERROR"),
    "cname": ("www.example.com", "A", True, "NOERROR"),
    "cname nodata": ("www.example.com", "TXT", True, "NOERROR"),
    "cname to nothing": ("dangling.example.com", "A", True, "NXDOMAIN"),
    "cname to a wildcard": ("towild.example.com", "TXT", True, "NOERROR"),
    "dname": ("old.example.com", "DNAME", True, "NOERROR"),
    "below a dname": ("some.old.example.com", "TXT", True, "NOERROR"),
    "below a dname, nodata": ("some.old.example.com", "A", True, "NOERROR"),
    "ds": ("secure.example.com", "DS", True, "NOERROR"),
    "no ds": ("insecure.example.com", "DS", False, "NOERROR"),
    "large": ("large.example.com", "TXT", True, "NOERROR"),
}


@pytest.mark.parametrize("name, kind, is_there, rcode", CASES.values(), ids=CASES.keys())
def test_unbound_validates(signed, name, kind, is_there, rcode):
    reply = ask(name, kind, port=RESOLVER_PORT, tcp=True, flags=dns.flags.RD)
    if signed.denial == "compact":
        rcode = "NOERROR"
    assert dns.rcode.to_text(reply.rcode()) == rcode, reply
    assert reply.flags & dns.flags.AD, reply
    assert bool(reply.answer) == is_there, reply


@pytest.mark.parametrize("name, kind, is_there, rcode", CASES.values(), ids=CASES.keys())
def test_delv_validates(signed, name, kind, is_there, rcode):
    said = signed.delv(name, kind)
    assert "fully validated" in said, said
    assert "unsigned answer" not in said and "resolution failed: " not in said.replace(
        "resolution failed: ncache nxdomain", "").replace("resolution failed: ncache nxrrset", "")
    assert ("negative response" in said) == (not is_there) or kind != "DS" and "CNAME" in said, said


def test_secure_delegation_validates(signed):
    reply = ask("host.secure.example.com", "A", port=RESOLVER_PORT, flags=dns.flags.RD)
    assert reply.rcode() == 0 and reply.answer and reply.flags & dns.flags.AD, reply


def test_insecure_delegation_is_proven_to_be_one(signed):
    reply = ask("host.insecure.example.com", "A", port=RESOLVER_PORT, flags=dns.flags.RD)
    assert reply.rcode() == 0 and reply.answer and not reply.flags & dns.flags.AD, reply


@pytest.mark.parametrize("name, kinds", (("host.secure.example.com", {"NS", "DS", "RRSIG"}),
                                         ("host.insecure.example.com", {"NS", "NSEC", "RRSIG"})))
def test_referrals_say_whether_the_child_is_signed(signed, name, kinds):
    reply = ask(name, "A")
    assert {dns.rdatatype.to_text(rrset.rdtype) for rrset in reply.authority} == kinds
    assert not reply.flags & dns.flags.AA


def test_who_does_not_ask_for_dnssec_gets_none(signed):
    for name, kind, _, _ in CASES.values():
        reply = ask(name, kind, dnssec=False, tcp=True)
        for rrset in reply.answer + reply.authority:
            assert rrset.rdtype not in (dns.rdatatype.RRSIG, dns.rdatatype.NSEC), reply
    assert ask("nothing.example.com", "A", dnssec=False).rcode() == dns.rcode.NXDOMAIN


def test_large_answers_are_cut_over_udp_and_whole_over_tcp(signed):
    cut = ask("large.example.com", "TXT")
    assert cut.flags & dns.flags.TC and not cut.answer
    whole = ask("large.example.com", "TXT", tcp=True)
    assert {r.rdtype for r in whole.answer} == {dns.rdatatype.TXT, dns.rdatatype.RRSIG}


def test_two_servers_answer_with_the_same_octets(signed):
    """Rule 13. Addresses rotate, so what is compared is a sorted text with the signatures."""
    for name, kind, _, _ in CASES.values():
        texts = []
        for port in (PORT, TWIN_PORT):
            reply = ask(name, kind, port=port, tcp=True)
            texts.append([sorted(rrset.to_text().splitlines()) for section in
                          (reply.answer, reply.authority) for rrset in section])
        assert texts[0] == texts[1]


def test_compact_answers_give_nxdomain_to_who_understands_it(signed):
    if signed.denial != "compact":
        pytest.skip("of compact denial")
    query = dns.message.make_query("nothing.example.com", "A", want_dnssec=True)
    query.ednsflags |= 0x4000
    reply = dns.query.udp(query, ADDRESS, 5, PORT)
    assert reply.rcode() == dns.rcode.NXDOMAIN and reply.ednsflags & 0x4000
    assert "TYPE128" in reply.authority[2].to_text() or "NXNAME" in reply.authority[2].to_text()
    assert ask("nothing.example.com", "TYPE128").rcode() == dns.rcode.FORMERR


def nsec_at(name):
    """The NSEC and its signatures. At a delegation by asking for a name right behind it."""
    reply = ask(name, "NSEC", tcp=True)
    records = reply.answer
    if not records:
        behind = dns.name.Name((name.labels[0] + b"0", *name.labels[1:]))
        records = [r for r in ask(behind, "A", tcp=True).authority if r.name == name]
    return sorted((r for r in records if dns.rdatatype.NSEC in (r.rdtype, r.covers)),
                  key=lambda r: r.rdtype != dns.rdatatype.NSEC)


def test_ldns_verifies_the_whole_zone(signed):
    """The zone put together from answers: every RRset, every NSEC, every signature."""
    if signed.denial != "nsec":
        pytest.skip("a zone with compact denial has no chain")
    verify = need_program("ldns-verify-zone", "ldnsutils")
    lines = []
    name = dns.name.from_text("example.com")
    for _ in range(100):
        found = nsec_at(name)
        assert found, f"no NSEC of {name}"
        nsec = found[0][0]
        lines += [rrset.to_text() for rrset in found]
        types = [dns.rdatatype.from_text(t) for t in nsec.to_text().split()[1:]]
        for kind in types:
            if kind in (dns.rdatatype.RRSIG, dns.rdatatype.NSEC):
                continue
            found = ask(name, kind, tcp=True)
            lines += [rrset.to_text() for rrset in found.answer + found.authority
                      if rrset.name == name and rrset.rdtype != dns.rdatatype.NSEC
                      and not (rrset.rdtype == dns.rdatatype.RRSIG
                               and rrset.covers == dns.rdatatype.NSEC)]
            lines += [rrset.to_text() for rrset in found.additional]
        name = nsec.next
        if name == dns.name.from_text("example.com"):
            break
    path = signed.folder / "dumped.zone"
    path.write_text("\n".join(dict.fromkeys("\n".join(lines).splitlines())) + "\n")
    done = subprocess.run([verify, path], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
