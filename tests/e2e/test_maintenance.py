"""An SRE declares a site in maintenance, and ends it."""

import time

from tandemworld import dns, service
from tandemworld.demo import DRAIN_TARGET_S
from tandemworld.processes import until
from tandemworld.sites import FRA, MAIL_ADDRESSES, MUC
from tandemworld.world import slack

ROUNDS = 5


def spf(world):
    """The answers of all name servers, which name the addresses of both sites."""
    found = [dns.rrset(server, f"_spf.{service.ZONE}", "TXT") for server in world.dns_servers]
    assert all(address in str(answer) for answer in found for address in MAIL_ADDRESSES), found
    return found


def test_drain_is_served_by_every_name_server_at_once(world, figures):
    event = "drain, from sending the request → gone"
    body = {"site": MUC.name, "for_ms": 3600000, "reason": "test"}
    may_send = spf(world)
    with dns.Watch(service.NAME, service.ZONE, pause_s=0.01) as watch:
        for _ in range(ROUNDS):
            moment, seen, answer = world.leader_api().post_and_watch(
                "/v1/drain", body, lambda: dns.wait_gone(MUC.mail, service.NAME))
            assert answer.status == 200, answer
            figures.add(event, max(seen.values()) - moment, DRAIN_TARGET_S)
            dns.same_data(world.dns_servers, [(service.ZONE, "SOA"), (service.NAME, "A")])
            assert spf(world) == may_send  # rule 10: who may send is not who is offered
            assert watch.address_absent(MUC.mail, answer.json["epoch"]) >= 0
            out_until = time.monotonic()
            assert world.undrain(MUC).returncode == 0
            dns.wait_back(MUC.mail, service.NAME)
            watch.address_absent(MUC.mail, answer.json["epoch"], out_until)
            world.wait_settled()
    watch.never_empty()
    watch.serials_only_grow()
    watch.same_answers_at_same_serial()
    assert figures.held(event, slack())


def test_drain_by_command_tells_what_it_did(world):
    done = world.drain(MUC, "new disks")
    assert done.returncode == 0, done
    dns.wait_gone(MUC.mail, service.NAME)
    told = world.tandem("status").stdout
    assert "muc" in told and "anna" in told and "new disks" in told
    drain = next(d for d in world.status()["drains"] if d["site"] == MUC.name)
    assert (drain["owner"], drain["reason"]) == ("anna", "new disks")
    explained = world.tandem("explain", MUC.name).stdout
    assert "new disks" in explained


def test_draining_the_second_site_is_refused_naming_rule_3(world):
    assert world.drain(MUC).returncode == 0
    dns.wait_gone(MUC.mail, service.NAME)
    serials = [world.serial(server) for server in world.dns_servers]
    done = world.drain(FRA)
    assert done.returncode != 0
    assert "rule 3" in (done.stdout + done.stderr).lower()
    answer = world.leader_api().post("/v1/drain", {"site": FRA.name, "for_ms": 60000,
                                                   "reason": "test"})
    assert answer.status == 409 and answer.error["rule"] == 3, answer
    assert world.drained_sites() == {MUC.name}
    assert [world.serial(server) for server in world.dns_servers] == serials


def test_drain_needs_a_site_a_possible_time_and_a_reason(world):
    for words in (("drain",), ("drain", "muc"), ("drain", "muc", "--for", "2h"),
                  ("drain", "muc", "--reason", "x"), ("drain", "nowhere", "--for", "2h", "--reason",
                                                      "x"),
                  ("drain", "muc", "--for", "soon", "--reason", "x"),
                  ("drain", "muc", "--for", "0s", "--reason", "x"),
                  ("drain", "muc", "--for", "200d", "--reason", "x"),
                  ("drain", "muc", "--for", "2h", "--reason", "")):
        done = world.tandem(*words)
        assert done.returncode != 0, words
        assert done.stderr.strip(), f"{words} was refused without a word"
    assert not world.drained_sites()


