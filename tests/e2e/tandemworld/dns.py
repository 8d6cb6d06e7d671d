"""Asking name servers, and watching everything they answer.

`Asker` asks one server over one socket, fast enough to time an event to the millisecond. `Watch`
asks all servers all the time in threads of its own and keeps every answer, so that a test can say
afterwards what no answer may ever have been.
"""

import contextlib
import os
import random
import socket
import struct
import threading
import time
from collections import namedtuple

import dns.message
import dns.query
import dns.rdatatype

from .processes import WorldError
from .sites import DNS_PORT, MAIL_SITES

TYPE_A, TYPE_SOA, TYPE_AAAA = 1, 6, 28
NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3
POLL_S = 0.001

Reply = namedtuple("Reply", "rcode addresses serial")


def _query(identity, name, kind):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split("."))
    return (struct.pack(">6H", identity, 0, 1, 0, 0, 0) + labels + b"\0"
            + struct.pack(">2H", kind, 1))


def _skip_name(data, at):
    while data[at]:
        if data[at] >= 0xC0:
            return at + 2
        at += 1 + data[at]
    return at + 1


def _parse(data):
    """A Reply: the addresses of the answer section, the serial of a SOA wherever it stands."""
    flags, questions, answers, authorities = struct.unpack_from(">4H", data, 2)
    at = 12
    for _ in range(questions):
        at = _skip_name(data, at) + 4
    addresses, serial = set(), None
    for number in range(answers + authorities):
        at = _skip_name(data, at)
        kind, _, _, length = struct.unpack_from(">2HIH", data, at)
        at += 10
        if kind == TYPE_A and number < answers:
            addresses.add(socket.inet_ntoa(data[at:at + 4]))
        elif kind == TYPE_AAAA and number < answers:
            addresses.add(socket.inet_ntop(socket.AF_INET6, data[at:at + 16]))
        elif kind == TYPE_SOA:
            serial = struct.unpack_from(">I", data, _skip_name(data, _skip_name(data, at)))[0]
        at += length
    return Reply(flags & 15, frozenset(addresses), serial)


class Asker:
    """One server, one UDP socket. Not for use by two threads at once."""

    def __init__(self, address, port=DNS_PORT, limit_s=0.25):
        self.address = address
        self._socket = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET,
                                     socket.SOCK_DGRAM)
        self._socket.settimeout(limit_s)
        self._socket.connect((address, port))
        self._identity = random.randrange(65536)

    def close(self):
        self._socket.close()

    def ask(self, name, kind=TYPE_A):
        """A Reply, or None when the server is silent or not there."""
        self._identity = (self._identity + 1) & 0xFFFF
        try:
            self._socket.send(_query(self._identity, name, kind))
            while True:
                data = self._socket.recv(4096)
                if len(data) >= 12 and data[0] << 8 | data[1] == self._identity:
                    return _parse(data)
        except OSError:
            return None

    def addresses(self, name):
        reply = self.ask(name)
        return reply.addresses if reply and reply.rcode == NOERROR else None

    def serial(self, zone):
        reply = self.ask(zone, TYPE_SOA)
        return reply.serial if reply else None


def ask(server, name, kind="A", tcp=False, port=DNS_PORT, limit_s=2.0):
    """A whole answer as dnspython sees it."""
    question = dns.message.make_query(name, kind)
    how = dns.query.tcp if tcp else dns.query.udp
    return how(question, server, timeout=limit_s, port=port)


def kind_of(rr):
    return dns.rdatatype.to_text(rr.rdtype)


def rrset(server, name, kind, **options):
    """The answer's records as sorted text, and the rcode."""
    answer = ask(server, name, kind, **options)
    return sorted(f"{rr.name} {rr.ttl} {kind_of(rr)} {item}" for rr in answer.answer
                  for item in rr), answer.rcode()


def wait_for_addresses(servers, name, condition, limit_s, what):
    """Asks every server each millisecond or so until condition(addresses) holds there.

    Returns {server: moment}. A server that already satisfied it is not asked again.
    """
    askers = {server: Asker(server) for server in servers}
    seen, last = {}, {}
    end = time.monotonic() + limit_s
    try:
        while len(seen) < len(askers):
            for server, asker in askers.items():
                if server in seen:
                    continue
                last[server] = asker.addresses(name)
                if last[server] is not None and condition(last[server]):
                    seen[server] = time.monotonic()
            if time.monotonic() > end:
                told = ", ".join(f"{s} says {sorted(a) if a is not None else 'nothing'}"
                                 for s, a in last.items())
                raise WorldError(f"{what}: not within {limit_s:g} s ({told})")
            time.sleep(POLL_S)
        return seen
    finally:
        for asker in askers.values():
            asker.close()


