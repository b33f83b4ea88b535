"""The dispute bundle: what it holds, who can check it, and that nothing in it can be changed unseen."""

import json
import stat
import subprocess
import sys
import textwrap
import zipfile
from datetime import date, timedelta
from pathlib import Path

import pytest
from msgspec import structs

from actors.journal import History, Store, StoreError, verify_incident, write_incident
from actors.journal.anchor import Mark
from actors.journal.incident import About
from messages.events import SystemStarted
from tests.journal.conftest import NOW, moved, opened, reset
from tests.journal.test_anchoring import locked

FRIDAY, MONDAY = date(2025, 10, 31), date(2025, 11, 3)
OWN = [3, 4, 5, 6, 8, 9]
"""Seqs of the incident's events: the account's from reset to reset, and those of the system."""


@pytest.fixture
def filled(store: Store) -> Store:
    """Return a store with a day of account 1, begun and closed, among events of others."""
    monday = structs.replace(reset(1), trading_date="2025-11-03", at=NOW + timedelta(days=1))
    started = SystemStarted(at=NOW, cause="start", version="1", config="00", rules=())
    store.append([opened(2), moved(1, 9)])
    store.append([reset(1), started, moved(1, 2), locked(1), moved(2, 5), opened(1)])
    store.append([monday, moved(2, 6), moved(1, 3)])
    return store


def bundle_of(store: Store, account: int, day: date, mark: Mark | None, out: Path) -> About:
    with History(store.path) as history:
        return write_incident(history, account, day, mark, out)


@pytest.fixture
def bundle(filled: Store, tmp_path: Path) -> Path:
    out = tmp_path / "incident.zip"
    bundle_of(filled, 1, FRIDAY, filled.mark(), out)
    return out


