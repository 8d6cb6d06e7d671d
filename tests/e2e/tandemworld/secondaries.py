"""Knot, NSD and BIND as secondaries of a tandem-dnsd: each takes its zones over with a TSIG key, is
told of changes, and where it can follows the catalog zone."""

import dns.exception
import dns.query
import dns.rcode
import dns.tsigkeyring
import dns.zone

from .processes import need_program
from . import dns as asking

# BIND listens only on addresses that an interface has; 127.0.0.2 is merely routed to one.
PLACES = {"knot": ("127.0.0.2", 5302), "nsd": ("127.0.0.3", 5303), "bind": ("127.0.0.1", 5304)}
KNOWS_CATALOGS = ("knot", "bind")  # NSD 4.6 does not


class Key:
    """A key file of `tandem tsig keygen`, taken apart."""

    def __init__(self, path):
        lines = (line.split(":", 1) for line in path.read_text().splitlines()
                 if ":" in line and not line.startswith("#"))
        values = {name: value.strip() for name, value in lines}
        self.path, self.name = path, values["name"]
        self.algorithm, self.secret = values["algorithm"], values["secret"]

    def ring(self, secret=None):
        return dns.tsigkeyring.from_text({self.name: (self.algorithm, secret or self.secret)})


def _knot(folder, place, primary, zones, catalog, key):
    address, own_port = place
    host, port = primary
    rows = "".join(f"  - domain: {name}\n    template: member\n" for name in zones)
    if catalog:
        rows += (f"  - domain: {catalog}\n    template: member\n"
                 "    catalog-role: interpret\n    catalog-template: member\n")
    (folder / "knot.conf").write_text(f"""\
server:
    rundir: {folder}
    listen: "{address}@{own_port}"
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: {folder}
    journal-db-max-size: 16M
    timer-db-max-size: 1M
log:
  - target: stderr
    any: info
key:
  - id: {key.name}
    algorithm: {key.algorithm}
    secret: {key.secret}
remote:
  - id: tandem
    address: {host}@{port}
    via: {address}
    key: {key.name}
acl:
  - id: told
    address: {host}
    key: {key.name}
    action: notify
  - id: read
    address: 127.0.0.1
    action: transfer
template:
  - id: member
    storage: {folder}
    master: tandem
    acl: [told, read]
    semantic-checks: off
    zonefile-sync: -1
    zonefile-load: none
    journal-content: all
zone:
{rows}""")
    return [need_program("knotd", "knot"), "-c", folder / "knot.conf"]


def _nsd(folder, place, primary, zones, _, key):
    address, own_port = place
    host, port = primary
    rows = "".join(f"""\
zone:
  name: {name}
  zonefile: "{folder}/{name}.zone"
  request-xfr: {host}@{port} {key.name}
  allow-notify: {host} {key.name}
  outgoing-interface: {address}
  provide-xfr: 127.0.0.1 NOKEY
""" for name in zones)
    (folder / "nsd.conf").write_text(f"""\
server:
  ip-address: {address}@{own_port}
  server-count: 1
  username: ""
  chroot: ""
  zonesdir: "{folder}"
  database: ""
  pidfile: ""
  xfrdfile: ""
  xfrdir: "{folder}"
  zonelistfile: "{folder}/zones.list"
  rrl-ratelimit: 0
  verbosity: 2
remote-control:
  control-enable: no
key:
  name: "{key.name}"
  algorithm: {key.algorithm}
  secret: "{key.secret}"
{rows}""")
    return [need_program("nsd", "nsd"), "-d", "-c", folder / "nsd.conf"]


def _bind(folder, place, primary, zones, catalog, key):
    address, own_port = place
    host, port = primary
    primaries = f'{{ {host} port {port} key "{key.name}"; }}'
    rows = "".join(f'zone "{name}" {{ type secondary; primaries {primaries}; '
                   f'file "{name}.db"; }};\n' for name in [*zones, *([catalog] if catalog else [])])
    catalogs = (f'catalog-zones {{ zone "{catalog}" default-primaries {primaries} in-memory yes '
                "min-update-interval 1; };" if catalog else "")
    (folder / "named.conf").write_text(f"""\
key "{key.name}" {{ algorithm {key.algorithm}; secret "{key.secret}"; }};
options {{
  directory "{folder}";
  pid-file none;
  session-keyfile none;
  lock-file none;
  listen-on port {own_port} {{ {address}; }};
  listen-on-v6 {{ none; }};
  transfer-source {address};
  recursion no;
  allow-transfer {{ 127.0.0.1; }};
  allow-notify {{ key "{key.name}"; }};
  notify no;
  dnssec-validation no;
  empty-zones-enable no;
  {catalogs}
}};
controls {{ }};
{rows}""")
    return [need_program("named", "bind9"), "-g", "-n", "1", "-c", folder / "named.conf"]


_COMMANDS = {"knot": _knot, "nsd": _nsd, "bind": _bind}


class Secondary:
    """`zones` are written into its file; others come by the catalog zone, if there is one."""

    def __init__(self, processes, folder, name, primary, zones, key, catalog=None):
        self.name, self.place = name, PLACES[name]
        home = folder / name
        home.mkdir(parents=True)
        self.process = processes.add(
            name, _COMMANDS[name](home, self.place, primary, zones, catalog, key))
        self.process.start()
        self._asker = asking.Asker(*self.place, limit_s=1)

    def ask(self, name, kind=asking.TYPE_A):
        return self._asker.ask(name, kind)

    def serial(self, zone):
        """None: it does not serve the zone."""
        assert not self.process.died, f"{self.name} ended, see {self.process.log_path}"
        reply = self.ask(zone, asking.TYPE_SOA)
        return reply.serial if reply and reply.rcode == 0 else None

    def content(self, zone):
        return content(*self.place, zone)


def content(address, port, zone, key=None, **options):
    """All records of a transfer as sorted lines."""
    ring = {"keyring": key.ring()} if key else {}
    messages = dns.query.xfr(address, zone, port=port, lifetime=10, relativize=False, **ring,
                             **options)
    found = set()
    for message in messages:
        for rrset in message.answer:
            found.update(rrset.to_text().splitlines())
    return sorted(found)
