"""Files and commands of Knot, NSD, BIND and Unbound: what is the same whatever they are started for."""

from .processes import need_program


def knot(folder, place, rest, server="", log="warning"):
    """`server` goes on with that section, `rest` follows; without any state of former runs."""
    address, port = place
    (folder / "knot.conf").write_text(f"""\
server:
    rundir: {folder}
    listen: "{address}@{port}"
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
{server}database:
    storage: {folder}
    journal-db-max-size: 16M
    timer-db-max-size: 1M
log:
  - target: stderr
    any: {log}
{rest}""")
    return [need_program("knotd", "knot"), "-c", folder / "knot.conf"]


def nsd(folder, place, rest, server=""):
    address, port = place
    (folder / "nsd.conf").write_text(f"""\
server:
  ip-address: {address}@{port}
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
{server}remote-control:
  control-enable: no
{rest}""")
    return [need_program("nsd", "nsd"), "-d", "-c", folder / "nsd.conf"]


def bind(folder, place, rest, options=""):
    """BIND listens only on addresses that an interface has, and rests on no file of the system."""
    address, port = place
    (folder / "named.conf").write_text(f"""\
options {{
  directory "{folder}";
  pid-file none;
  session-keyfile none;
  lock-file none;
  listen-on port {port} {{ {address}; }};
  listen-on-v6 {{ none; }};
  recursion no;
  notify no;
  dnssec-validation no;
  empty-zones-enable no;
{options}}};
controls {{ }};
{rest}""")
    return [need_program("named", "bind9"), "-g", "-n", "1", "-c", folder / "named.conf"]


def unbound(folder, place, stubs, server=""):
    """A resolver. `stubs`: who is asked, as (address, port), of each zone."""
    address, port = place
    rows = "".join(f'stub-zone:\n  name: "{zone}"\n'
                   + "".join(f"  stub-addr: {host}@{at}\n" for host, at in servers)
                   for zone, servers in stubs.items())
    (folder / "unbound.conf").write_text(f"""\
server:
  interface: {address}@{port}
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: ""
  use-syslog: no
  logfile: ""
  num-threads: 1
  do-not-query-localhost: no
  module-config: "iterator"
{server}remote-control:
  control-enable: no
{rows}""")
    return [need_program("unbound", "unbound"), "-d", "-p", "-c", folder / "unbound.conf"]
