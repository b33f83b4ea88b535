"""The `journal` commands: verify the chain, judge it by its anchor, archive, export, dead letters."""

import sys
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import cyclopts
from cyclopts import Parameter

from actors.journal import (
    Anchor,
    History,
    NoSuchDayError,
    Store,
    StoreError,
    accept,
    archive_before,
    default_anchor,
    export_lines,
    refusal,
    refusing,
    verify_anchored,
    verify_archive,
    verify_history,
    verify_incident,
    write_incident,
)
from actors.journal.archive import is_archive_file
from actors.journal.letters import dead_letters, json_of, line_of
from actors.ops.day import NoSuchAccountError, account_of, print_day
from actors.ops.exits import FAILURE, USAGE
from actors.ops.terminal import DEFAULT, ConfigPath, Json, fail
from actors.runtime import SystemClock
from config.loader import load

app = cyclopts.App(name="journal", help="Read the journal: verify its chain, export it.")


@app.command(name="verify")
def verify(
    *,
    config: ConfigPath = DEFAULT,
    path: Path | None = None,
    anchor: Path | None = None,
    archives: Path | None = None,
    incident: Path | None = None,
) -> int:
    """Walk the hash chain from the first event to the last, and compare it with the anchor.

    Args:
        config: Configuration file that names the journal.
        path: The journal itself, instead; or an archive, which is walked alone.
        anchor: Its anchor; otherwise the configuration's, or the one beside the journal.
        archives: Folder of its archives; these are walked too, as one chain from the first event on.
        incident: Check this dispute bundle instead; the journal is not needed.
    """
    if incident is not None:
        about = verify_incident(incident)
        print(
            f"{incident}: account {about.account}, trading day {about.date}, seq {about.first} to "
            f"{about.last}: chain intact, and told as it was stored"
        )
        return 0
    if path is not None and path.is_file() and is_archive_file(path):
        about_archive = verify_archive(path)
        print(
            f"{path}: archive of seq {about_archive.first} to {about_archive.last}, chain intact, "
            f"goes on from {about_archive.before.hash.hex()}, last hash {about_archive.last_hash.hex()}"
        )
        return 0
    place, beside = _files(config, path, anchor)
    if archives is not None:
        checked, parts = verify_history(place, beside, archives)
        for part in parts:
            print(f"{part.archive.path}: seq {part.archive.first} to {part.last}, chain intact")
    else:
        checked = verify_anchored(place, beside)
        if checked.archived:
            print(f"seq 1 to {checked.archived} are in archives; --archives FOLDER walks them too")
    print(
        f"{place}: {checked.events} events, chain intact, last hash {checked.last_hash}, "
        f"as its anchor {beside.path} knows it"
    )
    return 0


@app.command(name="anchor")
def anchor(
    *,
    config: ConfigPath = DEFAULT,
    path: Path | None = None,
    anchor: Path | None = None,
    accept_it: Annotated[bool, Parameter(name="--accept", negative="")] = False,
) -> int:
    """Say whether the anchor bears the journal out; let the journal go on where it does not.

    Accepting is journaled, and locks every account until the next reset: what was locked is unknown.

    Args:
        config: Configuration file that names the journal.
        path: The journal itself, instead.
        anchor: Its anchor; otherwise the configuration's, or the one beside the journal.
        accept_it: Take the journal as it is, or begin a new one where there is none.
    """
    place, beside = _files(config, path, anchor)
    refused = refusal(place, beside)
    if refused is None:
        print(f"{place} is as its anchor {beside.path} knows it; nothing is to be accepted")
        return 0
    if not accept_it:
        raise refused
    accepted = accept(place, beside, refused, clock=SystemClock())
    print(
        f"{place} goes on with its {accepted.events} events, from now on with the anchor "
        f"{beside.path}; every account is locked until the next reset.\nIt had been refused: "
        f"{accepted.refused}"
    )
    return 0


@app.command(name="export")
def export(
    *,
    config: ConfigPath = DEFAULT,
    path: Path | None = None,
    anchor: Path | None = None,
    account: int | None = None,
    archives: Path | None = None,
    incident: tuple[int, date] | None = None,
    out: Path | None = None,
) -> int:
    """Print the events as JSON, one object a line; or write a dispute bundle.

    Args:
        config: Configuration file that names the journal.
        path: The journal itself, instead.
        anchor: Its anchor, for a bundle; otherwise as for `journal verify`.
        account: Only this account's events.
        archives: Folder of its archives; otherwise the journal's own.
        incident: Write a bundle of this account (its id) and trading day (YYYY-MM-DD).
        out: The bundle's file, which must not be there yet.
    """
    if incident is not None:
        return _write_incident(_files(config, path, anchor), archives, *incident, out)
    if out is not None:
        return fail(USAGE, "--out goes with --incident; the lines go to stdout")
    with History(_path(config, path), archives) as history:
        _tell_missing(history)
        for line in export_lines(history, account=account):
            sys.stdout.buffer.write(line + b"\n")
    return 0


