"""The name servers that Tandem's answers are compared with, each with the same zones."""

from .daemons import SANITIZER_ENVIRONMENT
from .processes import need_program, until
from .world import programs_folder
from . import dns as asking

ADDRESS = "127.0.0.1"
PORTS = {"tandem": 5321, "knot": 5322, "nsd": 5323, "bind": 5324}


def _tandem(folder, port, zones):
    rows = "".join(f"  - {{name: {name}, file: {path}}}\n" for name, path in zones)
    (folder / "dnsd.yaml").write_text(f"listen: [{ADDRESS}@{port}]\nzones:\n{rows}")
    return [programs_folder() / "tandem-dnsd", "-c", folder / "dnsd.yaml"]


def _knot(folder, port, zones):
    rows = "".join(f"  - domain: {name}\n    file: {path}\n" for name, path in zones)
    (folder / "knot.conf").write_text(f"""\
server:
    rundir: {folder}
    listen: "{ADDRESS}@{port}"
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
    version: ""
    identity: ""
database:
    storage: {folder}
    journal-db-max-size: 16M
    timer-db-max-size: 1M
log:
  - target: stderr
    any: warning
template:
  - id: default
    semantic-checks: off
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
zone:
{rows}""")
    return [need_program("knotd", "knot"), "-c", folder / "knot.conf"]


def _nsd(folder, port, zones):
    rows = "".join(f"zone:\n  name: {name}\n  zonefile: {path}\n" for name, path in zones)
    (folder / "nsd.conf").write_text(f"""\
server:
  ip-address: {ADDRESS}@{port}
  server-count: 1
  username: ""
  chroot: ""
  zonesdir: "{folder}"
  database: ""
  pidfile: ""
  xfrdfile: ""
  xfrdir: "{folder}"
  zonelistfile: "{folder}/zones.list"
  minimal-responses: yes
  refuse-any: no
  rrl-ratelimit: 0
  hide-version: yes
  hide-identity: yes
remote-control:
  control-enable: no
{rows}""")
    return [need_program("nsd", "nsd"), "-d", "-c", folder / "nsd.conf"]


def _bind(folder, port, zones):
    rows = "".join(f'zone "{name}" {{ type primary; file "{path}"; }};\n' for name, path in zones)
    (folder / "named.conf").write_text(f"""\
options {{
  directory "{folder}";
  pid-file none;
  session-keyfile none;
  lock-file none;
  listen-on port {port} {{ {ADDRESS}; }};
  listen-on-v6 {{ none; }};
  recursion no;
  allow-transfer {{ none; }};
  notify no;
  minimal-responses yes;
  check-names primary ignore;
  check-integrity no;
  check-mx ignore;
  check-sibling no;
  check-srv-cname ignore;
  check-mx-cname ignore;
  check-wildcard no;
  dnssec-validation no;
  empty-zones-enable no;
  answer-cookie no;
  max-udp-size 1232;
  version none;
}};
controls {{ }};
{rows}""")
    return [need_program("named", "bind9"), "-g", "-n", "1", "-c", folder / "named.conf"]


_COMMANDS = {"tandem": _tandem, "knot": _knot, "nsd": _nsd, "bind": _bind}


class Peers:
    """Starts them all; `zones` are (name, path of the file)."""

    def __init__(self, processes, folder, zones):
        self.ports, self.folder = PORTS, folder
        running = []
        for name, port in PORTS.items():
            home = folder / name
            home.mkdir(parents=True)
            command = _COMMANDS[name](home, port, zones)
            process = processes.add(name, command, environment=SANITIZER_ENVIRONMENT)
            process.start()
            running.append((process, port))
        for process, port in running:
            asker = asking.Asker(ADDRESS, port)
            for zone, _ in zones:
                until(lambda: process.died or asker.serial(zone) is not None, 30,
                      f"{process.name} does not serve {zone}, see {process.log_path}")
                assert not process.died, f"{process.name} ended, see {process.log_path}"
            asker.close()
