"""Rule 5: when everything is down, everything configured is served, loudly alarmed."""

from tandemworld import dns, service
from tandemworld.processes import until
from tandemworld.sites import DNS_PORT, FRA, MAIL_ADDRESSES, MAIL_SITES, MUC

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


def test_a_fallback_pool_stands_in_and_leaves_again(world):
    """all_down: fallback: another pool's members answer, until one of the own works again."""
    former = world.service_file.read_text()
    spares = {MUC.dns, FRA.dns}
    text = former.replace(f"  {service.POOL}:\n", f"""\
  spare:
    region: eu-de
    checks: [{{name: dns, type: tcp, port: {DNS_PORT}, interval: 200ms, rise: 2}}]
    members: [{{site: muc, address: {MUC.dns}}}, {{site: fra, address: {FRA.dns}}}]
  {service.POOL}:
    all_down: fallback
    fallback: spare
""", 1)
    path = world.folder / "with-fallback.yaml"
    path.write_text(text.replace("fallback: spare", f"fallback: {service.POOL}"))
    refused = world.tandem("check", "-f", path)
    assert refused.returncode == 1 and "as its own fallback" in refused.stderr, refused
    path.write_text(text)
    assert world.tandem("apply", "-f", path).returncode == 0
    until(lambda: all(m["verdict"] == "up" for pool in world.status()["pools"]
                      for m in pool["members"]), 20, "the spare members are not up")
    spf = dns.rrset(MUC.dns, f"_spf.{service.ZONE}", "TXT")[0]
    with dns.Watch(service.NAME, service.ZONE, pause_s=0.01) as watch:
        for site in MAIL_SITES:
            world.mail[site.name].kill()
        dns.wait_for_addresses(world.dns_servers, service.NAME, lambda found: found == spares, 15,
                               "the fallback does not stand in")
        alarm = until(lambda: all_down_alarm(world), 5, "no alarm")
        assert "pool spare offers" in alarm["text"], alarm
        assert dns.rrset(MUC.dns, f"_spf.{service.ZONE}", "TXT")[0] == spf
        world.mail[FRA.name].start()
        dns.wait_for_addresses(world.dns_servers, service.NAME, lambda found: found == {FRA.mail},
                               15, "the fallback stays")
        world.mail[MUC.name].start()
        dns.wait_back(MUC.mail, service.NAME)
    watch.never_empty()
    watch.serials_only_grow()
    assert world.tandem("apply", "-f", world.service_file).returncode == 0
