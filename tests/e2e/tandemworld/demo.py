"""The demonstration: outage, hang, return and maintenance, again and again, measured.

Every figure counts until the *last* name server answers so. All answers in between are watched: an
empty one, a serial that goes back, or a removed address handed out later makes the demo fail.
"""

import subprocess
import sys
import time

from . import dns, service
from .figures import Figures, columns, print_lines
from .processes import WorldError, say
from .sites import MAIL_SITES

INTERVAL_S, TIMEOUT_S = service.INTERVAL_MS / 1000, service.TIMEOUT_MS / 1000

# A killed server refuses at once: `fall` probes, the first up to an interval away.
KILL_TARGET_S = 1.0
# A hanging one lets `fall` probes time out. Probes start every interval even while earlier ones hang,
# so the last of them starts `fall` intervals after the event at the latest and ends a timeout
# later; 0.2 s are for jitter, two vantages, decision and publication.
HANG_TARGET_S = service.FALL * INTERVAL_S + TIMEOUT_S + 0.2
DRAIN_TARGET_S = 0.1

KILL, HANG = "kill -9 of Postfix → address gone", "hang (SIGSTOP) → address gone"
DRAIN_CLI = "tandem drain, from starting the command → gone"
DRAIN_API = "drain, from sending the request → gone"
RETURN = "Postfix back → address back"
RESUME = "hang over → address back"
UNDRAIN = "tandem undrain, from starting the command → back"

# event: (target of the median, gdnsd's best at this event)
EVENTS = {KILL: (KILL_TARGET_S, 1.80), HANG: (HANG_TARGET_S, 3.02),
          DRAIN_CLI: (DRAIN_TARGET_S, 2.03), DRAIN_API: (DRAIN_TARGET_S, 2.03),
          RETURN: (None, None), RESUME: (None, None), UNDRAIN: (None, None)}


class Demo:
    def __init__(self, world, rounds):
        self.world, self.rounds = world, rounds
        self.figures = Figures()
        self._published = []  # (address, epoch of its removal, moment until which it was out)

    def _gone(self, site, event, moment):
        seen = dns.wait_gone(site.mail, service.NAME)
        self.figures.add(event, max(seen.values()) - moment)

    def _back(self, site, event, moment):
        seen = dns.wait_back(site.mail, service.NAME)
        self.figures.add(event, max(seen.values()) - moment)
        self.world.wait_settled()

    def _each_round(self, title, act, *events):
        """act(site) on both sites in turn, at random moments of the probes' interval."""
        for number in range(self.rounds):
            if sys.stdout.isatty():
                say(f"\r  {title}: round {number + 1} of {self.rounds} …", end="")
            dns.random_moment(2 * INTERVAL_S)
            act(MAIL_SITES[number % 2])
        told = ", ".join(f"{self.figures.median(e):.3f} s" for e in events)
        say(f"{chr(13) if sys.stdout.isatty() else ''}  {title}: {self.rounds} rounds, median {told}")

    def outage(self, site):
        server = self.world.mail[site.name]
        self._gone(site, KILL, server.kill())
        moment = time.monotonic()
        server.start()
        self._back(site, RETURN, moment)

    def hang(self, site):
        server = self.world.mail[site.name]
        moment = server.hang()
        try:
            self._gone(site, HANG, moment)
        finally:
            moment = server.resume()
        self._back(site, RESUME, moment)

    def drain_by_command(self, site):
        self._command(("drain", site.name, "--for", "2h", "--reason", "demonstration"),
                      lambda moment: self._gone(site, DRAIN_CLI, moment))
        self._command(("undrain", site.name), lambda moment: self._back(site, UNDRAIN, moment))

    def _command(self, words, watch):
        moment = time.monotonic()
        with subprocess.Popen(self.world.command(*words), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True) as running:
            try:
                watch(moment)
            except WorldError as error:
                running.kill()
                raise WorldError(f"{error}\n`tandem {' '.join(words)}` said: "
                                 f"{running.stdout.read()}") from None
            output = running.communicate()[0]
        if running.returncode:
            raise WorldError(f"`tandem {' '.join(words)}` failed ({running.returncode}): {output}")

    def drain_by_request(self, site):
        body = {"site": site.name, "for_ms": 7200000, "reason": "demonstration"}
        moment, seen, answer = self.world.leader_api().post_and_watch(
            "/v1/drain", body, lambda: dns.wait_gone(site.mail, service.NAME))
        if answer.status != 200:
            raise WorldError(f"drain refused: {answer}")
        self.figures.add(DRAIN_API, max(seen.values()) - moment)
        self._published.append((site.mail, answer.json["epoch"], time.monotonic()))
        self._command(("undrain", site.name), lambda moment: self._back(site, UNDRAIN, moment))

    def run(self):
        """True when everything held."""
        started = time.monotonic()
        with dns.Watch(service.NAME, service.ZONE, pause_s=0.01) as watch:
            self._each_round("outage and return", self.outage, KILL, RETURN)
            self._each_round("hang and return", self.hang, HANG, RESUME)
            self._each_round("maintenance by command", self.drain_by_command, DRAIN_CLI, UNDRAIN)
            self._each_round("maintenance by request", self.drain_by_request, DRAIN_API)
        held = self._print_table()
        held &= self._print_watch(watch)
        troubles = self.world.processes.troubles()
        print_lines(troubles)
        say(f"\n{'everything held' if held and not troubles else 'NOT everything held'}, "
            f"{time.monotonic() - started:.0f} s")
        return held and not troubles

    def _print_table(self):
        rows = [("event", "n", "min s", "median s", "max s", "target s", "gdnsd's best s",
                 "verdict")]
        held = True
        for event, (target, peer) in EVENTS.items():
            values = self.figures.values(event)
            median = self.figures.median(event)
            ok = target is None or median <= target
            held &= ok
            rows.append((event, str(len(values)), f"{min(values):.3f}", f"{median:.3f}",
                         f"{max(values):.3f}", f"{target:.2f}" if target else "-",
                         f"{peer:.2f}" if peer else "-", "held" if ok else "MISSED"))
        say()
        print_lines(columns(rows))
        say(f"\nTargets are for the median, at interval {service.INTERVAL_MS} ms, timeout "
            f"{service.TIMEOUT_MS} ms, fall {service.FALL}. Hang: {service.FALL} intervals + one "
            f"timeout + 0.2 s = {HANG_TARGET_S:.2f} s.")
        return held

    def _print_watch(self, watch):
        """What the answers in between must all have fulfilled."""
        held = True
        say()
        for what, check in (
                ("no answer was empty or negative", watch.never_empty),
                ("no serial went back", watch.serials_only_grow),
                ("name servers agreed at every serial", watch.same_answers_at_same_serial),
                ("no drained address was handed out at or past its epoch", lambda: [
                    watch.address_absent(address, epoch, until)
                    for address, epoch, until in self._published])):
            try:
                check()
                say(f"  held    {what}")
            except AssertionError as error:
                held = False
                say(f"  BROKEN  {what}: {error}")
        say(f"  ({len(watch.looks())} answers watched)")
        return held

