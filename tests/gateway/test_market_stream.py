"""What a market stream makes of records and answers, in the order and the frames in which they come."""

import asyncio
from itertools import pairwise
from types import SimpleNamespace

import msgspec
import pytest

from actors.gateway.connection import Connection
from actors.gateway.errors import HubError
from actors.gateway.market_stream import MarketStream
from actors.runtime import VirtualClock
from messages.facts import QuoteHeard, QuotesFound, QuotesLost
from messages.values import AlarmCode
from tests.gateway.support import AT, MNQ
from tests.gateway.test_unsubscribing import settle

BEFORE, AFTER = (21_000, 20_999, 21_001), (20_000, 19_999, 20_001)


class Socket:
    """What the broker sends, frame by frame; it answers nothing by itself."""

    def __init__(self):
        self.sent, self._frames = [], asyncio.Queue()
        self.transport = SimpleNamespace(abort=lambda: None)

    async def send(self, text):
        self.sent.append(text)

    async def recv(self, decode=None):  # noqa: ARG002
        return await self._frames.get()

    def put(self, *records):
        """Send these in one frame."""
        self._frames.put_nowait(b"".join(msgspec.json.encode(each) + b"\x1e" for each in records))


class Stream:
    """A market stream on connections of its own."""

    def __init__(self):
        self.told, self.alarms = [], []
        self.stream = MarketStream(
            settings=SimpleNamespace(name="sim", market_hub_url="http://x", silence_s=60),
            tokens=SimpleNamespace(),
            outbox=SimpleNamespace(
                clock=VirtualClock(AT),
                tell=lambda _address, message: self.told.append(message),
                alarm=lambda code, _text: self.alarms.append(code),
            ),
        )

    async def connect(self):
        self.socket = Socket()
        connection = Connection(self.socket, self.stream)
        self._serving = asyncio.create_task(self.stream.hub._serve(connection))
        await settle()

    async def lose(self):
        self._serving.cancel()
        await settle()
        self.stream.hub._end_connection(HubError("lost"))

    async def watch(self, *wanted):
        """Let it watch this and then that."""
        for contracts in wanted:
            self.stream.watch(contracts)
            await settle()

    async def put(self, *records):
        self.socket.put(*records)
        await settle()

    @property
    def quotes(self):
        heard = [each.quote for each in self.told if isinstance(each, QuoteHeard)]
        return [(each.last, each.bid, each.ask) for each in heard]


def done(number, error=None):
    return {"type": 3, "invocationId": str(number)} | ({"error": error} if error else {})


def quote(last=None, bid=None, ask=None):
    sides = {"lastPrice": last, "bestBid": bid, "bestAsk": ask}
    given = {side: price for side, price in sides.items() if price is not None}
    return {"type": 1, "target": "GatewayQuote", "arguments": [MNQ, given]}


@pytest.mark.parametrize("frames", [1, 3], ids=["one frame", "each in its own"])
def test_the_whole_quote_that_answers_a_new_wish_is_kept_and_nothing_from_before(frames):
    """Behind a backlog the answers come with the quotes; their order tells what is old."""

    async def play():
        stream = Stream()
        await stream.connect()
        await stream.watch([MNQ])
        await stream.put(quote(*BEFORE), done(1))
        await stream.watch([], [MNQ])
        behind = [quote(*BEFORE), done(2), quote(*AFTER[:2]), done(3), quote(bid=19_000)]
        cuts = [round(len(behind) * each / frames) for each in range(frames + 1)]
        for begin, end in pairwise(cuts):
            await stream.put(*behind[begin:end])
        return stream.quotes

    assert asyncio.run(play())[-2:] == [(*AFTER[:2], None), (20_000, 19_000, None)]


def test_what_is_let_go_and_wanted_again_at_once_is_subscribed_anew():
    """In one turn of the gateway: what was known of it is forgotten, so the whole quote is needed."""

    async def play():
        stream = Stream()
        await stream.connect()
        await stream.watch([MNQ])
        await stream.put(done(1), quote(*BEFORE))
        stream.stream.watch([])
        stream.stream.watch([MNQ])
        await settle()
        return [msgspec.json.decode(each.strip("\x1e"))["target"] for each in stream.socket.sent]

    assert asyncio.run(play()) == ["SubscribeContractQuotes"] * 2


@pytest.mark.parametrize("renewed", [False, True], ids=["subscribed first", "renewed"])
def test_what_is_wanted_anew_while_it_is_being_subscribed_is_subscribed_once_more(renewed):
    """The whole quote came while nobody wanted it, and the answer after that."""

    async def play():
        stream = Stream()
        await stream.connect()
        await stream.watch([MNQ])
        if renewed:
            await stream.put(done(1), quote(*BEFORE))
            stream.stream.hub.renew(MNQ)
            await settle()
        await stream.watch([])
        await stream.put(quote(*AFTER))
        await stream.watch([MNQ])
        await stream.put(done(1 + renewed))
        return [msgspec.json.decode(each.strip("\x1e"))["target"] for each in stream.socket.sent]

    assert asyncio.run(play()) == ["SubscribeContractQuotes"] * (2 + renewed)


def test_a_hub_that_connects_and_answers_nothing_is_one_outage():
    """Whatever it is tried; the next one after an answer is another."""

    async def play():
        stream = Stream()
        stream.stream.watch([MNQ])
        for answer in ([], [], [], [done(1)], []):
            await stream.connect()
            await stream.put(*answer)
            await stream.lose()
        return stream.alarms

    assert asyncio.run(play()) == [AlarmCode.STREAM_LOST] * 2


def test_a_hub_that_stands_by_says_that_it_is_up_and_alarms_each_outage():
    """It hears nothing; a person must know that nobody stands by, and who hears must know who does."""

    async def play():
        stream = Stream()
        stream.stream.watch(())
        for _ in range(2):
            await stream.connect()
            await stream.lose()
        stream.stream.hub._end_connection(HubError("and not back"))
        return [type(each) for each in stream.told], stream.alarms

    told, alarms = asyncio.run(play())
    assert told == [QuotesFound, QuotesLost, QuotesFound, QuotesLost, QuotesLost]
    assert alarms == [AlarmCode.STREAM_LOST] * 2


def test_a_contract_that_was_refused_and_is_not_any_more_is_said_to_be_found():
    """Once; others need not be told of what was never refused."""

    async def play():
        stream = Stream()
        await stream.connect()
        await stream.watch([MNQ])
        await stream.put(done(1, error="not allowed"))
        await stream.watch([], [MNQ])
        await stream.put(done(2))
        return [
            (type(each), each.contract) for each in stream.told if not isinstance(each, QuoteHeard)
        ]

    assert asyncio.run(play()) == [(QuotesFound, None), (QuotesLost, MNQ), (QuotesFound, MNQ)]
