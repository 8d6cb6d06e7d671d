"""The pages of docs/operations, followed word by word while the name servers are watched.

One world for all pages, for its start is what takes time; each test leaves it whole.
"""

import base64
import json
import shutil
import time

import pytest

from tandemworld import daemons, dns, service
from tandemworld.pages import Operator, Page, Step
from tandemworld.processes import until
from tandemworld.sites import FRA, MAIL_ADDRESSES, MAIL_SITES, MUC, SITES, WITNESS, Site
from tandemworld.world import CHECKOUT

WITNESS2 = Site("witness2", "127.40", False)


@pytest.fixture
def watch(world3):
    with dns.Watch(service.NAME, service.ZONE, pause_s=0.005) as watch:
        yield watch
    watch.never_empty()
    watch.serials_only_grow()
    watch.same_answers_at_same_serial()


def endpoints(*sites):
    return ",".join(f"https://{site.etcd}" for site in sites)


def operator(world, hosts, values):
    hosts = {"anna": MUC, "each": SITES, "probe": SITES, "dns": MAIL_SITES, **hosts}
    pki = world.folder / "etcd" / "pki"
    made = Operator(world, hosts, values, [
        ("/etc/tandem/pki/etcd-ca", pki / "ca"), ("/etc/tandem/pki/etcd-client", pki / "client"),
        (" tandem-pki ", f" {world.folder / 'pki'} ")])
    return made


@pytest.fixture
def newcomer(world3):
    """Installed, with certificates for etcd, and its daemons not yet configured."""
    world3.etcd.add(WITNESS2)
    made = daemons.Daemons(world3.processes, world3.programs, world3.folder, world3.authority)
    world3.controld[WITNESS2.name] = made.bare_controld(WITNESS2)
    asked = world3.cli_file.read_text()
    yield WITNESS2
    world3.cli_file.write_text(asked)
    world3.controller_sites = SITES
    world3.controld.pop(WITNESS2.name).end()
    world3.etcd.members.pop(WITNESS2.name).process.end()
    # Where the test broke off, the others must not go on with a member that is gone.
    member = world3.etcd.wait_for_leader()
    for listed in member.call("/v3/cluster/member/list", 5)["members"]:
        if listed.get("name") == WITNESS2.name or "name" not in listed:
            member.call("/v3/cluster/member/remove", 5, {"ID": listed["ID"]})


def test_controller_is_added_and_removed(world3, newcomer, watch, figures):
    values = {"NEW": WITNESS2.name, "OLD": WITNESS2.name, "ADDRESS": WITNESS2.control,
              "ETCDCTL_ENDPOINTS": endpoints(*SITES)}
    add = operator(world3, {"new": WITNESS2}, values)
    began = time.monotonic()
    add.follow(Page("add-a-controller.md"))
    figures.add("operations: a controller and its member added", time.monotonic() - began)
    world3.controller_sites = (*SITES, WITNESS2)
    told = world3.tandem_json("cluster")["controllers"]
    assert len(told) == 4 and all(len(c["answer"]["store"]["members"]) == 4 for c in told)

    # The newcomer decides, too: all reports reach it.
    for site in SITES:
        world3.controld[site.name].kill()
    assert world3.wait_for_leader() == WITNESS2.name
    world3.mail[MUC.name].kill()
    dns.wait_gone(MUC.mail, service.NAME)
    for site in SITES:
        world3.controld[site.name].start()
    world3.mail[MUC.name].start()
    dns.wait_back(MUC.mail, service.NAME)

    remove = operator(world3, {"old": WITNESS2}, values)
    began = time.monotonic()
    remove.follow(Page("remove-a-controller.md"))
    figures.add("operations: a controller and its member removed", time.monotonic() - began)


def test_lost_controller_is_replaced(world3, watch, figures):
    world3.controld[FRA.name].kill()
    world3.etcd.members[FRA.name].process.kill()
    shutil.rmtree(world3.folder / "etcd" / FRA.name)
    replace = operator(world3, {"lost": FRA}, {
        "LOST": FRA.name, "ADDRESS": FRA.control, "ETCDCTL_ENDPOINTS": endpoints(MUC, WITNESS)})
    began = time.monotonic()
    replace.follow(Page("replace-a-controller.md"))
    figures.add("operations: a lost controller replaced", time.monotonic() - began)
    # It is a full member: the two others' deaths in turn stop nothing.
    world3.etcd.members[MUC.name].process.kill()
    until(lambda: world3.drain(MUC).returncode == 0, 15, "no drain without muc's member")
    dns.wait_gone(MUC.mail, service.NAME)


