"""A leader dies while a document is at one name server: the next one ends what it had begun."""

import os
import signal
import subprocess

from tandemworld import dns
from tandemworld.processes import until
from tandemworld.sites import MAIL_ADDRESSES, MAIL_SITES
from tandemworld.trial import NEW, all_serve, first_of, publication, with_name


def test_new_leader_takes_back_what_the_old_one_had_offered(world3):
    until(lambda: all_serve(world3), 10, "the name servers do not serve what is in force")
    first = first_of(world3)
    other = next(s for s in MAIL_SITES if s is not first)
    revision = world3.status()["revision"]
    os.kill(world3.dnsd[first.name].pid, signal.SIGSTOP)
    try:
        apply = subprocess.Popen(world3.command("apply", "-f", with_name(world3)),
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        until(lambda: publication(world3)["state"] == "offered", 5, "nothing is on trial")
        leader = world3.wait_for_leader()
        world3.controld[leader].kill()
        out, err = apply.communicate(timeout=60)
        assert apply.returncode != 0 and "taken back" in err, (out, err)
        assert world3.wait_for_leader() != leader
        assert dns.Asker(other.dns).ask(NEW).rcode == dns.NXDOMAIN
        p = publication(world3)
        assert p["state"] == "returned" and p["revision"] == revision + 1, p
    finally:
        os.kill(world3.dnsd[first.name].pid, signal.SIGCONT)
    until(lambda: all_serve(world3), 10, "the one that was stopped did not come back")
    assert dns.Asker(first.dns).ask(NEW).rcode == dns.NXDOMAIN


def test_new_leader_publishes_what_the_old_one_had_offered(world3):
    until(lambda: all_serve(world3), 10, "the name servers do not serve what is in force")
    first = first_of(world3)
    os.kill(world3.dnsd[first.name].pid, signal.SIGSTOP)
    try:
        apply = subprocess.Popen(world3.command("apply", "-f", with_name(world3)),
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        until(lambda: publication(world3)["state"] == "offered", 5, "nothing is on trial")
        leader = world3.wait_for_leader()
        world3.controld[leader].kill()
    finally:
        os.kill(world3.dnsd[first.name].pid, signal.SIGCONT)
    out, err = apply.communicate(timeout=60)
    assert apply.returncode == 0, (out, err)
    for server in world3.dns_servers:
        dns.wait_for_addresses([server], NEW, lambda found: found == MAIL_ADDRESSES, 5,
                               "the new name is not answered")
    assert world3.tandem("apply", "-f", world3.service_file).returncode == 0
