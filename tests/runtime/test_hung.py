"""Actors that hang: found by looking, replaced, and fenced: what comes back of them is refused."""

import queue
import threading

import pykka
import pytest
from pykka._envelope import Envelope

from actors.runtime import (
    ChildSpec,
    LoopThread,
    OwnThread,
    PooledActor,
    Restart,
    RootSupervisor,
    StartChild,
    StopChild,
    WorkerPool,
    supervisor_spec,
)
from actors.runtime.inbox import Inbox
from actors.runtime.spec import SupervisorFlags
from messages.commands import WakeAfter
from messages.events import ActorRestarted, AlarmRaised, DeadLettered
from messages.values import AlarmCode
from tests.runtime.nursery import WAIT_S, Gate, Nursery

HUNG_AFTER_S = 5


@pytest.fixture(params=["pool", "own", "loop"])
def dispatcher(request, in_flight):
    """Each kind of dispatcher, without its actors being waited for: some never come back."""
    made = {
        "pool": lambda: WorkerPool(workers=2, in_flight=in_flight),
        "own": lambda: OwnThread("theirs", in_flight),
        "loop": lambda: LoopThread("theirs", in_flight),
    }[request.param]()
    yield made
    pykka.ActorRegistry.stop_all(timeout=WAIT_S)
    made.stop()


class Watched(RootSupervisor):
    """A root supervisor that says when it has looked."""

    def __init__(self, *, looked, **how):
        super().__init__(**how)
        self._looked = looked

    def _look(self):
        super()._look()
        self._looked.put(None)


class Looking:
    """A root supervisor that looks when the test lets a second pass."""

    def __init__(self, own, directory, clock, clock_spec, dispatchers, **how):
        self.clock, self.looked, self.given_up = clock, queue.SimpleQueue(), []
        self.root = Watched.start(
            dispatcher=own,
            directory=directory,
            clock=clock,
            on_give_up=lambda address, error: self.given_up.append((address, error)),
            dispatchers=dispatchers,
            looked=self.looked,
            **how,
        )
        self.ticks = self.start(clock_spec)

    def start(self, spec):
        """Have the root start a child."""
        return self.root.ask(StartChild(spec), timeout=WAIT_S)

    def look(self, times=1, every_s=1.0):
        """Let so many seconds pass one by one, each with its look."""
        for _ in range(times):
            wake = WakeAfter(
                at=self.clock.now(), cause="t", to="nobody", key="barrier", after_s=1e9
            )
            self.ticks.ask(wake, timeout=WAIT_S)  # the wake-up for the next look is booked by now
            self.clock.advance(every_s)
            self.looked.get(timeout=WAIT_S)


@pytest.fixture
def looking(own, directory, clock, clock_spec, dispatcher, journal):
    """The root supervisor, with a clock and a journal."""
    assert directory.is_alive("journal"), journal
    return Looking(own, directory, clock, clock_spec, [dispatcher])


@pytest.fixture
def children(dispatcher):
    """Children on the dispatcher under test."""
    return Nursery(dispatcher)


@pytest.fixture
def gates():
    """Make gates; all are open at the end, or threads would stand there for ever."""
    made = []

    def gate():
        made.append(Gate())
        return made[-1]

    yield gate
    for each in made:
        each.opened.set()


class Late(PooledActor):
    """Stands at a gate in its first life, and then does all that an actor can."""

    def __init__(self, dispatcher, directory, instance, gate, acted):
        super().__init__(dispatcher=dispatcher)
        self.directory, self.instance, self.gate, self.acted = directory, instance, gate, acted

    def on_receive(self, message):
        if message == "who":
            return self.instance
        if self.instance == 1:
            self.gate.stand()
            self.directory.tell("probe", "told")
            for act in ("tell", "ask", "stop"):
                try:
                    how = {} if act == "tell" else {"block": False}
                    getattr(self.directory.ref("probe"), act)(
                        *(() if act == "stop" else ("x",)), **how
                    )
                except pykka.ActorDeadError:
                    self.acted.put(act)
            if message == "raise":
                raise ValueError("late")
        return "late answer"

    def on_turn_end(self):
        self.acted.put(f"turn end {self.instance}")

    def on_failure(self, *_exc_info):
        self.acted.put("on_failure")


