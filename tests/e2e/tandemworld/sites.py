"""Who lives where in the local world: addresses and ports, and what to do when one is taken."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

from .processes import WorldError

SMTP_PORT, HTTPS_PORT = 2525, 4443
DNS_PORT, API_PORT = 5353, 8443
ETCD_PORT, ETCD_PEER_PORT = 2379, 2380
CONTROLD_METRICS_PORT, HEALTHD_METRICS_PORT, DNSD_METRICS_PORT = 9443, 9444, 9445


@dataclass(frozen=True)
class Site:
    name: str
    network: str  # the first two bytes of its /16
    serves_mail: bool

    @property
    def control(self):
        return f"{self.network}.0.1"

    @property
    def mail(self):
        return f"{self.network}.0.25"

    @property
    def dns(self):
        return f"{self.network}.0.53"

    @property
    def api(self):
        return f"https://{self.control}:{API_PORT}"

    @property
    def etcd(self):
        return f"{self.control}:{ETCD_PORT}"


# Loopback can not be routed between network namespaces: tests/chaos says 10.
NETWORK = os.environ.get("TANDEM_WORLD_NETWORK", "127")
MUC = Site("muc", f"{NETWORK}.10", True)
FRA = Site("fra", f"{NETWORK}.20", True)
WITNESS = Site("witness", f"{NETWORK}.30", False)
SITES = (MUC, FRA, WITNESS)
MAIL_SITES = (MUC, FRA)
MAIL_ADDRESSES = frozenset(site.mail for site in MAIL_SITES)


def needed_ports(controllers):
    """Every (kind, address, port) a world listens on."""
    ports = []
    for site in MAIL_SITES:
        ports += [("tcp", site.mail, SMTP_PORT), ("tcp", site.mail, HTTPS_PORT),
                  ("udp", site.dns, DNS_PORT), ("tcp", site.dns, DNS_PORT)]
    for site in SITES if controllers == 3 else (MUC,):
        ports.append(("tcp", site.control, API_PORT))
        if controllers == 3:
            ports += [("tcp", site.control, ETCD_PORT), ("tcp", site.control, ETCD_PEER_PORT)]
    return ports


def check_ports(controllers):
    """Raises when a port is taken, naming the process that holds it and what to do."""
    taken = []
    for kind, address, port in needed_ports(controllers):
        with socket.socket(type=socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM) as s:
            if kind == "tcp":
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind((address, port))
            except OSError as error:
                holder = holder_of(kind, port)
                taken.append(f"  {address} port {port} ({kind}): {holder or error.strerror}")
    if taken:
        raise WorldError("these ports of the local world are taken:\n" + "\n".join(taken) +
                         "\nEnd that process (another `make run`? Ctrl-C there, or kill its pid),"
                         " or run this world in a network of its own, as root:\n"
                         "  unshare --net sh -c 'ip link set lo up; make run'")


def holder_of(kind, port):
    """'NAME, pid N' of the process that listens on a port, as far as /proc lets us see."""
    inodes = set()
    for table in (kind, kind + "6"):
        try:
            rows = Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            fields = row.split()
            listening = kind == "udp" or fields[3] == "0A"
            if listening and int(fields[1].rsplit(":", 1)[1], 16) == port:
                inodes.add(f"socket:[{fields[9]}]")
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            held = {os.readlink(entry) for entry in (process / "fd").iterdir()}
            if held & inodes:
                return f"{(process / 'comm').read_text().strip()}, pid {process.name}"
        except OSError:
            continue
    return "a process of another user (as root: ss -tulpn)" if inodes else ""


def listens(address, port):
    """Does somebody accept connections there?"""
    try:
        socket.create_connection((address, port), 0.5).close()
        return True
    except OSError:
        return False
