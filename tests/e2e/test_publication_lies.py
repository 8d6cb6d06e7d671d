"""The one name server that goes first says that it serves the new document, and answers wrongly: it
is found out, everything is as before, and nobody else has ever served the new document."""

import pytest

import dns.flags
import dns.rcode
import dns.rrset

from tandemworld import dns as ask, names, service
from tandemworld.liar import Liar, can_lie
from tandemworld.processes import until
from tandemworld.sites import MAIL_ADDRESSES, MAIL_SITES, MUC
from tandemworld.trial import NEW, all_serve, first_of, publication, with_name


def _empty(answer):
    answer.answer = []


def _replaced(answer, *texts):
    old = answer.answer[0]
    kind = dns.rdatatype.to_text(old.rdtype)
    answer.answer = [dns.rrset.from_text(old.name, old.ttl, "IN", kind, *texts)]


def new_name_is_not_there(answer, name, kind):
    if name == NEW:
        _empty(answer)
        answer.set_rcode(dns.rcode.NXDOMAIN)


def new_name_has_another_address(answer, name, kind):
    if name == NEW and kind == "A":
        _replaced(answer, MUC.mail, "192.0.2.66")


def old_name_lacks_an_address(answer, name, kind):
    if name == service.NAME and kind == "A":
        _replaced(answer, MUC.mail)


def mail_exchanger_is_gone(answer, name, kind):
    if name == service.ZONE and kind == "MX":
        _empty(answer)


def spf_is_gone(answer, name, kind):
    if name == f"_spf.{service.ZONE}" and kind == "TXT":
        _empty(answer)


def serial_stays(answer, name, kind):
    if kind == "SOA" and answer.answer:
        words = answer.answer[0][0].to_text().split()
        words[2] = str(int(words[2]) - 1)
        _replaced(answer, " ".join(words))


def answers_fail(answer, name, kind):
    _empty(answer)
    answer.set_rcode(dns.rcode.SERVFAIL)


LIES = {new_name_is_not_there: (f"asked {NEW}. A", "answered nothing"),
        new_name_has_another_address: (f"asked {NEW}. A", "192.0.2.66"),
        old_name_lacks_an_address: (f"asked {service.NAME}. A", "expected"),
        mail_exchanger_is_gone: (f"asked {service.ZONE}. MX", "answered nothing"),
        spf_is_gone: (f"asked _spf.{service.ZONE}. TXT", "answered nothing"),
        serial_stays: ("SOA, expected serial",),
        answers_fail: (f"asked {service.ZONE}. SOA",)}


@pytest.fixture(scope="module")
def sites(module_world):
    """Who goes first, and the other."""
    if not can_lie():
        pytest.skip("needs root in a network namespace of its own")
    module_world.wait_settled()
    first = first_of(module_world)
    return first, next(site for site in MAIL_SITES if site is not first)


@pytest.fixture
def former(world):
    """The document in force; put back after the test."""
    until(lambda: all_serve(world), 5, "the name servers do not serve what is in force")
    yield world.status()
    done = world.tandem("apply", "-f", world.service_file)
    assert done.returncode == 0, done


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
def test_wrong_answers_are_found_and_the_document_is_taken_back(world, sites, former, lie):
    first, other = sites
    with Liar(first.dns, lie) as liar, ask.Watch(NEW, service.ZONE, [other.dns]) as watch:
        done = world.tandem("apply", "-f", with_name(world))
        assert done.returncode == 1 and "was taken back" in done.stderr, done
        assert liar.lies, "nothing was asked that it lies about"
        until(lambda: watch.looks()[-1].serial >= world.status()["epoch"], 5,
              "the other one has not heard of the return")
    assert {look.rcode for look in watch.looks()} == {ask.NXDOMAIN}
    assert not any(look.addresses for look in watch.looks())
    told = publication(world)
    assert told["state"] == "returned" and told["server"] == f"dnsd-{first.name}", told
    for words in LIES[lie]:
        assert words in told["text"] and words in done.stderr, (words, told, done.stderr)
    line = next(entry for entry in world.leader_api().get("/v1/history?limit=5").json["entries"]
                if entry["action"] == "returned")
    assert LIES[lie][0] in line["text"], line
    # It comes with the leader's next step.
    until(lambda: any(a["key"] == "publication-returned" for a in world.status()["alarms"]), 5,
          "no alarm tells of the return")
    # What stood before stands, under a revision and an epoch of its own, at both.
    assert world.status()["revision"] > former["revision"]
    until(lambda: all_serve(world), 5, "the former document is not served everywhere")
    for server in world.dns_servers:
        asker = ask.Asker(server)
        assert asker.ask(NEW).rcode == ask.NXDOMAIN
        assert asker.addresses(service.NAME) == MAIL_ADDRESSES
        asker.close()


def test_who_answers_wrongly_only_once_keeps_the_document(world, sites, former):
    """A packet of the moment before is no lie: it is asked again."""
    told = set()

    def once(answer, name, kind):
        if (name, kind) not in told:
            told.add((name, kind))
            answers_fail(answer, name, kind)
    with Liar(sites[0].dns, once) as liar:
        done = world.tandem("apply", "-f", with_name(world))
        assert done.returncode == 0, done
        assert liar.lies and liar.truths, (liar.lies, liar.truths)
    assert publication(world)["state"] == "published"


def test_wrong_answers_about_names_of_a_file_are_found(world, sites, former):
    """No name of it stands in the document: some of its names are asked for all the same."""
    first, other = sites
    listed = [names.name(number) for number in range(500)]

    def lie(answer, name, kind):
        if name in listed and kind == "A":
            _replaced(answer, MUC.mail)
    with names.document(world) as path:
        names.write(world, range(500))
        with Liar(first.dns, lie) as liar:
            done = names.apply(world, path)
            assert done.returncode == 1 and "was taken back" in done.stderr, done
            assert {name for name, _ in liar.lies} <= set(listed) and liar.lies, liar.lies
        until(lambda: all_serve(world), 5, "the former document is not served everywhere")
        for server in world.dns_servers:
            assert ask.ask(server, listed[7]).rcode() == dns.rcode.NXDOMAIN
        done = names.apply(world, path)
        assert done.returncode == 0, done
        names.wait_served(world, listed[7])
