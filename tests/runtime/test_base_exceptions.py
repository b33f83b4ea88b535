"""What no handler expects ends that actor only: KeyboardInterrupt, SystemExit, MemoryError and the like.

pykka's default would stop every actor of the program. Everywhere an actor's code runs, on every
dispatcher, under a supervisor.
"""

import asyncio

import pytest

from actors.runtime import ChildSpec, LoopThread, OwnThread, PooledActor, WorkerPool
from tests.runtime.nursery import BOOM, WAIT_S, Nursery, raising

ERRORS = [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError, MemoryError]
PLACES = ["handler", "on_start", "on_stop", "on_turn_end", "on_failure", "factory"]


@pytest.fixture(params=["pool", "own", "loop"])
def dispatcher(request, in_flight):
    """Each kind of dispatcher."""
    made = {
        "pool": lambda: WorkerPool(workers=1, in_flight=in_flight),
        "own": lambda: OwnThread("theirs", in_flight),
        "loop": lambda: LoopThread("theirs", in_flight),
    }[request.param]()
    yield made
    made.stop()


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("place", PLACES)
def test_it_ends_one_actor_which_is_replaced(
    start, supervisor, dispatcher, in_flight, error, place
):
    """A bystander on the same thread and the supervisor go on; the next instance takes the inbox."""
    children = Nursery(dispatcher)
    bystander = start(children.spec("bystander"))
    fails_in = 1 if place in {"on_stop", "on_turn_end", "on_failure"} else 2
    fails = raising(error(), fails_in)
    how = {"before": fails} if place == "factory" else {"hooks": {place: fails}}
    ref = start(children.spec("victim", **how))

    if place == "handler":
        ref.tell(error())
    elif place == "on_stop":
        ref.stop(timeout=WAIT_S)
    elif place == "on_turn_end":
        ref.tell("harmless")
    else:
        ref.tell(BOOM)
    ref.tell("after")
    in_flight.wait_idle(WAIT_S)

    assert children.handled("victim")[-1][1] == "after"
    assert ref.ask("who", timeout=WAIT_S) == (3 if place in {"on_start", "factory"} else 2)
    assert bystander.ask("who", timeout=WAIT_S) == 1
    assert supervisor.is_alive()
    supervisor.stop(timeout=WAIT_S)


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("kind", ["told", "kept"])
def test_in_a_task_it_ends_one_actor_too(
    start, supervisor, loop_thread, in_flight, letters, error, kind
):
    """Of an awaitable that was returned, or that runs as long as the actor; the loop goes on."""
    born, handled = [], []

    class Async(PooledActor):
        async def on_receive(self, message):
            if message == "fail":
                if kind == "kept":
                    self.keep_running(self.fail_late())
                else:
                    await self.fail_late()
            handled.append((len(born), message))

        async def fail_late(self):
            await asyncio.sleep(0)
            raise error

    def factory():
        born.append(None)
        return Async(dispatcher=loop_thread)

    ref = start(ChildSpec(address="gateway/desk", factory=factory))
    ref.tell("fail")
    in_flight.wait_idle(WAIT_S)
    while len(born) == 1:
        ref.ask("until it has failed", timeout=WAIT_S)
    ref.ask("after", timeout=WAIT_S)

    assert handled[-1] == (2, "after")
    assert letters == ([("gateway/desk", "fail")] if kind == "told" else [])
    supervisor.stop(timeout=WAIT_S)