def wait_gone(address, name, servers=None, limit_s=15):
    servers = servers or [site.dns for site in MAIL_SITES]
    return wait_for_addresses(servers, name, lambda found: found and address not in found, limit_s,
                              f"{address} does not leave the answer for {name}")


def wait_back(address, name, servers=None, limit_s=30):
    servers = servers or [site.dns for site in MAIL_SITES]
    return wait_for_addresses(servers, name, lambda found: address in found, limit_s,
                              f"{address} does not come back into the answer for {name}")


# One look at a server: the serial it told first, then the addresses it gave. The addresses are
# those of that serial or a later one. None: it was silent.
Look = namedtuple("Look", "moment server serial rcode addresses")


class Watch:
    """Looks at every server every few milliseconds until it is closed, and keeps all looks."""

    def __init__(self, name, zone, servers=None, pause_s=0.004):
        self.name, self.zone = name, zone
        self.servers = list(servers or [site.dns for site in MAIL_SITES])
        self._pause_s = pause_s
        self._looks = {server: [] for server in self.servers}
        self._end = threading.Event()
        self._threads = []

    def __enter__(self):
        for server in self.servers:
            thread = threading.Thread(target=self._watch, args=(server,), daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(self, *_):
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _watch(self, server):
        with contextlib.closing(Asker(server)) as asker:
            while not self._end.wait(self._pause_s):
                told = asker.ask(self.zone, TYPE_SOA)
                reply = asker.ask(self.name) if told else None
                moment = time.monotonic()
                if reply is None:
                    self._looks[server].append(Look(moment, server, None, None, None))
                else:
                    self._looks[server].append(
                        Look(moment, server, told.serial, reply.rcode, reply.addresses))

    def looks(self, server=None):
        """Those so far that were answered."""
        chosen = [server] if server else self.servers
        return [look for s in chosen for look in list(self._looks[s]) if look.rcode is not None]

    def silent_looks(self, server):
        return [look for look in list(self._looks[server]) if look.rcode is None]

    def never_empty(self):
        """Rule 1: no NXDOMAIN and no empty answer; returns how many answers that was."""
        looks = self.looks()
        bad = [look for look in looks
               if look.rcode == NXDOMAIN or (look.rcode == NOERROR and not look.addresses)]
        assert not bad, f"{len(bad)} empty or negative answers, the first: {bad[0]}"
        assert looks, "no server answered at all"
        return len(looks)

    def serials_only_grow(self):
        """Rule 2, at every server by itself."""
        for server in self.servers:
            former = None
            for look in self.looks(server):
                assert look.serial is not None, f"no SOA: {look}"
                assert former is None or look.serial >= former.serial, (
                    f"serial went back at {server}: {former} then {look}")
                former = look

    def address_absent(self, address, from_serial, until=None):
        """Rule of removal: the address is in no answer at or past that serial.

        until: a moment; what was asked later does not count (the address may be back by then).
        """
        after = [look for look in self.looks() if look.serial >= from_serial
                 and (until is None or look.moment < until)]
        bad = [look for look in after if address in look.addresses]
        assert not bad, f"{address} was handed out at or past serial {from_serial}: {bad[0]}"
        return len(after)

    def same_answers_at_same_serial(self):
        """All servers agree, serial by serial. Counts only answers whose serial is certain: the
        server told the same one before and after."""
        told = {}
        for server in self.servers:
            looks = self.looks(server)
            for look, later in zip(looks, looks[1:]):
                if look.serial == later.serial:
                    former = told.setdefault(look.serial, look)
                    assert former.addresses == look.addresses, (
                        f"two answers at serial {look.serial}: {former} and {look}")
        return len(told)


def same_data(servers, questions):
    """Asserts that all servers answer all questions alike, at one and the same serial.

    questions: (name, type). The serial is read before and after; when it moved meanwhile, again.
    """
    zone = questions[0][0]
    for _ in range(50):
        before = [rrset(server, zone, "SOA") for server in servers]
        answers = [[rrset(server, name, kind) for name, kind in questions] for server in servers]
        after = [rrset(server, zone, "SOA") for server in servers]
        if before == after and all(soa == before[0] for soa in before):
            for other in answers[1:]:
                assert other == answers[0]
            return before[0]
        time.sleep(POLL_S)
    raise AssertionError(f"the servers do not come to one serial: {before}, {after}")


def random_moment(within_s):
    """A pause of random length, so that events fall anywhere in the probes' interval."""
    time.sleep(random.Random(os.urandom(8)).random() * within_s)
