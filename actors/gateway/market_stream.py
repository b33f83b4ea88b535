"""The market hub's side of a gateway: merged quotes of the contracts it is to hear, to the QuoteActor.

Only quotes are subscribed, no trades and no depth. After a loss everything known is forgotten: a bid from
before the gap must not pass as the present one.
"""

import random
from collections.abc import Iterable

from msgspec.structs import replace

from actors.gateway import typed
from actors.gateway.backoff import Backoff
from actors.gateway.decode import QUOTE_TARGET, QuoteDelta, quote_of
from actors.gateway.errors import DecodeError
from actors.gateway.hub import Hub, TokenSource, Topic
from actors.gateway.outbox import Outbox
from actors.gateway.quotes import QUOTES
from actors.gateway.settings import LoginSettings
from messages.facts import QuoteHeard, QuotesLost
from messages.values import AlarmCode, Quote


class MarketStream:
    """Listens to the market hub for the contracts that are watched."""

    def __init__(self, *, settings: LoginSettings, tokens: TokenSource, outbox: Outbox) -> None:
        self._outbox = outbox
        self._login = settings.name
        self._watched: dict[str, Topic] = {}
        self._latest: dict[str, Quote] = {}
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
        self._watched = {
            contract: Topic(contract, (("SubscribeContractQuotes", (contract,)),))
            for contract in contracts
        }
        self._latest = {each: q for each, q in self._latest.items() if each in self._watched}
        self.hub.want(self._watched.values())

    def leave(self, why: str, contract: str | None = None) -> None:
        """Leave one contract, or all, to other logins: what is heard here cannot be relied on."""
        now = self._outbox.clock.now()
        lost = QuotesLost(at=now, cause=why, login=self._login, contract=contract)
        self._outbox.tell(QUOTES, lost)

    # --- HubListener ----------------------------------------------------------------------------

    def topic_up(self, topic: str, generation: int) -> None:  # noqa: ARG002
        """Take note that the hub is up again."""
        self._lost = False
        self._refused.discard(topic)

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
        if delta.contract in self._watched:
            self._tell(self._merge(delta))
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
        if delta.contract in self._watched:
            self._tell(self._merge(delta))

    def malformed(self, raw: bytes, error: DecodeError) -> None:
        """Set a record aside."""
        self._outbox.quarantine("market hub", raw, error)

    # --------------------------------------------------------------------------------------------

    def _merge(self, delta: QuoteDelta) -> Quote:
        contract, at = delta.contract, self._outbox.clock.now()
        nothing_yet = Quote(contract=contract, last=None, bid=None, ask=None, at=at)
        sides = {"last": delta.last, "bid": delta.bid, "ask": delta.ask}
        given = {side: price for side, price in sides.items() if price is not None}
        quote = replace(self._latest.get(contract, nothing_yet), at=at, **given)
        self._latest[contract] = quote
        return quote

    def _tell(self, quote: Quote) -> None:
        cause = f"quote/{quote.contract}"
        self._outbox.tell(
            QUOTES, QuoteHeard(at=quote.at, cause=cause, login=self._login, quote=quote)
        )
