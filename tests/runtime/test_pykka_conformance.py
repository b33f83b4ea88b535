"""What pykka documents must hold for pooled actors too: one suite, plain pykka as the reference."""

import asyncio
import logging
import queue
import threading

import pykka
import pytest
from pykka import ActorDeadError, ActorRegistry
from pykka.messages import ProxyCall, ProxyGetAttr, ProxySetAttr

from actors.runtime import LoopThread, OwnThread, PooledActor, WorkerPool

WAIT_S = 100
DISPATCHERS = {
    "WorkerPool": lambda: WorkerPool(workers=2),
    "OwnThread": lambda: OwnThread("own"),
    "LoopThread": lambda: LoopThread("loop"),
}


@pytest.fixture(params=["pykka.ThreadingActor", *DISPATCHERS])
def base(request):
    """Return the class that a test's actors derive from; its constructor takes nothing."""
    if request.param not in DISPATCHERS:
        yield pykka.ThreadingActor
        ActorRegistry.stop_all(timeout=WAIT_S)
        return
    dispatcher = DISPATCHERS[request.param]()

    class Base(PooledActor):
        def __init__(self):
            super().__init__(dispatcher=dispatcher)

    yield Base
    ActorRegistry.stop_all(timeout=WAIT_S)
    dispatcher.stop()


@pytest.fixture
def recorder(base):
    """Return an actor class that records its life in `seen` and fails, waits or answers as told."""

    class Recorder(base):
        def __init__(self, seen=None):
            super().__init__()
            self.seen = [] if seen is None else seen
            self.over = threading.Event()

        def on_start(self):
            self.seen.append("on_start")

        def on_stop(self):
            self.seen.append("on_stop")
            self.over.set()

        def on_failure(self, exception_type, exception_value, traceback):
            self.seen.append(("on_failure", exception_type, exception_value, traceback))
            self.over.set()

        def on_receive(self, message):
            if isinstance(message, BaseException):
                raise message
            if isinstance(message, threading.Event):
                assert message.wait(WAIT_S)
                return None
            self.seen.append(message)
            return message

    return Recorder


def over(ref):
    """Return the event that is set when the actor behind `ref` has stopped or failed."""
    return ref._actor_weakref().over


# --- starting -----------------------------------------------------------------------------------------


def test_start_returns_a_reference_to_a_registered_living_actor(recorder):
    """`start()` yields a reference of the class, alive and in the registry."""
    ref = recorder.start()

    assert isinstance(ref, pykka.ActorRef)
    assert ref.is_alive()
    assert ref.actor_class is recorder
    assert ref in ActorRegistry.get_all()


def test_every_actor_has_its_own_urn_and_shows_it(recorder):
    """The URN is unique, and both the reference and the actor print it with the class name."""
    one, two = recorder.start(), recorder.start()

    assert one.actor_urn.startswith("urn:uuid:")
    assert one.actor_urn != two.actor_urn
    assert str(one) == f"Recorder ({one.actor_urn})"
    assert repr(one) == f"<ActorRef for Recorder ({one.actor_urn})>"


def test_init_runs_in_the_starting_thread_and_on_start_elsewhere(base):
    """The constructor is the caller's, the hooks are the actor's."""

    class Where(base):
        def __init__(self):
            super().__init__()
            self.threads = [threading.current_thread()]

        def on_start(self):
            self.threads.append(threading.current_thread())

        def on_receive(self, _message):
            return self.threads

    init, on_start = Where.start().ask("where", timeout=WAIT_S)

    assert init is threading.current_thread()
    assert on_start is not threading.current_thread()


def test_start_passes_its_arguments_to_the_constructor(recorder):
    """What `start()` is given, `__init__` gets."""
    seen = ["given"]

    recorder.start(seen=seen).ask("hello", timeout=WAIT_S)

    assert seen == ["given", "on_start", "hello"]


def test_start_fails_clearly_when_the_constructor_of_the_base_was_not_called(base):
    """An actor that forgot super().__init__() cannot be started."""

    class Forgetful(base):
        def __init__(self):
            pass

    with pytest.raises((AssertionError, AttributeError)):
        Forgetful.start()


def test_an_exception_in_on_start_stops_the_actor_without_on_failure(recorder):
    """A failed start unregisters the actor, answers what waits, and calls no other hook."""
    gate = threading.Event()

    class Broken(recorder):
        def on_start(self):
            assert gate.wait(WAIT_S)
            raise ValueError("no start")

    seen = []
    ref = Broken.start(seen)
    waiting = ref.ask("too late", block=False)
    gate.set()

    with pytest.raises(ActorDeadError):
        waiting.get(timeout=WAIT_S)
    assert not ref.is_alive()
    assert ref not in ActorRegistry.get_all()
    assert seen == []


