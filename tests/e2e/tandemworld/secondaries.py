"""Knot, NSD and BIND as secondaries of a tandem-dnsd: each takes its zones over with a TSIG key, is
told of changes, and where it can follows the catalog zone."""

import dns.exception
import dns.query
import dns.rcode
import dns.tsigkeyring
import dns.zone

from . import dns as asking, nameservers

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
    host, port = primary
    rows = "".join(f"  - domain: {name}\n    template: member\n" for name in zones)
    if catalog:
        rows += (f"  - domain: {catalog}\n    template: member\n"
                 "    catalog-role: interpret\n    catalog-template: member\n")
    return nameservers.knot(folder, place, f"""\
key:
  - id: {key.name}
    algorithm: {key.algorithm}
    secret: {key.secret}
remote:
  - id: tandem
    address: {host}@{port}
    via: {place[0]}
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
{rows}""", log="info")


def _nsd(folder, place, primary, zones, _, key):
    host, port = primary
    rows = "".join(f"""\
zone:
  name: {name}
  zonefile: "{folder}/{name}.zone"
  request-xfr: {host}@{port} {key.name}
  allow-notify: {host} {key.name}
  outgoing-interface: {place[0]}
  provide-xfr: 127.0.0.1 NOKEY
""" for name in zones)
    return nameservers.nsd(folder, place, f"""\
key:
  name: "{key.name}"
  algorithm: {key.algorithm}
  secret: "{key.secret}"
{rows}""", server="  verbosity: 2\n")


def _bind(folder, place, primary, zones, catalog, key):
    host, port = primary
    primaries = f'{{ {host} port {port} key "{key.name}"; }}'
    rows = "".join(f'zone "{name}" {{ type secondary; primaries {primaries}; '
                   f'file "{name}.db"; }};\n' for name in [*zones, *([catalog] if catalog else [])])
    catalogs = (f'  catalog-zones {{ zone "{catalog}" default-primaries {primaries} in-memory yes '
                "min-update-interval 1; };\n" if catalog else "")
    return nameservers.bind(folder, place, f"""\
key "{key.name}" {{ algorithm {key.algorithm}; secret "{key.secret}"; }};
{rows}""", options=f"""\
  transfer-source {place[0]};
  allow-transfer {{ 127.0.0.1; }};
  allow-notify {{ key "{key.name}"; }};
{catalogs}""")


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
