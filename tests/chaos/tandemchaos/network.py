"""Sites in network namespaces of their own, joined by a bridge that stands for the internet.

    namespace muc 10.10.0.0/16 ─┐
    namespace fra 10.20.0.0/16 ─┼─ bridge, 10.99.0.1: the namespace this program runs in
    namespace witness 10.30/16 ─┘

The program itself runs under `unshare --net --mount`, so all of it disappears with the program.
Packets are dropped where they arrive (nftables, hook input): to the sender they are lost on the way,
as on a real network, and no error tells it so.
"""

import subprocess

from tandemworld.processes import run
from tandemworld.sites import MAIL_SITES, SITES

OUTSIDE = "outside"
OUTSIDE_ADDRESS = "10.99.0.1"
_MASK = 8  # one wire for all: routes are not what is tested
_TABLE = """\
table ip chaos {
	chain in {
		type filter hook input priority 0; policy accept;
	}
}
"""


def within(name):
    """Words before the command of the process NAME (DAEMON-SITE) that put it into its site."""
    site = name.rsplit("-", 1)[-1]
    assert site in {s.name for s in SITES}, name
    return ["nsenter", f"--net=/run/netns/{site}", "--"]


def prefix(place):
    if place == OUTSIDE:
        return "10.99.0.0/16"
    return next(f"{site.network}.0.0/16" for site in SITES if site.name == place)


class Network:
    """Which place does not hear which other, and how much is lost between them."""

    def __init__(self):
        self.places = [site.name for site in SITES] + [OUTSIDE]
        self._dropped = {}  # (from, to): percent, by the fault that wants it
        self._bridge()

    @staticmethod
    def _ip(*words, place=None):
        run(["ip", *(["-n", place] if place else []), *words], "setting up the network")

    def _bridge(self):
        run(["mount", "-t", "tmpfs", "tmpfs", "/run/netns"], "a folder for namespaces")
        self._ip("link", "set", "lo", "up")
        self._ip("link", "add", "internet", "type", "bridge")
        self._ip("link", "set", "internet", "up")
        self._ip("addr", "add", f"{OUTSIDE_ADDRESS}/{_MASK}", "dev", "internet")
        for site in SITES:
            name = site.name
            self._ip("netns", "add", name)
            self._ip("link", "add", f"to-{name}", "type", "veth", "peer", "name", "wan",
                     "netns", name)
            self._ip("link", "set", f"to-{name}", "master", "internet", "up")
            self._ip("link", "set", "lo", "up", place=name)
            # The first one is what the site's daemons call from; etcd's certificates name it.
            addresses = [site.control, site.dns] + ([site.mail] if site in MAIL_SITES else [])
            for address in addresses:
                self._ip("addr", "add", f"{address}/{_MASK}", "dev", "wan", place=name)
            self._ip("link", "set", "wan", "up", place=name)
        for place in self.places:
            self._nft(place, _TABLE)

    @staticmethod
    def _nft(place, text):
        command = [] if place == OUTSIDE else ["nsenter", f"--net=/run/netns/{place}", "--"]
        subprocess.run([*command, "nft", "-f", "-"], input=text, text=True, check=True)

    def drop(self, fault, pairs, percent=100):
        """From now on, until heal(fault): packets of each (from, to) are lost."""
        self._dropped[fault] = {pair: percent for pair in pairs}
        self._apply()

    def heal(self, fault):
        if self._dropped.pop(fault, None) is not None:
            self._apply()

    def _apply(self):
        worst = {}
        for pairs in self._dropped.values():
            for pair, percent in pairs.items():
                worst[pair] = max(percent, worst.get(pair, 0))
        for place in self.places:
            lines = ["flush chain ip chaos in"]
            for (source, receiver), percent in worst.items():
                if receiver == place:
                    chance = f"numgen random mod 100 < {percent} " if percent < 100 else ""
                    lines.append(f"add rule ip chaos in ip saddr {prefix(source)} {chance}drop")
            self._nft(place, "\n".join(lines) + "\n")


def between(site, others):
    """Both directions between a site and each of the others."""
    return [pair for other in others for pair in ((site, other), (other, site))]
