"""A name server that takes every view, says so, and answers some questions wrongly: what stands
before a real one's port and changes what it says. As root in a network namespace of one's own."""

import contextlib
import os
import socket
import subprocess
import threading

import dns.message
import dns.rcode
import dns.rdatatype

from .sites import DNS_PORT

OWN = "127.10.0.99"  # where it answers, and from where it asks the real one

_RULES = """
table ip liar {{
  chain output {{
    type nat hook output priority -100;
    ip saddr != {own} ip daddr {victim} udp dport {port} dnat to {own}:{port}
  }}
}}
"""


def can_lie():
    return os.getpid() == 1  # see run-tests


class Liar:
    """lie(answer, kind, name): changes the dns.message.Message in place, or does not."""

    def __init__(self, victim, lie):
        self._victim, self._lie = victim, lie
        self.lies, self.truths = [], 0  # questions answered wrongly, answers left as they are
        self._front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._front.bind((OWN, DNS_PORT))
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self._front.settimeout(0.1)
        self._thread.start()
        try:
            done = subprocess.run(["nft", "-f", "-"], text=True, capture_output=True, check=False,
                                  input=_RULES.format(own=OWN, victim=self._victim, port=DNS_PORT))
            assert done.returncode == 0, done
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_):
        subprocess.run(["nft", "delete", "table", "ip", "liar"], check=True)
        self._stop()

    def _stop(self):
        self._end.set()
        self._thread.join()
        self._front.close()

    def _serve(self):
        while not self._end.is_set():
            with contextlib.suppress(OSError):  # nothing came, or the real one is silent
                question, client = self._front.recvfrom(4096)
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as back:
                    back.settimeout(1)
                    back.bind((OWN, 0))
                    back.sendto(question, (self._victim, DNS_PORT))
                    self._front.sendto(self._said(back.recv(4096)), client)

    def _said(self, wire):
        answer = dns.message.from_wire(wire)
        name, kind = str(answer.question[0].name).rstrip("."), answer.question[0].rdtype
        before = answer.to_text()
        self._lie(answer, name.lower(), dns.rdatatype.to_text(kind))
        if answer.to_text() == before:
            self.truths += 1
            return wire
        self.lies.append((name, dns.rdatatype.to_text(kind)))
        return answer.to_wire()
