"""Tandem's own daemons in the local world: their small files, their processes.

The files are what an operator would write; docs/architecture.md, "Daemon files".
"""

import tempfile
from pathlib import Path

from .sites import (CONTROLD_METRICS_PORT, API_PORT, DNS_PORT, DNSD_METRICS_PORT,
                    HEALTHD_METRICS_PORT)

SOCKET_PATH_BYTES = 107  # unix(7)
# A report ends the program at once, so that a test can not pass over it.
SANITIZER_ENVIRONMENT = {
    "ASAN_OPTIONS": "abort_on_error=1:detect_leaks=1:detect_stack_use_after_return=1:"
                    "verify_asan_link_order=0",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:suppressions="
                    f"{Path(__file__).parent / 'thread-sanitizer.supp'}",
}


def _tls(authority, files):
    return f"tls: {{ca: {authority.ca}, certificate: {files[0]}, key: {files[1]}}}\n"


def _controllers(urls):
    return f"controllers: [{', '.join(urls)}]\n"


def write_cli(path, authority, files, urls):
    path.write_text("# tandem: the operator's command\n" + _controllers(urls)
                    + _tls(authority, files))


class Daemons:
    """Writes configuration files below FOLDER/SITE and adds the processes, not yet started."""

    def __init__(self, processes, programs, folder, authority):
        self._processes, self._programs = processes, Path(programs)
        self._folder, self._authority = Path(folder), authority

    def _add(self, site, daemon, text, options=()):
        folder = self._folder / site.name
        (folder / daemon).mkdir(parents=True, exist_ok=True)
        path = folder / f"{daemon}.yaml"
        if text is not None:
            path.write_text(f"# tandem-{daemon} of site {site.name}\n" + text)
        process = self._processes.add(f"{daemon}-{site.name}",
                                      [self._programs / f"tandem-{daemon}", "-c", path, *options],
                                      environment=SANITIZER_ENVIRONMENT)
        process.configuration = path
        process.state = folder / daemon
        return process

    def controld(self, site, store):
        """store: the text behind `store:`."""
        files = self._authority.issue(f"controld-{site.name}", site.name, "controld",
                                      [site.control])
        socket = self._folder / site.name / "controld" / "controld.sock"
        if len(str(socket)) > SOCKET_PATH_BYTES:  # a deep checkout
            socket = Path(tempfile.mkdtemp(prefix="tandem-")) / "controld.sock"
        process = self._add(site, "controld", (
            f"name: {site.name}\n"
            f"listen: [\"{site.control}@{API_PORT}\"]\n"
            f"url: {site.api}\n"
            f"metrics: \"{site.control}@{CONTROLD_METRICS_PORT}\"\n"
            f"socket: {socket}\n"
            + _tls(self._authority, files) + f"store: {store}\n"))
        process.socket = socket
        return process

    def bare_controld(self, site):
        """Installed, but not configured: whoever does that also makes its certificate."""
        return self._add(site, "controld", None)

    def healthd(self, site, urls):
        files = self._authority.issue(f"healthd-{site.name}", site.name, "healthd")
        return self._add(site, "healthd", (
            f"name: healthd-{site.name}\n" + _controllers(urls) + _tls(self._authority, files)
            + f"state: {self._folder / site.name / 'healthd'}\n"
            + f"metrics: \"{site.control}@{HEALTHD_METRICS_PORT}\"\n"))

    def dnsd(self, site, urls):
        files = self._authority.issue(f"dnsd-{site.name}", site.name, "dnsd")
        return self._add(site, "dnsd", (
            f"name: dnsd-{site.name}\n" + _controllers(urls) + _tls(self._authority, files)
            + f"listen: [\"{site.dns}@{DNS_PORT}\"]\n"
            + f"state: {self._folder / site.name / 'dnsd'}\n"
            + f"metrics: \"{site.dns}@{DNSD_METRICS_PORT}\"\n"))


def sqlite_store(folder, site):
    return f"{{sqlite: {Path(folder) / site.name / 'controld' / 'tandem.db'}}}"


def etcd_store(cluster, site):
    """The site's own member first."""
    own = cluster.members[site.name].url
    endpoints = [own] + [url for url in cluster.endpoints if url != own]
    text = f"endpoints: [{', '.join(endpoints)}]"
    if cluster.client_files:
        ca, certificate, key = cluster.client_files
        text += f", tls: {{ca: {ca}, certificate: {certificate}, key: {key}}}"
    return f"{{etcd: {{{text}}}}}"