@pytest.mark.parametrize("ending", ["return", "raise"])
def test_a_hung_actor_is_replaced_and_does_nothing_more(
    looking, dispatcher, directory, gates, letters, probe, in_flight, journal, ending
):
    """Its tells, asks, stops and answers are refused, it fails nobody, and its thread takes no turn."""
    told, gate, acted, born = probe("probe"), gates(), queue.SimpleQueue(), []

    def factory():
        born.append(None)
        return Late(dispatcher, directory, len(born), gate, acted)

    ref = looking.start(ChildSpec(address="account/1", factory=factory))
    asked = ref.ask(ending, block=False)
    assert gate.reached.wait(WAIT_S)
    waiting = ref.ask("who", block=False)
    looking.look(HUNG_AFTER_S + 2)

    with pytest.raises(pykka.ActorDeadError, match="was replaced"):
        asked.get(timeout=WAIT_S)
    assert waiting.get(timeout=WAIT_S) == 2
    assert acted.get(timeout=WAIT_S) == "turn end 2"
    gate.opened.set()
    in_flight.wait_idle(WAIT_S)

    assert [acted.get(timeout=WAIT_S) for _ in range(3)] == ["tell", "ask", "stop"]
    assert acted.empty()
    assert told == []
    assert ("probe", "told") in letters
    assert "probe" in {each.address for each in journal.of(DeadLettered)}
    assert ref.ask("who", timeout=WAIT_S) == 2
    assert len(born) == 2
    (restarted,) = journal.of(ActorRestarted)
    assert restarted.down_s >= HUNG_AFTER_S
    assert AlarmCode.ACTOR_HUNG in {each.code for each in journal.of(AlarmRaised)}


def test_the_message_it_hangs_on_is_a_dead_letter_and_is_not_tried_again(
    looking, children, gates, letters
):
    """What waited behind it is handled by the successor, in order."""
    ref, gate = looking.start(children.spec("account/1")), gates()
    for message in (gate, "first", "second"):
        ref.tell(message)
    assert gate.reached.wait(WAIT_S)
    looking.look(HUNG_AFTER_S + 2)

    assert ref.ask("who", timeout=WAIT_S) == 2
    assert letters == [("account/1", gate)]
    assert children.handled("account/1")[:2] == [(2, "first"), (2, "second")]


def test_the_thread_it_holds_is_replaced_too(looking, children, gates, dispatcher):
    """As many threads as before are at work; the one that comes back ends."""
    before = {thread.name for thread in threading.enumerate()}
    refs = [looking.start(children.spec(f"account/{number}")) for number in range(2)]
    stuck = [gates(), gates()]
    workers = 2 if dispatcher.__class__ is WorkerPool else 1
    for ref, gate in zip(refs, stuck[:workers], strict=False):
        ref.tell(gate)
        assert gate.reached.wait(WAIT_S)
    looking.look(HUNG_AFTER_S + 2)

    again = [gates(), gates()]
    for ref, gate in zip(refs, again[:workers], strict=False):
        ref.tell(gate)
        assert gate.reached.wait(WAIT_S)  # at the same time, if there are two workers
    for gate in (*again, *stuck):
        gate.opened.set()
    assert refs[0].ask("who", timeout=WAIT_S) == 2
    dispatcher.in_flight.wait_idle(WAIT_S)
    theirs = [each for each in threading.enumerate() if each.name not in before]
    for thread in theirs[:-workers]:
        thread.join(WAIT_S)
        assert not thread.is_alive()


