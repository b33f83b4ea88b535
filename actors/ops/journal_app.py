"""The `journal` commands: verify the chain, judge it by its anchor, export, read dead letters."""

import sys
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Annotated

import cyclopts
from cyclopts import Parameter

from actors.journal import (
    Anchor,
    Store,
    accept,
    default_anchor,
    export_lines,
    refusal,
    verify_anchored,
    verify_incident,
    write_incident,
)
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
    incident: Path | None = None,
) -> int:
    """Walk the hash chain from the first event to the last, and compare it with the anchor.

    Args:
        config: Configuration file that names the journal.
        path: The journal itself, instead.
        anchor: Its anchor; otherwise the configuration's, or the one beside the journal.
        incident: Check this dispute bundle instead; the journal is not needed.
    """
    if incident is not None:
        about = verify_incident(incident)
        print(
            f"{incident}: account {about.account}, trading day {about.date}, seq {about.first} to "
            f"{about.last}: chain intact, and told as it was stored"
        )
        return 0
    place, beside = _files(config, path, anchor)
    checked = verify_anchored(place, beside)
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
    incident: tuple[int, date] | None = None,
    out: Path | None = None,
) -> int:
    """Print the events as JSON, one object a line; or write a dispute bundle.

    Args:
        config: Configuration file that names the journal.
        path: The journal itself, instead.
        anchor: Its anchor, for a bundle; otherwise as for `journal verify`.
        account: Only this account's events.
        incident: Write a bundle of this account (its id) and trading day (YYYY-MM-DD).
        out: The bundle's file, which must not be there yet.
    """
    if incident is not None:
        return _write_incident(_files(config, path, anchor), *incident, out)
    if out is not None:
        return fail(USAGE, "--out goes with --incident; the lines go to stdout")
    with closing(Store.open_read_only(_path(config, path))) as store:
        for line in export_lines(store, account=account):
            sys.stdout.buffer.write(line + b"\n")
    return 0


def _write_incident(files: tuple[Path, Anchor], account: int, day: date, out: Path | None) -> int:
    place, beside = files
    verify_anchored(place, beside)
    out = out or Path(f"incident-{account}-{day}.zip")
    try:
        with closing(Store.open_read_only(place)) as store:
            about = write_incident(store, account, day, beside.read(), out)
    except FileExistsError:
        return fail(USAGE, f"{out} is there already; choose another name with --out")
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
) -> int:
    """Print what happened to an account on a trading day, in the words of the log and with the fills.

    Args:
        account: Account id, or its name.
        date: Trading day (YYYY-MM-DD); otherwise its last one.
        config: Configuration file that names the journal.
        path: The journal itself, instead.
    """
    with closing(Store.open_read_only(_path(config, path))) as store:
        try:
            known = account_of(store, account)
        except NoSuchAccountError as error:
            return fail(USAGE, str(error))
        print_day(store, known, date)
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
    with closing(Store.open_read_only(_path(config, path))) as store:
        for letter in dead_letters(store):
            text = json_of(letter).decode() if json else line_of(letter)
            sys.stdout.write(text + "\n")
    return 0


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