def parts(bundle: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(bundle) as opened_bundle:
        return {name: opened_bundle.read(name) for name in opened_bundle.namelist()}


def rewrite(bundle: Path, changed: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(bundle, "w") as out:
        for name, content in changed.items():
            out.writestr(name, content)
    return bundle


def test_it_holds_the_day_of_the_account_and_the_chain_around_it(bundle: Path):
    """From reset to reset; the chain has no gaps and a row more at either end."""
    held = parts(bundle)

    assert [json.loads(each)["seq"] for each in held["events.jsonl"].splitlines()] == OWN
    chain = [json.loads(each)["seq"] for each in held["chain.jsonl"].splitlines()]
    assert chain == list(range(2, 11))
    assert {json.loads(each)["account"] for each in held["events.jsonl"].splitlines()} == {1, None}
    about = json.loads(held["incident.json"])
    assert (about["account"], about["date"]) == (1, "2025-10-31")
    assert about["anchor"]["seq"] == 11


def test_its_events_are_the_lines_of_the_export(bundle: Path):
    """One form for one thing: time, account, kind, cause, fields, hash."""
    first = json.loads(parts(bundle)["events.jsonl"].splitlines()[0])

    assert list(first)[:5] == ["seq", "at", "account", "kind", "cause"]
    assert len(first["hash"]) == 64


def test_its_timeline_is_for_people(bundle: Path):
    """An event's own words, or its fields; with its time and its place in the journal."""
    lines = parts(bundle)["timeline.txt"].decode().splitlines()

    assert any("#6" in each and "Account 1 locked until" in each for each in lines)
    assert any("#5" in each and '"size":2' in each for each in lines)
    assert all(each.startswith("2025-1") for each in lines)


def test_its_readme_checks_it_with_nothing_but_python(bundle: Path, tmp_path: Path):
    """The documented algorithm is run as it stands there, without Lockstep, and finds a change."""
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(bundle) as packed:
        packed.extractall(folder)
    text = (folder / "README.txt").read_text()
    script = textwrap.dedent(text[text.index("    import") : text.index("Whoever holds")])

    def checked() -> int:
        command = [sys.executable, "-I", "-c", script]
        done = subprocess.run(command, cwd=folder, check=False, capture_output=True)  # noqa: S603
        return done.returncode

    assert checked() == 0
    chain = folder / "chain.jsonl"
    chain.write_text(chain.read_text().replace("a5", "a6", 1))
    assert checked() == 1


def test_it_verifies_and_says_what_it_is_of(bundle: Path):
    """Without the journal."""
    about = verify_incident(bundle)

    assert (about.account, about.date, about.first, about.last) == (1, "2025-10-31", 3, 9)


def test_a_day_that_goes_on_ends_at_the_last_event(filled: Store, tmp_path: Path):
    """Exported at once, before the reset; and a day at the very beginning of a journal."""
    about = bundle_of(filled, 1, MONDAY, filled.mark(), tmp_path / "now.zip")

    assert (about.first, about.last) == (9, 11)
    assert verify_incident(tmp_path / "now.zip") == about


def test_a_journal_that_begins_with_the_day_has_no_row_before(store: Store, tmp_path: Path):
    """The first row follows from zeros."""
    store.append([reset(1)])
    bundle_of(store, 1, FRIDAY, store.mark(), tmp_path / "first.zip")

    assert verify_incident(tmp_path / "first.zip").previous_hash == "00" * 32


def test_it_is_for_its_user_only_and_never_written_over(bundle: Path, filled: Store):
    """It holds account numbers and trades."""
    assert stat.S_IMODE(bundle.stat().st_mode) == 0o600
    before = bundle.read_bytes()

    with pytest.raises(FileExistsError):
        bundle_of(filled, 1, FRIDAY, filled.mark(), bundle)

    assert before == bundle.read_bytes()


@pytest.mark.parametrize(("account", "day"), [(1, date(2025, 10, 30)), (2, FRIDAY), (3, FRIDAY)])
def test_a_day_the_journal_does_not_hold_makes_no_bundle(
    filled: Store, tmp_path: Path, account, day
):
    """It says which days of the account there are, or which accounts."""
    with pytest.raises(StoreError, match="holds no trading day") as caught:
        bundle_of(filled, account, day, filled.mark(), tmp_path / "no.zip")

    only = (
        "only 2025-10-31, 2025-11-03;" if account == 1 else f"day of account {account}, only of 1;"
    )
    assert only in str(caught.value)
    assert not (tmp_path / "no.zip").exists()


def swap(part: str, old: bytes, new: bytes):
    def change(held: dict[str, bytes]) -> dict[str, bytes]:
        assert old in held[part]
        return held | {part: held[part].replace(old, new, 1)}

    return change


def drop_line(part: str, place: int):
    def change(held: dict[str, bytes]) -> dict[str, bytes]:
        lines = held[part].splitlines(keepends=True)
        del lines[place]
        return held | {part: b"".join(lines)}

    return change


def without(part: str):
    return lambda held: {name: each for name, each in held.items() if name != part}


CHANGES = {
    "an event": (swap("events.jsonl", b'"size":2', b'"size":1'), "not what its rows say"),
    "a line for people": (swap("timeline.txt", b'"size":2', b'"size":1'), "not what its rows say"),
    "no first event": (drop_line("events.jsonl", 0), "not what its rows say"),
    "no last event": (drop_line("events.jsonl", -1), "not what its rows say"),
    "no second line": (drop_line("timeline.txt", 1), "not what its rows say"),
    "no row before": (drop_line("chain.jsonl", 0), "not those around"),
    "no row within": (drop_line("chain.jsonl", 4), "not those around"),
    "a hash": (swap("chain.jsonl", b'"hash":"', b'"hash":"00'), "broken at seq 2"),
    "a row": (swap("chain.jsonl", b"6368616e676564", b"6368616e676565"), "broken at seq"),
    "its account": (swap("incident.json", b'"account":1', b'"account":2'), "not what its rows"),
    "its end": (swap("incident.json", b'"last":9', b'"last":8'), "not those around"),
    "its origin": (swap("incident.json", b'hash":"', b'hash":"00'), "broken at seq 2"),
    "no chain": (without("chain.jsonl"), "no bundle"),
    "no head": (without("incident.json"), "no bundle"),
    "no timeline": (without("timeline.txt"), "no bundle"),
    "half a head": (swap("incident.json", b"{", b""), "no bundle"),
}


@pytest.mark.parametrize(("change", "why"), CHANGES.values(), ids=CHANGES)
def test_whatever_is_changed_in_it_is_found(bundle: Path, change, why):
    """Each part follows from the rows, and each row from the one before."""
    rewrite(bundle, change(parts(bundle)))

    with pytest.raises(StoreError, match=why):
        verify_incident(bundle)


def test_a_chain_that_its_own_anchor_contradicts_is_refused(filled: Store, tmp_path: Path):
    """Where the anchor lies within the rows, it is compared."""
    wrong = structs.replace(filled.mark(), seq=5)
    bundle_of(filled, 1, FRIDAY, wrong, tmp_path / "wrong.zip")

    with pytest.raises(StoreError, match="seq 5 is not what its anchor knows"):
        verify_incident(tmp_path / "wrong.zip")


def test_a_file_that_is_no_zip_is_refused(tmp_path: Path):
    """And one that is not there."""
    (tmp_path / "x.zip").write_text("x")

    for name in ("x.zip", "y.zip"):
        with pytest.raises(StoreError, match="no bundle"):
            verify_incident(tmp_path / name)
