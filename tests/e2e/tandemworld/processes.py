"""Child processes that never outlive the world: started, stopped, killed and watched by pid.

Every child is the leader of its own session, so that a signal reaches all it has started. Whatever
way the harness ends, nothing is left: the kernel kills the children when the harness dies
(PR_SET_PDEATHSIG), a guard does so for programs that have changed their user meanwhile and thereby
lost that signal (Postfix's master does), and what a child's death orphans comes back to the harness
(a subreaper) and is swept at the end. Start processes from the main thread only: the death signal
follows the thread.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PAUSE_S = 0.002

# What a sanitizer writes before it ends a program; none of these may stand in any log.
SANITIZER_MARKS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:",
                   "WARNING: ThreadSanitizer", "AddressSanitizer:DEADLYSIGNAL")

OWN_DAEMONS = ("tandem-controld", "tandem-healthd", "tandem-dnsd")


class WorldError(Exception):
    """Something the world needs did not happen; the message is for the person running it."""


def until(condition, limit_s, what, pause_s=_PAUSE_S):
    """Waits until condition() is true and returns its value; after limit_s raises, saying what."""
    end = time.monotonic() + limit_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise WorldError(f"waited {limit_s:g} s in vain: {what() if callable(what) else what}")
        time.sleep(pause_s)


def tail(path, lines=12):
    """The last lines of a log, indented, for an error message."""
    try:
        text = Path(path).read_text(errors="replace").splitlines()[-lines:]
    except OSError as error:
        text = [str(error)]
    return "\n".join(f"    {line}" for line in text)


# Reads "+PID" and "-PID" lines; when the harness is gone, kills the sessions still listed.
_GUARD = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
left = set()
for line in sys.stdin:
    (left.add if line[0] == '+' else left.discard)(int(line[1:]))
for pid in left:
    try:
        os.killpg(pid, signal.SIGKILL)
    except OSError:
        pass
"""


class Guard:
    def __init__(self):
        self._child = subprocess.Popen([sys.executable, "-c", _GUARD], stdin=subprocess.PIPE,
                                       start_new_session=True)

    def tell(self, sign, pid):
        with contextlib.suppress(BrokenPipeError):
            self._child.stdin.write(f"{sign}{pid}\n".encode())
            self._child.stdin.flush()

    def close(self):
        self._child.stdin.close()
        self._child.wait()


class Process:
    """One program: the same command can be started again after it was killed."""

    def __init__(self, name, command, log_path, guard, environment=None,
                 end_signal=signal.SIGTERM):
        self.name = name
        self._end_signal = end_signal
        self._guard = guard
        self.command = [str(word) for word in command]
        self.log_path = Path(log_path)
        self.environment = environment
        self.pid = 0
        self._child = None
        self._end_wanted = self._end_asked = self._stopped = False

    def start(self):
        assert not self.alive, f"{self.name} runs already"
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        parent = os.getpid()

        def prepare():
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:  # the harness died in between
                os._exit(1)

        with open(self.log_path, "ab") as log:
            self._child = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=dict(os.environ, **(self.environment or {})), preexec_fn=prepare,
                start_new_session=True)
        if self.pid:
            self._guard.tell("-", self.pid)
        self.pid = self._child.pid
        self._guard.tell("+", self.pid)
        self._end_wanted = self._end_asked = self._stopped = False
        return self

    @property
    def alive(self):
        return self._child is not None and self._child.poll() is None

    @property
    def died(self):
        """Ended although nobody here asked for it."""
        return self._child is not None and not self._end_wanted and self._child.poll() is not None

    @property
    def exit_code(self):
        return None if self._child is None else self._child.poll()

    def signal(self, number):
        """To the process and all it has started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def kill(self):
        """kill -9, and waits until it is gone. Returns the moment before the signal."""
        assert self._child is not None
        self._end_wanted = True
        moment = time.monotonic()
        self.signal(signal.SIGKILL)
        self._child.wait()
        return moment

    def stop(self):
        """SIGSTOP: it hangs. Returns the moment before the signal."""
        moment = time.monotonic()
        self._stopped = True
        self.signal(signal.SIGSTOP)
        return moment

    def resume(self):
        moment = time.monotonic()
        self.signal(signal.SIGCONT)
        self._stopped = False
        return moment

    def reload(self):
        self._wait_until_heard(signal.SIGHUP)
        self.signal(signal.SIGHUP)

    def may_end(self):
        """It is no trouble if it ends by itself from now on: another one takes over from it."""
        self._end_wanted = True

    def _hears(self, number):
        """Is a signal caught, or kept until it can be? Before main() there is nobody to do that."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
        except OSError:
            return False
        masks = dict(line.split(":", 1) for line in status.splitlines())
        return any(int(masks[name], 16) >> (number - 1) & 1 for name in ("SigCgt", "SigBlk"))

    def _wait_until_heard(self, number):
        """Of our daemons only: others may well leave it to the kernel to end them."""
        if any(Path(word).name in OWN_DAEMONS for word in self.command):
            with contextlib.suppress(WorldError):  # it hangs: then the signal is what it gets
                until(lambda: not self.alive or self._hears(number), 5, "")

    def ask_to_end(self):
        """Its end signal, without waiting; `end` waits."""
        if not self.alive or self._end_asked:
            return
        if self._stopped:
            self.resume()
        self._wait_until_heard(self._end_signal)
        self._end_wanted = self._end_asked = True
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, self._end_signal)

    def end(self, patience_s=10):
        """Its end signal, and SIGKILL to the whole session after patience_s. Returns the exit code."""
        if self._child is None:
            return None
        self.ask_to_end()
        try:
            code = self._child.wait(patience_s)
        except subprocess.TimeoutExpired:
            code = None
        self.signal(signal.SIGKILL)
        self._child.wait()
        return code

    def complaints(self):
        """Lines of a sanitizer in its log."""
        try:
            lines = self.log_path.read_text(errors="replace").splitlines()
        except OSError:
            return []
        return [line for line in lines if any(mark in line for mark in SANITIZER_MARKS)]


