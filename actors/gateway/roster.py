"""Watching which accounts a login has: one request a minute, for ever.

Run by the GatewayActor. Told to a person, once each: a guarded account that the broker no longer lists or
shows, a new account that nobody guards, and an account that has another name under the same id. Accounts
are known by their id alone; nothing here guards one or ceases to. Whoever started us is told all that are
listed, at every look. An account whose balance moved although
its stream told no fill is asked to compare itself at once: it may have been forgotten by the hub.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from actors.gateway.errors import DecodeError, ReadFailedError
from actors.gateway.fields import Fields
from actors.gateway.outbox import Outbox
from messages.commands import ReconcileAccount
from messages.values import AlarmCode

if TYPE_CHECKING:
    from actors.gateway.client import BrokerClient  # importing the SDK costs a second


type OnListed = Callable[[Mapping[int, str]], None]
"""Is told the names of all accounts that a login lists, by id; on the gateway's thread."""


@dataclass(slots=True)
class Roster:
    """The accounts of one login, as the broker last listed them."""

    client: "BrokerClient"
    outbox: Outbox
    login: str
    within_s: float
    """How long one answer may take."""
    every_s: float
    """Seconds between two looks."""
    guarded: Collection[int]
    """The guarded accounts, as they are at each look."""
    traded: set[int]
    """Accounts of which the stream has told a fill; emptied by each look."""
    on_listed: OnListed
    """Told who is listed, at every look."""
    _balances: dict[int, Decimal] = field(default_factory=dict)
    _names: dict[int, str] = field(default_factory=dict)
    _missing: frozenset[int] = frozenset()

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await asyncio.sleep(self.every_s)
            await self.look()

    async def look(self) -> None:
        """Ask once and tell what has changed; an answer that is none changes nothing."""
        try:
            rows = await self.client.accounts(within_s=self.within_s)
        except ReadFailedError:
            return  # asked again in a minute; that the broker does not answer is told by whoever needs it
        listed = _shown(rows)
        self.on_listed(listed)
        self._tell_missing(frozenset(each for each in self.guarded if each not in listed))
        if self._names:
            self._tell_strange(listed)
        self._names |= listed
        self._wake_silent(_balances(rows))

    def note(self, rows: Iterable[Fields]) -> None:
        """Take the accounts that were listed at the start for known."""
        self._names |= _shown(rows)
        self._balances |= _balances(rows)

    def _wake_silent(self, balances: dict[int, Decimal]) -> None:
        for account in self.guarded:
            before, after = self._balances.get(account), balances.get(account)
            moved = None not in {before, after} and before != after
            if moved and account not in self.traded:
                now = self.outbox.clock.now()
                self.outbox.to_account(ReconcileAccount(account=account, at=now, cause="balance"))
        self._balances |= balances
        self.traded.clear()

    def _tell_missing(self, missing: frozenset[int]) -> None:
        for account in sorted(missing - self._missing):
            self._alarm(
                AlarmCode.ACCOUNT_MISSING,
                account,
                "is no longer listed or shown by the broker: closed, failed or reset by the firm? "
                "It is guarded on as far as the broker lets us",
            )
        self._missing = missing

    def _tell_strange(self, listed: dict[int, str]) -> None:
        for account, name in listed.items():
            before = self._names.get(account)
            if before is None and account not in self.guarded:
                self._alarm(
                    AlarmCode.UNKNOWN_ACCOUNT,
                    account,
                    f"({name}) is new and NOT guarded; add it to the configuration or start again",
                )
            elif before not in {None, name}:
                self._alarm(
                    AlarmCode.ACCOUNT_RENAMED,
                    account,
                    f"was {before!r} and is now {name!r}: is it the same? Its rules stay as they were",
                )

    def _alarm(self, code: AlarmCode, account: int, text: str) -> None:
        self.outbox.alarm(code, f"{self.login}: account {account} {text}", account=account)


def _shown(rows: Iterable[Fields]) -> dict[int, str]:
    """Return the names of the accounts that are not hidden; a row without id or name shows nothing.

    Such a row is set aside where it is needed, in the poll and in the snapshots.
    """
    names: dict[int, str] = {}
    for row in rows:
        try:
            if row.flag_or_none("isVisible") is not False:
                names[row.integer("id")] = row.text("name")
        except DecodeError:
            continue
    return names


def _balances(rows: Iterable[Fields]) -> dict[int, Decimal]:
    """Return the balances of the accounts; a row that does not say one says nothing."""
    balances: dict[int, Decimal] = {}
    for row in rows:
        try:
            balances[row.integer("id")] = row.decimal("balance")
        except DecodeError:
            continue
    return balances
