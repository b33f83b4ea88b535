"""Polling whether the accounts of a login can trade: one request for all of them, for ever.

Run by the GatewayActor, and idle unless a rule asks for it. What the answer says goes to each guarded
account as an `AccountChanged` stamped with the time of asking; what it does not say changes nothing and
alarms, once until it is said again.
"""

import asyncio
import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from actors.gateway.errors import DecodeError, ReadFailedError, shown
from actors.gateway.fields import Fields
from actors.gateway.outbox import Outbox
from messages.facts import AccountChanged
from messages.values import AlarmCode

if TYPE_CHECKING:
    from actors.gateway.client import BrokerClient  # importing the SDK costs a second

_SOURCE = "/Account/search"
_IDLE_S = 30.0
"""How long to wait before looking whether a poll is wanted again."""


@dataclass(slots=True)
class AccountPoll:
    """The poll of one login."""

    client: "BrokerClient"
    outbox: Outbox
    login: str
    within_s: float
    """How long one answer may take."""
    accounts: Collection[int]
    """The guarded accounts, as they are at each poll."""
    every_s: float | None = None
    """Seconds between polls; None = no rule needs it."""
    _failing: bool = False
    _silent: frozenset[int] = frozenset()
    """Accounts whose last answer did not say."""
    _malformed: bool = False
    """The last answer had rows that cannot be understood; they come again with every poll."""

    async def run(self) -> None:
        """Poll for ever; how often may change meanwhile, and is looked at again and again."""
        waited_s = 0.0
        while True:
            step_s = min(_IDLE_S, max(0.0, (self.every_s or math.inf) - waited_s))
            await asyncio.sleep(step_s)
            waited_s += step_s
            if self.every_s and waited_s >= self.every_s:
                waited_s = 0.0
                await self.look()

    async def look(self) -> None:
        """Ask once and tell every account what the answer says of it."""
        at = self.outbox.stamp()  # before asking: a push may be newer than the answer
        try:
            rows = await self.client.accounts(within_s=self.within_s, only_active=False)
        except ReadFailedError as error:
            self._fail(str(error))
            return
        self._failing = False
        flags = self._flags(rows)
        for account in self.accounts:
            if (can_trade := flags.get(account)) is not None:
                self.outbox.to_account(
                    AccountChanged(
                        account=account, at=at, cause="poll", can_trade=can_trade, balance_usd=None
                    )
                )
        self._note_silent(frozenset(each for each in self.accounts if flags.get(each) is None))

    def _flags(self, rows: Iterable[Fields]) -> dict[int, bool | None]:
        """Return what is said of each account; a row that cannot be understood says nothing."""
        flags: dict[int, bool | None] = {}
        malformed = False
        for row in rows:
            try:
                flags[row.integer("id")] = row.flag_or_none("canTrade")
            except DecodeError as error:
                malformed = True
                if not self._malformed:
                    self.outbox.quarantine(_SOURCE, shown(row.raw, 2000), error)
        self._malformed = malformed
        return flags

    def _fail(self, reason: str) -> None:
        if not self._failing:
            self._failing = True
            self.outbox.alarm(
                AlarmCode.CAN_TRADE_UNKNOWN,
                f"{self.login}: whether accounts can trade cannot be polled: {reason}; "
                "what was known stays, trying again",
            )

    def _note_silent(self, silent: frozenset[int]) -> None:
        for account in sorted(silent - self._silent):
            self.outbox.alarm(
                AlarmCode.CAN_TRADE_UNKNOWN,
                f"{self.login}: {_SOURCE} does not say whether the account can trade: "
                "what was known stays; look it up at the firm",
                account=account,
            )
        self._silent = silent
