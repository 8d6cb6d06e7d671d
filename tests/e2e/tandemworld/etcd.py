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

    def call(self, path, limit_s=1.0, body=None):
        """An answer of the member's JSON gateway, or None when there is none."""
        request = urllib.request.Request(f"{self.url}{path}", data=json.dumps(body or {}).encode())
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
    """Each member reads its options from FOLDER/NAME.env, as Debian's does from /etc/default/etcd."""

    def __init__(self, processes, folder, tls=True):
        folder = Path(folder)
        self.processes, self.folder = processes, folder
        self.scheme = "https" if tls else "http"
        self.context = None
        self.client_files = None
        self.authority = None
        if tls:
            self.authority = PlainAuthority(folder / "pki", "etcd of the local world")
            self.client_files = (self.authority.ca,
                                 *self.authority.issue("client", usage="clientAuth"))
            self.context = ssl.create_default_context(cafile=self.authority.ca)
            self.context.load_cert_chain(*self.client_files[1:])
        peers = ",".join(f"{site.name}={self.peer_url(site)}" for site in SITES)
        self.members = {}
        for site in SITES:
            self.add(site, ETCD_INITIAL_CLUSTER=peers, ETCD_INITIAL_CLUSTER_STATE="new",
                     ETCD_INITIAL_CLUSTER_TOKEN="tandem-local-world")

    def peer_url(self, site):
        return f"{self.scheme}://{site.control}:{ETCD_PEER_PORT}"

    def add(self, site, **joining):
        """A member that is configured, not yet started; `joining`: how it finds its cluster."""
        client = f"{self.scheme}://{site.etcd}"
        options = {
            "ETCD_NAME": site.name, "ETCD_DATA_DIR": self.folder / site.name,
            "ETCD_LISTEN_CLIENT_URLS": client, "ETCD_ADVERTISE_CLIENT_URLS": client,
            "ETCD_LISTEN_PEER_URLS": self.peer_url(site),
            "ETCD_INITIAL_ADVERTISE_PEER_URLS": self.peer_url(site),
            "ETCD_PRE_VOTE": "true", "ETCD_HEARTBEAT_INTERVAL": 50, "ETCD_ELECTION_TIMEOUT": 500,
            "ETCD_LOGGER": "zap", "ETCD_LOG_LEVEL": "warn",
            **(self._tls_options(site) if self.authority else {}), **joining}
        path = self.folder / f"{site.name}.env"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f'{name}="{value}"\n' for name, value in options.items()))
        command = ["sh", "-c", 'set -a; . "$0"; exec "$1" $DAEMON_ARGS', path,
                   need_program("etcd", "etcd-server")]
        # Its data ends with the world: no need to wait seconds for an orderly end.
        process = self.processes.add(f"etcd-{site.name}", command, end_signal=signal.SIGKILL,
                                     environment={"DAEMON_ARGS": ""})
        self.members[site.name] = Member(self, site, process)
        return self.members[site.name]

    def _tls_options(self, site):
        # etcd's gateway dials its own client port: the certificate needs clientAuth too. Peers are
        # checked against the address they call from, which on loopback is 127.0.0.1.
        certificate, key = self.authority.issue(site.name, addresses=[site.control, "127.0.0.1"])
        return {"ETCD_CERT_FILE": certificate, "ETCD_KEY_FILE": key,
                "ETCD_TRUSTED_CA_FILE": self.authority.ca, "ETCD_CLIENT_CERT_AUTH": "true",
                "ETCD_PEER_CERT_FILE": certificate, "ETCD_PEER_KEY_FILE": key,
                "ETCD_PEER_TRUSTED_CA_FILE": self.authority.ca,
                "ETCD_PEER_CLIENT_CERT_AUTH": "true"}

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
