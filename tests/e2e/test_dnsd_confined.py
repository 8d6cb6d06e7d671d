"""What the unit and dnsd itself take away from dnsd, it does not need: on a machine of which it can
write nothing but its state, as an ordinary user, with its filter, it serves, reads again and hands
over."""

import os
import subprocess

import pytest

from tandemworld import dns
from tandemworld.processes import Processes, until
from tandemworld.world import CHECKOUT, programs_folder, slack
from conftest import fresh_folder

ADDRESS, PORT, METRICS = "127.0.0.1", 5316, 9316
ZONE = """\
$TTL 300
@       SOA ns1 hostmaster {serial} 3600 900 604800 60
@       NS ns1
@       MX 10 mail
ns1     A 127.0.0.1
mail    A 192.0.2.1
"""
# Everything that is mounted becomes read-only, in a namespace that only dnsd sees; then its state.
READ_ONLY = """\
mount --make-rprivate / && mount --bind "$1" "$1" &&
findmnt -rno TARGET | sort -u | while read -r at; do
    [ "$at" = "$1" ] || mount -o remount,bind,ro "$at" 2>/dev/null || true
done
shift
exec "$@"
"""


class Servers:
    def __init__(self, folder, processes):
        self.folder, self.state, self.processes = folder, folder / "state", processes
        self.count, self.running = 0, None
        folder.mkdir(parents=True)
        self.state.mkdir()
        os.chown(self.state, 65534, 65534)
        self.zone(1)
        (folder / "dnsd.yaml").write_text(
            f"listen: [{ADDRESS}@{PORT}]\nmetrics: {ADDRESS}@{METRICS}\nworkers: 2\n"
            "state: state\nuser: nobody\n"
            "zones: [{name: example.com, file: example.com.zone}]\n")

    def zone(self, serial):
        (self.folder / "example.com.zone").write_text(ZONE.format(serial=serial))

    def start(self, *options):
        self.count += 1
        process = self.processes.add(f"dnsd-{self.count}", [
            "unshare", "--mount", "sh", "-euc", READ_ONLY, "-", self.state,
            programs_folder() / "tandem-dnsd", "-c", self.folder / "dnsd.yaml", *options])
        process.start()
        self.running = process
        until(lambda: process.died or self.status(process).get("Name") == "tandem-dnsd", 10,
              "dnsd is not started")
        return process

    @staticmethod
    def status(process):
        with open(f"/proc/{process.pid}/status", encoding="utf-8") as text:
            return {line.split(":")[0]: line.split(":")[1].strip() for line in text}

    def serial(self):
        asker = dns.Asker(ADDRESS, PORT)
        found = asker.serial("example.com")
        asker.close()
        return found


@pytest.fixture(scope="module")
def servers():
    if os.getpid() != 1:  # see run-tests
        pytest.skip("needs root in namespaces of its own")
    if "san-" in os.environ.get("BUILD", ""):
        pytest.skip("sanitizers need more system calls, so there is no filter")
    folder = fresh_folder("confined")
    with Processes(folder) as processes:
        made = Servers(folder, processes)
        reads = subprocess.run(["setpriv", "--reuid", "65534", "--clear-groups", "test", "-r",
                                folder / "example.com.zone"], check=False)
        if reads.returncode:
            pytest.skip(f"{folder} is not readable for an ordinary user")
        made.start()
        until(lambda: made.running.died or made.serial() == 1, 10 * slack(), "no answer")
        yield made
        assert not processes.troubles(), processes.troubles()


def test_nothing_but_the_state_is_writable_and_it_serves_all_the_same(servers):
    first = servers.running
    assert not first.died, first.log_path.read_text()
    root = f"/proc/{first.pid}/root"
    assert os.statvfs(f"{root}{servers.folder}").f_flag & os.ST_RDONLY
    assert os.statvfs(f"{root}/tmp").f_flag & os.ST_RDONLY
    assert not os.statvfs(f"{root}{servers.state}").f_flag & os.ST_RDONLY
    for number in (2, 3):
        servers.zone(number)
        first.reload()
        until(lambda n=number: first.died or servers.serial() == n, 5, "not read again")
    answer = dns.ask(ADDRESS, "example.com", "MX", tcp=True, port=PORT)
    assert answer.answer


def test_every_thread_is_confined_and_nobody_is_root(servers):
    pid = servers.running.pid
    tasks = os.listdir(f"/proc/{pid}/task")
    assert len(tasks) >= 3, tasks  # the loop and two workers at least
    for task in tasks:
        with open(f"/proc/{pid}/task/{task}/status", encoding="utf-8") as text:
            facts = {line.split(":")[0]: line.split(":")[1].split() for line in text}
        assert facts["Seccomp"] == ["2"] and facts["NoNewPrivs"] == ["1"], facts
        assert set(facts["Uid"]) == {"65534"} and facts["CapEff"] == ["0" * 16], facts


def opened(pid, number):
    """Where a descriptor leads and how it was opened; None once it is closed, as a connection's
    may be between the look at all and the look at each."""
    try:
        target = os.readlink(f"/proc/{pid}/fd/{number}")
        with open(f"/proc/{pid}/fdinfo/{number}", encoding="utf-8") as text:
            flags = next(line.split()[1] for line in text if line.startswith("flags"))
    except FileNotFoundError:
        return None
    return target, int(flags, 8)


def test_what_is_open_for_writing_is_a_socket_the_log_or_in_the_state(servers):
    pid = servers.running.pid
    fine = (str(servers.state), str(servers.running.log_path), "/dev/null")
    looks = [look for number in os.listdir(f"/proc/{pid}/fd") if (look := opened(pid, number))]
    assert str(servers.running.log_path) in [target for target, _ in looks], looks
    odd = [target for target, flags in looks
           if flags & os.O_ACCMODE != os.O_RDONLY and target.startswith("/")
           and not target.startswith(fine)]
    assert not odd, odd


def test_a_new_process_takes_over_in_the_same_confinement(servers):
    old = servers.running
    servers.zone(4)
    old.may_end()
    fresh = servers.start("--take-over")
    until(lambda: fresh.died or not old.alive, 20, "the old one does not end")
    assert not fresh.died and old.exit_code == 0, fresh.log_path.read_text()
    assert servers.serial() == 4
    servers.zone(5)
    fresh.reload()
    until(lambda: fresh.died or servers.serial() == 5, 5, "not read again")
    assert fresh.end() == 0


def test_what_the_unit_takes_away_is_written_down():
    """The unit says the same to systemd, which is not there in these tests."""
    path = CHECKOUT / "packaging" / "systemd" / "tandem-dnsd.service.in"
    unit = dict(line.split("=", 1) for line in path.read_text().splitlines()
                if "=" in line and not line.startswith("#"))
    assert unit["ProtectSystem"] == "strict" and unit["StateDirectory"] == "tandem/dnsd"
    assert "ReadWritePaths" not in unit and unit["NoNewPrivileges"] == "yes"
