"""The service document: checked before it is taken, refused without a change, kept with history."""

import pytest

from tandemworld import dns, service
from tandemworld.processes import until
from tandemworld.sites import MAIL_ADDRESSES, MUC
from tandemworld.world import CHECKOUT


@pytest.fixture
def document(world):
    """The document in force; put back after the test."""
    text = world.service_file.read_text()
    yield text
    world.service_file.write_text(text)
    assert world.tandem("apply", "-f", world.service_file).returncode == 0


def apply_text(world, text):
    path = world.folder / "changed.yaml"
    path.write_text(text)
    return world.tandem("apply", "-f", path)


def test_new_name_is_answered_and_removed_name_is_gone(world, document):
    new = "mx-00000001.mail.eu.retarus.com"
    assert dns.rrset(MUC.dns, new, "A")[0] == []
    names = [service.NAME, *service.MX_NAMES, new]
    done = apply_text(world, service.document(world.mail_authority.ca, world.starttls, names=names))
    assert done.returncode == 0, done
    dns.wait_for_addresses(world.dns_servers, new, lambda found: found == MAIL_ADDRESSES, 5,
                           "the new name is not answered")
    done = apply_text(world, document)
    assert done.returncode == 0, done
    for server in world.dns_servers:
        asker = dns.Asker(server)
        until(lambda a=asker: a.ask(new).rcode == dns.NXDOMAIN, 5,
                  "a name removed by configuration is still answered")
    assert {r.split()[-1] for r in dns.rrset(MUC.dns, service.NAME, "A")[0]} == MAIL_ADDRESSES


def test_record_type_leaves_with_the_document_that_takes_it_away(world, document):
    """Its name stays: the plan and the answer say what it loses, and no name server refuses that."""
    given = document.replace("    records:\n", "    records:\n      - ns1 TXT \"goes\"\n"
                             "      - gone CNAME ns1\n", 1)
    moved = document.replace("    records:\n", "    records:\n      - gone A 192.0.2.7\n", 1)
    assert apply_text(world, given).returncode == 0
    until(lambda: dns.rrset(MUC.dns, f"ns1.{service.ZONE}", "TXT")[0], 5, "no TXT")
    (world.folder / "moved.yaml").write_text(moved)
    plan = world.tandem("plan", "-f", world.folder / "moved.yaml")
    assert plan.returncode == 0 and f"ns1.{service.ZONE}" in plan.stdout and "TXT" in plan.stdout
    done = apply_text(world, moved)
    assert done.returncode == 0, done
    assert (f"2 record types leave names that stay (gone.{service.ZONE}. CNAME, "
            f"ns1.{service.ZONE}. TXT)") in " ".join(done.stdout.split()), done
    for server in world.dns_servers:
        until(lambda s=server: not dns.rrset(s, f"ns1.{service.ZONE}", "TXT")[0], 5,
              "what a document takes away is still answered")
        assert dns.rrset(server, f"gone.{service.ZONE}", "A")[0]
    refused = [d["refused"] for site in world.status()["sites"] for d in site["dnsd"]]
    assert not any(refused), refused


@pytest.mark.parametrize("change, expected", (
    (("title:", "titel:"), "titel"),
    (("type: smtp", "type: smpt"), "smpt"),
    (("site: fra, address: 127.20.0.25", "site: fra, address: 127.10.0.25"), "127.10.0.25"),
    (("site: fra,", "site: ffm,"), "ffm"),
    (("regions: [", "regions: [["), ""),
    (("interval: 200ms", "interval: 1ms"), "interval"),
    (("ns1 A 127.10.0.53", "ns1 A 127.10.0.533"), "127.10.0.533"),
))
def test_bad_document_is_refused_with_its_place_and_changes_nothing(world, change, expected):
    text = world.service_file.read_text()
    assert change[0] in text
    before = world.status()
    serials = [world.serial(server) for server in world.dns_servers]
    done = apply_text(world, text.replace(*change))
    assert done.returncode != 0, done
    assert "changed.yaml:" in done.stderr + done.stdout and expected in done.stderr + done.stdout
    checked = world.tandem("check", "-f", world.folder / "changed.yaml")
    assert checked.returncode == 1 and "changed.yaml:" in checked.stdout + checked.stderr
    # The controller checks for itself: a program of one's own gets the same refusal.
    answer = world.leader_api().post("/v1/apply", {"document": text.replace(*change)})
    assert answer.status == 400 and answer.error["details"], answer
    after = world.status()
    assert (before["epoch"], before["revision"]) == (after["epoch"], after["revision"])
    assert serials == [world.serial(server) for server in world.dns_servers]


def test_plan_shows_the_change_and_makes_none(world):
    before = world.status()
    path = world.folder / "changed.yaml"
    path.write_text(service.document(world.mail_authority.ca, world.starttls,
                                     names=[service.NAME]))
    done = world.tandem("plan", "-f", path)
    assert done.returncode == 0, done
    assert service.MX_NAMES[0] in done.stdout
    after = world.status()
    assert (before["epoch"], before["revision"]) == (after["epoch"], after["revision"])


def test_document_planned_on_an_older_revision_is_refused(world, document):
    revision = world.status()["revision"]
    assert apply_text(world, document + "\n# a comment\n").returncode == 0
    answer = world.leader_api().post("/v1/apply", {"document": document, "planned_on": revision})
    assert answer.status == 409, answer
    assert str(revision) in answer.error["message"]


def test_document_in_force_can_be_read_back(world):
    answer = world.leader_api().get("/v1/config")
    assert answer.status == 200
    assert answer.json["document"] == world.service_file.read_text()
    assert answer.json["revision"] == world.status()["revision"]


def test_example_of_the_whole_service_passes_the_check(world):
    example = CHECKOUT / "config/examples/retarus.yaml"
    done = world.tandem("check", "-f", example)
    assert done.returncode == 0, done