def test_messages_told_in_the_constructor_are_handled_after_on_start(recorder):
    """An actor may tell itself something before it runs."""

    class Eager(recorder):
        def __init__(self, seen):
            super().__init__(seen)
            self.actor_ref.tell("from init")

    seen = []
    Eager.start(seen).ask("from outside", timeout=WAIT_S)

    assert seen == ["on_start", "from init", "from outside"]


# --- tell and ask -------------------------------------------------------------------------------------


def test_tell_returns_nothing_and_keeps_the_order(recorder):
    """What one sender tells is handled in that order."""
    seen = []
    ref = recorder.start(seen)

    results = {ref.tell(number) for number in range(500)}
    ref.ask("end", timeout=WAIT_S)

    assert results == {None}
    assert seen == ["on_start", *range(500), "end"]


def test_tell_to_a_dead_actor_raises(recorder):
    """A reference to a stopped actor refuses messages."""
    ref = recorder.start()
    ref.stop(timeout=WAIT_S)

    with pytest.raises(ActorDeadError, match="not found"):
        ref.tell("anyone?")


def test_ask_returns_what_on_receive_returns(recorder):
    """A blocking ask is answered with the handler's return value."""
    assert recorder.start().ask("echo", timeout=WAIT_S) == "echo"


def test_ask_without_blocking_returns_a_future(recorder):
    """`block=False` yields a future of the answer that can be read repeatedly."""
    future = recorder.start().ask("echo", block=False)

    assert isinstance(future, pykka.Future)
    assert [future.get(timeout=WAIT_S), future.get(timeout=WAIT_S)] == ["echo", "echo"]


def test_ask_raises_timeout_when_the_answer_takes_too_long(recorder):
    """After `timeout` seconds `pykka.Timeout` is raised; the actor lives on."""
    gate = threading.Event()
    ref = recorder.start()

    with pytest.raises(pykka.Timeout, match="0 seconds"):
        ref.ask(gate, timeout=0)

    gate.set()
    assert ref.ask("still there", timeout=WAIT_S) == "still there"


def test_an_exception_while_handling_an_ask_goes_to_the_caller(recorder):
    """The very exception is raised at the caller, and the actor lives."""
    error = ValueError("asked for it")
    ref = recorder.start()

    with pytest.raises(ValueError, match="asked for it") as raised:
        ref.ask(error, timeout=WAIT_S)

    assert raised.value is error
    assert ref.ask("alive", timeout=WAIT_S) == "alive"


def test_an_exception_returned_to_a_caller_is_logged(recorder, caplog):
    """The logger of pykka tells at INFO level, so that a forgotten future hides nothing."""
    caplog.set_level(logging.INFO, logger="pykka")

    recorder.start().ask(ValueError("x"), block=False).map(str)
    recorder.start().ask("other", timeout=WAIT_S)
    ActorRegistry.stop_all(timeout=WAIT_S)

    assert any("Exception returned from Recorder" in text for text in caplog.messages)


@pytest.mark.parametrize("block", [True, False])
def test_ask_of_a_dead_actor_raises(recorder, block):
    """Blocking or not, the answer of a dead actor is ActorDeadError."""
    ref = recorder.start()
    ref.stop(timeout=WAIT_S)

    def ask():
        answer = ref.ask("anyone?", block=block)
        return answer.get(timeout=WAIT_S)

    with pytest.raises(ActorDeadError):
        ask()


def test_an_unhandled_message_is_logged_and_answered_with_none(base, caplog):
    """The default `on_receive` warns and returns None."""

    class Silent(base):
        pass

    assert Silent.start().ask("what?", timeout=WAIT_S) is None
    assert any("Unexpected message received by Silent" in text for text in caplog.messages)


def test_a_future_may_be_an_answer(recorder):
    """A handler may return a future: the asker gets that future as the value."""
    inner = pykka.ThreadingFuture()
    inner.set("inside")

    assert recorder.start().ask(inner, timeout=WAIT_S) is inner


# --- stopping -----------------------------------------------------------------------------------------


def test_stop_returns_true_runs_on_stop_and_unregisters(recorder):
    """A stopped actor has run its hook, is dead and out of the registry."""
    seen = []
    ref = recorder.start(seen)

    assert ref.stop(timeout=WAIT_S) is True
    assert seen == ["on_start", "on_stop"]
    assert not ref.is_alive()
    assert ref not in ActorRegistry.get_all()


