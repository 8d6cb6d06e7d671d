"""What the end-to-end tests share: worlds by module, figures, and the watch over every process."""

import os
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from tandemworld.figures import Figures  # noqa: E402
from tandemworld.processes import end_cleanly_on_signals  # noqa: E402
from tandemworld.world import CHECKOUT, World  # noqa: E402

RESULTS = CHECKOUT / os.environ.get("BUILD", "build") / "e2e"
_figures = Figures()


def pytest_configure(config):
    end_cleanly_on_signals()
    RESULTS.mkdir(parents=True, exist_ok=True)


def pytest_terminal_summary(terminalreporter):
    if _figures:
        terminalreporter.section("measured")
        for line in _figures.table():
            terminalreporter.line(line)
        _figures.write(RESULTS / "figures.json")
    terminalreporter.line(f"logs and configuration of every world: {RESULTS.relative_to(CHECKOUT)}/")


@pytest.fixture(scope="session")
def figures():
    return _figures


def fresh_folder(name):
    folder = RESULTS / name
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def _world(request, controllers):
    name = request.module.__name__.removeprefix("test_")
    with World(fresh_folder(name), controllers) as world:
        world.start()
        yield world
        for process in world.own_daemons:
            process.ask_to_end()
        codes = {process.name: process.end() for process in world.own_daemons}
        bad = {name: code for name, code in codes.items() if code != 0}
        assert not world.processes.troubles(), "\n".join(world.processes.troubles())
        assert not bad, f"SIGTERM did not end these cleanly: {bad}"


@pytest.fixture(scope="module")
def module_world(request):
    """Two sites, a witness, one controller on SQLite."""
    yield from _world(request, 1)


@pytest.fixture(scope="module")
def module_world3(request):
    """The same with three controllers on three etcd members."""
    yield from _world(request, 3)


def _settled(world):
    world.wait_settled()
    yield world
    troubles = world.processes.troubles()
    restore(world)
    assert not troubles, "\n".join(troubles)


@pytest.fixture
def world(module_world):
    """The module's world, settled before the test and repaired after it."""
    yield from _settled(module_world)


@pytest.fixture
def world3(module_world3):
    yield from _settled(module_world3)


def restore(world):
    """Whatever the test has killed, stopped or drained stands again."""
    if world.etcd:
        for member in world.etcd.members.values():
            member.process.resume()
            if not member.process.alive:
                member.process.start()
        world.etcd.wait_for_leader()
    for server in [*world.mail.values(), *world.https.values()]:
        server.process.resume()
        if not server.process.alive:
            server.start()
    for process in world.own_daemons:
        process.resume()
        if not process.alive:
            process.start()
    world.wait_for_leader()
    for name in world.drained_sites():
        world.tandem("undrain", name)
    for intent in world.status().get("intents", []):
        world.tandem("release" if intent["type"] == "hold" else "unpin", intent["subject"])
