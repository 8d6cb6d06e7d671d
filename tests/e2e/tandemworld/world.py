"""The whole world: two mail sites, a witness, controllers, probes and name servers.

Everything lives below one folder: configuration as an operator would write it, certificates,
state, and a log a process. Use as a context manager; leaving it ends all processes.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

from . import daemons, dns, service
from .api import Api
from .etcd import Cluster
from .nginx import Endpoint
from .pki import PlainAuthority, TandemAuthority
from .postfix import MailServer, can_run_postfix
from .processes import Processes, WorldError, tail, until
from .sites import MAIL_ADDRESSES, MAIL_SITES, MUC, SITES, check_ports

CHECKOUT = Path(__file__).resolve().parents[3]
OPERATOR = "anna"
MARK = "tandem-world"  # a file that tells a world's folder, also one interrupted early, from others


def programs_folder():
    """Where the daemons to test are: $BUILD (make asan sets it) or build, below the checkout."""
    return CHECKOUT / os.environ.get("BUILD", "build") / "bin"


def clear_folder(folder):
    """Removes a former world, also one that was interrupted early; nothing else."""
    if not folder.exists():
        return
    marks = (MARK, "service.yaml")  # the second for worlds of before there was the first
    if not folder.is_dir() or (any(folder.iterdir())
                               and not any((folder / name).exists() for name in marks)):
        raise WorldError(f"{folder} holds something else than a world: remove it or choose "
                         "another folder with --dir")
    shutil.rmtree(folder)


def slack():
    """What targets are multiplied with: sanitizers slow the daemons, figures of theirs mean little."""
    return 4 if "san-" in os.environ.get("BUILD", "") else 1


class World:
    dnsd_sites = MAIL_SITES

    def __init__(self, folder, controllers=1):
        assert controllers in (1, 3)
        self.folder = Path(folder).resolve()
        self.controllers = controllers
        self.programs = programs_folder()
        self.controller_sites = SITES if controllers == 3 else (MUC,)
        self.processes = None
        self.mail, self.https = {}, {}
        self.controld, self.healthd, self.dnsd = {}, {}, {}
        self.etcd = None

    def __enter__(self):
        self.check_ports()
        self.processes = Processes(self.folder, self.within).__enter__()
        try:
            self._prepare()
        except BaseException:
            self.processes.end_all()
            raise
        return self

    def __exit__(self, *_):
        self.processes.end_all()

    def check_ports(self):
        check_ports(self.controllers)

    def within(self, name):
        """The words before a process's command that put it into its place."""
        return []

    # --- what there is -------------------------------------------------------------------------

    def _prepare(self):
        for name in ("tandem", "tandem-controld", "tandem-healthd", "tandem-dnsd"):
            if not (self.programs / name).exists():
                raise WorldError(f"{self.programs / name} is not built: run make")
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / MARK).touch()
        self.folder.chmod(0o755)  # Postfix's processes change to their own user
        self.authority = TandemAuthority(self.programs / "tandem", self.folder / "pki")
        self.mail_authority = PlainAuthority(self.folder / "mail-pki", "mail of the local world")
        self.starttls = can_run_postfix()
        certificate = self.mail_authority.issue("mail-de", names=[service.NAME],
                                                usage="serverAuth")
        for site in MAIL_SITES:
            folder = self.folder / site.name
            self.mail[site.name] = MailServer(self.processes, site, folder / "postfix",
                                              *certificate)
            self.https[site.name] = Endpoint(self.processes, site, folder / "nginx", *certificate)
        if self.controllers == 3:
            self.etcd = Cluster(self.processes, self.folder / "etcd")
        self._prepare_daemons()

    def _prepare_daemons(self):
        made = daemons.Daemons(self.processes, self.programs, self.folder, self.authority)
        urls = [site.api for site in self.controller_sites]
        for site in self.controller_sites:
            store = (daemons.etcd_store(self.etcd, site) if self.etcd
                     else daemons.sqlite_store(self.folder, site))
            self.controld[site.name] = made.controld(site, store)
        for site in SITES:
            # Its own site's controller first, then the others.
            ordered = sorted(urls, key=lambda url, own=site.api: url != own)
            self.healthd[site.name] = made.healthd(site, ordered)
            if site in self.dnsd_sites:
                self.dnsd[site.name] = made.dnsd(site, ordered)
        self.operator_files = self.authority.issue(OPERATOR, MUC.name, "operator")
        self.cli_file = self.folder / "cli.yaml"
        daemons.write_cli(self.cli_file, self.authority, self.operator_files, urls)
        self.service_file = self.folder / "service.yaml"
        self.write_service()

    def write_service(self, **changes):
        text = service.document(self.mail_authority.ca, starttls=self.starttls, **changes)
        self.service_file.write_text(text)
        return text

    @property
    def own_daemons(self):
        return [*self.controld.values(), *self.healthd.values(), *self.dnsd.values()]

    @property
    def dns_servers(self):
        return [site.dns for site in self.dnsd_sites]

    # --- life ----------------------------------------------------------------------------------

    def start(self, tell=lambda text: None):
        for site in MAIL_SITES:
            tell(f"site {site.name}: mail server and HTTPS endpoint")
            self.mail[site.name].start()
            self.https[site.name].start()
        if self.etcd:
            tell("etcd, three members")
            self.etcd.start()
        tell("controllers: " + ", ".join(self.controld))
        for process in self.controld.values():
            process.start()
        self.wait_for_leader()
        for process in [*self.healthd.values(), *self.dnsd.values()]:
            process.start()
        tell("applying the service document")
        done = self.tandem("apply", "-f", self.service_file)
        if done.returncode:
            raise WorldError(f"tandem apply failed ({done.returncode}):\n"
                             f"{done.stdout}{done.stderr}")
        tell("waiting until every site has been probed and every name server answers")
        self.wait_settled()
        return self

    def wait_for_leader(self, limit_s=20):
        """The name of the leading controller, as it says of itself."""
        def leading():
            for site in self.controller_sites:
                if self.controld[site.name].alive:
                    told = self.api(site).try_status()
                    if told and told["controller"]["role"] == "leader":
                        return site.name
            return None
        return until(leading, limit_s, lambda: "no controller leads:\n" + "\n".join(
            f"  {p.name}:\n{tail(p.log_path, 6)}" for p in self.controld.values()), 0.02)

    def wait_settled(self, offered=MAIL_ADDRESSES, limit_s=30):
        """Until the leader sees every member up and current name servers, and DNS answers so."""
        last = {}

        def settled():
            told = last["status"] = self.status()
            members = [m for pool in told["pools"] for m in pool["members"]]
            servers = [d for site in told["sites"] for d in site["dnsd"]]
            return (members and {m["address"] for m in members if m["offered"]} == set(offered)
                    and all(m["verdict"] == "up" for m in members if m["address"] in offered)
                    and len(servers) == len(self.dnsd) and all(d["current"] for d in servers))

        until(settled, limit_s, lambda: "the world does not settle; its status: "
              + json.dumps(last.get("status"), indent=1)[:6000], 0.02)
        dns.wait_for_addresses(self.dns_servers, service.NAME, lambda found: found == set(offered),
                               5, "the name servers do not answer what the leader offers")

    # --- asking --------------------------------------------------------------------------------

    def api(self, site=MUC, files=None):
        return Api(site.api, self.authority.ca, *(files or self.operator_files))

    def leader_api(self):
        name = self.wait_for_leader()
        return self.api(next(site for site in SITES if site.name == name))

    def status(self):
        """Of the leader, or else of any controller that answers."""
        last = None
        for site in self.controller_sites:
            if self.controld[site.name].alive:
                told = self.api(site).try_status()
                if told and told["controller"]["role"] == "leader":
                    return told
                last = told or last
        if last is None:
            raise WorldError("no controller answers")
        return last

    def member(self, site, status=None):
        told = status or self.status()
        return next(m for pool in told["pools"] for m in pool["members"]
                    if m["address"] == site.mail)

    def command(self, *words):
        return [str(self.programs / "tandem"), *[str(word) for word in words],
                "--config", str(self.cli_file)]

    def tandem(self, *words, limit_s=30):
        """Runs the operator's command to its end."""
        return subprocess.run(self.command(*words), capture_output=True, text=True,
                              timeout=limit_s, check=False,
                              env=dict(os.environ, **daemons.SANITIZER_ENVIRONMENT))

    def tandem_by_socket(self, site, *words):
        """On the host of the site's controller: no configuration, no certificate."""
        socket = self.controld[site.name].socket
        return subprocess.run([self.programs / "tandem", "--socket", socket, *words],
                              capture_output=True, text=True, timeout=30, check=False,
                              env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"})

    def tandem_json(self, *words):
        done = self.tandem(*words, "--json")
        if done.returncode:
            raise WorldError(f"tandem {' '.join(map(str, words))} failed ({done.returncode}): "
                             f"{done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def programs_of(self, _site):
        """The folder with the release that is installed there."""
        return self.programs

    def drain(self, site, reason="test"):
        return self.tandem("drain", site.name, "--for", "2h", "--reason", reason)

    def undrain(self, site):
        return self.tandem("undrain", site.name)

    def drained_sites(self):
        return {site["name"] for site in self.status()["sites"] if site["drained"]}

    def serial(self, server=MUC.dns):
        asker = dns.Asker(server)
        try:
            return asker.serial(service.ZONE)
        finally:
            asker.close()
