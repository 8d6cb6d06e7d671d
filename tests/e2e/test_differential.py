"""Generated zones, asked of Tandem, Knot, NSD and BIND alike.

What two of the three agree on is expected of Tandem; where it goes its own way a named rule has to
say so (tandemworld/difference.py, docs/interop.md). SEEDS=FIRST-LAST draws more zones.
"""

import os
import random

import pytest

from tandemworld.difference import Comparison, Question
from tandemworld.generator import Zone
from tandemworld.peers import Peers
from tandemworld.processes import Processes
from tandemworld.signed import keygen
from conftest import fresh_folder

FIRST, _, LAST = os.environ.get("SEEDS", "1-3").partition("-")
QUESTIONS = int(os.environ.get("QUESTIONS", "200"))


@pytest.fixture(scope="module")
def zones():
    return [Zone(seed) for seed in range(int(FIRST), int(LAST or FIRST) + 1)]


@pytest.fixture(scope="module", params=["unsigned", "signed"])
def peers(request, zones):
    folder = fresh_folder(f"differential-{request.param}")
    folder.mkdir(parents=True)
    files, keys = [], {}
    for zone in zones:
        path = folder / f"{zone.name}zone"
        path.write_text(zone.text())
        files.append((zone.name, path))
        if request.param == "signed":
            keys[zone.name] = keygen(folder, zone.name.rstrip("."))
    with Processes(folder) as processes:
        yield Peers(processes, folder, files, keys)
        assert not processes.troubles(), processes.troubles()


def questions(zone):
    pick = random.Random(zone.name)
    for name, kind, cls in zone.questions(QUESTIONS):
        payload = pick.choice((0, 512, 1232, 4096))
        yield Question(name, kind, cls, payload, payload > 0 and pick.random() < 0.3,
                       pick.random() < 0.05)
    for owner in sorted(zone.owners)[:8]:
        yield Question(f"{owner}.{zone.name}", "ANY", "IN", 1232, False, False)


def test_what_two_of_three_servers_say_is_what_tandem_says(peers, zones, figures):
    comparison = Comparison(peers.ports)
    for zone in zones:
        for question in questions(zone):
            comparison.ask(question, zone)
    comparison.close()
    print(f"{comparison.asked} asked, undecided {comparison.undecided}, explained "
          f"{dict(comparison.explained)}, peers that differ {dict(comparison.differs)}")
    wrong = comparison.wrong
    (peers.folder / "wrong.txt").write_text("\n".join(wrong))
    assert not wrong, f"{len(wrong)} of {comparison.asked} answers differ:\n" + "\n".join(wrong[:12])