def test_drain_is_scheduled_extended_and_cancelled(world):
    at = time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime(time.time() + 7200))
    done = world.tandem("drain", MUC.name, "--at", at, "--for", "2h", "--reason", "later")
    assert done.returncode == 0 and "is to be drained from" in done.stdout, done
    drain = next(d for d in world.status()["drains"] if d["site"] == MUC.name)
    assert drain["state"] == "scheduled" and not world.drained_sites()
    assert world.tandem("extend", MUC.name, "--by", "30m").returncode == 0
    later = next(d for d in world.status()["drains"] if d["site"] == MUC.name)
    assert later["until"] > drain["until"]
    assert "scheduled" in world.tandem("explain", MUC.name).stdout
    done = world.undrain(MUC)
    assert done.returncode == 0 and "is cancelled" in done.stdout, done
    assert not world.status()["drains"]
    assert world.tandem("drain", MUC.name, "--at", "tomorrow", "--for", "2h", "--reason",
                        "x").returncode == 2


def test_rollback_puts_an_earlier_document_in_force(world):
    revision = world.status()["revision"]
    text = world.service_file.read_text()
    changed = world.folder / "changed.yaml"
    changed.write_text(text.replace("title: ", "title: changed, "))
    assert world.tandem("apply", "-f", changed).returncode == 0
    done = world.tandem("rollback", revision)
    assert done.returncode == 0 and f"Revision {revision + 2} is in force" in done.stdout, done
    assert world.leader_api().get("/v1/config").json["document"] == text
    assert world.tandem("rollback", 999).returncode == 1


def test_undrain_without_a_drain_says_so(world):
    done = world.undrain(MUC)
    assert MUC.name in done.stdout + done.stderr
    assert not world.drained_sites()


def test_undrain_of_a_dead_site_does_not_bring_it_back(world):
    assert world.drain(MUC).returncode == 0
    dns.wait_gone(MUC.mail, service.NAME)
    world.mail[MUC.name].kill()
    until(lambda: world.member(MUC)["verdict"] == "down", 10, "not concluded down")
    with dns.Watch(service.NAME, service.ZONE, pause_s=0.01) as watch:
        assert world.undrain(MUC).returncode == 0
        until(lambda: not world.drained_sites(), 10, "still drained")
        until(lambda: len(watch.looks()) > 100, 10, "too few answers")
    assert all(MUC.mail not in look.addresses for look in watch.looks())


def test_plan_of_a_drain_changes_nothing_and_shows_the_names(world):
    serial = world.serial()
    answer = world.leader_api().post("/v1/plan", {"drain": MUC.name, "for_ms": 60000})
    assert answer.status == 200 and answer.json["result"] == "ok", answer
    changed = {change["name"].rstrip("."): change for change in answer.json["changes"]}
    assert MUC.mail in str(changed[service.NAME]["before"])
    assert MUC.mail not in str(changed[service.NAME]["after"])
    assert world.serial() == serial
    assert {r.split()[-1] for r in dns.rrset(MUC.dns, service.NAME, "A")[0]} == MAIL_ADDRESSES


def test_practice_run_begins_when_all_is_well_and_keeps_its_outcome(world):
    """Nothing is measured in this world, so that it can not pass; what stood in the way is told."""
    world.mail[FRA.name].kill()
    until(lambda: world.member(FRA)["verdict"] == "down", 10, "not concluded down")
    refused = world.tandem("practice", MUC.name, "--for", "30m")
    assert refused.returncode == 1 and "is not well" in refused.stderr, refused
    world.mail[FRA.name].start()
    world.wait_settled()
    done = world.tandem("practice", MUC.name, "--for", "30m")
    assert done.returncode == 0 and "to practise" in done.stdout, done
    dns.wait_gone(MUC.mail, service.NAME)
    assert next(d for d in world.status()["drains"])["practice"]
    world.mail[FRA.name].kill()  # it is over: the site comes back by itself
    dns.wait_back(MUC.mail, service.NAME)
    outcome = next(p for p in world.status()["practices"] if p["site"] == MUC.name)
    assert outcome["result"] == "failed" and service.POOL in outcome["text"], outcome
    until(lambda: f"practice-failed/{MUC.name}" in world.tandem("status").stdout, 5, "no alarm")
    assert "practice run" in world.tandem("explain", MUC.name).stdout
