"""kill -9 of everything, in any order: same answers, and nothing that people declared is lost."""

import random

import pytest

from tandemworld import dns, service
from tandemworld.processes import until
from tandemworld.sites import FRA, MUC

QUESTIONS = [(service.ZONE, "MX"), (service.ZONE, "TXT"), (service.NAME, "A"),
             *((name, "A") for name in service.MX_NAMES)]


def answers(world):
    return [dns.rrset(server, name, kind) for server in world.dns_servers
            for name, kind in QUESTIONS]


def check_restart(world, order):
    """Kills all daemons at once, starts them in this order; looks at every answer meanwhile."""
    assert world.drain(MUC, "stays over the restart").returncode == 0
    dns.wait_gone(MUC.mail, service.NAME)
    before, epoch = answers(world), world.status()["epoch"]
    with dns.Watch(service.NAME, service.ZONE, pause_s=0.01) as watch:
        for process in world.own_daemons:
            process.kill()
        for process in order:
            process.start()
        world.wait_for_leader()
        world.wait_settled(offered={FRA.mail})
        assert answers(world) == before
    watch.never_empty()
    watch.serials_only_grow()
    watch.address_absent(MUC.mail, 0)
    drains = world.status()["drains"]
    assert [(d["site"], d["reason"], d["owner"]) for d in drains] == [
        ("muc", "stays over the restart", "anna")]
    assert world.status()["epoch"] >= epoch


@pytest.mark.parametrize("first", ("controld", "dnsd", "healthd"))
def test_all_daemons_killed_and_started_in_order(world, first):
    groups = {"controld": list(world.controld.values()), "dnsd": list(world.dnsd.values()),
              "healthd": list(world.healthd.values())}
    check_restart(world, groups.pop(first) + [p for group in groups.values() for p in group])


@pytest.mark.parametrize("seed", range(3))
def test_all_daemons_killed_and_started_in_random_order(world, seed):
    order = list(world.own_daemons)
    random.Random(seed).shuffle(order)
    check_restart(world, order)


def test_dnsd_restarts_from_disk_without_a_usable_certificate_and_follows_when_it_is_put_right(world):
    before = answers(world)
    dnsd, key = world.dnsd[MUC.name], world.folder / "pki" / f"dnsd-{MUC.name}.key"
    away = key.rename(f"{key}.away")
    dnsd.kill()
    dnsd.start()
    dns.wait_back(MUC.mail, service.NAME)
    assert answers(world) == before
    away.rename(key)
    assert world.drain(MUC, "heard by both again").returncode == 0
    dns.wait_gone(MUC.mail, service.NAME)


def test_certificates_are_read_at_sighup_and_a_bad_one_cuts_nobody_off(world):
    """One of another role shows that it was read: the former streams go on."""
    dnsd, pki = world.dnsd[MUC.name], world.folder / "pki"
    path = pki / f"dnsd-{MUC.name}.crt"
    good, start = path.read_text(), dnsd.log_path.stat().st_size
    path.write_text((pki / f"healthd-{MUC.name}.crt").read_text())
    try:
        dnsd.reload()
        until(lambda: b"has the role healthd, expected dnsd" in dnsd.log_path.read_bytes()[start:],
              5, "the wrong certificate is not told of")
        assert world.drain(MUC, "heard by both").returncode == 0
        dns.wait_gone(MUC.mail, service.NAME)
    finally:
        path.write_text(good)
    dnsd.reload()
    assert world.tandem("undrain", MUC.name).returncode == 0
    dns.wait_back(MUC.mail, service.NAME)
    assert b"CUT OFF" not in dnsd.log_path.read_bytes()[start:]


def test_dnsd_restarts_from_disk_without_any_controller(world, figures):
    assert world.drain(FRA, "known only from disk").returncode == 0
    dns.wait_gone(FRA.mail, service.NAME)
    before = answers(world)
    for process in world.own_daemons:
        process.kill()
    moment = None
    for process in world.dnsd.values():
        process.start()
        moment = moment or dns.time.monotonic()
    seen = dns.wait_for_addresses(world.dns_servers, service.NAME,
                                  lambda found: found == {MUC.mail}, 10, "not served from disk")
    figures.add("dnsd started without a controller → answers", max(seen.values()) - moment)
    assert answers(world) == before


def test_answers_stay_while_every_controller_is_gone(world):
    with dns.Watch(service.NAME, service.ZONE, pause_s=0.01) as watch:
        for process in world.controld.values():
            process.kill()
        world.mail[MUC.name].kill()
        until(lambda: len(watch.looks()) > 300, 20, "too few answers")
        told = world.tandem("status")
        assert told.returncode != 0 and told.stderr + told.stdout
    watch.never_empty()
    assert len({look.serial for look in watch.looks()}) == 1


def test_orderly_end_and_start_of_a_dnsd(world):
    process = world.dnsd[MUC.name]
    assert process.end() == 0
    process.start()
    dns.wait_for_addresses([MUC.dns], service.NAME, lambda found: len(found) == 2, 10,
                           "no answers after an orderly restart")


def test_daemons_that_are_asked_to_end_while_they_start_end_cleanly(world):
    daemons = [world.controld[MUC.name], world.healthd[MUC.name], world.dnsd[MUC.name]]
    for process in daemons:
        assert process.end() == 0
        for _ in range(3):
            assert process.start().end() == 0, process.name
        process.start()
    world.wait_for_leader()


def taken_over(world, old, number):
    """A new process in the place of that one, which ends."""
    new = world.processes.add(f"{old.name}-{number}", [*old.command, "--take-over"],
                              environment=old.environment)
    old.may_end()
    new.start()
    until(lambda: new.died or not old.alive, 20, "the old dnsd does not end")
    assert not new.died, new.log_path.read_text()
    assert old.exit_code == 0
    return new


def test_dnsd_hands_over_while_epochs_change(world):
    first = running = world.dnsd[MUC.name]
    with dns.Watch(service.NAME, service.ZONE, pause_s=0.002) as watch:
        for number in range(1, 4):
            change = world.drain if number % 2 else world.undrain
            assert change(FRA).returncode == 0
            running = taken_over(world, running, number)
            if number % 2:
                dns.wait_gone(FRA.mail, service.NAME)
            else:
                dns.wait_back(FRA.mail, service.NAME)
    watch.never_empty()
    watch.serials_only_grow()
    watch.same_answers_at_same_serial()
    assert not watch.silent_looks(MUC.dns)
    assert world.undrain(FRA).returncode == 0
    dns.wait_back(FRA.mail, service.NAME)
    running.end()
    first.start()
