"""Zones of the controllers, given on to a Knot, an NSD and a BIND: they follow each epoch."""

import time

from tandemworld import service
from tandemworld.processes import until
from tandemworld.secondaries import PLACES, Key, Secondary, content
from tandemworld.sites import DNS_PORT, FRA, MUC
from tandemworld.world import slack

CATALOG = "catalog.tandem"


def test_secondaries_follow_the_epochs_of_the_controllers(world, figures):
    """A drain reaches those who ask another name server, which knows nothing of Tandem."""
    key_folder = world.folder / "tsig"
    world.tandem("tsig", "keygen", "xfr.example", "--algorithm", "hmac-sha512", "--out",
                 str(key_folder))
    key = Key(next(key_folder.glob("*.key")))
    dnsd = world.dnsd[MUC.name]
    rows = ", ".join(f"{{address: {PLACES[n][0]}, port: {PLACES[n][1]}, key: {key.path}}}"
                     for n in PLACES)
    dnsd.configuration.write_text(dnsd.configuration.read_text() + (
        f"transfers: {{secondaries: [{rows}], allow: [{{key: {key.path}}}],\n"
        f"            catalog: {{name: {CATALOG}}}}}\n"))
    dnsd.reload()
    primary = (MUC.dns, DNS_PORT)
    secondaries = [  # Knot and BIND have the zone from the catalog zone alone
        Secondary(world.processes, world.folder, "knot", primary, [], key, CATALOG),
        Secondary(world.processes, world.folder, "nsd", primary, [service.ZONE], key),
        Secondary(world.processes, world.folder, "bind", primary, [], key, CATALOG)]

    def addresses(secondary):
        reply = secondary.ask(service.NAME)
        return reply.addresses if reply and reply.rcode == 0 else frozenset()

    def same(secondary):
        until(lambda: secondary.serial(service.ZONE) == world.serial(), 15 * slack(),
              f"{secondary.name} lags behind")
        assert secondary.content(service.ZONE) == content(MUC.dns, DNS_PORT, service.ZONE, key), \
            secondary.name

    both = {MUC.mail, FRA.mail}
    for secondary in secondaries:
        until(lambda: addresses(secondary) == both, 30 * slack(),
              f"{secondary.name} has not got the zone")
        same(secondary)  # after an AXFR
    began = time.monotonic()
    world.drain(MUC)
    for secondary in secondaries:
        until(lambda: addresses(secondary) == {FRA.mail}, 15 * slack(),
              f"{secondary.name} still hands out the drained site")
        figures.add(f"drain declared → gone from {secondary.name} behind dnsd",
                    time.monotonic() - began)
    for secondary in secondaries:
        same(secondary)  # after an IXFR
    given = [line for line in dnsd.log_path.read_text().splitlines()
             if f'transfer of "{service.ZONE}.", serial {world.serial()}, ' in line]
    for secondary in secondaries:
        assert any(f" to {secondary.place[0]}: IXFR," in line for line in given), given
    world.tandem("undrain", MUC.name)
    for secondary in secondaries:
        until(lambda: addresses(secondary) == both, 30 * slack(),
              f"{secondary.name} does not hand out the site that is back")
        assert secondary.process.end() == 0
