"""The name servers that Tandem's answers are compared with, each with the same zones."""

from .daemons import SANITIZER_ENVIRONMENT
from .processes import until
from .secondaries import content
from .world import programs_folder
from . import dns as asking, nameservers

ADDRESS = "127.0.0.1"
PORTS = {"tandem": 5321, "knot": 5322, "nsd": 5323, "bind": 5324}


def _tandem(folder, port, zones, keys):
    rows = "".join(f"  - {{name: {name}, file: {path}{_keyed(keys, name)}}}\n"
                   for name, path in zones)
    (folder / "dnsd.yaml").write_text(f"listen: [{ADDRESS}@{port}]\nzones:\n{rows}"
                                      f"transfers: {{allow: [{{from: [{ADDRESS}]}}]}}\n")
    return [programs_folder() / "tandem-dnsd", "-c", folder / "dnsd.yaml"]


def _keyed(keys, name):
    return f", dnssec: {{keys: [\"{keys[name]}\"], denial: nsec}}" if keys else ""


def _knot(folder, port, zones):
    rows = "".join(f"  - domain: {name}\n    file: {path}\n" for name, path in zones)
    return nameservers.knot(folder, (ADDRESS, port), f"""\
template:
  - id: default
    semantic-checks: off
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
zone:
{rows}""", server='    version: ""\n    identity: ""\n')


def _nsd(folder, port, zones):
    rows = "".join(f"zone:\n  name: {name}\n  zonefile: {path}\n" for name, path in zones)
    return nameservers.nsd(folder, (ADDRESS, port), rows, server="""\
  minimal-responses: yes
  refuse-any: no
  hide-version: yes
  hide-identity: yes
""")


def _bind(folder, port, zones):
    rows = "".join(f'zone "{name}" {{ type primary; file "{path}"; }};\n' for name, path in zones)
    return nameservers.bind(folder, (ADDRESS, port), rows, options="""\
  allow-transfer { none; };
  minimal-responses yes;
  check-names primary ignore;
  check-integrity no;
  check-mx ignore;
  check-sibling no;
  check-srv-cname ignore;
  check-mx-cname ignore;
  check-wildcard no;
  answer-cookie no;
  max-udp-size 1232;
  version none;
""")


_COMMANDS = {"knot": _knot, "nsd": _nsd, "bind": _bind}


class Peers:
    """Starts them all; `zones` are (name, path of the file). With `keys`, of a zone each, Tandem signs
    them, and the others get them as Tandem gives them away: with its signatures and its NSEC."""

    def __init__(self, processes, folder, zones, keys=None):
        self.ports, self.folder = PORTS, folder
        self._processes, self._zones = processes, zones
        home = self._home("tandem")
        self._await([self._start("tandem", _tandem(home, PORTS["tandem"], zones, keys))])
        if keys:
            self._zones = [(name, self._transferred(name)) for name, _ in zones]
        self._await([self._start(name, command(self._home(name), PORTS[name], self._zones))
                     for name, command in _COMMANDS.items()])

    def _home(self, name):
        home = self.folder / name
        home.mkdir(parents=True)
        return home

    def _start(self, name, command):
        process = self._processes.add(name, command, environment=SANITIZER_ENVIRONMENT)
        process.start()
        return process, PORTS[name]

    def _await(self, running):
        for process, port in running:
            asker = asking.Asker(ADDRESS, port)
            for zone, _ in self._zones:
                until(lambda: process.died or asker.serial(zone) is not None, 30,
                      f"{process.name} does not serve {zone}, see {process.log_path}")
                assert not process.died, f"{process.name} ended, see {process.log_path}"
            asker.close()

    def _transferred(self, zone):
        lines = content(ADDRESS, PORTS["tandem"], zone)
        path = self.folder / f"{zone}signed"
        path.write_text("\n".join(sorted(lines, key=lambda line: line.split()[3] != "SOA")) + "\n")
        return path