def destroy(world, *sites):
    """The machines of these sites are gone, with all that etcd had on them."""
    for site in sites:
        world.controld[site.name].kill()
        world.etcd.members[site.name].process.kill()
        shutil.rmtree(world.folder / "etcd" / site.name)


def contents(world):
    """What the members of the store hold, as of one revision: one text, if all hold the same."""
    def ask(member, path, **body):
        return until(lambda: member.call(path, 5, body), 10, f"{member.site.name} does not answer")

    members = world.etcd.members.values()
    newest = max(int(ask(m, "/v3/maintenance/status")["header"]["revision"]) for m in members)
    return {json.dumps(ask(m, "/v3/kv/range", key="AA==", range_end="AA==", revision=newest)["kvs"],
                       sort_keys=True) for m in members}


def written(world, key, value=None):
    """What stands under a key of no controller's; with a value, after writing that."""
    name = base64.b64encode(key.encode()).decode()
    leader = world.etcd.wait_for_leader()
    if value:
        body = {"key": name, "value": base64.b64encode(value.encode()).decode()}
        until(lambda: leader.call("/v3/kv/put", 5, body), 10, f"{key} is not written")
    found = until(lambda: leader.call("/v3/kv/range", 5, {"key": name}), 10, "etcd does not answer")
    return [base64.b64decode(kv["value"]).decode() for kv in found.get("kvs", [])]


def move_on(world, turns=2):
    """Publications that the copy taken before does not know. Returns the last epoch."""
    for turn in range(turns):
        # "Not known whether" is an answer, too, where a member of the store is silent.
        until(lambda t=turn: world.drain(FRA, f"turn {t}").returncode == 0
              or FRA.name in world.drained_sites(), 30, "no drain")
        until(lambda: world.undrain(FRA).returncode == 0 or not world.drained_sites(), 30,
              "no undrain")
    world.wait_settled()
    return world.status()["epoch"]


def test_everything_lost_is_restored_from_an_older_backup(world3, watch, figures):
    everyone = operator(world3, {"one": FRA}, {
        "BACKUP": "/var/backups/tandem/newest.backup",
        "CLUSTER": ",".join(f"{s.name}={world3.etcd.peer_url(s)}" for s in SITES),
        "ETCDCTL_ENDPOINTS": endpoints(*SITES)})
    backups = everyone.folder / "backups"
    everyone.values["BACKUP"] = backups / "newest.backup"
    page = Page("back-up-and-restore.md")
    everyone.follow(page, "Back up")
    next(backups.iterdir()).rename(backups / "newest.backup")
    epoch = move_on(world3)
    destroy(world3, *SITES)
    began = time.monotonic()
    everyone.follow(page, *list(page.sections)[1:])
    figures.add("operations: everything restored from a backup", time.monotonic() - began)
    assert world3.status()["epoch"] > epoch
    assert not world3.drained_sites()


def alarms(world):
    return {alarm["key"] for alarm in world.status()["alarms"]}


def one_survives(world):
    return operator(world, {"left": MUC, "first": FRA, "second": WITNESS}, {
        "LEFT": MUC.name, "ADDRESS": MUC.control, "FIRST": FRA.name, "FIRST_ADDRESS": FRA.control,
        "SECOND": WITNESS.name, "SECOND_ADDRESS": WITNESS.control,
        "ETCDCTL_ENDPOINTS": endpoints(MUC)})


def test_lost_majority_is_made_whole_from_a_member_that_was_behind(world3, watch, figures):
    def applied(member):
        return int((member.call("/v3/maintenance/status") or {}).get("raftAppliedIndex", 0))

    assert written(world3, "/mark", "now and not before") == ["now and not before"]
    # A member has surely kept what was written some entries ago; the controllers' go on.
    enough = max(map(applied, world3.etcd.members.values())) + 4
    until(lambda: applied(world3.etcd.members[MUC.name]) >= enough, 10, "muc's etcd stands still")
    # Killed, not stopped: a stopped one's sockets keep what the leader sent, and it reads that later.
    # What it has applied it may then believe uncommitted (decision 095).
    behind = world3.etcd.members[MUC.name].process
    behind.kill()
    until(lambda: world3.drain(WITNESS).returncode == 1, 10, "no leader without muc's member")
    epoch = move_on(world3)
    destroy(world3, FRA, WITNESS)
    behind.start()
    everyone = one_survives(world3)
    began = time.monotonic()
    everyone.follow(Page("lost-majority.md"))
    figures.add("operations: a lost majority made whole", time.monotonic() - began)
    until(lambda: world3.status()["epoch"] > epoch, 10, "the numbers are not lifted")
    assert written(world3, "/mark") == ["now and not before"]
    assert len(contents(world3)) == 1, "members of the store hold different data"


