"""Modes of run-dns that the kit's rounds do not cover: flood, workers, change.

Each prints its figures and, where something is asked of it, whether that was reached.
"""

import json
import os
import random
import subprocess
import time

PORT = 5399
ZONE = "retarus.com"
FLOOD_NAMES = 200000  # random ones, more than any cache of signatures holds
CHANGES = 15
POLL_S = 0.0002
LIMIT_S = 60


def verdict(value, wanted, least=True):
    held = value >= wanted if least else value <= wanted
    return f"{value:.2f} (wanted {'at least' if least else 'at most'} {wanted:g}" \
           f"{'' if held else ', MISSED'})"


def median(values):
    return sorted(values)[len(values) // 2]


class Blast:
    """The kit's load generator on one processor, or wherever it likes (cpu None)."""

    def __init__(self, queries, seconds, edns, cpu=1):
        import benchlib

        command = [benchlib.tool("blast"), "-p", PORT, "-f", queries, "-t", seconds, "-s", 4,
                   "-w", 256, "-e", edns]
        if cpu is not None:
            command = ["taskset", "-c", cpu, *command]
        self._process = subprocess.Popen([str(word) for word in command],
                                         stdout=subprocess.PIPE, text=True)

    def result(self):
        """{"qps": …} and the share of a processor that it used."""
        output = self._process.stdout.read()
        _, _, usage = os.wait4(self._process.pid, 0)
        found = json.loads(output)
        found["share"] = (usage.ru_utime + usage.ru_stime) / found["seconds"]
        return found


def write_ordinary(path):
    """What is there: the kit's mix without the names that do not exist."""
    import generate

    generate.write_mix(path)
    kept = [line for line in path.read_text().splitlines() if not line.startswith("nx")]
    path.write_text("\n".join(kept) + "\n")


def write_flood(path):
    chance = random.Random(7)
    path.write_text("".join(f"r{chance.randrange(1 << 60):x}.{ZONE} A\n"
                            for _ in range(FLOOD_NAMES)))


def mode_flood(start, arguments, zones, work):
    """Random names to a zone signed with compact denial, beside ordinary questions, all with DO.

    Compared with the same ordinary questions beside as many other ordinary ones: what the flood
    costs is then the signatures, not its mere share of the packets.
    """
    write_ordinary(work / "ordinary.queries")
    write_flood(work / "flood.queries")
    dnsd = start(zones.plain, denial="compact")
    alone, beside, flooded, flood = [], [], [], []
    try:
        Blast(work / "ordinary.queries", 0.3, "do").result()  # signatures are made once
        for _ in range(int(arguments.rounds)):
            alone.append(Blast(work / "ordinary.queries", arguments.seconds, "do").result()["qps"])
            for other, rates in (("ordinary", beside), ("flood", flooded)):
                pair = [Blast(work / f"{name}.queries", arguments.seconds, "do")
                        for name in ("ordinary", other)]
                results = [blast.result()["qps"] for blast in pair]
                rates.append(results[0])
                if other == "flood":
                    flood.append(results[1])
    finally:
        dnsd.stop()
    print("\nflood: ordinary answers of a signed zone while random names are asked for")
    print(f"  alone                    {median(alone):>9,.0f} q/s")
    print(f"  beside ordinary ones     {median(beside):>9,.0f} q/s")
    print(f"  beside the flood         {median(flooded):>9,.0f} q/s (of the flood answered: "
          f"{median(flood):,.0f} q/s)")
    print(f"  flooded / beside ordinary: {verdict(median(flooded) / median(beside), 0.5)}")
    print(f"  flooded / alone: {median(flooded) / median(alone):.2f}")


def mode_workers(start, arguments, zones, work):
    """Two workers against one, on all processors together with the load.

    With four processors or more, server and load are kept apart, and the rates are compared. With
    fewer they share them, and what is compared is how much each processor's worth of the
    server's own time answers: while two workers run beside each other they pay for everything
    that they share (caches, memory, the kernel's locks), so twice that ratio is what two
    processors of their own would do.
    """
    import generate

    generate.write_mix(work / "small.queries")
    processors = sorted(os.sched_getaffinity(0))
    apart = len(processors) >= 4
    rates = {}
    print(f"\nworkers: on {len(processors)} processors, "
          f"{'the load on others than the server' if apart else 'shared with the load'}")
    for workers in (1, 2):
        seen = []
        cpus = processors[:workers] if apart else processors
        dnsd = start(zones.plain, workers=workers, cpus=",".join(map(str, cpus)))
        try:
            for _ in range(int(arguments.rounds)):
                before = dnsd.cpu_s()
                blasts = [Blast(work / "small.queries", arguments.seconds, "none",
                                processors[2 + i] if apart else None) for i in range(2)]
                results = [blast.result() for blast in blasts]
                seconds = results[0]["seconds"]
                seen.append((sum(r["qps"] for r in results),
                             (dnsd.cpu_s() - before) / seconds, sum(r["share"] for r in results)))
        finally:
            dnsd.stop()
        rates[workers] = rate, server, load = median(seen)
        print(f"  {workers} worker{'s'[:workers - 1]}: {rate:>9,.0f} q/s, server {server:.2f} "
              f"processors, load {load:.2f}")
    if apart:
        print(f"  two / one: {verdict(rates[2][0] / rates[1][0], 1.7)}")
        return
    worth = {workers: rate / server for workers, (rate, server, _) in rates.items()}
    print(f"  two / one, as rates: {rates[2][0] / rates[1][0]:.2f} (not comparable here)")
    print(f"  two / one, a processor of the server each: {verdict(2 * worth[2] / worth[1], 1.7)}")


def change_texts(path):
    """The zone's text with another address of a name in its middle and another serial, by number."""
    text = path.read_text()
    serial = text.index("2024010101")
    middle = text.index("\nmx-", len(text) // 2) + 1
    end = text.index("\n", middle)
    name = text[middle:end].split()[0]

    def make(i):
        return (f"{text[:serial]}{2024010101 + i}{text[serial + 10:middle]}"
                f"{name} A 192.0.2.{i}{text[end:]}")

    return f"{name}.mail.eu.{ZONE}", make


def read_ms(path):
    """What the system takes to hand a file over, out of its memory."""
    room = bytearray(256 * 1024)
    with open(path, "rb", buffering=0) as file:
        begin = time.monotonic()
        while file.readinto(room):
            pass
        return (time.monotonic() - begin) * 1000


def mode_change(start, arguments, zones, work):
    """One record of the large zone's file changes, and its serial: from SIGHUP until an answer
    shows it.

    The server may use all processors, for who asks only waits; on one processor, as in the other
    modes, reading the file takes twice as long, which is told too.
    """
    import client

    zone_file = work / "changing.zone"
    name, make = change_texts(zones.plain)
    processors = sorted(os.sched_getaffinity(0))
    print(f"\nchange: one record and the serial of a zone file with {arguments.names:,} names, "
          "SIGHUP → served", flush=True)
    zone_file.write_text(make(1))
    print(f"  its {zone_file.stat().st_size / 1e6:.0f} MB are only read, on 1 processor: median "
          f"{median([read_ms(zone_file) for _ in range(CHANGES)]):.2f} milliseconds", flush=True)
    for cpus in [processors] + ([processors[:1]] if len(processors) > 1 else []):
        times = []
        zone_file.write_text(make(1))
        dnsd = start(zone_file, last_name=name, cpus=",".join(map(str, cpus)))
        try:
            for i in range(2, 2 + CHANGES):
                fresh = work / "fresh.zone"
                fresh.write_text(make(i))
                fresh.rename(zone_file)
                time.sleep(0.1)  # the disk has its own share of that
                begin = time.monotonic()
                dnsd.reload()
                while f"192.0.2.{i}" not in (client.try_ask(name, "A", PORT) or (0, 0, ()))[2]:
                    if time.monotonic() - begin > LIMIT_S:
                        raise SystemExit(f"change {i} is not served after {LIMIT_S} s")
                    time.sleep(POLL_S)
                times.append((time.monotonic() - begin) * 1000)
        finally:
            dnsd.stop()
        said = f"{median(times):.2f}" if cpus != processors else (
            verdict(median(times), 5, least=False))
        print(f"  {len(cpus)} processor{'s'[:len(cpus) - 1]}, milliseconds: median {said}, "
              f"best {min(times):.1f}, worst {max(times):.1f} of {CHANGES}", flush=True)


MODES = {"flood": mode_flood, "workers": mode_workers, "change": mode_change}
