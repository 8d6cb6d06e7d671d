"""Three etcd members, one a site, as Tandem's three controllers need them; TLS or plain."""

import json
import signal
import ssl
import urllib.error
import urllib.request
from pathlib import Path

from .pki import PlainAuthority
from .processes import need_program, tail, until
from .sites import ETCD_PEER_PORT, SITES


class Member:
    def __init__(self, cluster, site, process):
        self.cluster, self.site, self.process = cluster, site, process

    @property
    def url(self):
        return f"{self.cluster.scheme}://{self.site.etcd}"

    def call(self, path, limit_s=1.0):
        """An answer of the member's JSON gateway, or None when there is none."""
        request = urllib.request.Request(f"{self.url}{path}", data=b"{}")
        try:
            with urllib.request.urlopen(request, timeout=limit_s,
                                        context=self.cluster.context) as answer:
                return json.load(answer)
        except (OSError, ValueError, urllib.error.URLError):
            return None

    def leads(self):
        status = self.call("/v3/maintenance/status")
        return bool(status) and status["header"]["member_id"] == status.get("leader")

    def healthy(self):
        """Does it see a leader that commits?"""
        return bool(self.call("/v3/kv/range", 1.0) is not None
                    or (self.call("/v3/maintenance/status") or {}).get("leader"))


class Cluster:
    def __init__(self, processes, folder, tls=True):
        folder = Path(folder)
        self.scheme = "https" if tls else "http"
        self.context = None
        self.client_files = None
        options = {}
        if tls:
            authority = PlainAuthority(folder / "pki", "etcd of the local world")
            self.client_files = (authority.ca, *authority.issue("client", usage="clientAuth"))
            self.context = ssl.create_default_context(cafile=authority.ca)
            self.context.load_cert_chain(*self.client_files[1:])
            options = {site: self._tls_options(authority, site) for site in SITES}
        peers = ",".join(f"{site.name}={self.scheme}://{site.control}:{ETCD_PEER_PORT}"
                         for site in SITES)
        self.members = {}
        for site in SITES:
            client = f"{self.scheme}://{site.etcd}"
            peer = f"{self.scheme}://{site.control}:{ETCD_PEER_PORT}"
            command = [
                need_program("etcd", "etcd-server"), "--name", site.name,
                "--data-dir", folder / site.name,
                "--listen-client-urls", client, "--advertise-client-urls", client,
                "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                "--initial-cluster", peers, "--initial-cluster-state", "new",
                "--initial-cluster-token", "tandem-local-world",
                "--pre-vote", "--heartbeat-interval", "50", "--election-timeout", "500",
                "--logger", "zap", "--log-level", "warn", *options.get(site, ())]
            # Its data ends with the world: no need to wait seconds for an orderly end.
            process = processes.add(f"etcd-{site.name}", command, end_signal=signal.SIGKILL)
            self.members[site.name] = Member(self, site, process)

    @staticmethod
    def _tls_options(authority, site):
        # etcd's gateway dials its own client port: the certificate needs clientAuth too. Peers are
        # checked against the address they call from, which on loopback is 127.0.0.1.
        certificate, key = authority.issue(site.name, addresses=[site.control, "127.0.0.1"])
        return ["--cert-file", certificate, "--key-file", key, "--trusted-ca-file", authority.ca,
                "--client-cert-auth", "--peer-cert-file", certificate, "--peer-key-file", key,
                "--peer-trusted-ca-file", authority.ca, "--peer-client-cert-auth"]

    @property
    def endpoints(self):
        return [member.url for member in self.members.values()]

    def start(self):
        for member in self.members.values():
            member.process.start()
        self.wait_for_leader()

    def wait_for_leader(self, limit_s=20):
        def leader():
            return next((m for m in self.members.values() if m.process.alive and m.leads()), None)
        return until(leader, limit_s, lambda: "etcd has no leader:\n" + "\n".join(
            f"  {m.site.name}:\n{tail(m.process.log_path, 4)}" for m in self.members.values()), 0.02)
