"""The hub client against a scripted server: what a simulator that behaves does not do."""

import asyncio
import json
import random
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import serve

from actors.gateway.backoff import Backoff
from actors.gateway.hub import Hub, Topic

PATIENCE_S = 30.0
TOPIC = Topic("one", (("SubscribeOrders", (1,)), ("SubscribeTrades", (1,))))


def backoff_of(seed):
    return Backoff(random.Random(seed))  # noqa: S311 - jitter, no secret


class Tokens:
    """Hands out numbered tokens."""

    def __init__(self):
        self.given = 0

    async def token(self):
        self.given += 1
        return f"token-{self.given}"

    async def renew(self, stale):
        """Nothing to renew here."""


class Listener:
    """Writes down what it hears."""

    def __init__(self):
        self.heard = asyncio.Queue()

    def __getattr__(self, name):
        return lambda *arguments: self.heard.put_nowait((name, *arguments))

    async def next(self, name):
        """Return the arguments of the next call of that name."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                heard, *arguments = await self.heard.get()
                if heard == name:
                    return arguments


def frame(*records):
    return "".join(json.dumps(record) + "\x1e" for record in records)


async def records_of(socket):
    """Yield what the client says, record by record."""
    async for message in socket:
        for record in message.split("\x1e")[:-1]:
            yield json.loads(record)


async def well_behaved(socket):
    """Shake hands and acknowledge everything."""
    async for record in records_of(socket):
        if "protocol" in record:
            await socket.send(frame({}))
        elif "invocationId" in record:
            await socket.send(frame({"type": 3, "invocationId": record["invocationId"]}))


@asynccontextmanager
async def hub_at(script, **changes):
    """Run a hub against a server that serves every connection with `script`."""
    listener, tokens = Listener(), Tokens()
    async with serve(script, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        settings = {"silence_s": 2 * PATIENCE_S, "backoff": backoff_of(1)} | changes
        hub = Hub(url=f"http://127.0.0.1:{port}/hub", tokens=tokens, listener=listener, **settings)
        hub.want([TOPIC])
        running = asyncio.create_task(hub.run())
        try:
            yield hub, listener, tokens
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


def test_a_topic_is_up_when_every_subscription_is_acknowledged():
    """The SDK sends subscriptions without asking for an answer."""

    async def scene():
        async with hub_at(well_behaved) as (hub, listener, _):
            assert await listener.next("topic_up") == ["one", 1]
            return hub.is_up("one")

    assert asyncio.run(scene())


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        pytest.param({"type": 7}, "closed by server: no error", id="close"),
        pytest.param(
            {"type": 7, "error": "Shutting down.", "allowReconnect": True},
            "closed by server: Shutting down.",
            id="close with error",
        ),
        pytest.param(
            {"type": 1, "target": "gatewaylogout", "arguments": []},
            "logged out by the broker",
            id="logout in lower case",
        ),
    ],
)
def test_a_hub_that_says_goodbye_is_left_and_called_again_with_a_fresh_token(record, reason):
    """SignalR's close record and the broker's logout."""
    farewells = iter([frame(record)])

    async def script(socket):
        async for heard in records_of(socket):
            if "protocol" in heard:
                await socket.send(frame({}))
            else:
                await socket.send(frame({"type": 3, "invocationId": heard["invocationId"]}))
                if heard["target"] == "SubscribeTrades":
                    await socket.send(next(farewells, frame({"type": 6})))

    async def scene():
        async with hub_at(script) as (hub, listener, tokens):
            assert await listener.next("hub_down") == [1, reason]
            assert await listener.next("topic_up") == ["one", 2]
            return hub.generation, tokens.given

    assert asyncio.run(scene()) == (2, 2)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(frame({"error": "No such protocol."}), "handshake refused: No such", id="no"),
        pytest.param("<html>\x1e", "record is b'<html>'", id="no JSON"),
    ],
)
def test_a_refused_handshake_is_a_lost_connection(answer, reason):
    """Generation 0: there was no connection yet."""

    async def script(socket):
        await socket.send(answer)
        await socket.wait_closed()

    async def scene():
        async with hub_at(script) as (_, listener, _tokens):
            return await listener.next("hub_down")

    generation, text = asyncio.run(scene())
    assert (generation, text.startswith(reason)) == (0, True)


def test_a_refused_subscription_is_told_with_the_hubs_words():
    """And it is not up."""

    async def script(socket):
        async for record in records_of(socket):
            if "protocol" in record:
                await socket.send(frame({}))
            else:
                refusal = {"type": 3, "invocationId": record["invocationId"], "error": "Not you."}
                await socket.send(frame(refusal))

    async def scene():
        async with hub_at(script) as (hub, listener, _):
            topic, generation, reason = await listener.next("topic_refused")
            return topic, generation, reason.endswith(": Not you."), hub.is_up("one")

    assert asyncio.run(scene()) == ("one", 1, True, False)


def test_records_may_come_together_in_pieces_and_malformed():
    """Several in a frame, one over two frames, one that is no JSON: all are heard, in order."""
    first, second = (
        frame({"type": 1, "target": "First", "arguments": [0.5]}, {"type": 6}),
        frame({"type": 1, "target": "Second", "arguments": []}),
    )

    async def script(socket):
        async for record in records_of(socket):
            if "protocol" in record:
                await socket.send(frame({}) + first + "junk\x1e" + second[:9])
                await socket.send(second[9:] + frame({"type": 99}))

    async def scene():
        async with hub_at(script) as (_, listener, _tokens):
            one = await listener.next("record")
            junk = await listener.next("malformed")
            two = await listener.next("record")
            strange = await listener.next("malformed")
            return one[0], str(one[1][0]), junk[0], two[0], str(strange[1])

    assert asyncio.run(scene()) == (
        "first",
        "0.5",
        b"junk",
        "second",
        "type is 99: expected 1, 3, 6 or 7",
    )


def test_pauses_grow_while_connections_die_young_and_start_anew_after_a_long_one():
    """A server that accepts and drops at once is not a success."""
    backoff = backoff_of(1)
    growing = []
    for _ in range(10):
        growing.append(backoff.next_s())
        backoff.lasted(0.0)
    backoff.lasted(60.0)

    assert all(0.05 <= pause <= 15.0 for pause in growing)
    assert growing[7] > 10 * growing[0]
    assert backoff.next_s() <= 0.1
    assert backoff.next_s(at_least=2.0) >= 1.0
