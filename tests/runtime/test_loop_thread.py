"""Actors on an asyncio loop: awaitable answers run as tasks the actor owns."""

import asyncio
import threading

import pykka
import pytest

from actors.runtime import LoopThread, PooledActor

WAIT_S = 100


class Async(PooledActor):
    """Runs the coroutine function it is told; keeps how it ended."""

    def __init__(self, dispatcher, ended=None):
        super().__init__(dispatcher=dispatcher)
        self.ended = ended or threading.Event()
        self.error = None

    async def on_receive(self, work):
        return await work()

    async def double(self, number):
        await asyncio.sleep(0)
        return number * 2

    def on_failure(self, _exception_type, exception_value, _traceback):
        self.error = exception_value
        self.ended.set()


async def forever():
    """Wait until cancelled."""
    await asyncio.get_running_loop().create_future()


def raising(error):
    """Return a coroutine function that raises."""

    async def work():
        await asyncio.sleep(0)
        raise error

    return work


def test_an_ask_is_answered_when_the_task_ends(loop_thread):
    """The asker gets the coroutine's result, not the coroutine."""

    async def work():
        await asyncio.sleep(0)
        return "result"

    assert Async.start(loop_thread).ask(work, timeout=WAIT_S) == "result"


def test_turns_and_tasks_run_on_the_loop(loop_thread):
    """Handlers may use asyncio as they are."""

    async def work():
        return asyncio.get_running_loop()

    assert Async.start(loop_thread).ask(work, timeout=WAIT_S) is loop_thread.loop


def test_proxy_methods_may_be_coroutines(loop_thread):
    """A proxied call of an async method is answered with its result."""
    assert Async.start(loop_thread).proxy().double(21).get(timeout=WAIT_S) == 42


def test_a_waiting_task_does_not_hold_up_other_messages(loop_thread):
    """The actor goes on while a task waits; answers come in the order the tasks end."""
    release = loop_thread.loop.create_future()

    async def wait():
        return await release

    async def free():
        release.set_result("released")
        return "free"

    ref = Async.start(loop_thread)
    waiting = ref.ask(wait, block=False)

    assert ref.ask(free, timeout=WAIT_S) == "free"
    assert waiting.get(timeout=WAIT_S) == "released"


def test_an_exception_of_an_asked_task_goes_to_the_caller(loop_thread):
    """The actor lives on."""
    ref = Async.start(loop_thread)

    with pytest.raises(ValueError, match="asked"):
        ref.ask(raising(ValueError("asked")), timeout=WAIT_S)
    assert ref.is_alive()


def test_an_exception_of_a_told_task_is_a_failure_of_the_actor(loop_thread, in_flight):
    """on_failure gets it, and the actor ends."""
    ended, error = threading.Event(), ValueError("told")
    ref = Async.start(loop_thread, ended)
    actor = ref._actor_weakref()

    ref.tell(raising(error))

    assert ended.wait(WAIT_S)
    in_flight.wait_idle(WAIT_S)
    assert actor.error is error
    assert not ref.is_alive()


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_a_base_exception_in_a_task_does_not_end_the_loop(loop_thread, error):
    """The asker hears of it, the actor stops, the loop goes on for others."""
    ref = Async.start(loop_thread)

    with pytest.raises(pykka.ActorDeadError, match=error.__name__):
        ref.ask(raising(error()), timeout=WAIT_S)

    ref.stop(timeout=WAIT_S)
    assert not ref.is_alive()
    assert Async.start(loop_thread).proxy().double(1).get(timeout=WAIT_S) == 2


def test_a_stop_cancels_the_tasks_and_is_answered_when_they_have_ended(loop_thread):
    """After a blocking stop nothing of the actor runs any more; its askers know it is dead."""
    cleaned = threading.Event()

    async def work():
        try:
            await forever()
        finally:
            await asyncio.sleep(0)
            cleaned.set()

    ref = Async.start(loop_thread)
    asked = ref.ask(work, block=False)
    ref.ask(lambda: asyncio.sleep(0), timeout=WAIT_S)

    assert ref.stop(timeout=WAIT_S) is True
    assert cleaned.is_set()
    with pytest.raises(pykka.ActorDeadError):
        asked.get(timeout=WAIT_S)


def test_a_failure_cancels_the_other_tasks(loop_thread, in_flight):
    """A failed instance leaves no task behind."""
    ref = Async.start(loop_thread)
    asked = ref.ask(forever, block=False)

    ref.tell(raising(ValueError("x")))

    with pytest.raises(pykka.ActorDeadError):
        asked.get(timeout=WAIT_S)
    in_flight.wait_idle(WAIT_S)


def test_a_task_cancelled_by_others_is_a_failure(loop_thread):
    """A told task that somebody cancelled did not do its work, and that is not silent."""
    ended = threading.Event()
    ref = Async.start(loop_thread, ended)

    async def cancel_myself():
        asyncio.current_task().cancel()
        await asyncio.sleep(0)

    ref.tell(cancel_myself)

    assert ended.wait(WAIT_S)


def test_an_error_while_a_cancelled_task_cleans_up_is_logged(loop_thread, caplog):
    """The actor has stopped already; the error is still seen."""

    async def work():
        try:
            await forever()
        finally:
            raise ValueError("unclean")

    ref = Async.start(loop_thread)
    ref.tell(work)
    ref.ask(lambda: asyncio.sleep(0), timeout=WAIT_S)

    assert ref.stop(timeout=WAIT_S) is True
    assert any("Unhandled exception in Async" in text for text in caplog.messages)


def test_in_flight_counts_a_task_until_it_ends(loop_thread, in_flight):
    """The barrier waits for what handlers started by returning it."""
    release = loop_thread.loop.create_future()

    async def wait():
        await release

    Async.start(loop_thread).tell(wait)

    with pytest.raises(TimeoutError):
        in_flight.wait_idle(0.01)
    loop_thread.loop.call_soon_threadsafe(release.set_result, None)
    in_flight.wait_idle(WAIT_S)


def test_stopping_the_thread_cancels_what_still_runs_on_the_loop():
    """Tasks that belong to no actor end with the loop."""
    thread, cancelled = LoopThread("loop"), threading.Event()

    async def work():
        try:
            await forever()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    asyncio.run_coroutine_threadsafe(asyncio.sleep(0), thread.loop).result(WAIT_S)
    asyncio.run_coroutine_threadsafe(work(), thread.loop)
    asyncio.run_coroutine_threadsafe(asyncio.sleep(0), thread.loop).result(WAIT_S)
    thread.stop()

    assert cancelled.is_set()
    assert thread.loop.is_closed()
