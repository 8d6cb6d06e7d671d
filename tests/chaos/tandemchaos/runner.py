"""A run: rounds of faults with calm between, operators at work, everybody watched, one verdict."""

import json
import random
import threading
import time

from tandemworld import dns, service
from tandemworld.processes import WorldError, say, until
from tandemworld.sites import MAIL_ADDRESSES, SITES

from . import verdict
from .faults import Faults, mail_address, reachable_servers
from .history import OK, History
from .operators import Client, Operators
from .watch import Watch

TICK_S = 0.005
LEAVES_S = 30    # the longest that a dead address may stay, with other faults going on
CALM_S = 60      # the longest until everything is well again after the last fault
SERVED_S = 10    # the same for a change that was confirmed in the calm
CALM_TRIES = 3   # of a change in the calm: what starves on a busy machine is refused, too
EXTRA_S = 0.3    # a measured fault stays that long after it has shown


class Broken(Exception):
    """A rule was broken, or something that had to happen did not."""


class Runner:
    def __init__(self, world, seed, figures):
        self.world, self.seed, self.figures = world, seed, figures
        self.history = History()
        self.faults = Faults(world)
        self.client = Client("keeper", world, self.history)
        self.chance = random.Random(f"{seed}/runner")
        self.watch = self.operators = None
        self.rounds = 0

    # --- a run -----------------------------------------------------------------------------------

    def run(self, rounds, end):
        """All rounds, or until the moment `end`. Returns sentences about what was broken."""
        bad = []
        self._first_document()
        with Watch(self.world, self.faults.crashed_unkept) as self.watch, \
                Operators(self.world, self.history, self.seed) as self.operators:
            try:
                for round_ in rounds:
                    if time.monotonic() >= end:
                        break
                    self._round(round_)
                self.operators.pause()
            except (Broken, WorldError) as broken:
                bad.append(str(broken))
                self.operators.pause()
        # What led there may show in the history, too; it may as well be that nobody can be asked.
        try:
            return bad + [told for told in verdict.judge(self) if told not in bad]
        except (WorldError, OSError, KeyError) as error:
            return bad + [f"no whole verdict: {error}"]

    def _first_document(self):
        """What the world has applied stands at revision 1, and nothing is declared."""
        self.world.wait_settled()
        self.start = self.world.status()["revision"], self.world.status()["epoch"]

    def _through(self):
        return self.chance.choice(SITES)

    # --- a round ---------------------------------------------------------------------------------

    def _round(self, round_):
        began = time.monotonic()
        say(f"{round_}")
        if round_.with_drain:
            self._drain_and_return(round_.with_drain)
        self.operators.drains = round_.drains
        self._faults_happen(round_)
        self.operators.drains = False
        self._come_to_rest(round_)
        self.rounds += 1
        self.check_so_far()
        say(f"      well again; {time.monotonic() - began:.1f} s")

    def check_so_far(self):
        bad = self.watch.violations + self.faults.trouble() + self.world.processes.troubles()
        if self.operators.trouble:
            bad.append(f"an operator's client: {self.operators.trouble}")
        if bad:
            raise Broken("\n".join(bad[:10]))

    def _faults_happen(self, round_):
        """Begins and ends each fault at its time; a measured one not before it has shown."""
        begin = time.monotonic()
        todo = sorted(round_.faults, key=lambda fault: fault.at_s)
        active, measured, moment = [], None, None
        gone_at = None
        while todo or active:
            now = time.monotonic() - begin
            while todo and todo[0].at_s <= now:
                fault = todo.pop(0)
                took_effect = self.faults.begin(fault)
                active.append(fault)
                if round_.measured and fault is round_.faults[-1]:
                    measured, moment = fault, took_effect
            if measured and gone_at is None:
                gone_at = self._gone(round_, moment)
            for fault in list(active):
                if now < fault.at_s + fault.lasts_s:
                    continue
                if fault is measured and (gone_at is None
                                          or time.monotonic() < gone_at + EXTRA_S):
                    continue
                self._end(fault, round_)
                active.remove(fault)
            self.check_so_far()
            time.sleep(TICK_S)

    def _gone(self, round_, moment):
        """When the last reachable name server has left the measured address out, or None yet."""
        address = mail_address(round_.measured)
        seen = []
        for server in reachable_servers(round_):
            at = self.watch.watchers[server].first_after(
                moment, lambda found: address not in found)
            if at is None:
                waited = time.monotonic() - moment
                if waited > LEAVES_S:
                    raise Broken(f"{address} is still answered by {server} {waited:.0f} s after "
                                 f"it died:\n{json.dumps(self._told(), indent=1)[:4000]}")
                return None
            seen.append(at)
        self.figures.add(f"{round_.event} → address gone", max(seen) - moment)
        return max(seen)

    def _told(self):
        return {site.name: self.world.api(site).try_status() for site in SITES}

    def _end(self, fault, round_):
        moment = time.monotonic()
        self.faults.end(fault)
        if round_.kind != "mail" or fault.what not in ("kill", "stop"):
            return
        address = mail_address(round_.measured)
        back = dns.wait_back(address, service.NAME, self.world.dns_servers)
        self.figures.add("mail server back → address back", max(back.values()) - moment)

    # --- the calm ----------------------------------------------------------------------------------

    def _come_to_rest(self, round_):
        """Everything is repaired: all has to be well again, by itself but for the drains."""
        moment = time.monotonic()
        self.faults.restore_all()
        self.operators.pause()
        self.world.etcd.wait_for_leader(CALM_S)
        self.world.wait_for_leader(CALM_S)
        until(self._nothing_declared, CALM_S, "what was declared can not be taken back", 0.05)
        self.world.wait_settled(MAIL_ADDRESSES, CALM_S)
        last = {}

        def agreed():
            last.update(self._told())
            return self._all_warm(last)

        until(agreed, CALM_S, lambda: "the controllers do not come to agree:\n"
              + json.dumps(last, indent=1)[:8000], 0.05)
        self.figures.add("last fault over → everything well", time.monotonic() - moment)
        self.operators.go_on()

    def _nothing_declared(self):
        """No drain, hold or pin: what stays out because of them lets rule 3 refuse a drain."""
        op = self.client.read(self._through())
        if op.outcome != OK or op.role != "leader":
            return False
        for key, _ in op.found:
            what, subject = key.split("/", 1)
            if what == "drain":
                self.client.undrain(self._through(), subject)
            else:
                (self.client.unpin if what == "pin" else self.client.release)(self._through())
        return not op.found

    @staticmethod
    def _all_warm(told):
        """Do all controllers show the same epoch, all members offered, and hear all vantages?"""
        if any(status is None for status in told.values()):
            return False
        roles = sorted(status["controller"]["role"] for status in told.values())
        vantages = [vantage for status in told.values() for pool in status["pools"]
                    for member in pool["members"] for vantage in member["vantages"]]
        offered = [member["offered"] for status in told.values() for pool in status["pools"]
                   for member in pool["members"]]
        return (roles == ["follower", "follower", "leader"] and vantages and all(offered)
                and all(vantage["fresh"] for vantage in vantages)
                and len({(s["epoch"], s["revision"]) for s in told.values()}) == 1)

    def _drain_and_return(self, site):
        """In the calm: request → served by all name servers, both ways."""
        address = mail_address(site)
        for event, does, condition in (
                ("drain, calm: request → served", self.client.drain,
                 lambda found: found and address not in found),
                ("return, calm: request → served", self.client.undrain,
                 lambda found: address in found)):
            for turn in range(CALM_TRIES):
                if self._changed_and_served(event, does, condition, site):
                    break
                # A machine that starves the leader for a second makes another one lead.
                if turn == CALM_TRIES - 1:
                    raise Broken(f"{event}, {site}: not done in {CALM_TRIES} tries although "
                                 f"everything was well: {self.history.operations()[-1]}")
                self.world.wait_for_leader(CALM_S)

    def _changed_and_served(self, event, does, condition, site):
        done, through = [], self._through()
        thread = threading.Thread(target=lambda: done.append(does(through, site)))
        thread.start()
        served = None
        try:
            seen = dns.wait_for_addresses(self.world.dns_servers, service.NAME, condition,
                                          SERVED_S, f"{event}, {site}")
            served = max(seen.values())
        except WorldError as error:
            served = error
        thread.join()
        if done[0].outcome != OK:
            say(f"      in the calm: {done[0]}")
            # Unanswered, and happened all the same; or it was there already after the last try.
            return not isinstance(served, WorldError)
        if isinstance(served, WorldError):
            raise Broken(f"{served}\n{done[0]}")
        self.figures.add(event, served - done[0].invoked)
        return True
