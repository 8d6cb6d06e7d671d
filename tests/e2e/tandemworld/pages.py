"""Pages of docs/operations, followed to the letter: the commands of their console blocks run in the
world, and what they print is compared with what the page says.

A console block holds lines such as

    old# systemctl stop etcd

in front the host (# as root, $ as oneself), behind it the command; a backslash continues it, and a
here-document goes on to its end. Lines below are what is printed, in this order and among others;
"…" stands for any text. A line that only sets variables says what the operator puts in: the test
gives the values, and they hold for all commands after it, on every host.
"""

import os
import re
import selectors
import shutil
import socket
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

from . import daemons
from .processes import WorldError, tail, until

PAGES = Path(__file__).resolve().parents[3] / "docs" / "operations"

Step = namedtuple("Step", "host command expected where")

_PROMPT = re.compile(r"([a-z0-9]+)[#$] (.*)")
_SETTING = re.compile(r"([A-Z_]+=\S*\s*)+(#.*)?")


class Page:
    """One page: the steps of its sections, in order."""

    def __init__(self, name):
        self.path = PAGES / name
        self.sections = {}
        title, block, fence = "", None, False
        for number, line in enumerate(self.path.read_text().splitlines(), 1):
            if not fence and line.startswith("## "):
                title = line[3:].strip()
            elif line.strip().startswith("```"):
                fence = not fence
                block = [] if line.strip() == "```console" else None
                if block is not None:
                    self.sections.setdefault(title, []).append(block)
            elif fence and block is not None:
                block.append((number, line.rstrip()))
        self.sections = {title: [step for block in blocks for step in self._steps(block)]
                         for title, blocks in self.sections.items()}

    def _steps(self, lines):
        lines, steps = list(lines), []
        while lines:
            number, line = lines.pop(0)
            found = _PROMPT.fullmatch(line)
            if not found:
                steps[-1].expected.append(line)
                continue
            host, command = found.groups()
            while command.endswith("\\"):
                command = command[:-1].rstrip() + " " + lines.pop(0)[1]
            end = re.search(r"<<(\w+)", command)
            while end and lines:
                following = lines.pop(0)[1]
                command += "\n" + following
                if following == end.group(1):
                    break
            steps.append(Step(host, command, [], f"{self.path.name}:{number}"))
        return steps

    def steps(self, *titles):
        for title in titles or self.sections:
            yield from self.sections[title]


