"""The user hub's side of a gateway: what the broker says about accounts, as facts to those accounts.

Each record is told on at once, in the order in which it came. What cannot be understood, or is about an
account nobody guards, is set aside and changes nothing; the account it was about, if that much is clear,
is told to compare itself with the broker. An account that is too far behind is cut off (`overflow.py`).
"""

import asyncio
import random
from collections.abc import Iterable
from datetime import datetime

from actors.gateway import overflow, typed
from actors.gateway.backoff import Backoff
from actors.gateway.decode import (
    ACCOUNT_TARGET,
    USER_TARGETS,
    Item,
    UserFact,
    account_of,
    fact_of,
    items_of,
    unwrap,
)
from actors.gateway.errors import DecodeError
from actors.gateway.hub import Hub, TokenSource, Topic
from actors.gateway.outbox import Outbox
from actors.gateway.settings import LoginSettings
from messages.commands import ReconcileAccount
from messages.facts import StreamConnected, StreamLost, TradeExecuted
from messages.values import AlarmCode


class UserStream:
    """Listens to the user hub for the guarded accounts."""

    def __init__(
        self,
        *,
        settings: LoginSettings,
        tokens: TokenSource,
        outbox: Outbox,
        traded: set[int],
    ) -> None:
        self._outbox = outbox
        self._traded = traded
        self._login = settings.name
        self._guarded: dict[int, Topic] = {}
        self._lost: set[int] = set()
        self._strangers: set[object] = set()
        self._cut: set[int] = set()
        """Accounts that are too far behind: they are told nothing."""
        self.hub = Hub(
            url=settings.user_hub_url,
            tokens=tokens,
            listener=self,
            backoff=Backoff(random.Random(f"{settings.name}/user")),  # noqa: S311 - jitter
            silence_s=settings.silence_s,
            first_calls=(("SubscribeAccounts", ()),),
        )

    def guard(self, accounts: Iterable[int]) -> None:
        """Subscribe these accounts too; whoever is subscribed already hears so again."""
        for account in accounts:
            if self.hub.is_up(str(account)):
                self.topic_up(str(account), self.hub.generation)
            else:
                self._guarded[account] = _topic_of(account)
        self.hub.want(self._guarded.values())

    def renew(self, account: int) -> None:
        """Subscribe an account anew, whatever the broker has acknowledged before.

        One whose stream is down hears that again: an earlier life may have failed at that word.
        """
        self.hub.renew(str(account))
        if account in self._lost:
            self._lose(account, self.hub.generation, "it is still down")

    async def readmit(self) -> None:
        """Connect accounts that were cut off and have caught up again; for ever."""
        while True:
            await asyncio.sleep(overflow.READMIT_EVERY_S)
            for account in tuple(self._cut):
                waiting = self._outbox.waiting_for(account)
                if overflow.caught_up(waiting, len(self._guarded)):
                    self._readmit(account)

    def _readmit(self, account: int) -> None:
        self._cut.discard(account)
        if self.hub.is_up(str(account)):
            self.topic_up(str(account), self.hub.generation)

    # --- HubListener ----------------------------------------------------------------------------

    def topic_up(self, topic: str, generation: int) -> None:
        """Tell the account that its stream is up; one that is cut off hears it when it has caught up."""
        account = int(topic)
        if account in self._cut:
            return
        self._lost.discard(account)
        self._outbox.to_account(
            StreamConnected(
                account=account,
                at=self._outbox.clock.now(),
                cause=f"stream/{generation}",
                generation=generation,
            )
        )

    def topic_left(self, topic: str) -> None:
        """Do nothing: no account is ever let go."""

    def topic_refused(self, topic: str, generation: int, reason: str) -> None:
        """Tell the account that it hears nothing, and raise an alarm, once."""
        account = int(topic)
        if account not in self._lost:
            self._lose(account, generation, reason)
            self._outbox.alarm(
                AlarmCode.UNKNOWN_ACCOUNT,
                f"{self._login}: the hub refuses account {account}: {reason}; trying again",
                account=account,
            )

    def hub_down(self, generation: int, reason: str) -> None:
        """Tell every account, once per outage."""
        for account in self._guarded.keys() - self._lost:
            self._lose(account, generation, reason)

    def logged_out(self) -> None:
        """Raise an alarm."""
        self._outbox.alarm(
            AlarmCode.LOGGED_OUT_BY_BROKER,
            f"{self._login}: the broker ended our session, usually because the user logged in "
            "elsewhere; connecting again: keep one device per user",
        )

    def usual(self, raw: bytes) -> bool:
        """Tell an account what a record that is as usual says about it."""
        fact = typed.user_fact(raw, self._outbox.stamp())
        if fact is None or fact.account not in self._guarded:
            return False
        if self._has_room(fact.account):
            self._tell(fact)
        return True

    def record(self, target: str, arguments: object, raw: bytes) -> None:
        """Tell accounts what a record says about them."""
        if target not in USER_TARGETS:
            if target not in self._strangers:
                error = DecodeError("target", target, "a target of the user hub")
                if self._outbox.quarantine("user hub", raw, error):
                    self._strangers.add(target)
            return
        at = self._outbox.stamp()
        for each in items_of(arguments):
            try:
                self._take(target, unwrap(each), at, raw)
            except DecodeError as error:
                self._outbox.quarantine(target, raw, error)

    def malformed(self, raw: bytes, error: DecodeError) -> None:
        """Set a record aside."""
        self._outbox.quarantine("user hub", raw, error)

    # --------------------------------------------------------------------------------------------

    def _take(self, target: str, item: Item, at: datetime, raw: bytes) -> None:
        account = account_of(target, item)
        if account not in self._guarded:
            self._meet_stranger(target, account, raw)
            return
        if not self._has_room(account):
            return
        try:
            fact = fact_of(target, item, at=at)
        except DecodeError:
            # Something happened to this account that we do not understand: let it look for itself.
            self._outbox.to_account(ReconcileAccount(account=account, at=at, cause="quarantine"))
            raise
        self._tell(fact)

    def _tell(self, fact: UserFact) -> None:
        self._outbox.to_account(fact)
        if isinstance(fact, TradeExecuted):
            self._traded.add(fact.account)
            self._outbox.report_time(fact.fill.executed_at)

    def _has_room(self, account: int) -> bool:
        if account in self._cut:
            return False
        waiting = self._outbox.waiting_for(account)
        if waiting < overflow.room(len(self._guarded)):
            return True
        self._cut.add(account)
        why = f"{waiting} facts wait to be judged: cut off until it has caught up"
        if account not in self._lost:
            self._lose(account, self.hub.generation, why)
        text = f"{self._login}: account {account} is too far behind: {why}, and then read anew"
        self._outbox.alarm(AlarmCode.FACTS_LATE, text, account=account)
        return False

    def _meet_stranger(self, target: str, account: int, raw: bytes) -> None:
        known = account in self._strangers
        if known and target == ACCOUNT_TARGET:
            return  # that stream cannot be narrowed to accounts, and repeats itself
        error = DecodeError("accountId", account, "an account that is guarded")
        kept = self._outbox.quarantine(target, raw, error)
        if not known and kept:
            self._strangers.add(account)
            self._outbox.alarm(
                AlarmCode.UNKNOWN_ACCOUNT,
                f"{self._login}: the broker reports account {account}, which is not guarded; "
                "if it should be, add it to the configuration",
                account=account,
            )

    def _lose(self, account: int, generation: int, reason: str) -> None:
        self._lost.add(account)
        self._outbox.to_account(
            StreamLost(
                account=account,
                at=self._outbox.clock.now(),
                cause=f"stream/{generation}",
                generation=generation,
                reason=self._outbox.blot(reason),
            )
        )


def _topic_of(account: int) -> Topic:
    streams = ("SubscribeOrders", "SubscribePositions", "SubscribeTrades")
    return Topic(str(account), tuple((stream, (account,)) for stream in streams))
