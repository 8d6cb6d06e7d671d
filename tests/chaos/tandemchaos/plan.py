"""What goes wrong, drawn from a seed before anything is started: the same seed, the same plan.

A run is rounds; each begins and ends with everything well. In a round up to three faults overlap,
of a kind that leaves the truth decidable: which addresses may be answered afterwards does not hang
on chance. `measured` names the site whose mail address has to leave every reachable name server.
"""

import random
from dataclasses import dataclass, field

SITES = ("muc", "fra", "witness")
MAIL_SITES = ("muc", "fra")
DAEMONS = ("controld", "etcd", "healthd", "dnsd")


@dataclass(frozen=True)
class Fault:
    at_s: float
    lasts_s: float
    what: str    # kill stop full clock move | cut deaf mute split loss | dark | drain
    target: str  # DAEMON-SITE, a site, or SITE|SITE
    amount: int = 0  # loss: percent; clock: seconds

    def __str__(self):
        amount = {"loss": f" {self.amount} %", "clock": f" {self.amount:+d} s"}.get(self.what, "")
        return f"{self.what} {self.target}{amount} at {self.at_s:.1f} s for {self.lasts_s:.1f} s"


@dataclass(frozen=True)
class Round:
    number: int
    kind: str
    faults: tuple
    measured: str = ""  # a site
    drains: bool = False  # operators may drain and undrain meanwhile
    with_drain: str = ""  # a site that is drained and returned first, in the calm
    event: str = field(default="")  # what is measured, for the table

    def __str__(self):
        told = "; ".join(str(fault) for fault in self.faults) or "nothing"
        drain = f"drain and return {self.with_drain}; then " if self.with_drain else ""
        return f"{self.number:3d} {self.kind:10s} {drain}{told}" + (
            f" → {self.measured} leaves" if self.measured else "")


# Weights: what stands alone measures best, what overlaps finds most.
KINDS = {"mail": 5, "control": 7, "network": 4, "storm": 5, "quorum": 3, "disk": 3, "all-down": 1,
         "clock": 3}


class Dice:
    def __init__(self, seed, number):
        self.random = random.Random(f"{seed}/{number}")

    def pick(self, items):
        return self.random.choice(list(items))

    def span(self, low, high):
        return round(self.random.uniform(low, high), 1)

    def seconds(self):
        """An offset of a clock: small and large ones, both ways."""
        return self.pick((-600, -45, -5, -1, 1, 5, 45, 600, 3600))


def _mail_fault(dice, site, at_s):
    what, target, event = dice.pick((("kill", f"mail-{site}", "mail server killed"),
                                     ("kill", f"mail-{site}", "mail server killed"),
                                     ("stop", f"mail-{site}", "mail server hangs"),
                                     ("kill", f"https-{site}", "HTTPS endpoint killed")))
    return Fault(at_s, 1.0, what, target), event


def _control_fault(dice, site, at_s=0.0):
    """One thing of one site's control plane."""
    what, daemon = dice.pick((("kill", "controld"), ("stop", "controld"), ("kill", "etcd"),
                              ("stop", "etcd"), ("kill", "healthd"), ("stop", "healthd"),
                              ("kill", "dnsd"), ("stop", "dnsd"), ("move", "etcd")))
    return Fault(at_s, dice.span(3, 7), what, f"{daemon}-{site}")


def _mail(dice, number):
    site = dice.pick(MAIL_SITES)
    fault, event = _mail_fault(dice, site, 0.0)
    return Round(number, "mail", (fault,), site, event=event)


def _control(dice, number):
    site, place = dice.pick(MAIL_SITES), dice.pick(SITES)
    faults = [_control_fault(dice, place)]
    if dice.random.random() < 0.3:  # a second one, at the same site: a majority stays
        faults.append(_control_fault(dice, place, dice.span(0, 1)))
    fault, event = _mail_fault(dice, site, dice.span(0, 1.5))
    return Round(number, "control", (*faults, fault), site,
                 event=f"{event}, other faults")


def _network(dice, number):
    site = dice.pick(MAIL_SITES)
    what = dice.pick(("cut", "dark", "split"))
    if what == "split":  # the two mail sites do not see each other: the witness tells who is well
        fault, event = _mail_fault(dice, site, dice.span(0.5, 2))
        split = Fault(0.0, dice.span(4, 7), what, "muc|fra")
        return Round(number, "network", (split, fault), site, event=f"{event}, other faults")
    fault = Fault(0.0, dice.span(3, 6), what, site)
    return Round(number, "network", (fault,), site,
                 event="site cut off" if what == "cut" else "site dead")