class Operator:
    """Types what a page says, into the hosts of a world.

    hosts: {the page's word: a site, or several that type it one after the other};
    values: {variable: value}.
    """

    def __init__(self, world, hosts, values, replacements=()):
        self.world, self.values = world, values
        self.hosts = {word: sites if isinstance(sites, (list, tuple)) else [sites]
                      for word, sites in hosts.items()}
        self.replacements = list(replacements)
        self.folder = Path(world.folder) / "operator"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self._settings = {}
        self._on_install = None
        self._tools()

    # --- what stands in the PATH ---------------------------------------------------------------

    def _tools(self):
        tool = self.folder / "systemctl"
        tool.write_text(
            f"#!{sys.executable} -SE\n"
            "import os, socket, sys\n"
            "with socket.socket(socket.AF_UNIX) as s:\n"
            "    s.connect(os.environ['OPERATOR_SOCKET'])\n"
            "    words = [os.path.basename(sys.argv[0]), *sys.argv[1:]]\n"
            "    s.sendall(' '.join([os.environ['OPERATOR_HOST'], *words]).encode())\n"
            "    s.shutdown(socket.SHUT_WR)\n"
            "    answer = b''.join(iter(lambda: s.recv(4096), b'')).decode()\n"
            "code, _, text = answer.partition(' ')\n"
            "print(text, end='')\n"
            "sys.exit(int(code))\n")
        tool.chmod(0o755)
        (self.folder / "make").symlink_to(tool)

    def on_install(self, done):
        """done(site): what `make install` on a host means in this test."""
        self._on_install = done

    def _serve(self, connection):
        words = b""
        while data := connection.recv(4096):
            words += data
        host, program, *rest = words.decode().split()
        site = next(s for sites in self.hosts.values() for s in sites if s.name == host)
        try:
            text = self._make(site, rest) if program == "make" else self._systemctl(site, *rest)
            connection.sendall(f"0 {text}".encode())
        except (AssertionError, KeyError, WorldError) as error:
            connection.sendall(f"1 {type(error).__name__}: {error}\n".encode())
        connection.close()

    def _make(self, site, words):
        assert words == ["install"], words
        self._on_install(site)
        return ""

    def _systemctl(self, site, action, *words):
        assert action in ("stop", "start", "restart", "reload", "is-active", "enable"), action
        text = ""
        for unit in (word for word in words if word != "--no-block"):
            process = self._process(site, unit)
            if action in ("stop", "restart"):
                process.end()
            if action in ("start", "restart") and not process.alive:
                process.start()
            if action == "reload" and unit == "tandem-dnsd":
                self._take_over(site, process)
            elif action == "reload":
                process.reload()
            if action == "is-active":
                text += "active\n" if process.alive else "inactive\n"
        return text

    def _process(self, site, unit):
        if unit == "etcd":
            return self.world.etcd.members[site.name].process
        return getattr(self.world, unit.removeprefix("tandem-"))[site.name]

    def _take_over(self, site, former):
        """As packaging/systemd has it: a new process takes the sockets over."""
        fresh = self.world.processes.add(f"dnsd-{site.name}", [*former.command, "--take-over"],
                                         environment=daemons.SANITIZER_ENVIRONMENT)
        fresh.configuration, fresh.state = former.configuration, former.state
        former.may_end()
        fresh.start()
        until(lambda: fresh.died or not former.alive, 15, "the former dnsd does not end")
        assert not fresh.died, tail(fresh.log_path)
        fresh.command = former.command
        self.world.dnsd[site.name] = fresh

    # --- following a page ----------------------------------------------------------------------

    def follow(self, page, *titles):
        for step in page.steps(*titles):
            self.run(step)

    def run(self, step):
        if _SETTING.fullmatch(step.command):
            for name in re.findall(r"([A-Z_]+)=", step.command):
                if name not in self.values:
                    raise WorldError(f"{step.where}: the test gives no value for {name}")
                self._settings[name] = str(self.values[name])
            return
        if "member remove" in step.command:  # etcd ends by itself when it hears that
            for name in filter(self.world.etcd.members.get, map(str, self.values.values())):
                self.world.etcd.members[name].process.may_end()
        for site in self.hosts[step.host]:
            code, output = self._shell(site, self._in_world(step.command, site))
            with open(self.folder / "transcript", "a") as transcript:
                transcript.write(f"{site.name}# {step.command}\n{output}")
            self._compare(step, code, output)

    def _in_world(self, command, site):
        """Where the page's files are in the world."""
        folder = self.world.folder
        for told, real in (
                *self.replacements,
                ("/etc/default/etcd", folder / "etcd" / f"{site.name}.env"),
                ("/var/lib/etcd/default", folder / "etcd" / site.name),
                ("/etc/tandem/controld.yaml", folder / site.name / "controld.yaml"),
                ("/etc/tandem/healthd.yaml", folder / site.name / "healthd.yaml"),
                ("/etc/tandem/dnsd.yaml", folder / site.name / "dnsd.yaml"),
                ("/etc/tandem/cli.yaml", self.world.cli_file),
                ("/etc/tandem/etcd-pki", folder / "etcd" / "pki"),
                ("/etc/tandem/pki", folder / "pki"),
                ("/etc/tandem", folder / site.name),
                ("/var/backups/tandem", self.folder / "backups")):
            command = command.replace(told, str(real))
        return command

    def _shell(self, site, command, limit_s=150):
        path = self.folder / "socket"
        path.unlink(missing_ok=True)
        environment = dict(
            os.environ, **daemons.SANITIZER_ENVIRONMENT, **self._settings,
            PATH=f"{self.folder}:{self.world.programs_of(site)}:{os.environ['PATH']}:/usr/sbin",
            OPERATOR_SOCKET=str(path), OPERATOR_HOST=site.name,
            TANDEM_CONFIG=str(self.world.cli_file), ETCDCTL_API="3", NO_COLOR="1")
        if self.world.etcd and self.world.etcd.client_files:
            ca, certificate, key = self.world.etcd.client_files
            environment.update(
                ETCDCTL_CACERT=str(ca), ETCDCTL_CERT=str(certificate), ETCDCTL_KEY=str(key))
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            listener.listen()
            with open(self.folder / "output", "wb") as output:
                child = subprocess.Popen(
                    ["bash", "-euo", "pipefail", "-c", command], stdin=subprocess.DEVNULL,
                    stdout=output, stderr=output, env=environment, cwd=self.folder)
            self._attend(listener, child, limit_s)
        return child.returncode, (self.folder / "output").read_text(errors="replace")

    def _attend(self, listener, child, limit_s):
        """Serves the shell's systemctl from this thread, which the processes' lives hang on."""
        end = time.monotonic() + limit_s
        with selectors.DefaultSelector() as selector:
            selector.register(listener, selectors.EVENT_READ)
            while child.poll() is None:
                if selector.select(0.01):
                    self._serve(listener.accept()[0])
                if time.monotonic() > end:
                    child.kill()
                    child.wait()

    @staticmethod
    def _compare(step, code, output):
        """`code` must be 0, unless the page says otherwise by the last line "exit status N"."""
        expected, wanted = list(step.expected), 0
        if expected and (told := re.fullmatch(r"\(exit status (\d+)\)", expected[-1])):
            wanted = int(told.group(1))
            expected.pop()
        assert code == wanted, (f"{step.where}: {step.command}\nended with {code}, the page says "
                                f"{wanted}:\n{output}")
        lines = [" ".join(line.split()) for line in output.splitlines()]
        for line in expected:
            words = (re.escape(part) for part in " ".join(line.split()).split("…"))
            pattern = re.compile(".*".join(words))
            # Longer lines are folded, where depends on the length of the world's paths.
            while lines and not any(pattern.fullmatch(" ".join(lines[:n])) for n in (1, 2, 3)):
                lines.pop(0)
            assert lines, (f"{step.where}: {step.command}\nthe page says that it prints\n  {line}\n"
                           f"but it printed\n{output}")
            lines.pop(0)