def _write_incident(
    files: tuple[Path, Anchor], archives: Path | None, account: int, day: date, out: Path | None
) -> int:
    place, beside = files
    verify_anchored(place, beside)
    out = out or Path(f"incident-{account}-{day}.zip")
    try:
        with History(place, archives) as history:
            for part in history.parts:
                verify_archive(part.archive.path)
            about = write_incident(history, account, day, beside.read(), out)
    except FileExistsError:
        return fail(USAGE, f"{out} is there already; choose another name with --out")
    except NoSuchDayError as error:
        return fail(USAGE, str(error))
    except OSError as error:
        return fail(FAILURE, f"{out} cannot be written: {error.strerror}")
    print(f"{out}: account {account}, trading day {day}, seq {about.first} to {about.last}")
    return 0


@app.command(name="show")
def show(
    account: str,
    /,
    *,
    date: date | None = None,
    config: ConfigPath = DEFAULT,
    path: Path | None = None,
    archives: Path | None = None,
) -> int:
    """Print what happened to an account on a trading day, in the words of the log and with the fills.

    Args:
        account: Account id, or its name.
        date: Trading day (YYYY-MM-DD); otherwise its last one.
        config: Configuration file that names the journal.
        path: The journal itself, instead.
        archives: Folder of its archives; otherwise the journal's own.
    """
    with History(_path(config, path), archives) as history:
        try:
            known = account_of(history, account)
        except NoSuchAccountError as error:
            return fail(USAGE, str(error))
        try:
            print_day(history, known, date)
        except NoSuchDayError as error:
            return fail(USAGE, str(error))
    return 0


@app.command(name="archive")
def archive(
    *,
    config: ConfigPath = DEFAULT,
    path: Path | None = None,
    anchor: Path | None = None,
    before: date | None = None,
    out: Path | None = None,
) -> int:
    """Move the oldest events into archives, which verify by themselves; nothing may run meanwhile.

    What a start needs stays in the journal, however old it is. `run` does the same at its start.

    Args:
        config: Configuration file that names the journal, and by keep_days what is old.
        path: The journal itself, instead; then --before says what is old.
        anchor: Its anchor; otherwise the configuration's, or the one beside the journal.
        before: Archive the days (UTC) before this one, YYYY-MM-DD; today at the latest.
        out: Folder for the archives; otherwise the journal's own.
    """
    clock = SystemClock()
    today = clock.now().date()
    if before is None:
        if path is not None:
            return fail(USAGE, "--path goes with --before: only the configuration says keep_days")
        days = load(config, now=clock.now()).file.journal.keep_days
        if not days:
            return fail(USAGE, "keep_days is 0, which keeps everything; say --before")
        before = today - timedelta(days=days)
    if before > today:
        return fail(USAGE, f"--before {before} is not past yet")
    place, beside = _files(config, path, anchor)
    if not place.exists():
        raise StoreError("there is no such file", where=place, fix="name the journal")
    with closing(Store.open(place, clock=clock, anchor=beside.path)) as store:
        made = archive_before(store, before, clock=clock, folder=out)
        with refusing(place):
            store.rebuild()
        kept_from = store.base().seq + 1
    for each in made:
        print(f"{each.path}: seq {each.first} to {each.last}")
    print(f"{place}: {len(made)} archives made; it holds seq {kept_from} on")
    return 0


@app.command(name="dead-letters")
def show_dead_letters(
    *, config: ConfigPath = DEFAULT, path: Path | None = None, json: Json = False
) -> int:
    """Print the messages that no actor could handle, with the reason; none is ever tried again.

    Args:
        config: Configuration file that names the journal.
        path: The journal itself, instead.
        json: Print one JSON object a line.
    """
    with History(_path(config, path)) as history:
        _tell_missing(history)
        for letter in dead_letters(history):
            text = json_of(letter).decode() if json else line_of(letter)
            sys.stdout.write(text + "\n")
    return 0


def _tell_missing(history: History) -> None:
    if history.missing:
        text = f"seq 1 to {history.missing} are in archives that are not in {history.folder}"
        print(f"note: {text}; --archives FOLDER", file=sys.stderr)


def _files(config: Path, path: Path | None, anchor: Path | None) -> tuple[Path, Anchor]:
    """Return the journal and its anchor, as the command line or else the configuration names them."""
    if path is not None:
        return path, Anchor(anchor or default_anchor(path))
    named = load(config, now=SystemClock().now()).file.journal
    beside = anchor or (Path(named.anchor) if named.anchor else default_anchor(Path(named.path)))
    return Path(named.path), Anchor(beside)


def _path(config: Path, path: Path | None) -> Path:
    if path is not None:
        return path
    return Path(load(config, now=SystemClock().now()).file.journal.path)
