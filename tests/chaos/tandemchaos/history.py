"""What operators did and what they were told: the history that is checked afterwards."""

import threading
from dataclasses import dataclass, field

# What came of an operation, as its client knows it.
OK = "ok"            # answered
REFUSED = "refused"  # answered: not possible as things stand
NOTHING = "nothing"  # certainly nothing was changed: no connection, or the controller said so
UNKNOWN = "unknown"  # no answer: it may have happened, or happen at any later time, or never


@dataclass
class Operation:
    client: str
    kind: str            # read, declare (drain hold pin), withdraw (undrain …), apply
    key: str             # what it is about: "drain/muc" "hold/pool/spare" "pin/MEMBER" ""
    value: str           # what it writes: a reason or title that no other operation has
    invoked: float
    planned_on: int = 0  # apply: the revision it compares with
    returned: float = 0.0
    outcome: str = UNKNOWN
    through: str = ""    # the controller that answered
    role: str = ""       # read: leader (and certain of it), follower, no quorum, other
    epoch: int = 0       # as the answer tells it
    revision: int = 0
    removed: str = ""    # undrain, release: the value that the answer says has ended
    found: frozenset = field(default_factory=frozenset)  # read: {(key, value)}
    told: str = ""       # the answer, shortened

    def __str__(self):
        what = " ".join(word for word in (self.kind, self.key, self.value) if word)
        if self.kind == "apply":
            what += f" planned on {self.planned_on}"
        told = self.outcome
        if self.outcome == OK:
            told += f" epoch {self.epoch} revision {self.revision}"
        if self.kind == "read":
            told += f" as {self.role}: {', '.join(f'{k}={v}' for k, v in sorted(self.found))}"
        if self.removed:
            told += f" ended {self.removed}"
        end = f"{self.returned:.3f}" if self.returned else "?"
        return (f"[{self.invoked:.3f} … {end}] {self.client} via {self.through or '?'}: {what} → "
                f"{told}" + (f" ({self.told})" if self.outcome in (REFUSED, NOTHING, UNKNOWN)
                             else ""))


class History:
    def __init__(self):
        self._lock = threading.Lock()
        self._operations = []
        self._number = 0

    def value(self):
        """A reason that no other operation has."""
        with self._lock:
            self._number += 1
            return f"chaos-{self._number}"

    def add(self, operation):
        with self._lock:
            self._operations.append(operation)

    def operations(self):
        with self._lock:
            return list(self._operations)
