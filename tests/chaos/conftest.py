"""Fixtures of the faults over the wire."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.wire_rig import Wire


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    """Run a simulated broker, start systems against it, and stop all of it after the test."""
    wire = Wire(tmp_path)
    yield wire
    wire.stop()