def test_stop_of_a_dead_actor_returns_false(recorder):
    """A second stop has nothing to do, blocking or not."""
    ref = recorder.start()
    ref.stop(timeout=WAIT_S)

    assert ref.stop(timeout=WAIT_S) is False
    assert ref.stop(block=False).get(timeout=WAIT_S) is False


def test_messages_before_the_stop_are_handled_and_later_ones_refused(recorder):
    """The stop request waits its turn; what comes behind it gets ActorDeadError, a second stop True."""
    gate, seen = threading.Event(), []
    ref = recorder.start(seen)
    ref.tell(gate)
    before = ref.ask("before", block=False)
    stopped = ref.stop(block=False)
    after = ref.ask("after", block=False)
    stopped_again = ref.stop(block=False)
    gate.set()

    assert before.get(timeout=WAIT_S) == "before"
    assert stopped.get(timeout=WAIT_S) is True
    assert stopped_again.get(timeout=WAIT_S) is True
    with pytest.raises(ActorDeadError, match="stopped before handling the message"):
        after.get(timeout=WAIT_S)
    assert seen == ["on_start", "before", "on_stop"]


def test_an_actor_can_stop_itself(base):
    """`self.stop()` in a handler is a stop request like any other."""

    class Suicidal(base):
        def on_receive(self, _message):
            self.stop()

    ref = Suicidal.start()
    ref.ask("now", timeout=WAIT_S)

    assert ref.stop(timeout=WAIT_S) in {True, False}
    assert not ref.is_alive()


def test_an_exception_in_on_stop_is_logged_and_the_actor_stops(base, caplog):
    """A failing hook does not keep an actor alive."""

    class Clumsy(base):
        def on_stop(self):
            raise ValueError("clumsy")

    ref = Clumsy.start()

    assert ref.stop(timeout=WAIT_S) is True
    assert not ref.is_alive()
    assert any("Unhandled exception in Clumsy" in text for text in caplog.messages)


def test_actor_stopped_is_the_event_behind_is_alive(base):
    """The actor's own `actor_stopped` is set by its stop."""

    class Open(base):
        def on_receive(self, _message):
            return self.actor_stopped

    ref = Open.start()
    stopped = ref.ask("event", timeout=WAIT_S)

    assert not stopped.is_set()
    ref.stop(timeout=WAIT_S)
    assert stopped.wait(WAIT_S)


# --- failing ------------------------------------------------------------------------------------------


def test_an_exception_while_handling_a_tell_ends_the_actor_through_on_failure(recorder):
    """on_failure gets the exception, on_stop is not called, the actor is unregistered."""
    error, seen = ValueError("told"), []
    ref = recorder.start(seen)
    ended = over(ref)

    ref.tell(error)

    assert ended.wait(WAIT_S)
    assert seen[0] == "on_start"
    (_, kind, value, traceback) = seen[1]
    assert (kind, value) == (ValueError, error)
    assert traceback is not None
    assert "on_stop" not in seen
    assert not ref.is_alive()
    assert ref not in ActorRegistry.get_all()


def test_what_waits_in_the_inbox_of_a_failed_actor_is_answered(recorder):
    """Queued asks get ActorDeadError, queued stop requests their answer."""
    gate = threading.Event()
    ref = recorder.start()
    ref.tell(gate)
    ref.tell(ValueError("x"))
    asked, stopped = ref.ask("queued", block=False), ref.stop(block=False)
    gate.set()

    with pytest.raises(ActorDeadError):
        asked.get(timeout=WAIT_S)
    assert stopped.get(timeout=WAIT_S) is True


def test_an_exception_in_on_failure_is_logged_and_the_actor_ends(base, caplog):
    """Even a failing failure hook leaves nothing behind."""
    called = threading.Event()

    class Hopeless(base):
        def on_receive(self, _message):
            raise ValueError("first")

        def on_failure(self, *_exc_info):
            called.set()
            raise ValueError("second")

    ref = Hopeless.start()
    ref.tell("go")
    queued = ref.stop(block=False)

    assert called.wait(WAIT_S)
    assert queued.get(timeout=WAIT_S) in {True, False}
    assert ref not in ActorRegistry.get_all()
    assert sum("Unhandled exception in Hopeless" in text for text in caplog.messages) == 2


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_a_base_exception_stops_all_actors(recorder, error):
    """Ctrl-C inside a handler ends the whole system, in order: on_stop, not on_failure."""
    bystander_seen, seen = [], []
    bystander, ref = recorder.start(bystander_seen), recorder.start(seen)
    ended, bystander_ended = over(ref), over(bystander)

    ref.tell(error())

    assert ended.wait(WAIT_S)
    assert bystander_ended.wait(WAIT_S)
    assert seen == ["on_start", "on_stop"]
    assert bystander_seen == ["on_start", "on_stop"]
    assert not ref.is_alive()