def set_apart(world):
    """The store's members start again as one cluster, but muc's lacks the newest key."""
    for site in SITES:
        world.controld[site.name].end()
    cluster = ",".join(f"{s.name}={world.etcd.peer_url(s)}" for s in SITES)
    expert = operator(world, {"each": SITES}, {})

    def run(site, *words):
        expert.run(Step(site.name, " ".join(map(str, words)), [], "expert"))

    for site in SITES:
        expert.hosts[site.name] = [site]
    saved = {site.name: expert.folder / f"{site.name}.db" for site in SITES}
    there = f"--endpoints={endpoints(FRA)}"
    run(FRA, "etcdctl", there, "snapshot save", saved[MUC.name])
    run(FRA, "etcdctl", there, "put /newest thing")
    for site in (FRA, WITNESS):
        run(FRA, "etcdctl", there, "snapshot save", saved[site.name])
    for site in SITES:
        world.etcd.members[site.name].process.end()
    for site in SITES:
        shutil.rmtree(world.folder / "etcd" / site.name)
        run(site, "etcdctl snapshot restore", saved[site.name], "--name", site.name,
            "--data-dir /var/lib/etcd/default --initial-cluster", cluster,
            "--initial-advertise-peer-urls", world.etcd.peer_url(site))
    for site in SITES:
        world.etcd.members[site.name].process.start()
    world.etcd.wait_for_leader()
    for site in SITES:
        world.controld[site.name].start()


def test_members_of_the_store_that_differ_are_told_and_made_alike(world3, watch):
    written(world3, "/mark", "before they differ")
    set_apart(world3)
    assert len(contents(world3)) == 2
    until(lambda: "hold different data" in world3.tandem("cluster").stdout
          and "store-differs" in alarms(world3), 30, "nobody tells it")
    destroy(world3, FRA, WITNESS)
    one_survives(world3).follow(Page("lost-majority.md"))
    assert written(world3, "/mark") == ["before they differ"] and not written(world3, "/newest")
    assert len(contents(world3)) == 1


def test_certificate_is_renewed_before_it_ends(world3, watch):
    name = "controld-muc"
    pki = world3.folder / "pki"
    for kind in ("crt", "key"):
        (pki / f"{name}.{kind}").unlink()
    made = world3.tandem("pki", "issue", pki, "--role", "controld", "--site", MUC.name, "--name",
                         name, "--address", MUC.control, "--days", "5")
    assert made.returncode == 0, made
    world3.controld[MUC.name].reload()
    key = f"certificate/{pki / name}.crt"
    api = world3.api(MUC)
    until(lambda: key in {a["key"] for a in api.get("/v1/status").json["alarms"]}, 5,
          "no alarm for a certificate of five days")
    keeper = operator(world3, {"host": MUC}, {
        "NAME": name, "ROLE": "controld", "SITE": MUC.name, "ADDRESS": MUC.control})
    keeper.follow(Page("certificates.md"))
    assert key not in {a["key"] for a in api.get("/v1/status").json["alarms"]}


def set_quota(world, size):
    for site in SITES:
        with open(world.folder / "etcd" / f"{site.name}.env", "a") as options:
            options.write(f"ETCD_QUOTA_BACKEND_BYTES={size}\n")
        member = world.etcd.members[site.name]
        member.process.end()
        member.process.start()
        until(lambda m=member: m.call("/v3/maintenance/status"), 10, "etcd does not come back")
        world.etcd.wait_for_leader()


def fill(world):
    """Overwrites one key until etcd is full: what compaction gets back."""
    junk = base64.b64encode(bytes(512 * 1024)).decode()
    key = base64.b64encode(b"/junk").decode()
    member = world.etcd.wait_for_leader()
    for _ in range(100):
        if member.call("/v3/kv/put", 5, {"key": key, "value": junk}) is None:
            return
    raise AssertionError("etcd does not get full")


def test_full_store_is_told_and_emptied(world3, watch, figures):
    set_quota(world3, 12 << 20)
    world3.wait_for_leader()
    fill(world3)
    assert world3.tandem("cluster").returncode == 5
    until(lambda: "store-full" in alarms(world3), 15, "no alarm for a full store")
    refused = world3.drain(MUC)
    assert refused.returncode != 0
    keeper = operator(world3, {}, {"ETCDCTL_ENDPOINTS": endpoints(*SITES), "QUOTA": 2 << 30})
    began = time.monotonic()
    keeper.follow(Page("store-space.md"))
    figures.add("operations: room made in a full store", time.monotonic() - began)
    world3.wait_settled()
    assert world3.drain(MUC).returncode == 0


FORMER = CHECKOUT / "build" / "former" / "build" / "bin"


