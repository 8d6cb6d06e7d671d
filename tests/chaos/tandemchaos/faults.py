"""Carrying out what the plan says, and undoing it. Main thread only: it starts processes."""

import json
import time
import urllib.error
import urllib.request

from tandemworld.sites import MAIL_SITES, SITES

from .network import between

SITE_DAEMONS = ("controld", "etcd", "healthd", "dnsd", "mail", "https")


UNKEPT = b"the view is served but not on disk"  # a dnsd's log says so: decisions 075 and 076


def others_than(site):
    return [other.name for other in SITES if other.name != site]


class Faults:
    def __init__(self, world):
        self._world = world
        # Name servers that could not answer, for rule 4: {server: [(from, to)]}.
        self.unable = {f"dnsd-{site.name}": [] for site in world.dnsd_sites}
        self._since = {}
        self._full = {}  # {whose disk: how long its log was before}
        # Name servers that crashed after they had said that a view is not kept, and when.
        self.crashed_unkept = {}

    def begin(self, fault):
        """Returns the moment before it took effect."""
        moment = time.monotonic()
        if fault.what in ("kill", "stop"):
            moment = self._hit(fault.what, fault.target)
        elif fault.what == "dark":
            for name in self._site(fault.target):
                self._hit("kill", name)
        elif fault.what == "full":
            self._world.process(fault.target).may_end()  # etcd does; ours are checked in `trouble`
            self._full[fault.target] = self._world.process(fault.target).log_path.stat().st_size
            self._world.disks[fault.target].fill()
        elif fault.what == "clock":
            self._world.clocks[fault.target].set(fault.amount)
        elif fault.what == "move":
            self._move()
        else:
            self._world.network.drop(fault, self._pairs(fault), fault.amount or 100)
        return moment

    def end(self, fault):
        if fault.what in ("kill", "stop"):
            self._restore(fault.target)
        elif fault.what == "dark":
            for name in self._site(fault.target):
                self._restore(name)
        elif fault.what == "full":
            self._world.disks[fault.target].free()
            self._full.pop(fault.target, None)
            self._restore(fault.target)
        elif fault.what == "clock":
            self._world.clocks[fault.target].set(0)
        elif fault.what != "move":
            self._world.network.heal(fault)

    def _site(self, site):
        names = self._world.process_names
        return [f"{d}-{site}" for d in SITE_DAEMONS if f"{d}-{site}" in names]

    def _hit(self, how, name):
        process = self._world.process(name)
        if not process.alive:
            return time.monotonic()
        if name in self.unable:
            self._since.setdefault(name, time.monotonic())
        moment = process.kill() if how == "kill" else process.stop()
        if how == "kill" and name in self._full:
            with open(process.log_path, "rb") as log:
                log.seek(self._full[name])
                if UNKEPT in log.read():
                    self.crashed_unkept[name] = time.monotonic()
        return moment

    def _restore(self, name):
        process = self._world.process(name)
        process.resume()
        if not process.alive:
            daemon, site = name.rsplit("-", 1)
            starter = {"mail": self._world.mail, "https": self._world.https}.get(daemon)
            (starter[site] if starter else process).start()
        if name in self._since:
            self.unable[name].append((self._since.pop(name), time.monotonic()))

    @staticmethod
    def _pairs(fault):
        target = fault.target
        if "|" in target:
            return between(target.split("|")[0], [target.split("|")[1]])
        if ">" in target:
            return [tuple(target.split(">"))]
        pairs = between(target, others_than(target))
        if fault.what == "deaf":
            pairs = [pair for pair in pairs if pair[1] == target]
        elif fault.what == "mute":
            pairs = [pair for pair in pairs if pair[0] == target]
        return pairs

    def _move(self):
        """etcd's leader hands over to another member; without a leader nothing happens."""
        members = self._world.etcd.members
        leader = next((m for m in members.values() if m.process.alive and m.leads()), None)
        follower = next((m for m in members.values() if m is not leader and m.process.alive), None)
        told = follower.call("/v3/maintenance/status") if leader and follower else None
        if not told:
            return
        body = json.dumps({"targetID": told["header"]["member_id"]}).encode()
        request = urllib.request.Request(f"{leader.url}/v3/maintenance/transfer-leadership", body)
        try:
            urllib.request.urlopen(request, timeout=1, context=self._world.etcd.context).close()
        except (OSError, urllib.error.URLError):
            pass

    def trouble(self):
        """Daemons of ours that ended by themselves. A full disk is no reason to."""
        found = []
        for process in self._world.own_daemons:
            if process.exit_code is not None and process.exit_code != -9:
                found.append(f"{process.name} ended by itself with {process.exit_code}, see "
                             f"{process.log_path}")
        return found

    def restore_all(self):
        """Whatever is still broken, for the end of a round."""
        for name in self._world.process_names:
            process = self._world.process(name)
            process.resume()
            if not process.alive:
                self._restore(name)


def reachable_servers(round_):
    """Name servers that none of the round's faults touches."""
    touched = set()
    for fault in round_.faults:
        if fault.target.startswith("dnsd-"):
            touched.add(fault.target)
        elif fault.what in ("cut", "dark", "deaf", "mute", "loss"):
            touched.add(f"dnsd-{fault.target}")
    return [f"dnsd-{site.name}" for site in SITES if f"dnsd-{site.name}" not in touched]


def mail_address(site):
    return next(s.mail for s in MAIL_SITES if s.name == site)