@pytest.mark.parametrize("hook", ["on_start", "on_turn_end"])
def test_hooks_can_hang_too(looking, children, gates, letters, in_flight, hook):
    """A successor's start and the end of a turn; no message is lost, late errors are nobody's."""
    gate = gates()
    hangs_in = 2 if hook == "on_start" else 1

    def stand(instance):
        if instance == hangs_in:
            gate.stand()
            raise OSError("late")

    hooks = {hook: stand}
    ref = looking.start(children.spec("account/1", hooks=hooks))
    ref.tell(ValueError("boom") if hook == "on_start" else "handled")
    assert gate.reached.wait(WAIT_S)
    looking.look(HUNG_AFTER_S + 4)  # the second failure in a row backs off a little

    assert ref.ask("who", timeout=WAIT_S) == hangs_in + 1
    gate.opened.set()
    in_flight.wait_idle(WAIT_S)
    assert [message for _, message in letters if message == "handled"] == []
    assert "on_failure late" not in {what for _, what in children.logs["account/1"]}
    assert ref in pykka.ActorRegistry.get_all()
    assert ref.ask("who", timeout=WAIT_S) == hangs_in + 1


def test_slow_is_not_hung(looking, children, gates):
    """Four seconds at each of several messages, one right after the other: it gets further."""
    ref, slow = looking.start(children.spec("account/1")), [gates() for _ in range(4)]
    for gate in slow:
        ref.tell(gate)
    for gate in slow:
        assert gate.reached.wait(WAIT_S)
        looking.look(4)
        gate.opened.set()

    assert ref.ask("who", timeout=WAIT_S) == 1


def test_time_nobody_looked_at_does_not_count(looking, children, gates):
    """The process stood still for a minute: that says nothing about its actors."""
    ref, gate = looking.start(children.spec("account/1")), gates()
    ref.tell(gate)
    assert gate.reached.wait(WAIT_S)
    looking.look()
    looking.look(every_s=60)
    gate.opened.set()

    assert ref.ask("who", timeout=WAIT_S) == 1


def test_what_must_not_be_replaced_ends_the_program(looking, children, gates):
    """A journal that hangs: its thread might still write, so there is no second one beside it; once."""
    ref, gate = looking.start(children.spec("journal-to-be", replaceable=False)), gates()
    ref.tell(gate)
    assert gate.reached.wait(WAIT_S)
    looking.look(HUNG_AFTER_S + 4)
    looking.root.ask(StartChild(children.spec("barrier")), block=False)
    gate.opened.set()

    assert ref.ask("who", timeout=WAIT_S) == 1
    assert [address for address, _ in looking.given_up] == ["journal-to-be"]


def test_who_may_take_as_long_as_it_likes_is_left_alone(looking, children, gates):
    """Supervisors wait for their children, and a log for its reader."""
    ref, gate = looking.start(children.spec("log", hung_after_s=None)), gates()
    ref.tell(gate)
    assert gate.reached.wait(WAIT_S)
    looking.look(60)
    gate.opened.set()

    assert ref.ask("who", timeout=WAIT_S) == 1


def test_a_temporary_one_that_hangs_is_fenced_and_not_replaced(looking, children, gates, directory):
    """Its address is dead, its thread another's."""
    ref = looking.start(children.spec("once", restart=Restart.TEMPORARY))
    gate, other = gates(), looking.start(children.spec("other"))
    ref.tell(gate)
    assert gate.reached.wait(WAIT_S)
    looking.look(HUNG_AFTER_S + 2)

    assert other.ask("who", timeout=WAIT_S) in {1, 2}
    looking.start(children.spec("barrier"))
    assert not directory.is_alive("once")


