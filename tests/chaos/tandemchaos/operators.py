"""Operators at work: several clients at once, each through a controller of its choice.

Every request and every answer goes into the history, with the truth about those that got none.
"""

import http.client
import json
import random
import re
import threading
import time

from tandemworld.api import Answer, Api
from tandemworld.sites import API_PORT, MAIL_SITES, SITES

from .history import NOTHING, OK, REFUSED, UNKNOWN, Operation
from .world import SPARE_POOL

FOR_MS = 8 * 3600 * 1000  # nothing declared ends by itself during a run
LIMIT_S = 8               # a controller answers within 5 s, whatever the store does
PAUSE_S = (0.05, 0.4)
_VALUE = re.compile(r"chaos-\d+")
_HOLD, _PIN = f"pool/{SPARE_POOL}", f"{SPARE_POOL}/{MAIL_SITES[0].mail}"


class Client:
    """One person. Not for use by two threads at once."""

    def __init__(self, name, world, history):
        self.name, self._world, self._history = name, world, history
        self._last_revision = 0
        ca, files = world.authority.ca, world.operator_files
        self._apis = {site.control: Api(site.api, ca, *files, limit_s=LIMIT_S) for site in SITES}
        self._names = {site.control: site.name for site in SITES}

    # --- what can be asked ---------------------------------------------------------------------

    def read(self, through):
        return self._do(Operation(self.name, "read", "", "", 0), through, "GET", "/v1/status")

    def drain(self, through, site):
        op = Operation(self.name, "declare", f"drain/{site}", self._history.value(), 0)
        return self._do(op, through, "POST", "/v1/drain",
                        {"site": site, "for_ms": FOR_MS, "reason": op.value})

    def undrain(self, through, site):
        op = Operation(self.name, "withdraw", f"drain/{site}", "", 0)
        return self._do(op, through, "POST", "/v1/undrain", {"site": site})

    def hold(self, through):
        op = Operation(self.name, "declare", f"hold/{_HOLD}", self._history.value(), 0)
        return self._do(op, through, "POST", "/v1/hold",
                        {"subject": _HOLD, "for_ms": FOR_MS, "reason": op.value})

    def release(self, through):
        op = Operation(self.name, "withdraw", f"hold/{_HOLD}", "", 0)
        return self._do(op, through, "POST", "/v1/release", {"subject": _HOLD})

    def pin(self, through, to):
        op = Operation(self.name, "declare", f"pin/{_PIN}", self._history.value(), 0)
        return self._do(op, through, "POST", "/v1/pin",
                        {"subject": _PIN, "to": to, "for_ms": FOR_MS, "reason": op.value})

    def unpin(self, through):
        op = Operation(self.name, "withdraw", f"pin/{_PIN}", "", 0)
        return self._do(op, through, "POST", "/v1/unpin", {"subject": _PIN})

    def apply(self, through):
        op = Operation(self.name, "apply", "", self._history.value(), 0,
                       planned_on=self._last_revision)
        return self._do(op, through, "POST", "/v1/apply",
                        {"document": self._world.document(op.value),
                         "planned_on": op.planned_on})

    # --- asking --------------------------------------------------------------------------------

    def _do(self, op, through, method, path, body=None):
        """To that controller, and once more to where it points."""
        op.invoked = time.monotonic()
        try:
            answer, host = self._send(op, through.control, method, path, body)
            if answer is not None and answer.status == 307:
                op.outcome = UNKNOWN
                host = answer.headers["Location"].split("//")[1].split(f":{API_PORT}")[0]
                answer, host = self._send(op, host, method, path, body)
            if answer is not None:
                op.through = self._names[host]
                self._judge(op, answer)
        finally:
            op.returned = time.monotonic()
            self._history.add(op)
        return op

    def _send(self, op, host, method, path, body):
        """(answer or None, host). Without a connection nothing was asked."""
        try:
            connection = self._apis[host].connect()
        except (OSError, http.client.HTTPException) as error:
            op.outcome, op.told = NOTHING, f"no connection to {host}: {error}"
            return None, host
        try:
            connection.request(method, path, None if body is None else json.dumps(body).encode(),
                               {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return Answer(answer.status, answer.read(), answer.headers), host
        except (OSError, http.client.HTTPException) as error:
            op.outcome, op.told = UNKNOWN, f"no answer from {host}: {error!r}"
            return None, host
        finally:
            connection.close()

    def _judge(self, op, answer):
        if answer.status == 200:
            op.outcome = OK
            (self._judge_read if op.kind == "read" else self._judge_change)(op, answer.json)
            return
        error = answer.json.get("error", {}) if answer.status != 307 else {}
        op.told = f"{answer.status} {error.get('code')}: {error.get('message', '')[:200]}"
        if answer.status in (307, 503) or op.kind == "read":
            # Also a claim that is checked: what "was not changed" must never turn up.
            told = answer.status == 307 or "nothing was changed" in error.get("message", "")
            op.outcome = NOTHING if told or op.kind == "read" else UNKNOWN
        elif error.get("code") == "not-found" and op.kind == "withdraw":
            op.outcome = REFUSED
        elif error.get("code") in ("refused", "conflict", "invalid", "not-found", "limit"):
            # Only a conflict says something about the register; rule 3 weighs health.
            # Nor does one with a document on trial, which is of no revision in force.
            conflict = (error["code"] == "conflict"
                        and "being published" not in error["message"])
            op.outcome = REFUSED if conflict or op.kind == "declare" else NOTHING
        else:
            op.outcome = UNKNOWN

    def _judge_change(self, op, told):
        op.epoch, op.revision = told["epoch"], told["revision"]
        text = "\n".join(told["text"])
        if op.kind == "apply":
            self._last_revision = op.revision
        if op.kind == "withdraw":
            found = _VALUE.search(text)
            op.removed = found.group(0) if found else ""
            op.told = text[:200]

    def _judge_read(self, op, told):
        controller = told["controller"]
        op.through = controller["name"]
        op.role = controller["role"]
        if op.role == "leader" and not controller["leading"]:
            op.role = "uncertain leader"
        op.told = told["summary"]["text"]
        op.epoch, op.revision = told["epoch"], told["revision"]
        self._last_revision = op.revision
        found = {(f"drain/{drain['site']}", drain["reason"]) for drain in told["drains"]}
        for intent in told["intents"]:
            kind = "hold" if intent["type"] == "hold" else "pin"
            found.add((f"{kind}/{intent['subject']}", intent["reason"]))
        op.found = frozenset(found)


class Operators:
    """The clients in threads of their own, until close. What they do follows from the seed; when
    they do it, from the machine."""

    def __init__(self, world, history, seed, count=4):
        self._world, self._seed = world, seed
        self._end, self._calm, self.drains = threading.Event(), threading.Event(), False
        self._busy = [threading.Lock() for _ in range(count)]
        self._clients = [Client(f"operator-{number}", world, history) for number in range(count)]
        self._threads = [threading.Thread(target=self._work, args=(number,), daemon=True)
                         for number in range(count)]
        self.trouble = None

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        for thread in self._threads:
            thread.join()

    def pause(self):
        """Returns when no request of theirs is under way any more."""
        self._calm.set()
        for lock in self._busy:
            with lock:
                pass

    def go_on(self):
        self._calm.clear()

    def _work(self, number):
        chance = random.Random(f"{self._seed}/operator/{number}")
        while not self._end.wait(chance.uniform(*PAUSE_S)):
            if self._calm.is_set():
                continue
            with self._busy[number]:
                if self._calm.is_set():
                    continue
                try:
                    self._act(self._clients[number], chance)
                except Exception as error:  # noqa: BLE001 - told at the end of the run
                    self.trouble = self.trouble or repr(error)
                    raise

    def _act(self, client, chance):
        through = chance.choice(SITES)
        site = chance.choice(MAIL_SITES).name
        does = chance.random()
        if does < 0.45:
            client.read(through)
        elif does < 0.55:
            client.hold(through)
        elif does < 0.63:
            client.release(through)
        elif does < 0.71:
            client.pin(through, chance.choice(("up", "down") if self.drains else ("up",)))
        elif does < 0.78:
            client.unpin(through)
        elif does < 0.86:
            client.apply(through)
        elif not self.drains:
            client.read(through)
        elif does < 0.93:
            client.drain(through, site)
        else:
            client.undrain(through, site)
