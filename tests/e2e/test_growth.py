"""The page that moves a service from one controller to three, followed while name servers are watched."""

import time

import pytest

from conftest import fresh_folder
from tandemworld import daemons, dns, service
from tandemworld.etcd import Cluster
from tandemworld.pages import Operator, Page
from tandemworld.sites import FRA, MAIL_SITES, MUC, SITES, WITNESS
from tandemworld.world import World


@pytest.fixture
def world():
    with World(fresh_folder("growth"), 1) as made:
        made.start()
        made.etcd = Cluster(made.processes, made.folder / "etcd")
        yield made
        assert not made.processes.troubles(), "\n".join(made.processes.troubles())


def operator(world, hosts, values):
    pki = world.folder / "etcd" / "pki"
    return Operator(
        world, {"anna": MUC, "store": SITES, "old": MUC, "probe": SITES, "dns": MAIL_SITES, **hosts},
        values, [("/etc/tandem/pki/etcd-ca", pki / "ca"),
                 ("/etc/tandem/pki/etcd-client", pki / "client"),
                 (" tandem-pki ", f" {world.folder / 'pki'} ")])


def endpoints(*sites):
    return ",".join(f"https://{site.etcd}" for site in sites)


def test_a_service_moves_from_one_controller_to_three(world, figures):
    grow, add = Page("grow-to-three.md"), Page("add-a-controller.md")
    titles = list(grow.sections)
    made = daemons.Daemons(world.processes, world.programs, world.folder, world.authority)
    before = world.status()
    with dns.Watch(service.NAME, service.ZONE, pause_s=0.005) as watch:
        began = time.monotonic()
        values = {"ETCDCTL_ENDPOINTS": endpoints(*SITES)}
        typing = operator(world, {}, values)
        typing.values["BACKUP"] = typing.folder / "backups" / "moving.backup"
        typing.follow(grow, *(t for t in titles if not t.startswith(("5.", "How to"))))
        for site in (FRA, WITNESS):
            world.controld[site.name] = made.bare_controld(site)
            others = [s for s in SITES if s is not site]
            typing = operator(world, {"new": site}, {
                "NEW": site.name, "ADDRESS": site.control,
                "ETCDCTL_ENDPOINTS": endpoints(*others)})
            typing.follow(grow, *(t for t in titles if t.startswith("5.")))
            typing.follow(add, *(t for t in add.sections if t.startswith(("2.", "3."))))
        world.controller_sites = SITES
        operator(world, {}, values).follow(grow, "How to see that it worked")
        figures.add("operations: from one controller to three", time.monotonic() - began)
    watch.never_empty()
    watch.serials_only_grow()
    watch.same_answers_at_same_serial()
    after = world.status()
    assert after["cluster"] == before["cluster"] and after["revision"] == before["revision"]
    # The first is not needed any more.
    world.controld[MUC.name].kill()
    assert world.wait_for_leader() in (FRA.name, WITNESS.name)
    world.mail[MUC.name].kill()
    dns.wait_gone(MUC.mail, service.NAME)