class Processes:
    """All processes of a world, ended together. Use as a context manager."""

    def __init__(self, folder, within=None):
        """within(name): the words before the command that put it into a place of its own."""
        self.folder = Path(folder)
        self._within = within or (lambda name: [])
        self._all = []
        self._guard = Guard()

    def __enter__(self):
        _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        return self

    def __exit__(self, *_):
        self.end_all()

    def add(self, name, command, **options):
        process = Process(name, [*self._within(name), *command],
                          self.folder / "log" / f"{name}.log", self._guard, **options)
        self._all.append(process)
        return process

    def troubles(self):
        """What no test may leave behind: programs that died by themselves, sanitizer reports."""
        found = []
        for process in self._all:
            if process.died:
                found.append(f"{process.name} (pid {process.pid}) ended by itself with "
                             f"{process.exit_code}; the end of its log:\n{tail(process.log_path)}")
            for line in process.complaints()[:3]:
                found.append(f"{process.name}: {line} (see {process.log_path})")
        return found

    def end_all(self, patience_s=10):
        for process in reversed(self._all):
            process.ask_to_end()
        for process in reversed(self._all):
            process.end(patience_s)
        self._guard.close()
        sweep_orphans()


def sweep_orphans():
    """Kills and collects what has come back to us after its parent's death."""
    for _ in range(100):
        for pid in _children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(_PAUSE_S)


def _children():
    pids = []
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):
            pids += [int(word) for word in (task / "children").read_text().split()]
    return pids


def end_cleanly_on_signals():
    """SIGTERM and SIGHUP end the harness as Ctrl-C does: by an exception, so that it cleans up.

    SIGINT too: a shell starts background jobs with it ignored.
    """

    def interrupt(number, _frame):
        signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)


def need_program(name, package):
    """Path of a program, also where an ordinary user's PATH does not look."""
    for folder in os.environ.get("PATH", "").split(os.pathsep) + ["/usr/sbin", "/sbin"]:
        path = Path(folder) / name
        if os.access(path, os.X_OK):
            return str(path)
    raise WorldError(f"'{name}' is not installed: apt-get install --no-install-recommends {package}")


def run(command, what, limit_s=30):
    """Runs a command to its end; raises with its output when it fails."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          timeout=limit_s, check=False)
    if done.returncode:
        raise WorldError(f"{what} failed ({done.returncode}): {' '.join(map(str, command))}\n"
                         f"{done.stdout}{done.stderr}")
    return done.stdout


def say(text="", **options):
    print(text, flush=True, **options)


def warn(text):
    print(text, file=sys.stderr, flush=True)
