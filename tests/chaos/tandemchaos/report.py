"""Measured times as distributions."""

import json
import math
from pathlib import Path

from tandemworld.figures import columns


def percentile(values, percent):
    """The nearest rank: a value that was measured."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


class Distributions:
    def __init__(self):
        self._values = {}

    def add(self, event, seconds):
        self._values.setdefault(event, []).append(seconds)

    def values(self, event):
        return self._values.get(event, [])

    def table(self):
        rows = [("event (seconds)", "n", "median", "p90", "p99", "max")]
        for event, values in sorted(self._values.items()):
            rows.append((event, str(len(values)),
                         *(f"{percentile(values, p):.3f}" for p in (50, 90, 99)),
                         f"{max(values):.3f}"))
        return columns(rows)

    def write(self, path):
        Path(path).write_text(json.dumps(self._values, indent=1) + "\n")