def test_a_hang_below_is_told_to_the_supervisor_it_concerns(
    looking, children, gates, directory, clock, in_flight
):
    """The root looks, the child's own supervisor acts, and counts it as a failure."""
    level = OwnThread("level", in_flight)
    spec = supervisor_spec(
        "guard",
        dispatcher=level,
        directory=directory,
        clock=clock,
        flags=SupervisorFlags(intensity=0),
        children=(children.spec("account/1"), children.spec("enforcer/1")),
    )
    looking.start(spec)
    gate = gates()
    directory.tell("account/1", gate)
    assert gate.reached.wait(WAIT_S)
    looking.look(HUNG_AFTER_S + 2)

    assert directory.ref("account/1").ask("who", timeout=WAIT_S) == 2
    assert directory.ref("enforcer/1").ask("who", timeout=WAIT_S) == 2
    assert looking.given_up == []
    gate.opened.set()
    looking.root.stop(timeout=WAIT_S)
    level.stop()


def test_one_that_does_not_end_when_it_is_stopped_is_fenced(
    looking, dispatcher, directory, gates, probe, in_flight
):
    """After its shutdown time; what it had not handled is refused, and so is what it does later."""
    told, gate, acted = probe("probe"), gates(), queue.SimpleQueue()
    ref = looking.start(
        ChildSpec(
            address="account/1",
            factory=lambda: Late(dispatcher, directory, 1, gate, acted),
            shutdown_s=0.01,
        )
    )
    ref.tell("return")
    assert gate.reached.wait(WAIT_S)
    asked = ref.ask("never", block=False)

    looking.root.ask(StopChild("account/1"), timeout=WAIT_S)
    with pytest.raises(pykka.ActorDeadError):
        asked.get(timeout=WAIT_S)
    gate.opened.set()
    in_flight.wait_idle(WAIT_S)

    assert told == []
    assert [acted.get(timeout=WAIT_S) for _ in range(3)] == ["tell", "ask", "stop"]
    assert acted.empty()


def test_what_waits_on_a_stuck_loop_is_handled_on_the_next(looking, children, gates, dispatcher):
    """Another actor of that loop was told something, and is not told in vain."""
    if dispatcher.loop is None:
        pytest.skip("a pool has one queue for all its threads")
    stuck, waiting = (looking.start(children.spec(name)) for name in ("stuck", "waiting"))
    gate = gates()
    stuck.tell(gate)
    assert gate.reached.wait(WAIT_S)
    waiting.tell("kept")
    looking.look(HUNG_AFTER_S + 2)

    assert waiting.ask("who", timeout=WAIT_S) in {1, 2}
    assert children.handled("waiting")[0][1] == "kept"


def test_a_turn_that_is_seized_in_its_last_moment_does_not_release_the_inbox():
    """Its end meets the seizing half way: one of them goes on with the inbox, never both."""
    submitted = []

    class Noting:
        in_flight = None
        submit = staticmethod(submitted.append)

    inbox = Inbox()
    inbox.bind(Noting, threading.Event())

    def turn(_limit):
        assert inbox.seize()
        return 0, None

    inbox.attach(turn, lambda: None)
    inbox.run_turn(1)
    inbox.put(Envelope("for the successor"))

    assert submitted == [inbox]


def test_a_task_that_blocks_its_loop_is_found(
    looking, dispatcher, directory, gates, probe, in_flight
):
    """Nothing is under way in the inbox then: the loop answers no beat."""
    if dispatcher.loop is None:
        pytest.skip("only a loop runs tasks")
    told, gate, born = probe("probe"), gates(), []

    class Async(PooledActor):
        def on_receive(self, message):
            return len(born) if message == "who" else self.block()

        async def block(self):
            gate.stand()
            directory.tell("probe", "too late")

    def factory():
        born.append(None)
        return Async(dispatcher=dispatcher)

    ref = looking.start(ChildSpec(address="gateway/desk", factory=factory))
    ref.tell("block")
    assert gate.reached.wait(WAIT_S)
    looking.look(HUNG_AFTER_S + 2)

    assert ref.ask("who", timeout=WAIT_S) == 2
    gate.opened.set()
    in_flight.wait_idle(WAIT_S)
    assert told == []
