"""Signed zones: their keys, the servers that sign them, and the validators that judge them."""

import subprocess

import dns.exception
import dns.flags
import dns.message
import dns.query

from . import dns as asking
from .daemons import SANITIZER_ENVIRONMENT
from .processes import need_program, until
from .world import programs_folder

ADDRESS, PORT, TWIN_PORT, CHILD_PORT, RESOLVER_PORT = "127.0.0.1", 5301, 5302, 5303, 5304
LARGE = " ".join(f'"{i:0250d}"' for i in range(12))

ZONE = f"""\
$TTL 300
@       SOA ns1 hostmaster 7 3600 900 604800 60
@       NS NS1
@       MX 10 Mail.Example.COM.
ns1     A {ADDRESS}
mail    A 192.0.2.2
mail    A 192.0.2.1
mail    AAAA 2001:db8::1
www     CNAME Mail
dangling CNAME nothing
towild  CNAME any.wild
old     DNAME wild
*.wild  TXT "any"
large   TXT {LARGE}
a.b.c   A 192.0.2.9
_smtp._tcp SRV 0 5 25 Mail
x       TYPE65400 \\# 3 abcdef
insecure NS ns.insecure
ns.insecure A {ADDRESS}
secure  NS ns.secure
ns.secure A {ADDRESS}
"""
CHILD = f"""\
$TTL 300
@       SOA ns hostmaster 7 3600 900 604800 60
@       NS ns
ns      A {ADDRESS}
host    A 192.0.2.77
"""


def tandem(*arguments):
    done = subprocess.run([programs_folder() / "tandem", "dnssec", *map(str, arguments)],
                          capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def keygen(folder, zone, role="csk", algorithm="ecdsap256sha256", state="active"):
    return tandem("keygen", zone, "--role", role, "--algorithm", algorithm, "--state", state,
                  "--out", folder)


def anchor_of(folder, zone):
    """A DS line, as the parent would have it."""
    return tandem("ds", zone, "--keys", folder)


def delv_anchor(path, ds_lines):
    rows = []
    for line in ds_lines.splitlines():
        zone, _, _, tag, algorithm, kind, digest = line.split()
        rows.append(f'{zone} static-ds {tag} {algorithm} {kind} "{digest}";')
    path.write_text("trust-anchors { " + " ".join(rows) + " };\n")
    return path


class Signed:
    """A parent server, its twin, a server of child zones, and a validating resolver."""

    def __init__(self, folder, processes, roles, algorithm, denial):
        self.folder, self.denial, self.processes = folder, denial, processes
        folder.mkdir(parents=True)
        self.keys = [keygen(folder, "example.com", role, algorithm) for role in roles]
        child_key = keygen(folder, "secure.example.com", "csk", algorithm)
        self.zone = folder / "example.com.zone"
        self.zone.write_text(ZONE + anchor_of(folder, "secure.example.com") + "\n")
        self.anchor = anchor_of(folder, "example.com")
        self.delv_anchor = delv_anchor(folder / "delv.keys", self.anchor)
        (folder / "child.zone").write_text(CHILD)
        self.parent = self.server("parent", PORT, [("example.com", self.zone, self.keys)])
        self.child_key = child_key

    def start_others(self):
        folder, child_key = self.folder, self.child_key
        self.twin = self.server("twin", TWIN_PORT, [("example.com", self.zone, self.keys)])
        self.child = self.server("child", CHILD_PORT, [
            ("secure.example.com", folder / "child.zone", [child_key]),
            ("insecure.example.com", folder / "child.zone", [])])

    def configure(self, name, port, zones):
        rows = []
        for zone, file, keys in zones:
            dnssec = ""
            if keys:
                files = ", ".join(f'"{k}"' for k in keys)
                dnssec = f", dnssec: {{keys: [{files}], denial: {self.denial}}}"
            rows.append(f"  - {{name: {zone}, file: {file}{dnssec}}}\n")
        path = self.folder / f"{name}.yaml"
        path.write_text(f"listen: [{ADDRESS}@{port}]\nzones:\n" + "".join(rows))
        return path

    def server(self, name, port, zones):
        path = self.configure(name, port, zones)
        process = self.processes.add(name, [programs_folder() / "tandem-dnsd", "-c", path],
                                     environment=SANITIZER_ENVIRONMENT)
        process.start()
        until(lambda: process.died or asking.Asker(ADDRESS, port).serial(zones[0][0]), 10,
              f"{name} does not answer")
        assert not process.died
        return process

    def start_resolver(self):
        path = self.folder / "unbound.conf"
        (self.folder / "anchor").write_text(self.anchor + "\n")
        stubs = "".join(
            f'stub-zone:\n  name: "{zone}"\n  stub-addr: {ADDRESS}@{port}\n'
            for zone, port in (("example.com", PORT), ("secure.example.com", CHILD_PORT),
                               ("insecure.example.com", CHILD_PORT)))
        path.write_text(f"""\
server:
  interface: {ADDRESS}@{RESOLVER_PORT}
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{self.folder}"
  pidfile: ""
  use-syslog: no
  logfile: ""
  val-log-level: 2
  num-threads: 1
  do-not-query-localhost: no
  trust-anchor-file: "{self.folder}/anchor"
  module-config: "validator iterator"
remote-control:
  control-enable: no
{stubs}""")
        resolver = self.processes.add("unbound", [need_program("unbound", "unbound"), "-d", "-p",
                                                  "-c", path])
        resolver.start()
        until(lambda: resolver.died or reachable(RESOLVER_PORT), 10, "unbound does not answer")
        assert not resolver.died

    def delv(self, name, kind, anchor=None):
        done = subprocess.run(
            [need_program("delv", "bind9-dnsutils"), f"@{ADDRESS}", "-p", str(PORT), "-a",
             str(anchor or self.delv_anchor), "+root=example.com", "+nocrypto", name, kind],
            capture_output=True, text=True, timeout=30, check=False)
        return done.stdout + done.stderr


def reachable(port):
    try:
        dns.query.udp(dns.message.make_query("version.bind", "TXT", "CH"), ADDRESS, 1, port)
        return True
    except (OSError, dns.exception.Timeout):
        return False


def ask(name, kind, port=PORT, tcp=False, dnssec=True, identity=4711, flags=0):
    query = dns.message.make_query(name, kind, want_dnssec=dnssec, payload=1232)
    query.id, query.flags = identity, flags
    transport = dns.query.tcp if tcp else dns.query.udp
    return transport(query, ADDRESS, 5, port)
