"""A sending address is used only when everything that a receiver looks at is shown to be there, and
its SPF term goes last (rule 11)."""

import pytest

from tandemworld.mailhosts import MailHost
from tandemworld.processes import until
from tandemworld.sending import TTL_S, Sending, address_of, seconds_between, steps_of
from tandemworld.sites import DNS_PORT, FRA, MUC, SITES

WAY = ["allocated", "in-spf", "visible", "ptr-ok", "bound", "active"]
STANDING = {"1001": 11, "1002": 12, "1003": 13, "1004": 14}  # in use from the beginning


@pytest.fixture(scope="module")
def all_sending(module_world3):
    sending = Sending(module_world3)
    with MailHost(module_world3, MUC) as muc, MailHost(module_world3, FRA) as fra:
        sending.hosts = {MUC.name: muc, FRA.name: fra}
        for customer, number in STANDING.items():
            sending.declare(customer, number)
        sending.applied()
        yield sending


@pytest.fixture
def sending(all_sending, world3):
    yield all_sending
    all_sending.give_up()
    for host in all_sending.hosts.values():
        host.forget_orders()


def standing(sending, customer):
    """The addresses of a pair that is in use."""
    pair = sending.pairs[customer]
    for address in pair.values():
        sending.until_state(address, "active")
    return pair[MUC.name], pair[FRA.name]


def test_new_address_comes_into_use_a_step_at_a_time(sending):
    muc, fra = sending.declare("2001", 21)
    sending.applied()
    for address in (muc, fra):
        sending.until_state(address, "active")
        assert steps_of(sending.history(address)) == WAY
    host = sending.hosts[MUC.name]
    until(lambda: host.told.get(muc) == "use", 5, lambda: f"it is not told to use it: {host.told}")
    uses = [line.get(muc) for _, line in host.lines]
    assert sorted(set(uses), key=uses.index) == [None, "bind", "use"], host.lines
    assert fra not in host.told
    evidence = {e["action"]: e["text"] for e in sending.history(muc)}
    assert "2 asked" in evidence["sender-in-spf"], evidence
    assert "outside" in evidence["sender-visible"], evidence
    assert host.name in evidence["sender-bound"], evidence
    explained = sending.world.tandem("explain", muc).stdout
    assert "active" in explained and "2001" in explained, explained


def test_address_is_not_visible_before_the_old_ttl_has_passed(sending):
    for address in standing(sending, "1001"):
        lines = {e["action"]: e for e in sending.history(address)}
        took = seconds_between(lines["sender-in-spf"], lines["sender-visible"])
        assert took >= TTL_S, lines


def test_address_without_a_ptr_waits_for_it_and_says_so(sending):
    muc, _ = sending.declare("2002", 22, ptr=False)
    sending.applied()
    sending.until_state(muc, "visible")
    until(lambda: "PTR" in sending.sender(muc)["text"], 5,
          lambda: f"what is missing is not told: {sending.sender(muc)}")
    shown = sending.world.tandem("senders").stdout
    assert muc in shown and "visible" in shown and "PTR" in shown, shown
    assert muc not in sending.hosts[MUC.name].told
    sending.reverse.put(muc)
    sending.until_state(muc, "active")


def test_name_server_that_hangs_keeps_an_address_allocated(sending):
    world = sending.world
    world.dnsd[FRA.name].stop()
    try:
        muc, _ = sending.declare("2003", 23)
        sending.applied()
        until(lambda: f"{FRA.dns}@{DNS_PORT}" in sending.sender(muc)["text"], 10,
              lambda: f"who is missing is not told: {sending.sender(muc)}")
        assert sending.sender(muc)["state"] == "allocated"
    finally:
        world.dnsd[FRA.name].resume()
    sending.until_state(muc, "active")
    assert steps_of(sending.history(muc)) == WAY


def test_spf_term_of_an_address_in_use_goes_only_by_override(sending):
    pair = standing(sending, "1002")
    sending.undeclare("1002", terms=True)
    why = sending.refused()
    assert all(address in why for address in pair) and "--override in-use" in why, why
    assert sending.sender(pair[0])["state"] == "active"
    sending.undeclare("1002", terms=True)
    sending.applied("--override", "in-use", "--reason", "the machines are gone")
    for address in pair:
        sending.until_state(address, "retired", 5)  # nothing holds its record, its name is known
        told = sending.history(address)[-1]["text"]
        assert told.startswith(f"{address} of 1002 in ") and "by people" in told, told
    host = sending.hosts[MUC.name]
    until(lambda: pair[0] not in host.told, 5, "the host is still told to have it")


def test_address_declared_no_more_leaves_after_its_last_mail(sending):
    muc, fra = standing(sending, "1003")
    host = sending.hosts[MUC.name]
    host.queue(muc)
    sending.undeclare("1003")
    sending.applied()
    sending.until_state(muc, "leaving")
    until(lambda: host.told.get(muc) == "leave", 5, lambda: f"it is not told to leave: {host.told}")
    sending.until_state(fra, "retired")  # nothing waits in its host
    reports = host.reports
    until(lambda: host.reports > reports + len(SITES), 5, "the host does not report")
    assert sending.sender(muc)["state"] == "leaving"
    sending.terms = [a for a in sending.terms if a not in (muc, fra)]
    why = sending.refused()
    assert muc in why and fra not in why, why
    host.empty_queue(muc)
    sending.until_state(muc, "retired")
    assert steps_of(sending.history(muc))[-1] == "retired"
    sending.terms = [a for a in sending.terms if a not in (muc, fra)]
    sending.applied()
    sending.declare("2004", STANDING["1003"])
    why = sending.refused()
    assert muc in why and "quarantine" in why, why


