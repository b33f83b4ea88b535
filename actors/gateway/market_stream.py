"""The market hub's side of a gateway: merged quotes of the contracts it is to hear, to the QuoteActor.

Only quotes are subscribed, no trades and no depth. After a gap everything known is forgotten: a bid from
before it must not pass as the present one. A contract that has been silent for long (`lulls.py`) is
subscribed once more, and left to other logins.
"""

import asyncio
import random
from collections.abc import Iterable
from typing import Any

from actors.gateway import typed
from actors.gateway.backoff import Backoff
from actors.gateway.decode import QUOTE_TARGET, QuoteDelta, quote_of
from actors.gateway.errors import DecodeError
from actors.gateway.hub import Hub, TokenSource, Topic
from actors.gateway.lulls import Lulls
from actors.gateway.outbox import Outbox
from actors.gateway.quotes import QUOTES
from actors.gateway.settings import LoginSettings
from messages.facts import QuoteHeard, QuotesFound, QuotesLost
from messages.values import AlarmCode, Quote

_LOOK_EVERY_S = 1.0
_CONNECTED = Topic("", ())
"""What is always wanted, and up as soon as the hub is, with other contracts or none."""


class MarketStream:
    """Listens to the market hub for the contracts that are watched."""

    def __init__(self, *, settings: LoginSettings, tokens: TokenSource, outbox: Outbox) -> None:
        self._outbox = outbox
        self._login = settings.name
        self._watched: dict[str, Topic] = {}
        self._latest: dict[str, QuoteHeard] = {}
        self._lulls = Lulls()
        self._refused: set[str] = set()
        self._lost = False
        self.hub = Hub(
            url=settings.market_hub_url,
            tokens=tokens,
            listener=self,
            backoff=Backoff(random.Random(f"{settings.name}/market")),  # noqa: S311 - jitter
            silence_s=settings.silence_s,
        )

    def watch(self, contracts: Iterable[str]) -> None:
        """Subscribe exactly these contracts."""
        before = self._watched
        self._watched = {
            contract: Topic(contract, (("SubscribeContractQuotes", (contract,)),))
            for contract in contracts
        }
        self._latest = {each: told for each, told in self._latest.items() if each in self._watched}
        self.hub.want((_CONNECTED, *self._watched.values()))
        for contract in self._watched.keys() - before.keys():
            # It may have been let go and be wanted again before the hub has looked, and is up still; but
            # what was known of it is forgotten.
            self.hub.renew(contract, afresh=True)

    def leave(self, why: str, contract: str | None = None, *, silent: bool = False) -> None:
        """Leave one contract, or all, to other logins: what is heard here cannot be relied on."""
        now = self._outbox.clock.now()
        about: dict[str, Any] = {"login": self._login, "contract": contract, "silent": silent}
        self._outbox.tell(QUOTES, QuotesLost(at=now, cause=why, **about))

    async def attend(self) -> None:
        """Look to it that silent contracts are subscribed; for ever."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            latest = {
                name: self._latest.get(name) for name in self._watched if self.hub.is_up(name)
            }
            for contract in self._lulls.overlong(latest, self._outbox.clock.monotonic()):
                self._latest.pop(contract, None)
                self.hub.renew(contract)
                self.leave("silent", contract, silent=True)

    # --- HubListener ----------------------------------------------------------------------------

    def topic_up(self, topic: str, generation: int) -> None:  # noqa: ARG002
        """Say what can be heard here again: the hub, or a contract that was refused."""
        contract = topic or None
        if contract or not self._watched:
            self._lost = False
        if contract and contract not in self._refused:
            return
        self._refused.discard(topic)
        now = self._outbox.clock.now()
        found = QuotesFound(at=now, cause="back", login=self._login, contract=contract)
        self._outbox.tell(QUOTES, found)

    def topic_left(self, topic: str) -> None:
        """Forget what came before: the contract may have been wanted again meanwhile."""
        self._latest.pop(topic, None)

    def topic_refused(self, topic: str, generation: int, reason: str) -> None:  # noqa: ARG002
        """Leave the contract to other logins, and raise an alarm, once per contract."""
        self.leave("refused", topic)
        if topic not in self._refused:
            self._refused.add(topic)
            self._outbox.alarm(
                AlarmCode.UNKNOWN_CONTRACT,
                f"{self._login}: no quotes of {topic}: {reason}; unless another login has them, open P&L "
                "in it is unknown",
            )

    def hub_down(self, generation: int, reason: str) -> None:  # noqa: ARG002
        """Forget all quotes, leave them to other logins, and raise an alarm, once per outage."""
        self._latest.clear()
        self.leave("hub down")
        if not self._lost:
            self._lost = True
            self._outbox.alarm(
                AlarmCode.STREAM_LOST,
                f"{self._login}: market hub lost ({reason}): it brings no quotes until it is back",
            )

    def logged_out(self) -> None:
        """Raise an alarm."""
        self._outbox.alarm(
            AlarmCode.LOGGED_OUT_BY_BROKER,
            f"{self._login}: the broker ended our market session; connecting again",
        )

    def usual(self, raw: bytes) -> bool:
        """Merge a quote that is as usual and tell it on."""
        delta = typed.quote_delta(raw)
        if delta is None:
            return False
        self._hear(delta)
        return True

    def record(self, target: str, arguments: object, raw: bytes) -> None:
        """Merge a quote and tell it on."""
        if target != QUOTE_TARGET:
            return  # prints and depth, if the broker sends them unasked
        try:
            delta = quote_of(arguments)
        except DecodeError as error:
            self._outbox.quarantine(target, raw, error)
            return
        self._hear(delta)

    def malformed(self, raw: bytes, error: DecodeError) -> None:
        """Set a record aside."""
        self._outbox.quarantine("market hub", raw, error)

    # --------------------------------------------------------------------------------------------

    def _hear(self, delta: QuoteDelta) -> None:
        contract = delta.contract
        if contract not in self._watched:
            return
        at, before = self._outbox.clock.now(), self._latest.get(contract)
        last, bid, ask = delta.last, delta.bid, delta.ask
        if before is not None:
            known = before.quote
            last = known.last if last is None else last
            bid = known.bid if bid is None else bid
            ask = known.ask if ask is None else ask
        heard = QuoteHeard(
            at=at,
            cause=f"quote/{contract}",
            login=self._login,
            quote=Quote(contract=contract, last=last, bid=bid, ask=ask, at=at),
        )
        self._latest[contract] = heard
        self._outbox.tell(QUOTES, heard)
