"""Changing the keys of a signed zone, leaving DNSSEC, and mistakes with keys (docs/dnssec.md)."""

import json

import dns.rdatatype
import pytest

from tandemworld.processes import Processes, until
from tandemworld.signed import PORT, Signed, anchor_of, ask, delv_anchor, keygen, tandem
from conftest import fresh_folder

def keys_served(count):
    reply = ask("example.com", "DNSKEY", tcp=True)
    return sum(len(r) for r in reply.answer if r.rdtype == dns.rdatatype.DNSKEY) == count


def validates(world, *anchors):
    """Whoever trusts any of these anchors, and only that one, validates."""
    for anchor in anchors:
        for name, kind in (("mail.example.com", "A"), ("nothing.example.com", "A"),
                           ("example.com", "DNSKEY")):
            said = world.delv(name, kind, anchor)
            assert "fully validated" in said, said


@pytest.fixture
def rolling(request):
    """A zone signed by a csk, or by the roles that the test asks for."""
    folder = fresh_folder("dnssec-rollover")
    with Processes(folder) as processes:
        world = Signed(folder, processes, getattr(request, "param", ("csk",)), "ecdsap256sha256",
                       "compact")
        yield world
        assert not processes.troubles(), processes.troubles()


@pytest.mark.parametrize("rolling", (("csk",), ("ksk", "zsk")), indirect=True,
                         ids=("csk", "ksk"))
def test_rollover_of_a_csk_or_ksk_validates_at_every_step(rolling):
    """docs/dnssec.md, "Changing a key": with the old DS, then with either, then with the new."""
    old_anchor = rolling.delv_anchor
    old_key, *others = rolling.keys
    role = "ksk" if others else "csk"
    new_key = keygen(rolling.folder, "example.com", role, state="published")

    def reload(keys, count):
        rolling.configure("parent", PORT, [("example.com", rolling.zone, keys)])
        rolling.parent.reload()
        until(lambda: keys_served(count), 5, "the keys are not reloaded")

    reload([old_key, new_key, *others], 2 + len(others))
    validates(rolling, old_anchor)

    tandem("state", new_key, "active")
    tandem("state", old_key, "retired")
    new_anchor = delv_anchor(rolling.folder / "new.keys", anchor_of(rolling.folder, "example.com"))
    rolling.parent.reload()
    until(lambda: new_tag(rolling) in ask("example.com", "CDS").answer[0].to_text(), 5,
          "the CDS does not follow")
    assert len(ask("example.com", "CDS").answer[0]) == 1
    validates(rolling, old_anchor, new_anchor)

    reload([new_key, *others], 1 + len(others))
    validates(rolling, new_anchor)
    assert "fully validated" not in rolling.delv("mail.example.com", "A", old_anchor)


def signers(name="mail.example.com", kind="A"):
    """Tags of the keys that have signed it."""
    return {r.key_tag for answer in ask(name, kind).answer if answer.rdtype == dns.rdatatype.RRSIG
            for r in answer}


def tag_of(key):
    return int(str(key).rsplit(".", 2)[1])


@pytest.mark.parametrize("rolling", (("ksk", "zsk"),), indirect=True, ids=("zsk",))
def test_rollover_of_a_zsk_needs_no_parent(rolling):
    """The DS stays the same all the way; the zone changes hands when the new key has been known."""
    ksk, old_key = rolling.keys
    new_key = keygen(rolling.folder, "example.com", "zsk", state="published")

    def step(keys, signer):
        rolling.configure("parent", PORT, [("example.com", rolling.zone, keys)])
        rolling.parent.reload()
        until(lambda: keys_served(len(keys)) and signers() == {tag_of(signer)}, 5,
              "the keys are not reloaded")
        validates(rolling, rolling.delv_anchor)
        assert signers("example.com", "DNSKEY") == {tag_of(ksk)}

    step([ksk, old_key, new_key], old_key)
    tandem("state", new_key, "active")
    tandem("state", old_key, "retired")
    step([ksk, old_key, new_key], new_key)
    step([ksk, new_key], new_key)


def new_tag(world):
    return anchor_of(world.folder, "example.com").split()[3]


def test_leaving_dnssec_tells_the_parent_first(rolling):
    configuration = rolling.folder / "parent.yaml"
    text = configuration.read_text()
    configuration.write_text(text.replace("denial: compact", "denial: compact, cds: delete"))
    rolling.parent.reload()
    until(lambda: "0 0 0 00" in ask("example.com", "CDS").answer[0].to_text(), 5, "no delete CDS")
    validates(rolling, rolling.delv_anchor)

    rolling.configure("parent", PORT, [("example.com", rolling.zone, [])])
    rolling.parent.reload()
    until(lambda: not ask("example.com", "DNSKEY").answer, 5, "still signed")
    reply = ask("mail.example.com", "A")
    assert {r.rdtype for r in reply.answer} == {dns.rdatatype.A}


def test_a_bad_key_keeps_the_zone_as_it_was(rolling):
    key = rolling.folder / "broken.key"
    key.write_text("zone: example.com.\n")
    key.chmod(0o600)
    start = rolling.parent.log_path.stat().st_size
    rolling.configure("parent", PORT, [("example.com", rolling.zone, [key])])
    rolling.parent.reload()
    until(lambda: b"broken.key" in rolling.parent.log_path.read_bytes()[start:], 5,
          "the broken key is not told of")
    validates(rolling, rolling.delv_anchor)


def test_keygen_says_what_it_made(tmp_path):
    answer = json.loads(tandem("keygen", "Example.NET", "--role", "zsk", "--algorithm", "ed25519",
                               "--state", "published", "--out", tmp_path, "--json"))
    assert (answer["zone"], answer["role"], answer["algorithm"], answer["state"]) == (
        "example.net.", "zsk", "ed25519", "published")
    assert (tmp_path / f"example.net.15.{answer['tag']}.key").stat().st_mode & 0o777 == 0o600
