"""Which accounts are traded by one copier, as far as re-entries under lock show it.

Pure, and only of this life of the process: every re-entry is closed by its own account, whatever is found
here; the pattern is for people. Two things give a copier away. Locked accounts re-enter a contract
together: three at once, or the same two again. Or a locked account re-enters each time a certain while
after another account, locked or not, has filled. One alarm names them; it is repeated only when the group
grows, or after a quiet hour.
"""

import re
from collections import defaultdict, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from messages.base import Message
from messages.events import ExposureUnderLock
from messages.facts import TradeExecuted

TOGETHER = timedelta(seconds=3)
"""What happens within so long after the first, happens together."""
CROWD = 3
"""So many accounts together are no coincidence; of fewer, the same must come together again..."""
AGAIN_WITHIN = timedelta(minutes=10)
"""...within so long."""
FOLLOWED = 3
"""So many re-entries in a row must have followed fills of the same account..."""
STEADY = timedelta(seconds=0.25)
"""...with delays that differ by no more than this."""
QUIET = timedelta(hours=1)
"""After so long without a re-entry of it a group is told anew."""

_CONTRACT = re.compile(r"\bCON\.\S+")


class Copying(NamedTuple):
    """Accounts that one copier seems to trade."""

    contract: str
    """Contract in which it was seen."""
    accounts: tuple[int, ...]
    """The accounts, by id."""
    how: str
    """What gave it away."""

    @property
    def text(self) -> str:
        """Say what is seen and what a person is to do."""
        return (
            f"accounts {', '.join(map(str, self.accounts))} in {self.contract}: {self.how}. This looks "
            "like a trade copier. Each re-entry is closed; stop the copier, or take the locked accounts "
            "out of it at the platform: every round costs spread and fees"
        )


class _Fill(NamedTuple):
    at: datetime
    order: int


@dataclass(slots=True)
class _Wave:
    """Re-entries that happened together."""

    began: datetime
    accounts: set[int]


@dataclass(slots=True)
class Copiers:
    """What all accounts of this process did lately."""

    _fills: dict[str, dict[int, _Fill]] = field(default_factory=lambda: defaultdict(dict))
    """The latest opening order of each account that has filled, by contract."""
    _waves: dict[str, deque[_Wave]] = field(default_factory=lambda: defaultdict(deque))
    """Those of the last ten minutes, by contract."""
    _follows: dict[tuple[str, int, int], deque[timedelta]] = field(default_factory=dict)
    """The latest delays, by contract, leader and follower."""
    _told: dict[str, tuple[datetime, set[int]]] = field(default_factory=dict)

    def note(self, event: Message) -> Copying | None:
        """Take in an event; return a group that is to be told now."""
        match event:
            case TradeExecuted(fill=fill) if fill.profit_and_loss_usd is None and not fill.voided:
                fills = self._fills[fill.contract]
                if event.account not in fills or fills[event.account].order != fill.order_id:
                    fills[event.account] = _Fill(event.at, fill.order_id)
            case ExposureUnderLock() if found := _CONTRACT.search(event.appeared):
                return self._reentered(found[0], event.account, event.at)
        return None

    def _reentered(self, contract: str, account: int, at: datetime) -> Copying | None:
        if together := self._together(contract, account, at):
            return self._tell(contract, together, "they re-entered under lock together", at)
        if leaders := self._led_by(contract, account, at):
            how = f"{account} re-enters under lock each time just after the fills of the other"
            return self._tell(contract, {account, *leaders}, how, at)
        return None

    def _together(self, contract: str, account: int, at: datetime) -> set[int]:
        """Return who re-enters together with an account; empty = that may be a coincidence."""
        waves = self._waves[contract]
        while waves and at - waves[0].began > AGAIN_WITHIN:
            waves.popleft()
        if not waves or at - waves[-1].began > TOGETHER:
            waves.append(_Wave(at, set()))
        now = waves[-1].accounts
        now.add(account)
        if len(now) >= CROWD:
            return set(now)
        again = [now & each.accounts for each in list(waves)[:-1]]
        return next((each for each in again if len(each) > 1), set())

    def _led_by(self, contract: str, account: int, at: datetime) -> set[int]:
        """Return whose fills this account's re-entries follow steadily."""
        leaders = set()
        for leader, fill in self._fills[contract].items():
            if leader == account:
                continue
            key = (contract, leader, account)
            if not timedelta(0) <= at - fill.at <= TOGETHER:
                self._follows.pop(key, None)  # not this time
                continue
            delays = self._follows.setdefault(key, deque(maxlen=FOLLOWED))
            delays.append(at - fill.at)
            if len(delays) == FOLLOWED and max(delays) - min(delays) <= STEADY:
                leaders.add(leader)
        return leaders

    def _tell(self, contract: str, group: set[int], how: str, at: datetime) -> Copying | None:
        told_at, told = self._told.get(contract, (at, set[int]()))
        known = told if at - told_at <= QUIET else set()
        self._told[contract] = (at, known | group)
        if group <= known:
            return None
        return Copying(contract, tuple(sorted(known | group)), how)
