"""The end-to-end tests' world, with its sites in network namespaces, disks of its own for what is to
run full, and clocks that can be set for a controller or a probe alone."""

import contextlib
import os
import subprocess
from pathlib import Path

from tandemworld import service
from tandemworld.processes import WorldError
from tandemworld.sites import MAIL_SITES, SITES
from tandemworld.world import World

from . import network

FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
# etcd allocates 64 MB for a log segment ahead, and the next one beside it.
DISK_MB = {"etcd": 400, "dnsd": 4, "healthd": 4}
SPARE_POOL, SPARE_NAME = "spare", f"spare.{service.ZONE}"
# Operators stop and pin what belongs to this pool: that must not keep mail-de from failing over.
_SPARE = """
  spare:
    region: eu-de
    return_after: 0s
    flap_half_life: 0s
    checks: [tcp]
    members:
      - {site: muc, address: %s}
      - {site: fra, address: %s}

zones:"""
_TCP_CHECK = """
  tcp: {type: tcp, port: 2525, interval: 1s, timeout: 500ms}

pools:"""


def faketime_library():
    found = [FAKETIME, *Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")]
    for path in found:
        if path.exists():
            return path
    raise WorldError("libfaketime is not installed: apt-get install faketime")


@contextlib.contextmanager
def yesterday():
    """Certificates made now are valid for a clock that is set back, too."""
    added = {"LD_PRELOAD": str(faketime_library()), "FAKETIME": "-1d"}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]


class Disk:
    """A small file system of its own for one process's data."""

    def __init__(self, folder, megabytes):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs",
                        str(self.folder)], check=True)
        self._filler = self.folder / "filler"

    def fill(self):
        with open(self._filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"\0" * 65536)
        with open(self._filler, "ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"\0" * 512)

    def free(self):
        with contextlib.suppress(FileNotFoundError):
            self._filler.unlink()

    def unmount(self):
        subprocess.run(["umount", "-l", str(self.folder)], check=False)


class Clock:
    """What one process takes for the time of day; its monotonic clock stays true."""

    def __init__(self, path):
        self.path = Path(path)
        self.set(0)

    def set(self, offset_s):
        # In one write of fixed length: the library reads the file whenever it likes.
        with open(self.path, "r+b" if self.path.exists() else "wb", buffering=0) as file:
            file.write(f"{offset_s:+08d}s\n".encode())

    @property
    def environment(self):
        return {"LD_PRELOAD": str(faketime_library()),
                "FAKETIME_TIMESTAMP_FILE": str(self.path), "FAKETIME_CACHE_DURATION": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}


class ChaosWorld(World):
    dnsd_sites = SITES  # the witness has a name server, too: a third, far from the mail

    def __init__(self, folder, disks=True, clocks=True):
        super().__init__(folder, controllers=3)
        self.network = network.Network()
        self._with_disks, self._with_clocks = disks, clocks
        self.disks, self.clocks = {}, {}

    def check_ports(self):
        """Nobody else is in these namespaces."""

    def within(self, name):
        return network.within(name)

    def _prepare(self):
        if self._with_disks:
            for site in SITES:
                for daemon, megabytes in DISK_MB.items():
                    folder = (self.folder / "etcd" / site.name if daemon == "etcd"
                              else self.folder / site.name / daemon)
                    self.disks[f"{daemon}-{site.name}"] = Disk(folder, megabytes)
        with yesterday() if self._with_clocks else contextlib.nullcontext():
            super()._prepare()
        if self._with_clocks:
            self._prepare_clocks()

    def _prepare_clocks(self):
        folder = self.folder / "clocks"
        folder.mkdir(exist_ok=True)
        for process in [*self.controld.values(), *self.healthd.values()]:
            clock = self.clocks[process.name] = Clock(folder / process.name)
            process.environment = {**process.environment, **clock.environment}

    def __exit__(self, *error):
        super().__exit__(*error)
        for disk in self.disks.values():
            disk.unmount()

    def document(self, title):
        text = service.document(self.mail_authority.ca, starttls=self.starttls)
        text = text.replace("Tandem's local world", title, 1)
        text = text.replace("\npools:", _TCP_CHECK, 1)
        text = text.replace("\nzones:", _SPARE % tuple(site.mail for site in MAIL_SITES), 1)
        return text + f"  {SPARE_NAME}: {SPARE_POOL}\n"

    def write_service(self, **_changes):
        text = self.document("chaos-0")
        self.service_file.write_text(text)
        return text

    def process(self, name):
        """DAEMON-SITE; mail-SITE and https-SITE included."""
        daemon, site = name.rsplit("-", 1)
        if daemon == "mail":
            return self.mail[site].process
        if daemon == "https":
            return self.https[site].process
        if daemon == "etcd":
            return self.etcd.members[site].process
        return {"controld": self.controld, "healthd": self.healthd, "dnsd": self.dnsd}[daemon][site]

    @property
    def process_names(self):
        names = [f"{daemon}-{site.name}" for site in SITES
                 for daemon in ("etcd", "controld", "healthd", "dnsd")]
        return names + [f"{kind}-{site.name}" for site in MAIL_SITES for kind in ("mail", "https")]
