"""A hub that lets topics go while the answers to that wait behind a backlog."""

import asyncio
import random
from types import SimpleNamespace

import pytest

from actors.gateway.backoff import Backoff
from actors.gateway.decode import QUOTE_TARGET
from actors.gateway.errors import HubError, SubscriptionRefusedError
from actors.gateway.hub import Hub, Topic
from actors.gateway.market_stream import MarketStream
from actors.runtime import VirtualClock
from tests.gateway.support import AT, MES, MNQ

TURNS = 20
"""Of a loop on which nothing waits for time."""


class Line:
    """A connection that does not answer an Unsubscribe yet, or says why it will not."""

    def __init__(self, error):
        self.calls = []
        self.answered = asyncio.Event()
        self._error = error

    async def invoke(self, call):
        self.calls.append(call)
        if call[0].startswith("Un"):
            if self._error:
                raise self._error
            await self.answered.wait()


async def settle():
    for _ in range(TURNS):
        await asyncio.sleep(0)


def calls_of(*wanted, error=None):
    """Return what a hub calls as its wishes change from one to the next."""

    async def play():
        hub = Hub(
            url="http://x",
            tokens=SimpleNamespace(),
            listener=SimpleNamespace(topic_up=lambda *_: None, topic_left=lambda _: None),
            backoff=Backoff(random.Random(1)),  # noqa: S311 - jitter
            silence_s=60,
        )
        line = Line(error)
        keeping = asyncio.create_task(hub._keep_subscribed(line))
        for names in wanted:
            hub.want(Topic(each, (("SubscribeContractQuotes", (each,)),)) for each in names)
            await settle()
        assert not keeping.done()
        keeping.cancel()
        return [(method.removesuffix("ContractQuotes"), name) for method, (name,) in line.calls]

    return asyncio.run(play())


@pytest.mark.parametrize("then", [MNQ, MES], ids=["the same again", "another"])
def test_what_is_wanted_does_not_wait_for_the_answer_to_what_is_not(then):
    """In this order: a hub handles the calls of a connection one after the other."""
    assert calls_of([MNQ], [], [then]) == [
        ("Subscribe", MNQ),
        ("Unsubscribe", MNQ),
        ("Subscribe", then),
    ]


@pytest.mark.parametrize(
    "error", [SubscriptionRefusedError("no such method"), HubError("no answer")]
)
def test_an_unsubscription_that_fails_costs_no_connection(error):
    """What comes all the same nobody watches."""
    assert calls_of([MNQ], [], [MES], error=error)[-1] == ("Subscribe", MES)


def test_what_a_contract_was_quoted_before_it_was_wanted_anew_is_not_merged_into_a_quote():
    """Its last records come behind the new wish, before the answer: the bid is from before the gap."""

    async def play():
        told = []
        stream = MarketStream(
            settings=SimpleNamespace(name="sim", market_hub_url="http://x", silence_s=60),
            tokens=SimpleNamespace(),
            outbox=SimpleNamespace(
                clock=VirtualClock(AT), tell=lambda _address, heard: told.append(heard.quote)
            ),
        )
        line = Line(None)
        keeping = asyncio.create_task(stream.hub._keep_subscribed(line))
        for contracts in ([MNQ], [], [MNQ]):
            stream.watch(contracts)
            await settle()
        stream.record(QUOTE_TARGET, [MNQ, {"bestBid": 20_990.0, "lastPrice": 21_000.0}], b"")
        line.answered.set()
        await settle()
        stream.record(QUOTE_TARGET, [MNQ, {"lastPrice": 20_000.0}], b"")
        keeping.cancel()
        return [(quote.last, quote.bid) for quote in told]

    assert asyncio.run(play()) == [(21_000, 20_990), (20_000, None)]
