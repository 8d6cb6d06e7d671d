"""Measured times, and the table they are told in."""

import json
import statistics
from pathlib import Path

from .processes import say


class Figures:
    """Seconds by event, in the order in which events were first measured."""

    def __init__(self):
        self._values, self._targets = {}, {}

    def add(self, event, seconds, target_s=None):
        self._values.setdefault(event, []).append(seconds)
        if target_s is not None:
            self._targets[event] = target_s

    def __bool__(self):
        return bool(self._values)

    def values(self, event):
        return self._values.get(event, [])

    def held(self, event, slack=1):
        """Is the median within the target?"""
        return self.median(event) <= self._targets[event] * slack

    def median(self, event):
        return statistics.median(self._values[event])

    def maximum(self, event):
        return max(self._values[event])

    def table(self):
        """Lines: event, n, min, median, max, target."""
        rows = [("event", "n", "min s", "median s", "max s", "target s")]
        for event, values in self._values.items():
            target = self._targets.get(event)
            rows.append((event, str(len(values)), f"{min(values):.3f}",
                         f"{statistics.median(values):.3f}", f"{max(values):.3f}",
                         f"{target:.3f}" if target is not None else "-"))
        return columns(rows)

    def write(self, path):
        Path(path).write_text(json.dumps(
            {event: {"values_s": values, "target_s": self._targets.get(event)}
             for event, values in self._values.items()}, indent=1) + "\n")


def columns(rows):
    """Text lines with the columns aligned: the first to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                      for i, (cell, width) in enumerate(zip(row, widths))).rstrip()
            for row in rows]


def print_lines(lines):
    for line in lines:
        say(line)
