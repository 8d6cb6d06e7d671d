"""A site's service dies, hangs, comes back: the answers of every name server follow, measured."""

import pytest

from tandemworld import dns, service
from tandemworld.demo import HANG_TARGET_S, INTERVAL_S, KILL_TARGET_S
from tandemworld.processes import until
from tandemworld.sites import FRA, MAIL_ADDRESSES, MAIL_SITES, MUC
from tandemworld.world import slack

ROUNDS = 6


@pytest.fixture
def watch(world):
    with dns.Watch(service.NAME, service.ZONE, pause_s=0.01) as watch:
        yield watch
    watch.never_empty()
    watch.serials_only_grow()
    watch.same_answers_at_same_serial()


def removal_epoch(world, site):
    """The epoch of the last automatic removal of the site's member, from the history."""
    entries = world.api().get("/v1/history?limit=50").json["entries"]
    return next(e["epoch"] for e in entries
                if e["action"] == "member-down" and e["subject"].endswith(site.mail))


def pool_ttls(server):
    """The TTL and the addresses of the pool's name, as one name server answers now."""
    records = [record.split() for record in dns.rrset(server, service.NAME, "A")[0]]
    return {int(record[1]) for record in records}, {record[-1] for record in records}


def test_ttl_is_short_between_the_first_failure_and_the_removal_and_usual_after(world, watch):
    until(lambda: pool_ttls(MUC.dns)[0] == {service.TTL_S}, 40, "the TTL is short at the beginning")
    world.mail[MUC.name].kill()
    seen = []
    while MUC.mail in (answer := pool_ttls(FRA.dns))[1]:
        seen.append(answer[0])
    assert {service.SUSPECT_TTL_S} in seen, f"the TTL was never short before the removal: {seen}"
    world.mail[MUC.name].start()
    dns.wait_back(MUC.mail, service.NAME)
    assert pool_ttls(MUC.dns)[0] == {service.SUSPECT_TTL_S}
    until(lambda: pool_ttls(MUC.dns)[0] == pool_ttls(FRA.dns)[0] == {service.TTL_S}, 60,
          "the TTL stays short")
    told = [e["action"] for e in world.api().get("/v1/history?limit=20").json["entries"]]
    assert "ttl-short" in told and "ttl-usual" in told


def test_killed_mail_server_leaves_every_name_server_within_a_second(world, watch, figures):
    event = "kill -9 of the mail server → address gone"
    for number in range(ROUNDS):
        site = MAIL_SITES[number % 2]
        dns.random_moment(2 * INTERVAL_S)
        moment = world.mail[site.name].kill()
        gone = max(dns.wait_gone(site.mail, service.NAME).values())
        figures.add(event, gone - moment, KILL_TARGET_S)
        world.mail[site.name].start()
        dns.wait_back(site.mail, service.NAME)
        world.wait_settled()
    assert figures.held(event, slack())


def test_hanging_mail_server_leaves_every_name_server(world, watch, figures):
    event = "hang (SIGSTOP) of the mail server → address gone"
    for number in range(ROUNDS):
        site = MAIL_SITES[number % 2]
        dns.random_moment(2 * INTERVAL_S)
        moment = world.mail[site.name].hang()
        gone = max(dns.wait_gone(site.mail, service.NAME).values())
        figures.add(event, gone - moment, HANG_TARGET_S)
        world.mail[site.name].resume()
        dns.wait_back(site.mail, service.NAME)
        world.wait_settled()
    assert figures.held(event, slack())


def test_one_failing_service_of_an_address_takes_the_address_out(world, watch, figures):
    moment = world.https[MUC.name].kill()
    gone = max(dns.wait_gone(MUC.mail, service.NAME).values())
    figures.add("kill -9 of the HTTPS endpoint → address gone", gone - moment, KILL_TARGET_S)
    assert "https" in world.member(MUC)["evidence"]


def test_every_name_of_the_pool_changes_with_it_and_spf_does_not(world, watch):
    """Rule 10: who may send is not who is offered."""
    world.mail[FRA.name].kill()
    for name in (service.NAME, *service.MX_NAMES):
        dns.wait_gone(FRA.mail, name)
    for server in world.dns_servers:
        text = str(dns.rrset(server, f"_spf.{service.ZONE}", "TXT"))
        assert MUC.mail in text and FRA.mail in text, text
    world.mail[FRA.name].start()
    for name in (service.NAME, *service.MX_NAMES):
        dns.wait_back(FRA.mail, name)


def test_removed_address_is_in_no_answer_at_or_past_its_epoch(world, watch):
    world.mail[MUC.name].kill()
    gone = max(dns.wait_gone(MUC.mail, service.NAME).values())
    dns.random_moment(INTERVAL_S)
    epoch = removal_epoch(world, MUC)
    assert watch.address_absent(MUC.mail, epoch) > 0
    assert watch.looks()[-1].moment >= gone


def test_both_name_servers_give_the_same_data_at_the_same_serial(world):
    questions = [(service.ZONE, "NS"), (service.ZONE, "MX"), (service.ZONE, "TXT"),
                 (f"_spf.{service.ZONE}", "TXT"), (f"ns1.{service.ZONE}", "A"),
                 (f"nothing.{service.ZONE}", "A"), (service.NAME, "AAAA"),
                 *((name, "A") for name in (service.NAME, *service.MX_NAMES))]
    before = dns.same_data(world.dns_servers, questions)
    world.mail[MUC.name].kill()
    dns.wait_gone(MUC.mail, service.NAME)
    after = dns.same_data(world.dns_servers, questions)
    assert before != after


def test_witness_that_is_gone_does_not_stop_a_failover(world, watch):
    world.healthd["witness"].kill()
    world.mail[MUC.name].kill()
    dns.wait_gone(MUC.mail, service.NAME)


def test_one_vantage_alone_removes_nothing(world, watch):
    """Rule 6: with only the own site's healthd left, its mail server's death changes nothing."""
    world.healthd["witness"].kill()
    world.healthd[FRA.name].kill()
    world.mail[MUC.name].kill()
    told = until(lambda: (m := world.member(MUC))["verdict"] == "unknown" and m, 15,
                     "the member does not become unknown")
    assert told["offered"]
    for server in world.dns_servers:
        assert pool_ttls(server)[1] == MAIL_ADDRESSES
