"""Many senders, many actors, failures in between: order is kept and nothing is lost."""

import os
import random
import sys
import threading

import pykka
import pytest

from actors.runtime import (
    ChildSpec,
    LoopThread,
    OwnThread,
    PooledActor,
    RootSupervisor,
    StartChild,
    SupervisorFlags,
    WorkerPool,
)

WAIT_S = 100
SENDERS = 6
ACTORS = 40
MESSAGES = 3_000
"""Per sender."""
POISON_EVERY = 200


class Witness(PooledActor):
    """Notes (sender, number) in a log that outlives it, and whether two threads were ever inside."""

    def __init__(self, dispatcher, log, intruders):
        super().__init__(dispatcher=dispatcher)
        self.log = log
        self.intruders = intruders

    def on_receive(self, message):
        if not self.log.inside.acquire(blocking=False):
            self.intruders.append(threading.current_thread().name)
            return
        try:
            sender, number, poisonous = message
            if poisonous:
                raise ValueError(number)
            self.log.entries.append((sender, number))
        finally:
            self.log.inside.release()


class Log:
    """What one address has handled, over all instances."""

    def __init__(self):
        self.entries = []
        self.inside = threading.Lock()


@pytest.fixture(autouse=True)
def _hectic():
    """Make threads alternate a thousand times as often as usual, so that races show."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.fixture
def seed():
    """Print the seed, so that a failure can be repeated with LOCKSTEP_SEED."""
    value = int(os.environ.get("LOCKSTEP_SEED", random.SystemRandom().randrange(2**32)))
    print(f"LOCKSTEP_SEED={value}")  # noqa: T201
    return value


def make_dispatcher(kind, in_flight):
    """Return a dispatcher of the kind; small slices, so that turns end often."""
    if kind == "pool":
        return WorkerPool(workers=4, slice_size=3, in_flight=in_flight)
    return LoopThread("loop", in_flight) if kind == "loop" else OwnThread("own", in_flight)


def run_senders(refs, seed):
    """Let all senders tell at once; return what each told to which actor, and the poison among it."""
    told = {sender: [] for sender in range(SENDERS)}
    begin = threading.Barrier(SENDERS)

    def send(sender):
        chance = random.Random(seed + sender)  # noqa: S311  (repeatable, not secret)
        begin.wait(WAIT_S)
        for number in range(MESSAGES):
            target, poisonous = chance.randrange(ACTORS), chance.randrange(POISON_EVERY) == 0
            told[sender].append((target, number, poisonous))
            refs[target].tell((sender, number, poisonous))

    threads = [threading.Thread(target=send, args=(sender,)) for sender in told]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
    return told


@pytest.mark.parametrize("kind", ["pool", "own", "loop"])
def test_restarts_under_load_lose_only_the_failing_messages(
    kind, seed, in_flight, clock, directory
):
    """Per sender and actor the order is kept; the dead letters are exactly the poison."""
    dispatcher, thread = make_dispatcher(kind, in_flight), OwnThread("supervisor", in_flight)
    letters, intruders, logs = [], [], [Log() for _ in range(ACTORS)]
    directory.on_dead_letter(lambda address, message, _error: letters.append((address, message)))
    supervisor = RootSupervisor.start(
        dispatcher=thread,
        directory=directory,
        clock=clock,
        flags=SupervisorFlags(intensity=10**6),
        on_give_up=lambda address, error: pytest.fail(f"gave {address} up: {error}"),
    )
    refs = [
        supervisor.ask(
            StartChild(
                ChildSpec(
                    address=f"witness/{number}",
                    factory=lambda log=log: Witness(dispatcher, log, intruders),
                )
            ),
            timeout=WAIT_S,
        )
        for number, log in enumerate(logs)
    ]

    told = run_senders(refs, seed)
    in_flight.wait_idle(WAIT_S)
    pykka.ActorRegistry.stop_all(timeout=WAIT_S)
    dispatcher.stop()
    thread.stop()

    assert intruders == []
    for sender, messages in told.items():
        for target, log in enumerate(logs):
            expected = [number for to, number, bad in messages if to == target and not bad]
            assert [number for who, number in log.entries if who == sender] == expected
    poison = sorted(
        (f"witness/{target}", (sender, number, True))
        for sender, messages in told.items()
        for target, number, bad in messages
        if bad
    )
    dead = [letter for letter in letters if letter[0].startswith("witness/")]
    assert sorted(dead) == poison


@pytest.mark.parametrize("kind", ["pool", "own", "loop"])
def test_stops_under_load_leave_no_ask_unanswered(kind, seed, in_flight):
    """Every ask is answered, with a value or with ActorDeadError, while actors stop at random."""
    dispatcher = make_dispatcher(kind, in_flight)

    class Echo(PooledActor):
        def on_receive(self, message):
            return message

    chance = random.Random(seed)  # noqa: S311  (repeatable, not secret)
    refs = [Echo.start(dispatcher=dispatcher) for _ in range(ACTORS)]
    futures = [[] for _ in range(SENDERS)]

    def ask(sender):
        own_chance = random.Random(seed + sender)  # noqa: S311  (repeatable, not secret)
        for number in range(500):
            ref = own_chance.choice(refs)
            futures[sender].append((number, ref.ask(number, block=False)))

    threads = [threading.Thread(target=ask, args=(sender,)) for sender in range(SENDERS)]
    for thread in threads:
        thread.start()
    for ref in chance.sample(refs, ACTORS):
        ref.stop(block=False)
    for thread in threads:
        thread.join(WAIT_S)

    answers = [(number, answer_of(future)) for asked in futures for number, future in asked]
    pykka.ActorRegistry.stop_all(timeout=WAIT_S)
    dispatcher.stop()

    assert len(answers) == SENDERS * 500
    assert all(answer in {number, "dead"} for number, answer in answers)


def answer_of(future):
    """Return the value of a future, or that the actor was dead."""
    try:
        return future.get(timeout=WAIT_S)
    except pykka.ActorDeadError:
        return "dead"
