"""Everybody outside who asks: every name server, some fifty times a second, all the time.

Rules 1 to 3 are judged on each answer as it comes; rule 4 (who is cut off goes on answering) at the
end, when it is known which servers could not have answered at which times.
"""

import contextlib
import threading
import time
from typing import NamedTuple

from tandemworld import dns, service
from tandemworld.sites import MAIL_ADDRESSES, MAIL_SITES

from .world import SPARE_NAME

PAUSE_S = 0.015
OTHERS_EVERY = 10    # looks: the other names, and the SPF record
SILENCE_S = 2.0      # a server that runs and is reachable is not silent for longer
GRACE_S = 3.0        # after a fault: starting again, and packets on their way


class Look(NamedTuple):
    moment: float
    serial: int | None
    addresses: frozenset | None  # None: no answer


class Watcher:
    """One name server's."""

    def __init__(self, name, address, tell, crashed_unkept):
        self.name, self.address = name, address
        self._crashed_unkept = crashed_unkept
        self.looks = []
        self.others = 0
        self._tell = tell

    def _bad(self, rule, text):
        self._tell(f"rule {rule}: {self.name} at {time.monotonic():.3f}: {text}")

    def _judge(self, name, reply):
        """Rules 1 and 3 on an answer for a name that has always had addresses."""
        if reply.rcode != dns.NOERROR:
            self._bad(1, f"rcode {reply.rcode} for {name}")
        elif not reply.addresses:
            self._bad(1, f"an empty answer for {name}")
        elif not reply.addresses <= MAIL_ADDRESSES:
            self._bad(1, f"strange addresses for {name}: {sorted(reply.addresses)}")

    def judge_serial(self, former, serial, asked):
        """Rule 2; returns what the next serial has to reach. After a crash on a full disk the first
        answer may go back, if the name server has said that what it answers is not kept."""
        crashed = self._crashed_unkept.get(self.name)
        if crashed is not None and asked > crashed:
            del self._crashed_unkept[self.name]
        elif serial < former:
            self._bad(2, f"serial {former}, then {serial}")
            return former
        return serial

    def watch(self, end):
        former = 0
        with contextlib.closing(dns.Asker(self.address)) as asker:
            number = 0
            while not end.wait(PAUSE_S):
                number += 1
                asked = time.monotonic()
                told = asker.ask(service.ZONE, dns.TYPE_SOA)
                reply = asker.ask(service.NAME) if told else None
                moment = time.monotonic()
                if reply is None:
                    self.looks.append(Look(moment, None, None))
                    continue
                self.looks.append(Look(moment, told.serial, reply.addresses))
                if told.serial is None:
                    self._bad(1, f"no SOA of {service.ZONE}: rcode {told.rcode}")
                else:
                    former = self.judge_serial(former, told.serial, asked)
                self._judge(service.NAME, reply)
                if number % OTHERS_EVERY == 0:
                    self._watch_others(asker)

    def _watch_others(self, asker):
        for name in (SPARE_NAME, service.MX_NAMES[self.others % len(service.MX_NAMES)]):
            reply = asker.ask(name)
            if reply:
                self.others += 1
                self._judge(name, reply)
        with contextlib.suppress(OSError, dns.dns.exception.DNSException):
            records, rcode = dns.rrset(self.address, f"_spf.{service.ZONE}", "TXT", limit_s=0.25)
            self.others += 1
            if rcode != dns.NOERROR or not records:
                self._bad(1, f"no SPF record: rcode {rcode}")
            elif not all(site.mail in records[0] for site in MAIL_SITES):
                self._bad(10, f"the SPF record has shrunk: {records}")

    def last(self):
        return self.looks[-1] if self.looks else Look(0.0, None, None)

    def first_after(self, moment, condition, until=float("inf")):
        """When an answer that began to hold after that moment was first seen, or None."""
        for index in range(self._index(moment), len(self.looks)):
            look = self.looks[index]
            if look.moment > until:
                return None
            if look.addresses is not None and condition(look.addresses):
                return look.moment
        return None

    def last_before(self, moment):
        at = self._index(moment)
        return self.looks[at - 1] if at else Look(0.0, None, None)

    def _index(self, moment):
        """Of the first look from that moment on; a bisection, for there are many."""
        low, high = 0, len(self.looks)
        while low < high:
            middle = (low + high) // 2
            if self.looks[middle].moment < moment:
                low = middle + 1
            else:
                high = middle
        return low

    def silences(self, excused):
        """Rule 4: spans without an answer that no fault explains. excused: [(from, to)]."""
        spans, begin = [], None
        for look in [*self.looks, Look(float("inf"), 0, frozenset())]:
            outside = any(a <= look.moment <= b + GRACE_S for a, b in excused)
            if look.addresses is None and not outside:
                begin = look.moment if begin is None else begin
                last = look.moment
            elif begin is not None:
                if last - begin > SILENCE_S:
                    spans.append((begin, last))
                begin = None
        return spans


class Watch:
    def __init__(self, world, crashed_unkept):
        self.violations = []
        self._end = threading.Event()
        self.watchers = {f"dnsd-{site.name}": Watcher(f"dnsd-{site.name}", site.dns,
                                                      self.violations.append, crashed_unkept)
                         for site in world.dnsd_sites}
        self._threads = [threading.Thread(target=watcher.watch, args=(self._end,), daemon=True)
                         for watcher in self.watchers.values()]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        for thread in self._threads:
            thread.join()

    @property
    def answers(self):
        return sum(1 for watcher in self.watchers.values() for look in watcher.looks
                   if look.addresses is not None)

    def same_answers_at_same_serial(self):
        """Rule 13, as far as addresses show it; counts only answers whose serial is certain."""
        told, bad = {}, []
        for watcher in self.watchers.values():
            for look, later in zip(watcher.looks, watcher.looks[1:]):
                if look.serial is None or look.serial != later.serial:
                    continue
                former = told.setdefault(look.serial, (watcher.name, look))
                if former[1].addresses != look.addresses:
                    bad.append(f"rule 13: two answers at serial {look.serial}: {former} and "
                               f"{watcher.name} {look}")
        return bad[:5], len(told)
