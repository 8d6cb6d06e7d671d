"""The operator's command: readable at 3 a.m., --json everywhere, exit codes that scripts can use."""

import json
import subprocess

import pytest

from tandemworld import dns, service
from tandemworld.sites import MUC


def test_status_of_a_healthy_world(world):
    done = world.tandem("status")
    assert done.returncode == 0, done
    for word in ("muc", "fra", "mail-de", *(f"127.{n}.0.25" for n in (10, 20))):
        assert word in done.stdout


@pytest.mark.parametrize("words", (
    ("status",), ("history",), ("explain", service.NAME), ("explain", MUC.name),
    ("explain", service.POOL), ("explain", f"{service.POOL}/{MUC.mail}"),
    ("plan", "drain", MUC.name, "--for", "1h")), ids=" ".join)
def test_json_everywhere(world, words):
    done = world.tandem(*words, "--json")
    assert done.returncode == 0, done
    assert isinstance(json.loads(done.stdout), dict), done.stdout


def test_explain_tells_why_an_address_is_not_offered(world):
    world.mail[MUC.name].kill()
    dns.wait_gone(MUC.mail, service.NAME)
    for words in (MUC.mail, service.NAME):
        told = world.tandem("explain", words)
        assert told.returncode == 0, told
        assert MUC.mail in told.stdout and "smtp" in told.stdout, told.stdout


def test_history_tells_who_did_what(world):
    assert world.drain(MUC, "for the history").returncode == 0
    assert world.undrain(MUC).returncode == 0
    entries = world.tandem_json("history", "--about", MUC.name)["entries"]
    undrain, drain = (next(e for e in entries if e["action"] == action)
                      for action in ("undrain", "drain"))
    assert undrain["actor"] == drain["actor"] == "anna"
    assert "for the history" in drain["text"] and undrain["epoch"] > drain["epoch"]
    told = world.tandem("history").stdout
    assert "anna" in told and "undrain" in told and "apply" in told


def test_unknown_things_are_refused_with_a_word(world):
    for words in (("explain", "nothing.example"), ("frobnicate",), (), ("status", "--frob"),
                  ("apply",), ("apply", "-f", "/nonexistent"), ("check", "-f", "/nonexistent")):
        done = world.tandem(*words)
        assert done.returncode != 0, words
        assert (done.stderr + done.stdout).strip(), words
        assert "Traceback" not in done.stderr


def test_configuration_and_json_may_stand_in_front_of_the_command(world):
    program, *_ = world.command("status")
    for words in (("--config", world.cli_file, "--json", "status"),
                  ("--json", f"--config={world.cli_file}", "status"),
                  ("-c", world.cli_file, "status", "--json")):
        told = subprocess.run([program, *map(str, words)], capture_output=True, text=True,
                              timeout=20, check=False)
        assert json.loads(told.stdout)["revision"] >= 1, told.stderr


def test_no_controller_configured_or_reachable(world, tmp_path):
    missing = world.command("status")
    missing[missing.index("--config") + 1] = str(tmp_path / "none.yaml")
    done = subprocess.run(missing, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode != 0 and "none.yaml" in done.stderr
