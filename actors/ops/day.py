"""`journal show`: one account's trading day for people, in the words of the log, with what was booked.

Everything comes from the stored events: what an event says from the narrator, the day's P&L from the
same `evolve` that the guard itself counts by.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from zoneinfo import ZoneInfo

from rich.text import Text

from actors.account.state import AccountState
from actors.account.terms import day_of
from actors.account.trading_day import TradingDay
from actors.journal import NoSuchDayError
from actors.journal.history import History
from actors.journal.incident import span_of
from actors.ops.console import Console
from actors.ops.facts import say, usd
from actors.ops.narrator import Line, narrate
from messages.base import Message
from messages.events import AccountGuarded, DayReset
from messages.journal import Recorded

_STYLES = {"critical": "bold red", "error": "red", "warning": "yellow"}
_UTC_DAY = TradingDay(reset=datetime.min.time(), zone=ZoneInfo("UTC"))
"""For the journals of an early build, which did not say how they counted a day."""


class NoSuchAccountError(LookupError):
    """The journal knows no account by that id or name."""


def account_of(history: History, name: str) -> int:
    """Return the id of an account named by it or by its name.

    Raises:
        NoSuchAccountError: there is none, or more than one of that name.
    """
    accounts = history.accounts()
    if name.isdecimal() and int(name) in accounts:
        return int(name)
    listed = {
        each.account: each.name
        for session in history.store.last_sessions()
        for each in session.accounts
    }
    named = [account for account in accounts if listed.get(account) == name]
    if len(named) == 1:
        return named[0]
    known = ", ".join(f"{each} ({listed.get(each, 'name unknown')})" for each in accounts)
    why = "names more than one account" if named else "is not in the journal"
    raise NoSuchAccountError(f"{name} {why}; it holds {known or 'none'}")


def print_day(history: History, account: int, day: date | None) -> None:
    """Print a trading day of an account, or its last one.

    Raises:
        NoSuchDayError: the journal holds no such day.
    """
    label = day or _last_day(history, account)
    first, last = span_of(history, account, label)
    console = Console()
    for level, text in lines_of(account, label, history.told(account, first, last)):
        console.print(Text(text, style=_STYLES.get(level, "")), soft_wrap=True)


def _last_day(history: History, account: int) -> date:
    resets = history.day_resets(account)
    if not resets:
        raise NoSuchDayError(
            f"it holds no trading day of account {account}",
            where=history.path,
            fix="name another account",
        )
    return date.fromisoformat(resets[-1][1])


def lines_of(account: int, label: date, records: Iterator[Recorded]) -> Iterator[Line]:
    """Yield the lines of a day, from the reset that began it to the one that closed it, if it has."""
    told = Day(account, label)
    for record in records:
        yield from told.lines(record.event)
    yield from told.end()


class Day:
    """One account's day as it is read on."""

    def __init__(self, account: int, label: date) -> None:
        self._label = label
        self._state = AccountState.new(account, _UTC_DAY, gross=False)
        self._zone: tzinfo = UTC
        self._closed = self._shadow = False

    def lines(self, event: Message) -> Iterator[Line]:
        """Take the next event; yield its lines, timed."""
        if isinstance(event, DayReset) and event.trading_date != self._label.isoformat():
            yield from self._close(event)
            return
        before = self._state.ledger.realised_usd
        self._state.evolve(event)
        if isinstance(event, DayReset | AccountGuarded):
            self._shadow = event.shadow
        if isinstance(event, DayReset):
            yield self._begin(event)
        told = narrate(event, shadow=self._shadow)
        said = [(level, line) for level, text in told for line in text.splitlines()]
        yield from (self._timed(event, *line) for line in said or say(event))
        if (now := self._state.ledger.realised_usd) != before:
            yield self._timed(event, "info", f"   day's realised P&L {usd(before)} → {usd(now)}")

    @property
    def realised_usd(self) -> Decimal:
        """Return the day's realised P&L as far as it has been read."""
        return self._state.ledger.realised_usd

    @property
    def shadow(self) -> bool:
        """Say whether the account is only watched, as far as it has been read."""
        return self._shadow

    def end(self) -> Iterator[Line]:
        """Yield how a day stands that was not closed yet."""
        if not self._closed:
            ledger = self._state.ledger
            trades = f"{ledger.closed_trades} closing fills"
            yield ("info", f"So far: realised {usd(ledger.realised_usd)} in {trades}")

    def _begin(self, event: DayReset) -> Line:
        if event.terms:
            self._zone = day_of(event.terms).zone
        head = f"Account {event.account}, trading day {self._label}, times of {self._zone}"
        return ("info", head)

    def _close(self, event: DayReset) -> Iterator[Line]:
        self._closed = True
        trades = f"{event.closed_trades} closing fills"
        text = f"day closed: realised {usd(event.realised_usd)} in {trades}"
        yield self._timed(event, "info", text)

    def _timed(self, event: Message, level: str, text: str) -> Line:
        at = event.at.astimezone(self._zone)
        shadow = "SHADOW  " if self._shadow else ""
        return (level, f"{at:%m-%d %H:%M:%S}.{at.microsecond // 1000:03}  {shadow}{text}")
