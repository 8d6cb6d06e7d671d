"""The operator's command tells that its own certificate ends soon, while another can be asked for."""

import os
import subprocess

import pytest

from tandemworld.daemons import write_cli
from tandemworld.pki import TandemAuthority
from tandemworld.world import CHECKOUT

PROGRAM = CHECKOUT / os.environ.get("BUILD", "build") / "bin" / "tandem"


@pytest.mark.parametrize("days, told", ((5, "expires in 4 days: renew it"), (300, "")))
def test_own_certificate_that_ends_soon_is_told(tmp_path, days, told):
    authority = TandemAuthority(PROGRAM, tmp_path / "pki")
    subprocess.run([PROGRAM, "pki", "issue", tmp_path / "pki", "--role", "operator", "--site",
                    "muc", "--name", "anna", "--days", str(days)], check=True, capture_output=True)
    write_cli(tmp_path / "cli.yaml", authority,
              (tmp_path / "pki" / "anna.crt", tmp_path / "pki" / "anna.key"),
              ["https://127.0.0.1:9"])
    done = subprocess.run([PROGRAM, "--config", tmp_path / "cli.yaml", "status", "--json"],
                          check=False, capture_output=True, text=True, timeout=30)
    assert done.returncode != 0, "nobody listens there"
    assert ("anna.crt" in done.stderr) == bool(told) and told in done.stderr, done.stderr
    assert "expires" not in done.stdout
