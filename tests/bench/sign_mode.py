"""The mode "signing" of run-dns: what a signature costs that nobody has asked for before.

The server is asked for names of a signed zone one by one, each once for what it has (A) and once for
what it has not (TXT), slowly enough that its share of time for signing lasts, and then the same once
more. The processor time of the second turn, in which all signatures are remembered, is taken off
that of the first; what is left is divided by the signatures that the server says it has made. By
turns and in small goes, of which the median counts.

Twice: with a processor that sleeps between two questions, as on a server with nothing else to do,
where waking up with cold caches is in the figure, too; and with one that a loop of the lowest
priority keeps awake, as any traffic would.
"""

import contextlib
import os
import random
import socket
import struct
import subprocess
import time
import urllib.request

from more_modes import median

PORT = 5399
METRICS_PORT = 5398
LIMIT_US = 60
NAMES = 8000  # of the zone
ASKED = 100  # of them in one go
GOES = 21
PAUSE_S = 0.0004
TYPE_A, TYPE_TXT = 1, 16
ALGORITHMS = ("ecdsap256sha256", "ed25519")


def question(name, kind):
    """With an OPT record that says DO."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return (struct.pack(">6H", random.randrange(65536), 0, 1, 0, 0, 1) + labels + b"\0" +
            struct.pack(">2H", kind, 1) + struct.pack(">BHHIH", 0, 41, 1232, 1 << 15, 0))


def counters():
    """tandem_dnsd_signatures_…_total: made, remembered, starved."""
    with urllib.request.urlopen(f"http://127.0.0.1:{METRICS_PORT}/metrics") as answer:
        text = answer.read().decode()
    return {word: int(float(text.split(f"\ntandem_dnsd_signatures_{word}_total ")[1].split()[0]))
            for word in ("made", "remembered", "starved")}


def turn(dnsd, names, kind):
    """Asks for all names; (processor microseconds, counters) of the server for it."""
    before, begin_s = counters(), dnsd.cpu_s()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", PORT))
        sock.settimeout(1)
        for name in names:
            sock.send(question(name, kind))
            sock.recv(4096)
            time.sleep(PAUSE_S)
    spent_s = dnsd.cpu_s() - begin_s
    after = counters()
    return spent_s * 1e6, {word: after[word] - before[word] for word in after}


@contextlib.contextmanager
def kept_awake(processors):
    """A loop that runs when nobody else wants to."""
    def lowest():
        os.sched_setaffinity(0, processors)
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))

    child = subprocess.Popen(["sh", "-c", "while :; do :; done"], preexec_fn=lowest)
    try:
        yield
    finally:
        child.kill()
        child.wait()


def alone(build):
    """{algorithm: (microseconds of a signature by itself, of OpenSSL's own)}"""
    output = subprocess.run([build / "bench/signature_cost"], check=True, capture_output=True,
                            text=True).stdout
    return {name: (float(ours), float(theirs))
            for name, ours, theirs in map(str.split, output.splitlines())}


def kind_run(dnsd, names, kind, what):
    colds, warms, each = [], [], []
    made = starved = 0
    for go in range(GOES):
        asked = names[go * ASKED:(go + 1) * ASKED]
        cold_us, cold = turn(dnsd, asked, kind)
        warm_us, warm = turn(dnsd, asked, kind)
        colds.append(cold_us / ASKED)
        warms.append(warm_us / ASKED)
        each.append((cold_us - warm_us) / max(1, cold["made"] - warm["made"]))
        made += cold["made"]
        starved += cold["starved"]
    held = "" if median(each) <= LIMIT_US else ", MISSED"
    print(f"    {what}: an answer {median(colds):.0f} µs, remembered {median(warms):.0f}; a "
          f"signature {median(each):.0f} µs, the middle half of the goes {sorted(each)[GOES // 4]:.0f} "
          f"to {sorted(each)[GOES * 3 // 4]:.0f} (wanted at most {LIMIT_US}{held}; {made:,} made"
          f"{f', {starved} STARVED' if starved else ''})", flush=True)


def mode_signing(start, arguments, zones, work):
    import generate

    print(f"\nsigning: {GOES * ASKED:,} names asked for once each with DO, one by one; processor time")
    costs = alone(arguments.build)
    names = [generate.large_name(i) for i in range(NAMES)]
    states = (("awake", kept_awake), ("asleep between", contextlib.nullcontext))
    for algorithm in ALGORITHMS:
        random.Random(5).shuffle(names)
        print(f"  {algorithm}: by itself {costs[algorithm][0]:.0f} µs "
              f"(OpenSSL's own: {costs[algorithm][1]:.0f})")
        for state, hold in states:
            dnsd = start(zones.plain, denial="compact", algorithm=algorithm, metrics=METRICS_PORT)
            try:
                with hold({0}):
                    turn(dnsd, names[-200:], TYPE_TXT)  # pages, caches, the SOA's signature
                    for kind, what in ((TYPE_A, "records"), (TYPE_TXT, "absence")):
                        kind_run(dnsd, names, kind, f"{state}, {what}")
            finally:
                dnsd.stop()
