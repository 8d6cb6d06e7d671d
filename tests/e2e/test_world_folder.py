"""The folder of the local world: a former world is replaced, anything else is left alone."""

import pytest

from tandemworld import world
from tandemworld.processes import WorldError
from tandemworld.world import World, clear_folder


def test_a_world_interrupted_early_does_not_stand_in_the_way_of_the_next(tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(world, "PlainAuthority", interrupt)
    interrupted = World(tmp_path / "world")
    with pytest.raises(KeyboardInterrupt):
        interrupted._prepare()
    assert any(interrupted.folder.iterdir())
    clear_folder(interrupted.folder)
    assert not interrupted.folder.exists()


def test_what_is_no_world_is_never_removed(tmp_path):
    precious = tmp_path / "thesis.tex"
    precious.write_text("years")
    for what in (tmp_path, precious):
        with pytest.raises(WorldError, match="something else"):
            clear_folder(what)
    assert precious.exists()
