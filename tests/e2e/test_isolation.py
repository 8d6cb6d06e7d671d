"""One site's links are cut: it leaves the answers and is called cut off, not dead, and what it says of
the others meanwhile removes nobody."""

import os
import subprocess

import pytest

from tandemworld import dns, service
from tandemworld.processes import until
from tandemworld.sites import FRA, MAIL_ADDRESSES, MUC

GROUP = 47110  # of muc's healthd alone, so that the firewall knows its packets

RULES = f"""
table inet cut {{
  chain output {{
    type filter hook output priority 0;
    ip daddr {MUC.mail} tcp dport {{ 2525, 4443 }} meta skgid != {GROUP} counter drop
    ip daddr {FRA.mail} tcp dport {{ 2525, 4443 }} meta skgid {GROUP} counter drop
  }}
}}
"""


def nft(*words, text=None):
    return subprocess.run(["nft", *words], input=text, capture_output=True, text=True, check=False)


@pytest.fixture
def cut(world):
    """Cuts muc off, in the network namespace of this run."""
    if os.getpid() != 1:  # see run-tests
        pytest.skip("needs root in a network namespace of its own")
    healthd = world.healthd[MUC.name]
    command = list(healthd.command)
    healthd.command[:0] = ["setpriv", "--regid", str(GROUP), "--keep-groups"]
    healthd.end()
    healthd.start()
    world.wait_settled()

    def begin():
        done = nft("-f", "-", text=RULES)
        assert done.returncode == 0, done
    yield begin
    nft("delete", "table", "inet", "cut")
    healthd.end()
    healthd.command[:] = command
    healthd.start()


def alarms(world):
    return {alarm["key"] for alarm in world.status()["alarms"]}


def test_site_that_is_cut_off_leaves_and_is_not_called_dead(world, cut):
    with dns.Watch(service.NAME, service.ZONE, pause_s=0.02) as watch:
        cut()
        dns.wait_gone(MUC.mail, service.NAME)
        until(lambda: {f"site-isolated/{MUC.name}", f"vantage-cut-off/{MUC.name}"}
              <= alarms(world), 10, lambda: f"alarms: {alarms(world)}")
        evidence = world.member(MUC)["evidence"]
        assert "cut off, not dead" in evidence, evidence
        assert world.member(FRA)["offered"]
        nft("delete", "table", "inet", "cut")
        until(lambda: not alarms(world) & {f"site-isolated/{MUC.name}",
                                           f"vantage-cut-off/{MUC.name}"},
              10, lambda: f"alarms: {alarms(world)}")
    watch.never_empty()
    world.wait_settled(MAIL_ADDRESSES)