# --- the registry -------------------------------------------------------------------------------------


def test_the_registry_finds_actors_by_class_name_and_urn(recorder):
    """By class includes subclasses; by name is exact; an unknown URN is None."""

    class Special(recorder):
        pass

    plain, special = recorder.start(), Special.start()

    assert ActorRegistry.get_by_class(recorder) == [plain, special]
    assert ActorRegistry.get_by_class(Special) == [special]
    assert ActorRegistry.get_by_class_name("Recorder") == [plain]
    assert ActorRegistry.get_by_urn(special.actor_urn) is special
    assert ActorRegistry.get_by_urn("urn:uuid:unknown") is None


def test_broadcast_reaches_all_or_only_one_class(recorder):
    """Without a target all get it; a target is a class or its name."""

    class Special(recorder):
        pass

    plain_seen, special_seen = [], []
    plain, special = recorder.start(plain_seen), Special.start(special_seen)

    ActorRegistry.broadcast("all")
    ActorRegistry.broadcast("class", target_class=Special)
    ActorRegistry.broadcast("name", target_class="Special")
    for ref in (plain, special):
        ref.ask("end", timeout=WAIT_S)

    assert plain_seen == ["on_start", "all", "end"]
    assert special_seen == ["on_start", "all", "class", "name", "end"]


def test_stop_all_stops_the_last_started_first(recorder):
    """Blocking, it stops in reverse order and returns one True per actor."""
    order = []

    class Ordered(recorder):
        def on_stop(self):
            order.append(self.seen[0])

    for number in range(5):
        Ordered.start([number])

    assert ActorRegistry.stop_all(timeout=WAIT_S) == [True] * 5
    assert order == [4, 3, 2, 1, 0]
    assert ActorRegistry.get_all() == []


def test_stop_all_without_blocking_returns_futures(recorder):
    """`block=False` yields one future per actor."""
    recorder.start()
    recorder.start()

    futures = ActorRegistry.stop_all(block=False)

    assert pykka.get_all(futures, timeout=WAIT_S) == [True, True]


# --- proxies ------------------------------------------------------------------------------------------


@pytest.fixture
def library(base):
    """Return an actor class with attributes, methods, private parts and traversable parts."""

    class Shelf:
        height = 7

        def take(self, book):
            return f"took {book}"

    @pykka.traversable
    class Desk:
        lamp = "on"

    class Library(base):
        shelf = pykka.traversable(Shelf())
        hidden = Shelf()
        desk = Desk()

        def __init__(self):
            super().__init__()
            self.books = 3
            self._secret = "s"
            self.failed = threading.Event()

        def add(self, count, *, twice=False):
            self.books += count * (2 if twice else 1)
            return self.books

        def burn(self):
            raise OSError("fire")

        def on_failure(self, *_exc_info):
            self.failed.set()

    return Library


def test_a_proxy_reads_attributes_as_futures(library):
    """Attribute access asks the actor."""
    assert library.start().proxy().books.get(timeout=WAIT_S) == 3


def test_a_proxy_sets_attributes(library):
    """Assignment is done by the actor before the next line runs."""
    proxy = library.start().proxy()

    proxy.books = 10

    assert proxy.books.get(timeout=WAIT_S) == 10


def test_a_proxy_calls_methods_with_arguments(library):
    """A call returns a future of the method's result."""
    proxy = library.start().proxy()

    assert proxy.add(2, twice=True).get(timeout=WAIT_S) == 7


def test_a_proxy_call_hands_exceptions_to_the_caller(library):
    """The future raises what the method raised, and the actor lives."""
    proxy = library.start().proxy()

    with pytest.raises(OSError, match="fire"):
        proxy.burn().get(timeout=WAIT_S)
    assert proxy.books.get(timeout=WAIT_S) == 3


def test_a_deferred_call_returns_nothing_and_fails_the_actor_when_it_raises(library):
    """`defer` has tell semantics."""
    proxy = library.start().proxy()
    failed = proxy.failed.get(timeout=WAIT_S)

    assert proxy.add.defer(1) is None
    assert proxy.books.get(timeout=WAIT_S) == 4
    proxy.burn.defer()
    assert failed.wait(WAIT_S)


def test_a_proxy_hides_private_and_unknown_attributes(library):
    """Names with an underscore and names that do not exist are AttributeErrors."""
    proxy = library.start().proxy()

    for name in ("_secret", "nothing"):
        with pytest.raises(AttributeError):
            getattr(proxy, name)


