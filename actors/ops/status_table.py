"""How accounts stand, for people: a table, what it has no column for, and one line per account.

Colours only underline what the words say already, so nothing is lost where `NO_COLOR` is set.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime

from rich.text import Text

from actors.ops.accounts_table import PHASES, Fitted, holds, money, phase_of
from actors.ops.console import Console
from actors.ops.narrator import awaited
from actors.ops.protection import Hole, Kind
from actors.ops.protection import holes as holes_of
from messages.queries import AccountStatus, SystemStatus
from messages.values import ACCOUNT_SCOPE, Lockout, Phase

_HOLES = {Kind.STALE: "bold yellow", Kind.STARTING: "yellow", Kind.CALENDAR: "bold yellow"}
_SAID_ABOVE = frozenset({Kind.NOT_RUNNING, Kind.NO_ACCOUNT})
"""The head of the table says these."""
_NO_WIDTH = 1000
"""Columns of what is no screen: a pipe, a file."""


def print_status(status: SystemStatus) -> None:
    """Print a table, and below it every lockout, every change that waits, and what is wrong."""
    console = Console()
    if not (console.is_terminal or os.environ.get("COLUMNS")):
        console = Console(width=_NO_WIDTH)
    console.print(head_of(status))
    console.print(Fitted(status.accounts))
    for note in _notes(status):
        console.print(note, soft_wrap=True)


def lines_of(status: SystemStatus) -> dict[int | str, str]:
    """Return by account one line without any time in it: the same as long as nothing changes."""
    lines: dict[int | str, str] = {each.account: _line(each) for each in status.accounts}
    lines |= {each.account: f"UNGUARDED: {each.reason}" for each in status.unguarded}
    return lines | dict.fromkeys(status.unanswered, "DOES NOT ANSWER")


def _line(each: AccountStatus) -> str:
    parts = [
        *(each.name, phase_of(each), str(each.health)),
        f"P&L {money(each.realised_usd)}",
        f"open {money(each.open_usd)}",
        holds(each) or "flat",
        *(f"{lock.rule} {_end(lock)}" for lock in each.lockouts),
    ]
    return "  ".join(parts)


def head_of(status: SystemStatus) -> Text:
    """Return the first line: what runs, when that was, and how many accounts are where."""
    head = Text(f"Lockstep {status.version}", style="bold")
    if not status.live:
        head.append(" is NOT RUNNING: this is what its journal knows", style="bold red")
        return head
    ordered = sorted(status.accounts, key=lambda each: (each.shadow, list(Phase).index(each.phase)))
    phases = Counter(map(phase_of, ordered))  # what is only watched is counted by itself
    said = ", ".join(f"{count} {phase}" for phase, count in phases.items())
    head.append(f" at {status.at:%Y-%m-%d %H:%M:%S} UTC: {said or 'no account'}", style="not bold")
    return head


def _notes(status: SystemStatus) -> Iterator[Text]:
    """Yield what the table has no column for: what is wrong first, then account by account."""
    known = {each.account for each in status.accounts}
    of_accounts = defaultdict(list)
    for hole in holes_of(status):
        if hole.account in known:
            of_accounts[hole.account].append(_said(hole))
        elif hole.kind not in _SAID_ABOVE:
            yield _said(hole)
    yield from _channels(status)
    for each in status.accounts:
        yield from of_accounts[each.account]
        yield from notes_of(each, status.at)


def wrong_in(status: SystemStatus) -> Iterator[Text]:
    """Yield what is wrong, in a line each; of the accounts, first those that are not flat in time."""
    for hole in sorted(holes_of(status), key=_may_wait):
        if hole.kind not in _SAID_ABOVE:
            yield _said(hole)
    yield from _channels(status)


def _may_wait(hole: Hole) -> bool:
    return hole.account is not None and hole.kind is not Kind.EXPOSED


def _said(hole: Hole) -> Text:
    return Text(hole.line, style=_HOLES.get(hole.kind, "bold red"))


def _channels(status: SystemStatus) -> Iterator[Text]:
    """Yield whom nobody reaches, and since when."""
    for each in status.channels:
        if each.failing_since:
            since = f"{each.failing_since:%H:%M:%S} UTC: {each.error}"
            waiting = f"; {each.held_back} notices wait" if each.held_back else ""
            lost = f"; {each.lost} were lost" if each.lost else ""
            text = f"alerts: {each.name} ({each.kind}) fails since {since}{waiting}{lost}"
            yield Text(text, style="bold yellow")


def notes_of(each: AccountStatus, at: datetime) -> Iterator[Text]:
    """Yield its enforcement, its lockouts and what waits for its reset, a line each."""
    if each.enforcement:
        proved = "the record waits for the disk" if each.enforcement.flat_confirmed else "closing"
        text = f"{each.account} enforcing since {each.enforcement.since:%H:%M:%S} UTC: {proved}"
        yield Text(text, style=PHASES[Phase.ENFORCING])
    for lock in each.lockouts:
        scope = "" if lock.scope == ACCOUNT_SCOPE else f" ({lock.scope})"
        left = f", {_left(lock.until, at)} left" if lock.until else ""
        locked = "would be locked" if lock.shadow else "locked"
        text = f"{each.account}{scope} {locked} by {lock.rule} {_end(lock)}{left}: {lock.reason}"
        yield Text(text, style=PHASES[Phase.LOCKED])
    for change in each.queued:
        yield Text(f"{each.account} queued: {change}")


def _end(lock: Lockout) -> str:
    return f"until {lock.until:%Y-%m-%d %H:%M:%S} UTC" if lock.until else f"until {awaited(lock)}"


def _left(until: datetime, at: datetime) -> str:
    """Return how long is left in two units, e.g. `3h 05m`, `12m 30s`, `2d 04h`."""
    seconds = max(0, int((until - at).total_seconds()))
    for unit, name, part, small in ((86400, "d", 3600, "h"), (3600, "h", 60, "m")):
        if seconds >= unit:
            return f"{seconds // unit}{name} {seconds % unit // part:02}{small}"
    return f"{seconds // 60}m {seconds % 60:02}s"
