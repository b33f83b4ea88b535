"""Fixtures shared by all tests."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.rig import Rig


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Callable[..., Rig]]:
    """Start whole systems on a virtual clock, and stop them after the test."""
    rigs: list[Rig] = []

    def start(config: str, **how: Any) -> Rig:
        rigs.append(Rig(how.pop("folder", tmp_path), config, **how))
        return rigs[-1]

    yield start
    for each in rigs:
        each.stop()