def test_a_proxy_finds_attributes_that_came_later(library):
    """An attribute set after the proxy was made is found."""
    proxy = library.start().proxy()

    proxy.new = "later"

    assert proxy.new.get(timeout=WAIT_S) == "later"


def test_traversable_parts_are_reached_through_the_proxy(library):
    """Both ways of marking a part open its attributes and methods; unmarked parts are values."""
    proxy = library.start().proxy()

    assert proxy.shelf.take("Moby Dick").get(timeout=WAIT_S) == "took Moby Dick"
    assert proxy.shelf.height.get(timeout=WAIT_S) == 7
    assert proxy.desk.lamp.get(timeout=WAIT_S) == "on"
    assert isinstance(proxy.hidden, pykka.Future)


def test_a_proxy_lists_what_it_offers(library):
    """`dir()` shows the actor's public attributes."""
    listed = dir(library.start().proxy())

    assert {"add", "books", "shelf", "stop"} <= set(listed)
    assert "_secret" not in listed


def test_proxies_of_one_actor_are_equal_and_hash_alike(library):
    """Equality is that of actor and path."""
    ref, other = library.start(), library.start()

    assert ref.proxy() == ref.proxy()
    assert hash(ref.proxy()) == hash(ref.proxy())
    assert ref.proxy() != other.proxy()


def test_a_proxy_of_a_dead_actor_is_refused(library):
    """There is no proxy without an actor; one made before refuses calls."""
    ref = library.start()
    proxy = ref.proxy()
    ref.stop(timeout=WAIT_S)

    with pytest.raises(ActorDeadError):
        ref.proxy()
    with pytest.raises(ActorDeadError):
        proxy.add(1).get(timeout=WAIT_S)


def test_an_actor_schedules_work_through_a_proxy_to_itself(base):
    """Work deferred to oneself comes after what already waits."""

    class Worker(base):
        def __init__(self):
            super().__init__()
            self._later = self.actor_ref.proxy()
            self.steps = []

        def begin(self):
            self.steps.append("begin")
            self._later.finish.defer()

        def finish(self):
            self.steps.append("finish")

    proxy = Worker.start().proxy()
    proxy.begin().get(timeout=WAIT_S)

    assert proxy.steps.get(timeout=WAIT_S) == ["begin", "finish"]


def test_proxy_messages_can_be_sent_by_hand(library):
    """ProxyCall, ProxyGetAttr and ProxySetAttr are public messages."""
    ref = library.start()

    ref.ask(ProxySetAttr(attr_path=("books",), value=5), timeout=WAIT_S)
    added = ref.ask(ProxyCall(attr_path=("add",), args=(1,), kwargs={}), timeout=WAIT_S)

    assert added == 6
    assert ref.ask(ProxyGetAttr(attr_path=("books",)), timeout=WAIT_S) == 6


# --- futures ------------------------------------------------------------------------------------------


def test_futures_can_be_mapped_filtered_joined_and_reduced(recorder):
    """The combinators work on answers, whatever kind of actor gives them."""
    ref = recorder.start()

    def ask(value):
        return ref.ask(value, block=False)

    assert ask(3).map(lambda x: x * 2).get(timeout=WAIT_S) == 6
    assert ask([1, 2, 3]).filter(lambda x: x > 1).get(timeout=WAIT_S) == [2, 3]
    assert ask(1).join(ask(2), ask(3)).get(timeout=WAIT_S) == [1, 2, 3]
    assert ask([1, 2]).reduce(lambda x, y: x + y, 10).get(timeout=WAIT_S) == 13
    assert pykka.get_all([ask(1), ask(2)], timeout=WAIT_S) == [1, 2]


def test_a_future_can_be_awaited(recorder):
    """`await` yields the value in a coroutine."""
    ref = recorder.start()

    async def ask():
        return await ref.ask("awaited", block=False)

    assert asyncio.run(ask()) == "awaited"


def test_the_future_of_an_actor_is_set_only_once(base):
    """A second result is refused, and so is a hook after a result."""
    future = base._create_future()
    future.set("first")

    with pytest.raises(queue.Full):
        future.set("second")
    with pytest.raises(queue.Full):
        future.set_get_hook(lambda _timeout: None)
    assert future.get() == "first"


def test_a_future_with_a_hook_calls_it_once_with_the_timeout(base):
    """The hook makes the value at the first `get()`."""
    calls, future = [], base._create_future()
    future.set_get_hook(lambda timeout: calls.append(timeout) or "made")

    assert [future.get(timeout=2), future.get(timeout=3)] == ["made", "made"]
    assert calls == [2]
