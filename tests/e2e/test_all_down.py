"""Rule 5: when everything is down, everything configured is served, loudly alarmed."""

from tandemworld import dns, service
from tandemworld.processes import until
from tandemworld.sites import FRA, MAIL_ADDRESSES, MAIL_SITES, MUC

ATTENTION = 5  # tandem status --exit-code: it could be shown, but not all is well


def all_down_alarm(world):
    return next((a for a in world.status()["alarms"] if a["key"] == "pool-all-down/mail-de"), None)


def test_both_mail_servers_dead_serves_all_configured_addresses_and_alarms(world, figures):
    with dns.Watch(service.NAME, service.ZONE, pause_s=0.01) as watch:
        world.mail[MUC.name].kill()
        dns.wait_gone(MUC.mail, service.NAME)
        moment = world.mail[FRA.name].kill()
        back = dns.wait_for_addresses(world.dns_servers, service.NAME,
                                      lambda found: found == MAIL_ADDRESSES, 15,
                                      "not all configured addresses are served")
        figures.add("both sites dead → all addresses served", max(back.values()) - moment)
        alarm = until(lambda: all_down_alarm(world), 5, "no alarm")
        assert "mail-de" in alarm["text"]
        told = world.tandem("status", "--exit-code")
        assert told.returncode == ATTENTION, told
        assert alarm["key"] in told.stdout and "rule 5" in told.stdout
        for site in MAIL_SITES:
            world.mail[site.name].start()
        world.wait_settled()
        until(lambda: all_down_alarm(world) is None, 10, "the alarm stays")
    watch.never_empty()
    watch.serials_only_grow()


def test_both_die_at_once(world):
    with dns.Watch(service.NAME, service.ZONE, pause_s=0.01) as watch:
        for site in MAIL_SITES:
            world.mail[site.name].kill()
        until(lambda: all_down_alarm(world), 15, "no alarm")
        dns.wait_for_addresses(world.dns_servers, service.NAME,
                               lambda found: found == MAIL_ADDRESSES, 5, "not all are served")
    watch.never_empty()


def test_last_healthy_site_cannot_be_drained(world):
    """Rule 3 counts bad health and maintenance together."""
    world.mail[MUC.name].kill()
    dns.wait_gone(MUC.mail, service.NAME)
    done = world.drain(FRA)
    assert done.returncode != 0
    assert "rule 3" in (done.stdout + done.stderr).lower()
    assert not world.drained_sites()
