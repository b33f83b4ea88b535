"""A hub that lets topics go while the answers to that wait behind a backlog."""

import asyncio
import random
from itertools import cycle
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

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

    async def invoke(self, call, then=None):
        self.calls.append(call)
        if then:
            if self._error:
                raise self._error
            await asyncio.Event().wait()


class Slow:
    """A connection that answers each call after some turns of the loop."""

    def __init__(self, turns):
        self.calls = []
        self._turns = turns

    async def invoke(self, call, then=None):
        self.calls.append(call)
        await turns(self._turns(call))
        if then:
            then()


async def turns(number):
    for _ in range(number):
        await asyncio.sleep(0)


async def settle():
    await turns(TURNS)


def a_hub():
    return Hub(
        url="http://x",
        tokens=SimpleNamespace(),
        listener=SimpleNamespace(topic_up=lambda *_: None, topic_left=lambda _: None),
        backoff=Backoff(random.Random(1)),  # noqa: S311 - jitter
        silence_s=60,
    )


def topics(names):
    return [Topic(each, (("SubscribeContractQuotes", (each,)),)) for each in names]


def calls_of(*wanted, error=None):
    """Return what a hub calls as its wishes change from one to the next."""

    async def play():
        hub = a_hub()
        line = Line(error)
        keeping = asyncio.create_task(hub._keep_subscribed(line))
        for names in wanted:
            hub.want(topics(names))
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


def test_what_is_renewed_and_then_not_wanted_any_more_is_unsubscribed():
    """Both while another subscription waits for its answer; else it would be pushed for nothing."""

    async def play():
        hub, line = a_hub(), Slow(lambda call: 9 if call[1] == (MES,) else 0)
        keeping = asyncio.create_task(hub._keep_subscribed(line))
        hub.want(topics([MNQ]))
        await settle()
        hub.want(topics([MNQ, MES]))
        await turns(3)
        hub.renew(MNQ)
        hub.want(topics([MES]))
        await settle()
        keeping.cancel()
        return line.calls

    assert asyncio.run(play())[-1] == ("UnsubscribeContractQuotes", (MNQ,))


@pytest.mark.parametrize(("afresh", "times"), [(False, 2), (True, 3)])
@pytest.mark.parametrize("first", [False, True], ids=["a renewal", "a first one"])
def test_what_is_being_subscribed_is_subscribed_once_more_only_if_it_must_be(first, afresh, times):
    """An account reads itself anew each time its stream is up; so it is not told so in vain."""

    async def play():
        hub, line = a_hub(), Slow(lambda _call: 9)
        keeping = asyncio.create_task(hub._keep_subscribed(line))
        hub.want(topics([MNQ]))
        if not first:
            await settle()
            hub.renew(MNQ)
        await turns(3)
        hub.renew(MNQ, afresh=afresh)
        await settle()
        await settle()
        keeping.cancel()
        return len(line.calls)

    assert asyncio.run(play()) == times - first


NAMES = "abc"
STEPS = st.lists(
    st.tuples(
        st.one_of(st.sampled_from(NAMES), st.sets(st.sampled_from(NAMES))),  # renewed, or wanted
        st.integers(0, 6),
    ),
    max_size=12,
)


@given(STEPS, st.lists(st.integers(0, 8), min_size=1))
def test_whatever_is_wanted_and_renewed_the_broker_is_left_with_what_is_wanted(steps, delays):
    """In whatever order, and however late it answers."""

    async def play():
        later = cycle(delays)
        hub, line, wish = a_hub(), Slow(lambda _call: next(later)), set()
        keeping = asyncio.create_task(hub._keep_subscribed(line))
        for what, pause in steps:
            if isinstance(what, str):
                hub.renew(what)
            else:
                wish = what
                hub.want(topics(wish))
            await turns(pause)
        for _ in range(5):
            await settle()
        keeping.cancel()
        at_broker = {name: method.startswith("Sub") for method, (name,) in line.calls}
        return wish, {name for name, subscribed in at_broker.items() if subscribed}

    wish, at_broker = asyncio.run(play())
    assert at_broker == wish