def install(world, site, programs):
    for kind in ("controld", "healthd", "dnsd"):
        process = getattr(world, kind).get(site.name)
        if process:
            process.command[0] = str(programs / f"tandem-{kind}")


def begin_with(world, programs):
    for site in SITES:
        install(world, site, programs)
    for process in world.own_daemons:
        process.ask_to_end()
    for process in world.own_daemons:
        process.end()
        process.start()
    world.wait_for_leader()
    world.wait_settled()


@pytest.fixture
def former(world3):
    if not (FORMER / "tandem-controld").exists():
        pytest.skip("there is no former release: make former builds it, out of git's history")
    begin_with(world3, FORMER)
    yield FORMER
    begin_with(world3, world3.programs)


def leads_and_decides(world, sites, dead):
    """Only these controllers live; a mail server dies and comes back."""
    for site in SITES:
        process = world.controld[site.name]
        if site not in sites:
            process.kill()
        elif not process.alive:
            process.start()
    world.wait_for_leader()
    world.mail[dead.name].kill()
    dns.wait_gone(dead.mail, service.NAME)
    world.mail[dead.name].start()
    dns.wait_back(dead.mail, service.NAME)


def test_two_releases_lead_in_turn_over_each_others_state(world3, former, watch):
    install(world3, MUC, world3.programs)
    world3.controld[MUC.name].end()
    world3.dnsd[FRA.name].command[0] = str(world3.programs / "tandem-dnsd")
    world3.dnsd[FRA.name].end()
    world3.dnsd[FRA.name].start()
    leads_and_decides(world3, (FRA, WITNESS), MUC)  # the former: a new dnsd follows it
    leads_and_decides(world3, (MUC,), FRA)          # the new one: a former dnsd follows it
    leads_and_decides(world3, (FRA, WITNESS), MUC)  # the former again, on what the new one wrote
    told = world3.status()
    assert told["controller"]["leader"] in (FRA.name, WITNESS.name)
    assert not [d for site in told["sites"] for d in site["dnsd"] if d["refused"]]


def test_releases_are_exchanged_one_machine_at_a_time(world3, watch, figures):
    """From the release that `make former` has built to this one; without it from this to this."""
    begin_with(world3, FORMER if (FORMER / "tandem-controld").exists() else world3.programs)
    keeper = operator(world3, {}, {})
    keeper.on_install(lambda site: install(world3, site, world3.programs))
    keeper.replacements.append((" service.yaml", f" {world3.service_file}"))
    began = time.monotonic()
    keeper.follow(Page("upgrade.md"))
    event = "former release" if FORMER.exists() else "the same release"
    figures.add(f"operations: all machines upgraded ({event})", time.monotonic() - began)
    world3.mail[FRA.name].kill()
    dns.wait_gone(FRA.mail, service.NAME)


def read_state(world):
    key = base64.b64encode(b"/tandem/state").decode()
    told = world.etcd.wait_for_leader().call("/v3/kv/range", 5, {"key": key})
    return json.loads(base64.b64decode(told["kvs"][0]["value"]))


def write_state(world, state):
    body = {"key": base64.b64encode(b"/tandem/state").decode(),
            "value": base64.b64encode(json.dumps(state).encode()).decode()}
    assert world.etcd.wait_for_leader().call("/v3/kv/put", 5, body)


def test_unknown_fields_of_a_newer_state_are_gone_after_the_next_commit(world3, watch):
    state = read_state(world3)
    state["promises"] = [{"to": "everyone"}]
    state["members"][0]["mood"] = "fine"
    write_state(world3, state)
    assert world3.drain(MUC).returncode == 0
    dns.wait_gone(MUC.mail, service.NAME)
    after = read_state(world3)
    assert "promises" not in after and "mood" not in after["members"][0]
    assert after["drains"] and after["epoch"] > state["epoch"]
    assert {m["id"]: m["verdict"] for m in after["members"]} == {
        m["id"]: m["verdict"] for m in state["members"]}


def test_state_of_a_newer_version_is_not_touched(world3, watch):
    state = read_state(world3)
    newer = dict(state, version=4, promises=[])
    write_state(world3, newer)

    def aside():
        told = [world3.api(site).try_status() for site in SITES]
        return all(t and "version" in t["controller"]["text"] for t in told)

    until(aside, 10, "the controllers do not say that they can not read the state")
    assert world3.drain(MUC).returncode != 0
    assert read_state(world3) == newer
    for server in world3.dns_servers:
        assert dns.Asker(server).addresses(service.NAME) == MAIL_ADDRESSES
    write_state(world3, state)
    world3.wait_for_leader()
    world3.wait_settled()
    assert world3.drain(MUC).returncode == 0
