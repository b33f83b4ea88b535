"""Every scenario file under files/, played on the rig: what its `then`s say is what is seen."""

from itertools import count
from pathlib import Path

import pytest

from actors.scenario.player import Player
from actors.scenario.reading import read
from tests.scenarios.rig_stage import RigStage

FILES = sorted((Path(__file__).parent / "files").glob("*.toml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_scenario_goes_as_its_file_says(path: Path, tmp_path: Path):
    """Given, when, then: as written."""
    scenario = read(path)
    if missing := scenario.missing_rules():
        pytest.skip(f"this build has no {', '.join(missing)}")
    stages = count()

    def stage(start):
        folder = tmp_path / str(next(stages))
        folder.mkdir()
        return RigStage(folder, start)

    verdicts = Player(scenario, stage).play()

    assert verdicts
    assert [
        f"step {each.step}, {each.account}: {each.finding}"
        for each in verdicts
        if not each.finding.met
    ] == []