def _storm(dice, number):
    """Anything on anything; afterwards everything has to come back by itself."""
    faults = []
    for _ in range(dice.pick((2, 3, 3))):
        at_s, lasts_s = dice.span(0, 3), dice.span(2, 6)
        what = dice.pick(("deaf", "mute", "split", "loss", "cut", "daemon", "daemon", "daemon",
                          "clock"))
        if what == "daemon":
            faults.append(_control_fault(dice, dice.pick(SITES), at_s))
        elif what == "split":
            one = dice.pick(("muc|fra", "fra|witness", "muc|witness", "muc>fra", "fra>muc"))
            faults.append(Fault(at_s, lasts_s, what, one))
        elif what == "clock":
            daemon = dice.pick(("controld", "controld", "healthd"))
            faults.append(Fault(at_s, lasts_s, what, f"{daemon}-{dice.pick(SITES)}",
                                dice.seconds()))
        else:
            faults.append(Fault(at_s, lasts_s, what, dice.pick(SITES),
                                dice.pick((10, 20, 40)) if what == "loss" else 0))
    return Round(number, "storm", tuple(faults), drains=True)


def _quorum(dice, number):
    """Two etcd members gone; a mail server dies in the middle, name servers are started anew."""
    left = dice.pick(SITES)
    how = dice.pick(("kill", "stop", "cut"))
    others = [site for site in SITES if site != left]
    lasts_s = dice.span(5, 9)
    targets = [f"etcd-{site}" for site in others] if how != "cut" else others
    faults = [Fault(0.0, lasts_s, how, target) for target in targets]
    faults.append(Fault(dice.span(2, 3), 0.2, "kill", f"dnsd-{dice.pick(SITES)}"))
    return Round(number, "quorum", tuple(faults), drains=True)


def _disk(dice, number):
    """A full disk, and the process killed on it."""
    daemon, site = dice.pick(("etcd", "dnsd", "dnsd", "healthd")), dice.pick(SITES)
    mail = dice.pick(MAIL_SITES)
    lasts_s = dice.span(4, 8)
    faults = [Fault(0.0, lasts_s, "full", f"{daemon}-{site}")]
    fault, event = _mail_fault(dice, mail, dice.span(0.5, 1))
    if daemon != "etcd":
        faults.append(Fault(dice.span(1.5, 3), 0.3, "kill", f"{daemon}-{site}"))
    return Round(number, "disk", (*faults, fault), mail, event=f"{event}, other faults")


def _all_down(dice, number):
    """Both mail servers: the configured set is answered (rules 1 and 5)."""
    faults = tuple(Fault(dice.span(0, 1), dice.span(3, 5), "kill", f"mail-{site}")
                   for site in MAIL_SITES)
    return Round(number, "all-down", faults)


def _clock(dice, number):
    """The time of day of one or two processes is set while a mail server dies."""
    site = dice.pick(MAIL_SITES)
    faults = [Fault(0.0, dice.span(4, 8), "clock",
                    f"{dice.pick(('controld', 'controld', 'healthd'))}-{place}", dice.seconds())
              for place in dice.random.sample(SITES, dice.pick((1, 1, 2)))]
    fault, event = _mail_fault(dice, site, dice.span(1.2, 2.5))
    return Round(number, "clock", (*faults, fault), site, event=f"{event}, other faults")


_MAKERS = {"mail": _mail, "control": _control, "network": _network, "storm": _storm,
           "quorum": _quorum, "disk": _disk, "all-down": _all_down, "clock": _clock}


def round_make(seed, number, kind=""):
    dice = Dice(seed, number)
    kind = kind or dice.random.choices(list(KINDS), list(KINDS.values()))[0]
    made = _MAKERS[kind](dice, number)
    drain = dice.pick(MAIL_SITES) if dice.random.random() < 0.5 else ""
    return Round(**{**made.__dict__, "with_drain": drain})


def plan(seed, rounds):
    return [round_make(seed, number + 1) for number in range(rounds)]


def plan_of_kinds(seed, kinds):
    """The smoke test's: one round of each, in this order."""
    return [round_make(seed, number + 1, kind) for number, kind in enumerate(kinds)]
