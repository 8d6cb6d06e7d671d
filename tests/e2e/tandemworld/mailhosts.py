"""Mail hosts as the controllers see them: they read what they may do with sending addresses, and
report what they have, every second and whenever it changes, to all of them."""

import http.client
import json
import threading

from .api import Answer, Api

REPORT_S = 1.0
_PAUSE_S = 0.05  # after a controller that is not there


class MailHost:
    """Follows the stream of one controller after the other, and reports to all of them.

    obedient: it binds what it is told to, and lets go of what it is told nothing of; what it is told
    to leave it keeps as long as `queue` says that something waits.
    """

    def __init__(self, world, site, name=None, obedient=True):
        self.site, self.name = site, name or f"mail-{site.name}"
        self.obedient = obedient
        self.epoch, self.told = 0, {}  # address: "bind", "use" or "leave"
        self.named = {}  # address: the only host that may have it, of all sites
        self.lines = []  # (epoch, told) of every line of the stream
        self.answers = {}  # of the last report, by the site of the controller
        self.reports = 0  # that were answered
        self._bound, self._queued, self._ignored = set(), set(), set()
        self._version = 0  # of all this
        self._news = threading.Condition()
        self._ended = False
        files = world.authority.issue(self.name, site.name, "agentd")
        self._apis = {s.name: Api(s.api, world.authority.ca, *files, limit_s=3)
                      for s in world.controller_sites}
        self._threads = [threading.Thread(target=self._follow, daemon=True)]
        self._threads += [threading.Thread(target=self._report, args=(s,), daemon=True)
                          for s in self._apis]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        with self._news:
            self._ended = True
            self._news.notify_all()
        for thread in self._threads:
            thread.join(5)

    # --- what a test makes of it ---------------------------------------------------------------

    def bind(self, address):
        self._change(lambda: self._bound.add(address))

    def unbind(self, address):
        self._change(lambda: self._bound.discard(address))

    def queue(self, address):
        self._change(lambda: self._queued.add(address))

    def empty_queue(self, address):
        self._change(lambda: self._queued.discard(address))

    def ignore(self, address):
        """It never binds that."""
        self._change(lambda: self._ignored.add(address))

    def forget_orders(self):
        """It ignores nothing, and nothing is queued."""
        self._change(lambda: (self._ignored.clear(), self._queued.clear()))

    def _change(self, how):
        with self._news:
            how()
            if self.obedient:
                self._bound = {a for a, use in self.told.items() if a not in self._ignored and (
                    use != "leave" or (a in self._bound and a in self._queued))}
            self._version += 1
            self._news.notify_all()

    # --- what it hears -------------------------------------------------------------------------

    def _follow(self):
        # Its own site's controller first, then the others.
        order = sorted(self._apis, key=lambda name: name != self.site.name)
        while not self._ended:
            for name in order:
                self._read(self._apis[name])
            with self._news:
                self._news.wait_for(lambda: self._ended, _PAUSE_S)

    def _read(self, api):
        """One stream, to its end."""
        try:
            connection = api.connect()
        except OSError:
            return
        try:
            connection.request("GET", "/v1/senders")
            answer = connection.getresponse()
            while answer.status == 200 and not self._ended:
                line = answer.readline()
                if not line:
                    return
                self._take(json.loads(line))
        except (OSError, http.client.HTTPException, ValueError):
            return
        finally:
            connection.close()

    def _take(self, line):
        if "senders" not in line or line["epoch"] < self.epoch:  # rule 2
            return
        assert line["version"] == 1

        def take():
            self.epoch = line["epoch"]
            self.told = {s["address"]: s["use"] for s in line["senders"]
                         if s["site"] == self.site.name and s.get("host", self.name) == self.name}
            self.named = {s["address"]: s["host"] for s in line["senders"] if "host" in s}
            self.lines.append((self.epoch, dict(self.told)))
        self._change(take)

    # --- what it says --------------------------------------------------------------------------

    def _body(self):
        bound = [{"address": a, "queued": int(a in self._queued)} for a in sorted(self._bound)]
        return json.dumps({"version": 1, "name": self.name, "epoch": self.epoch, "bound": bound})

    def _report(self, name):
        connection, said = None, -1
        while True:
            with self._news:
                self._news.wait_for(lambda: self._ended or self._version != said, REPORT_S)
                if self._ended:
                    break
                said, body = self._version, self._body()
            try:
                connection = connection or self._apis[name].connect()
                connection.request("POST", "/v1/hosts", body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                self.answers[name] = Answer(answer.status, answer.read(), answer.headers)
                self.reports += 1
            except (OSError, http.client.HTTPException):
                if connection:
                    connection.close()
                connection, said = None, -1
                with self._news:
                    self._news.wait_for(lambda: self._ended, _PAUSE_S)
        if connection:
            connection.close()