def test_drained_site_suspends_its_address_where_another_sends(sending):
    muc, fra = standing(sending, "1004")
    host = sending.hosts[MUC.name]
    assert sending.world.drain(MUC).returncode == 0
    sending.until_state(muc, "suspended")
    until(lambda: host.told.get(muc) == "bind", 5, lambda: f"it is still told to use it: {host.told}")
    assert sending.sender(fra)["state"] == "active"
    assert sending.world.undrain(MUC).returncode == 0
    sending.until_state(muc, "active")
    until(lambda: host.told.get(muc) == "use", 5, lambda: f"it is not told to use it: {host.told}")


def test_new_leader_goes_on_with_an_address_on_its_way(sending):
    world = sending.world
    muc, _ = sending.declare("2005", 25, ptr=False)
    sending.applied()
    sending.until_state(muc, "visible")
    world.controld[world.wait_for_leader()].kill()
    sending.reverse.put(muc)
    sending.until_state(muc, "active", 30)
    assert steps_of(sending.history(muc)) == WAY


def test_host_of_another_site_can_not_say_that_it_has_an_address(sending):
    for site in (MUC, FRA):
        sending.hosts[site.name].ignore(address_of(site, 26))
    muc, fra = sending.declare("2006", 26)
    sending.applied()
    for address in (muc, fra):
        sending.until_state(address, "ptr-ok")
    with MailHost(sending.world, FRA, "mail-fra-2", obedient=False) as other:
        other.bind(muc)
        other.bind(fra)
        sending.until_state(fra, "active")  # so it was heard
        assert sending.sender(fra)["host"] == "mail-fra-2"
        assert all(answer.status == 200 for answer in other.answers.values()), other.answers
        assert steps_of(sending.history(muc)) == WAY[:4], sending.history(muc)
        assert "mail-fra-2 of fra" in sending.sender(muc)["text"], sending.sender(muc)
    sending.hosts[MUC.name].forget_orders()
    sending.until_state(muc, "active")


def test_address_on_a_second_host_is_told_and_stays_where_it_is(sending):
    muc, _ = standing(sending, "1001")
    alarm = f"sender-twice/{muc}"

    def alarms():
        return {a["key"] for a in sending.world.status()["alarms"]}
    with MailHost(sending.world, MUC, "mail-muc-2", obedient=False) as other:
        other.bind(muc)
        until(lambda: alarm in alarms(), 10, "that two hosts have it is not told")
        assert other.told == {}, other.told
        other.unbind(muc)
        until(lambda: alarm not in alarms(), 10, "the alarm does not end")
    sender = sending.sender(muc)
    assert (sender["state"], sender["host"]) == ("active", sending.hosts[MUC.name].name), sender


def test_hosts_that_people_call_gone_hand_their_addresses_on(sending):
    """One is called gone as usual; the other at a follower, which passes that on to the leader."""
    world = sending.world
    pair = dict(zip((MUC, FRA), standing(sending, "1001")))
    leader = world.status()["controller"]["leader"]
    follower = next(site for site in SITES if site.name != leader)

    def call_gone(site):
        words = "host-gone", f"{site.name}/mail-{site.name}-3", "--reason", "it burned"
        return world.tandem(*words) if site is MUC else world.tandem_by_socket(follower, *words)
    with MailHost(world, MUC, "mail-muc-3") as muc, MailHost(world, FRA, "mail-fra-3") as fra:
        for dying in (muc, fra):
            sending.hosts[dying.site.name].ignore(pair[dying.site])
        for dying in (muc, fra):
            until(lambda d=dying: d.told.get(pair[d.site]) == "use", 20,
                  lambda d=dying: f"{sending.sender(pair[d.site])}")
            refused = call_gone(dying.site)
            assert refused.returncode == 1 and "rule 11" in refused.stderr, refused
            assert "was heard" in refused.stderr, refused
    for site, address in pair.items():
        other = sending.hosts[site.name]
        other.forget_orders()
        until(lambda s=site: call_gone(s).returncode == 0, 20,
              lambda s=site: f"it is not taken: {call_gone(s)}", 0.2)
        until(lambda o=other, a=address: o.told.get(a) == "use", 5,
              lambda a=address: f"nobody has it: {sending.sender(a)}")
        assert other.named[address] == other.name, other.named
        sender = sending.sender(address)
        assert (sender["state"], sender["host"]) == ("active", other.name), sender
        happened = [e["action"] for e in sending.history(address)]
        assert happened[-3:] == ["host-gone", "sender-bound", "sender-active"], happened
    said = sending.history(pair[FRA])[-3]["actor"]
    assert f"on {follower.name}" in said, said  # by whom, although another decided


def test_restart_of_everything_keeps_the_states(sending):
    world = sending.world
    pair = standing(sending, "1001")
    before = {a: sending.sender(a) for a in pair}
    host = sending.hosts[MUC.name]
    heard = len(host.lines)
    for process in world.own_daemons:
        process.ask_to_end()
    for process in world.own_daemons:
        assert process.end() == 0
    for member in world.etcd.members.values():
        member.process.kill()
    for member in world.etcd.members.values():
        member.process.start()
    world.etcd.wait_for_leader()
    for process in world.own_daemons:
        process.start()
    world.wait_for_leader()
    for address in pair:
        after = sending.sender(address)
        assert after["state"] == "active" and after["since"] == before[address]["since"], after
    until(lambda: len(host.lines) > heard, 10, "the stream does not come back")
    uses = [line.get(pair[0]) for _, line in host.lines]
    assert uses[-1] == "use" and "leave" not in uses, host.lines
