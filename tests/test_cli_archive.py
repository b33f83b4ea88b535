"""`journal archive` and what reads archives, as a person calls them."""

import json
from datetime import UTC, datetime, timedelta

import pytest

import main
from actors.journal import Store
from actors.runtime import SystemClock
from messages.events import AccountOpened
from tests.journal.conftest import moved, reset

NOW = datetime.now(UTC)


@pytest.fixture
def path(tmp_path):
    """Return a closed journal of the last ten days."""
    place = tmp_path / "lockstep.db"
    store = Store.open(place, clock=SystemClock())
    for days in range(10, -1, -1):
        at = NOW - timedelta(days=days)
        label = at.date().isoformat()
        for event in (reset(1), moved(1, days), AccountOpened(at=at, cause="t", account=1)):
            changed = {"trading_date": label} if event.cause == "clock" else {}
            store.append([type(event)(**{**_fields(event), "at": at, **changed})])
    store.close()
    return place


def _fields(event):
    return {name: getattr(event, name) for name in event.__struct_fields__}


def run(capsys, *words):
    """Return exit code, output and errors of a command."""
    code = main.main(["journal", *map(str, words)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_old_days_move_to_a_folder_and_are_found_there(path, tmp_path, capsys):
    """Archive, verify both ways, export, and a bundle of a day that has left."""
    out, day = tmp_path / "cold", (NOW - timedelta(days=8)).date()
    before = (NOW - timedelta(days=5)).date()

    code, said, _ = run(capsys, "archive", "--path", path, "--before", before, "--out", out)
    (archive,) = out.iterdir()
    assert (code, str(archive) in said) == (0, True)

    assert run(capsys, "verify", "--path", archive)[0] == 0
    code, said, _ = run(capsys, "verify", "--path", path)
    assert (code, "are in archives" in said) == (0, True)
    assert run(capsys, "verify", "--path", path, "--archives", out)[0] == 0
    assert run(capsys, "verify", "--path", path, "--archives", tmp_path)[0] == 70

    code, said, errors = run(capsys, "export", "--path", path, "--archives", out)
    lines = [json.loads(line) for line in said.splitlines()]
    assert [each["seq"] for each in lines] == list(range(1, 35))
    assert errors == ""
    code, said, errors = run(capsys, "export", "--path", path)
    assert len(said.splitlines()) < len(lines)
    assert "are in archives that are not in" in errors

    bundle = tmp_path / "day.zip"
    about = ("export", "--path", path, "--incident", 1, day, "--out", bundle)
    assert run(capsys, *about)[0] == 70
    assert run(capsys, *about, "--archives", out)[0] == 0
    assert run(capsys, "verify", "--incident", bundle)[0] == 0


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--before", (NOW + timedelta(days=2)).date()], "is not past yet"),
        ([], "--path goes with --before"),
    ],
)
def test_what_cannot_be_meant_is_refused(path, capsys, words, why):
    """Nothing is touched."""
    code, _, errors = run(capsys, "archive", "--path", path, *words)

    assert (code, why in errors) == (2, True)
    assert not list(path.parent.glob("*.archive"))


def test_a_journal_in_use_is_not_archived(path, capsys):
    """It would take the lease from who guards."""
    store = Store.open(path, clock=SystemClock())
    before = (NOW - timedelta(days=5)).date()

    assert run(capsys, "archive", "--path", path, "--before", before)[0] == 75
    store.close()
