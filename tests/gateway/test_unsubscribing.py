"""A hub that lets topics go while the answers to that wait behind a backlog."""

import asyncio
import random
from types import SimpleNamespace

import pytest

from actors.gateway.backoff import Backoff
from actors.gateway.errors import HubError, SubscriptionRefusedError
from actors.gateway.hub import Hub, Topic
from tests.gateway.support import MES, MNQ

TURNS = 20
"""Of a loop on which nothing waits for time."""


class Line:
    """A connection that does not answer an Unsubscribe yet, or says why it will not."""

    def __init__(self, error):
        self.calls = []
        self._error = error

    async def invoke(self, call):
        self.calls.append(call)
        if call[0].startswith("Un"):
            if self._error:
                raise self._error
            await asyncio.Event().wait()


async def settle():
    for _ in range(TURNS):
        await asyncio.sleep(0)


def calls_of(*wanted, error=None):
    """Return what a hub calls as its wishes change from one to the next."""

    async def play():
        hub = Hub(
            url="http://x",
            tokens=SimpleNamespace(),
            listener=SimpleNamespace(topic_up=lambda *_: None),
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
