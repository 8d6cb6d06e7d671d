"""A store restored from a backup older than what was published since."""

import shutil

import pytest

from tandemworld import dns, service
from tandemworld.processes import until
from tandemworld.sites import FRA, MUC, SITES


def end_all(processes):
    for process in processes:
        process.ask_to_end()
    for process in processes:
        process.end()


def controllers_and_store(world):
    return [*world.controld.values(), *(m.process for m in world.etcd.members.values())]


def copy_store(world, source, target):
    for site in SITES:
        shutil.rmtree(target / site.name, ignore_errors=True)
        shutil.copytree(source / site.name, target / site.name)


def start_all(world):
    for member in world.etcd.members.values():
        member.process.start()
    world.etcd.wait_for_leader()
    for process in world.controld.values():
        process.start()
    world.wait_for_leader()


@pytest.fixture
def watch(world3):
    with dns.Watch(service.NAME, service.ZONE, pause_s=0.01) as watch:
        yield watch
    watch.never_empty()
    watch.serials_only_grow()
    watch.same_answers_at_same_serial()


def test_name_servers_follow_again_and_no_number_is_used_twice(world3, watch, tmp_path):
    end_all(controllers_and_store(world3))
    copy_store(world3, world3.folder / "etcd", tmp_path)
    start_all(world3)
    world3.wait_settled()
    for turn in range(3):  # what the backup does not know
        assert world3.drain(FRA, f"turn {turn}").returncode == 0
        assert world3.undrain(FRA).returncode == 0
    world3.wait_settled()
    epoch = world3.status()["epoch"]

    end_all(controllers_and_store(world3))
    copy_store(world3, tmp_path, world3.folder / "etcd")
    start_all(world3)
    told = until(lambda: (s := world3.status())["epoch"] > epoch and s, 20,
                 "the epochs are not lifted above what the name servers answer")
    assert not any(site["drained"] for site in told["sites"])
    world3.wait_settled()
    assert world3.drain(MUC).returncode == 0
    dns.wait_gone(MUC.mail, service.NAME)
    history = world3.tandem_json("history", "--limit", "50")
    assert "epoch-lifted" in str(history)
