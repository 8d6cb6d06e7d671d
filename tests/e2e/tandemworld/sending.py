"""Dedicated sending addresses in a world: what the document says of them, and who answers outside."""

import time

from . import nameservers, service
from .processes import until
from .sites import DNS_PORT, FRA, MUC

ZONE = "transactional-mail-a.com"
SPF = f"_spf.general.{ZONE}"
NETWORKS = {MUC.name: "192.0.2", FRA.name: "198.51.100"}
RESOLVER, RESOLVER_PORT = "127.41.0.53", 5354
REVERSE, REVERSE_PORT = "127.41.0.54", 5355
TTL_S = 1

_MORE = f"""\
maintenance:
  look_every: 200ms
  name_servers:
    muc: ["{MUC.dns}@{DNS_PORT}"]
    fra: ["{FRA.dns}@{DNS_PORT}"]
  resolvers:
    outside: {{endpoint: "{RESOLVER}@{RESOLVER_PORT}", ask: [{service.NAME}]}}
publication: {{canary: muc/dnsd-muc}}
"""
_ZONE = """\
  - name: {zone}
    ttl: {ttl}s
    soa: {{mname: ns1.{zone}, rname: hostmaster.{zone}, minimum: {ttl}s}}
    ns: [ns1.{zone}, ns2.{zone}]
    records:
      - ns1 A {muc_dns}
      - ns2 A {fra_dns}
{hosts}
"""


def address_of(site, number):
    return f"{NETWORKS[site.name]}.{number}"


def host_name(address):
    return f"out-{address.replace('.', '-')}.{ZONE}"


class Reverse:
    """The reverse zones, served by somebody else. A test says which addresses have a PTR."""

    def __init__(self, world):
        self.folder = world.folder / "reverse"
        self.folder.mkdir()
        self.names = {}  # address: name
        self._serial = 0
        self._write()
        rows = "".join(f"  - domain: {zone}\n    file: {self._file(zone)}\n"
                       for zone in self.zones())
        self.process = world.processes.add("reverse", nameservers.knot(
            self.folder, (REVERSE, REVERSE_PORT), f"""\
template:
  - id: default
    semantic-checks: off
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
zone:
{rows}""")).start()

    @staticmethod
    def zones():
        return [".".join(reversed(network.split("."))) + ".in-addr.arpa"
                for network in NETWORKS.values()]

    def _file(self, zone):
        return self.folder / f"{zone}.zone"

    def _write(self):
        self._serial += 1
        for zone, network in zip(self.zones(), NETWORKS.values()):
            text = f"$ORIGIN {zone}.\n$TTL 1\n@ SOA ns hostmaster {self._serial} 60 60 60 1\n@ NS ns\n"
            text += "".join(f"{address.rsplit('.', 1)[1]} PTR {name}.\n"
                            for address, name in sorted(self.names.items())
                            if address.startswith(network + "."))
            self._file(zone).write_text(text)

    def put(self, *addresses):
        self.names.update({address: host_name(address) for address in addresses})
        self._write()
        self.process.reload()


class Sending:
    """The world's document with pairs, and what became of their addresses."""

    def __init__(self, world):
        self.world = world
        self.reverse = Reverse(world)
        folder = world.folder / "outside"
        folder.mkdir()
        servers = [(server, DNS_PORT) for server in world.dns_servers]
        stubs = {service.ZONE: servers, ZONE: servers}
        stubs.update({zone: [(REVERSE, REVERSE_PORT)] for zone in self.reverse.zones()})
        self.resolver = world.processes.add("outside", nameservers.unbound(
            folder, (RESOLVER, RESOLVER_PORT), stubs, server="  unblock-lan-zones: yes\n")).start()
        self.pairs = {}  # customer: {site's name: address}
        self.terms = []  # addresses of the SPF set
        self._in_force = {}, []
        self.path = world.folder / "sending.yaml"

    def declare(self, customer, number, ptr=True):
        """One address in either site, under that last number. Applied is it later."""
        addresses = {site.name: address_of(site, number) for site in (MUC, FRA)}
        self.pairs[customer] = addresses
        self.terms += [a for a in addresses.values() if a not in self.terms]
        if ptr:
            self.reverse.put(*addresses.values())
        return addresses[MUC.name], addresses[FRA.name]

    def document(self):
        hosts = "\n".join(f"      - {host_name(a)}. A {a}" for a in sorted(self.terms))
        zone = _ZONE.format(zone=ZONE, ttl=TTL_S, muc_dns=MUC.dns, fra_dns=FRA.dns, hosts=hosts)
        text = self.world.service_file.read_text().replace("\nnames:\n", f"\n{zone}\nnames:\n", 1)
        text += f"spf:\n  {SPF}: [{', '.join(f'ip4:{a}' for a in [*self.terms, '203.0.113.1'])}, ~all]\n"
        if self.pairs:
            text += "pairs:\n"
        for customer, addresses in self.pairs.items():
            told = ", ".join(f"{site}: [{address}]" for site, address in addresses.items())
            text += (f"  - {{customer: \"{customer}\", domains: [news.example.com], spf: {SPF},\n"
                     f"     addresses: {{{told}}}}}\n")
        return text + _MORE

    def apply(self, *words):
        self.path.write_text(self.document())
        done = self.world.tandem("apply", "-f", self.path, *words)
        if done.returncode == 0:
            self._in_force = dict(self.pairs), list(self.terms)
        return done

    def applied(self, *words):
        done = self.apply(*words)
        assert done.returncode == 0, done

    def refused(self, *words):
        """Why rule 11 refuses it, in one line; then all is declared as it is in force."""
        done = self.apply(*words)
        told = " ".join((done.stdout + done.stderr).split())
        assert done.returncode != 0 and "rule 11" in told, done
        self.give_up()
        return told

    def give_up(self):
        """What was declared and is not in force."""
        self.pairs, self.terms = dict(self._in_force[0]), list(self._in_force[1])

    def undeclare(self, customer, terms=False):
        """With terms, those of its addresses go too."""
        addresses = self.pairs.pop(customer, {}).values()
        if terms:
            self.terms = [a for a in self.terms if a not in addresses]

    def sender(self, address):
        return next((s for s in self.world.status()["senders"] if s["address"] == address), None)

    def until_state(self, address, state, limit_s=15):
        return until(lambda: (self.sender(address) or {}).get("state") == state, limit_s,
                     lambda: f"{address} is not {state}: {self.sender(address)}", 0.05)

    def history(self, address):
        """Its lines, the oldest first."""
        path = f"/v1/history?limit=50&subject={address}"
        return self.world.leader_api().get(path).json["entries"][::-1]


def steps_of(entries):
    """What happened to an address, without what people did."""
    return [e["action"].removeprefix("sender-") for e in entries if e["action"].startswith("sender-")]


def seconds_between(earlier, later):
    return _seconds(later["time"]) - _seconds(earlier["time"])


def _seconds(text):
    whole, _, part = text.rstrip("Z").partition(".")
    return time.mktime(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float(f"0.{part or 0}")


