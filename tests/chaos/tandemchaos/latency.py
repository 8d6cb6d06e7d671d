"""From the leader's decision to the last name server's answer, in the calm.

A drain's line in the history carries the leader's time of day at its decision, before the commit;
all clocks are the machine's here. Every name server is asked each millisecond or so until it shows
the change. etcd's data lies on the machine's disk, and every commit waits for it.
"""

import datetime
import random
import threading
import time

from tandemworld import dns, service
from tandemworld.processes import say
from tandemworld.sites import MAIL_SITES, SITES

from .history import OK, History
from .operators import Client
from .report import Distributions, percentile
from .world import ChaosWorld

TARGET_S = 0.050
PAUSE_S = (0.03, 0.25)  # between changes, so that they fall anywhere between beats and probes


def _time(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def _change(world, client, through, site, drains):
    """(operation, {server: time of day when it showed})."""
    done = []
    does = client.drain if drains else client.undrain
    thread = threading.Thread(target=lambda: done.append(does(through, site.name)))
    thread.start()
    seen = dns.wait_for_addresses(
        world.dns_servers, service.NAME,
        lambda found: found and (site.mail in found) != drains, 10, "the change is not served")
    offset = time.time() - time.monotonic()
    thread.join()
    assert done[0].outcome == OK, done[0]
    return done[0], {server: moment + offset for server, moment in seen.items()}


def run(folder, count):
    figures, chance = Distributions(), random.Random()
    with ChaosWorld(folder, disks=False, clocks=False) as world:
        world.start(tell=say)
        client = Client("keeper", world, History())
        served = []  # (action, epoch, request, last server)
        for number in range(count):
            time.sleep(chance.uniform(*PAUSE_S))
            drains = number % 2 == 0
            site = MAIL_SITES[number // 2 % 2]
            op, seen = _change(world, client, chance.choice(SITES), site, drains)
            offset = time.time() - time.monotonic()
            served.append(("drain" if drains else "undrain", op.epoch, op.invoked + offset,
                           op.returned + offset, max(seen.values())))
        lines = {}
        entries = world.leader_api().get("/v1/history?limit=1000").json
        while True:
            for line in entries["entries"]:
                if line["action"] in ("drain", "undrain"):
                    lines[line["action"], line["epoch"]] = _time(line["time"])
            if not entries["next"]:
                break
            entries = world.leader_api().get(
                f"/v1/history?limit=1000&before={entries['next']}").json
    for action, epoch, asked, answered, last in served:
        figures.add("decision → served by all", last - lines[action, epoch])
        figures.add("request → served by all", last - asked)
        figures.add("request → answered", answered - asked)
    for line in figures.table():
        say(line)
    figures.write(folder / "figures.json")
    p99 = percentile(figures.values("decision → served by all"), 99)
    say(f"decision → served: p99 {p99 * 1000:.1f} ms, {TARGET_S * 1000:.0f} ms are the aim")
    return 0 if p99 <= TARGET_S else 1
