"""How accounts stand, for people: a table, what it has no column for, and one line per account.

Colours only underline what the words say already, so nothing is lost where `NO_COLOR` is set.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from rich.console import Group
from rich.table import Table
from rich.text import Text

from actors.ops.console import Console
from actors.ops.protection import Hole, Kind, holes
from messages.queries import AccountStatus, SystemStatus
from messages.values import ACCOUNT_SCOPE, Health, Lockout, Phase

_PHASES = {
    Phase.STARTING: "yellow",
    Phase.OPEN: "green",
    Phase.ENFORCING: "bold red",
    Phase.LOCKED: "bold magenta",
}
_HOLES = {Kind.STALE: "bold yellow", Kind.STARTING: "yellow", Kind.CALENDAR: "bold yellow"}
_SAID_ABOVE = frozenset({Kind.NOT_RUNNING, Kind.NO_ACCOUNT})
"""The head of the table says these."""
_HEALTHS = {Health.LIVE: "green", Health.STALE: "bold yellow", Health.UNKNOWN: "bold red"}


def print_status(status: SystemStatus) -> None:
    """Print a table, and below it every lockout, every change that waits, and what is wrong."""
    console = Console()
    console.print(_head(status))
    console.print(_table(status))
    for note in _notes(status):
        console.print(note, soft_wrap=True)


def picture_of(status: SystemStatus) -> Group:
    """Return all of it as one picture, to be shown in place of the one before."""
    return Group(_head(status), _table(status), *_notes(status))


def lines_of(status: SystemStatus) -> dict[int | str, str]:
    """Return by account one line without any time in it: the same as long as nothing changes."""
    lines: dict[int | str, str] = {each.account: _line(each) for each in status.accounts}
    lines |= {each.account: f"UNGUARDED: {each.reason}" for each in status.unguarded}
    return lines | dict.fromkeys(status.unanswered, "DOES NOT ANSWER")


def _line(each: AccountStatus) -> str:
    parts = [
        *(each.name, _phase(each), str(each.health)),
        f"P&L {_money(each.realised_usd)}",
        f"open {_money(each.open_usd)}",
        _holds(each) or "flat",
        *(f"{lock.rule} {_end(lock)}" for lock in each.lockouts),
    ]
    return "  ".join(parts)


def _head(status: SystemStatus) -> Text:
    head = Text(f"Lockstep {status.version}", style="bold")
    if not status.live:
        head.append(" is NOT RUNNING: this is what its journal knows", style="bold red")
        return head
    phases = Counter(each.phase for each in status.accounts)
    said = ", ".join(f"{phases[phase]} {phase}" for phase in Phase if phases[phase])
    head.append(f" at {status.at:%Y-%m-%d %H:%M:%S} UTC: {said or 'no account'}", style="not bold")
    return head


def _table(status: SystemStatus) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("account", "name", "phase", "health"):
        table.add_column(column, no_wrap=True)
    for column in ("day's P&L", "open"):
        table.add_column(column, no_wrap=True, justify="right")
    table.add_column("holds")
    for each in status.accounts:
        table.add_row(
            str(each.account),
            Text(each.name),
            Text(_phase(each), style=_PHASES[each.phase]),
            Text(each.health, style=_HEALTHS[each.health]),
            _coloured(each.realised_usd),
            _coloured(each.open_usd),
            Text(_holds(each)),
        )
    return table


def _phase(each: AccountStatus) -> str:
    return f"SHADOW {each.phase}" if each.shadow else each.phase


def _coloured(amount: Decimal | None) -> Text:
    if amount is None:
        return Text(_money(amount), style="bold yellow")
    return Text(_money(amount), style="red" if amount < 0 else "green" if amount > 0 else "")


def _money(amount: Decimal | None) -> str:
    return "unknown" if amount is None else f"${amount:,.2f}"


def _holds(each: AccountStatus) -> str:
    held = [f"{position.size} {position.product}" for position in each.positions]
    orders = "order" if each.working_orders == 1 else "orders"
    return ", ".join(held + [f"{each.working_orders} {orders}"] * bool(each.working_orders))


def _notes(status: SystemStatus) -> Iterator[Text]:
    """Yield what the table has no column for: what is wrong first, then account by account."""
    known = {each.account for each in status.accounts}
    of_accounts = defaultdict(list)
    for hole in holes(status):
        if hole.account in known:
            of_accounts[hole.account].append(_said(hole))
        elif hole.kind not in _SAID_ABOVE:
            yield _said(hole)
    yield from _channels(status)
    for each in status.accounts:
        yield from of_accounts[each.account]
        yield from _notes_of(each, status.at)


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


def _notes_of(each: AccountStatus, at: datetime) -> Iterator[Text]:
    if each.enforcement:
        proved = "the record waits for the disk" if each.enforcement.flat_confirmed else "closing"
        text = f"{each.account} enforcing since {each.enforcement.since:%H:%M:%S} UTC: {proved}"
        yield Text(text, style=_PHASES[Phase.ENFORCING])
    for lock in each.lockouts:
        scope = "" if lock.scope == ACCOUNT_SCOPE else f" ({lock.scope})"
        left = f", {_left(lock.until, at)} left" if lock.until else ""
        locked = "would be locked" if lock.shadow else "locked"
        text = f"{each.account}{scope} {locked} by {lock.rule} {_end(lock)}{left}: {lock.reason}"
        yield Text(text, style=_PHASES[Phase.LOCKED])
    for change in each.queued:
        yield Text(f"{each.account} queued: {change}")


def _end(lock: Lockout) -> str:
    return f"until {lock.until:%Y-%m-%d %H:%M:%S} UTC" if lock.until else "until released"


def _left(until: datetime, at: datetime) -> str:
    """Return how long is left in two units, e.g. `3h 05m`, `12m 30s`, `2d 04h`."""
    seconds = max(0, int((until - at).total_seconds()))
    for unit, name, part, small in ((86400, "d", 3600, "h"), (3600, "h", 60, "m")):
        if seconds >= unit:
            return f"{seconds // unit}{name} {seconds % unit // part:02}{small}"
    return f"{seconds // 60}m {seconds % 60:02}s"
