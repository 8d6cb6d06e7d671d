"""Questions without a pause, over UDP and TCP, every answer compared octet by octet.

For hand-overs: what counts is how many questions stayed without their answer. A TCP client does as
RFC 7828 asks: told a timeout of 0, it closes when its answers are in, and opens a new connection.
"""

import select
import socket
import struct
import threading
import time

PATIENCE_S = 3.0  # an answer so late counts as lost
WINDOW = 8        # questions under way at a time
_KEEPALIVE = 11


def _query(name, edns):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split("."))
    opt = b"\0" + struct.pack(">HHIH", 41, 1232, 0, 4) + struct.pack(">HH", _KEEPALIVE, 0)
    return (struct.pack(">5H", 0, 1, 0, 0, 1 if edns else 0) + labels + b"\0"
            + struct.pack(">2H", 1, 1) + (opt if edns else b""))


def _parted(answer):
    """An answer without id and keepalive option, and the timeout that the option told, or None."""
    at = answer.rfind(struct.pack(">HHH", 6, _KEEPALIVE, 2))
    if at < 0:
        return answer[2:], None
    return answer[2:at], struct.unpack_from(">H", answer, at + 6)[0]


class Load:
    """Asks from start to end; then .sent, .lost, .wrong and .told_to_leave tell."""

    def __init__(self, address, port, name, udp=2, tcp=2, short=1):
        self._target, self._name = (address, port), name
        self.sent = self.lost = self.told_to_leave = 0
        self.wrong = []
        self._end, self._lock = threading.Event(), threading.Lock()
        self._expected = {}
        self._threads = ([threading.Thread(target=self._run, args=(self._udp,)) for _ in range(udp)]
                         + [threading.Thread(target=self._run, args=(self._tcp, 1 << 30))
                            for _ in range(tcp)]
                         + [threading.Thread(target=self._run, args=(self._tcp, 1))
                            for _ in range(short)])

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, more):
        """Until so many more questions were asked."""
        goal = self.sent + more
        end = time.monotonic() + 30
        while self.sent < goal:
            assert time.monotonic() < end, "the load stands still"
            time.sleep(0.002)

    def _run(self, ask, *args):
        while not self._end.is_set():
            ask(*args)

    def _count(self, sent, lost=0, wrong=()):
        with self._lock:
            self.sent += sent
            self.lost += lost
            self.wrong += wrong

    def _judge(self, kind, answer):
        body, keepalive = _parted(answer)
        with self._lock:
            expected = self._expected.setdefault(kind, body)
            if keepalive == 0:
                self.told_to_leave += 1
        return [] if body == expected and answer[3] & 15 == 0 else [answer], keepalive

    def _udp(self):
        query = _query(self._name, False)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(PATIENCE_S)
            s.connect(self._target)
            identity = 0
            while not self._end.is_set():
                open_ones = set()
                for _ in range(WINDOW):
                    identity = (identity + 1) & 0xFFFF
                    s.send(struct.pack(">H", identity) + query)
                    open_ones.add(identity)
                wrong = []
                while open_ones:
                    try:
                        answer = s.recv(4096)
                    except OSError:
                        break
                    wrong += self._judge("udp", answer)[0]
                    open_ones.discard(struct.unpack_from(">H", answer)[0])
                self._count(WINDOW, len(open_ones), wrong)

    def _tcp(self, questions):
        """One connection, until it was told to leave or has asked so many questions."""
        query = _query(self._name, True)
        message = struct.pack(">H", 2 + len(query))
        try:
            s = socket.create_connection(self._target, PATIENCE_S)
        except OSError:
            self._count(1, 1)
            return
        with s:
            s.settimeout(PATIENCE_S)
            stream = s.makefile("rb")
            leaves = False
            for start in range(0, questions, WINDOW):
                batch = min(WINDOW, questions - start)
                answered, wrong = 0, []
                try:
                    s.sendall(b"".join(message + struct.pack(">H", n) + query
                                       for n in range(batch)))
                    for _ in range(batch):
                        length = struct.unpack(">H", stream.read(2))[0]
                        bad, keepalive = self._judge("tcp", stream.read(length))
                        wrong += bad
                        answered += 1
                        leaves = leaves or keepalive == 0
                except (OSError, struct.error):
                    leaves = True
                self._count(batch, batch - answered, wrong)
                if leaves or self._end.is_set():
                    return


def readable(fd, limit_s):
    return bool(select.select([fd], [], [], limit_s)[0])
