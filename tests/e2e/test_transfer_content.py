"""A signed zone given to real secondaries: whole at first, then only what has changed, and what they
hold verifies."""

import re
import subprocess

import pytest

from tandemworld.daemons import SANITIZER_ENVIRONMENT
from tandemworld.processes import Processes, need_program, until
from tandemworld.secondaries import PLACES, Key, Secondary, content
from tandemworld.signed import keygen
from tandemworld.world import programs_folder, slack
from conftest import fresh_folder

ADDRESS, PORT, TWIN_PORT = "127.0.0.1", 5300, 5310
NAMES = "".join(f"n{i} A 192.0.2.{i}\n" for i in range(40))
ZONE = """\
$TTL 300
@       SOA ns1 hostmaster {serial} 3600 900 604800 60
@       NS ns1
@       MX 10 mail
ns1     A 127.0.0.1
mail    A {address}
www     CNAME mail
*.wild  TXT "any" "text"
a.b.c   AAAA 2001:db8::1
sub     NS ns.sub
ns.sub  A 192.0.2.53
x       TYPE65400 \\# 3 abcdef
"""


class Pair:
    """A tandem-dnsd with three secondaries, and its twin with the same files."""

    def __init__(self, folder, processes):
        folder.mkdir(parents=True)
        self.folder = folder
        self.zone = folder / "example.com.zone"
        self.write(1)
        made = subprocess.run([programs_folder() / "tandem", "tsig", "keygen", "xfr.example.com",
                               "--out", folder], capture_output=True, text=True, check=True)
        self.key = Key(folder / made.stdout.strip())
        signing = keygen(folder, "example.com")
        rows = "".join(f"    - {{address: {a}, port: {p}, key: {self.key.path.name}}}\n"
                       for a, p in PLACES.values())
        self.servers = {}
        for name, port in ("dnsd", PORT), ("twin", TWIN_PORT):
            path = folder / f"{name}.yaml"
            path.write_text(
                f"listen: [{ADDRESS}@{port}]\nzones:\n"
                f"  - {{name: example.com, file: {self.zone.name}, "
                f"dnssec: {{keys: ['{signing}'], denial: nsec}}}}\ntransfers:\n"
                + (f"  secondaries:\n{rows}" if name == "dnsd" else "")
                + f"  allow: [{{key: {self.key.path.name}}}]\n")
            self.servers[name] = processes.add(
                name, [programs_folder() / "tandem-dnsd", "-c", path],
                environment=SANITIZER_ENVIRONMENT)
            self.servers[name].start()
        self.secondaries = [Secondary(processes, folder, name, (ADDRESS, PORT), ["example.com"],
                                      self.key) for name in PLACES]

    def write(self, serial, address="192.0.2.1", more=""):
        self.zone.write_text(ZONE.format(serial=serial, address=address) + NAMES + more)

    def content(self, port=PORT):
        return content(ADDRESS, port, "example.com", self.key)

    def serial(self):
        return int(next(line for line in self.content() if " IN SOA " in line).split()[6])

    def settle(self):
        """Until all secondaries have the present serial, and hold what is served."""
        wanted = self.serial()
        until(lambda: all(s.serial("example.com") == wanted for s in self.secondaries),
              20 * slack(), lambda: "not the same serial everywhere: " + str(
                  [s.serial("example.com") for s in self.secondaries]))
        whole = self.content()
        for secondary in self.secondaries:
            assert secondary.content("example.com") == whole, secondary.name
        return whole

    def given(self):
        """(serial, to, kind) of the transfers to secondaries, as the log has them."""
        log = self.servers["dnsd"].log_path.read_text(errors="replace")
        found = re.findall(r'transfer of "example.com.", serial (\d+), to ([0-9.]+): (\w+)', log)
        return [(int(serial), to, kind) for serial, to, kind in found]


@pytest.fixture(scope="module")
def pair():
    with Processes(fresh_folder("transfer-content-logs")) as processes:
        world = Pair(fresh_folder("transfer-content"), processes)
        world_is_up = lambda: all(s.serial("example.com") for s in world.secondaries)
        until(world_is_up, 30 * slack(), "the secondaries have not got the zone")
        yield world
        assert not processes.troubles(), "\n".join(processes.troubles())


def test_a_signed_zone_arrives_whole_and_verifies(pair):
    lines = pair.settle()
    assert pair.content(TWIN_PORT) == lines  # rule 13, signatures included
    path = pair.folder / "transferred.zone"
    path.write_text("\n".join(lines) + "\n")
    done = subprocess.run([need_program("ldns-verify-zone", "ldnsutils"), path],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_change_goes_out_as_a_difference(pair):
    pair.settle()
    for step, more in enumerate(["new A 192.0.2.77\n", "*.more TXT \"x\"\nbelow.sub A 192.0.2.5\n",
                                 ""], start=2):
        pair.write(step, f"192.0.2.{step}", more)
        pair.servers["dnsd"].reload()
        until(lambda: pair.serial() & 0xffff == step, 10 * slack(), "not reloaded")
        pair.settle()
        # BIND shares its address with the test, which asks for the whole zone itself.
        present = pair.serial()
        kinds = {to: kind for at, to, kind in pair.given()
                 if at == present and (to, kind) != (ADDRESS, "AXFR")}
        assert kinds == {address: "IXFR" for address, _ in PLACES.values()}, pair.given()
