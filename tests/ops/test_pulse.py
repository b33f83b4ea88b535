"""The pulse: heartbeats only while what is vital answers, on a real socket and with real actors."""

import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from actors.ops.notify import Notifier
from actors.ops.pulse import Pulse, name_threads
from actors.runtime import OwnThread, PooledActor, SystemClock

LIMIT_S = 0.2
PATIENCE_S = 60


class Patient(PooledActor):
    """Answers, unless it is held."""

    def __init__(self, *, dispatcher, held: threading.Event) -> None:
        super().__init__(dispatcher=dispatcher)
        self._held = held

    def on_receive(self, message: Any) -> Any:
        self._held.wait()
        return message.cause


@pytest.fixture
def heard(tmp_path: Path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(PATIENCE_S)
        yield listener


@pytest.fixture
def free():
    """Set while the patients answer."""
    event = threading.Event()
    event.set()
    yield event
    event.set()


@pytest.fixture
def patients(free):
    threads = {name: OwnThread(name) for name in ("journal", "clock")}
    always = threading.Event()
    always.set()
    refs = {
        "journal": Patient.start(dispatcher=threads["journal"], held=free),
        "clock": Patient.start(dispatcher=threads["clock"], held=always),
    }
    yield refs
    free.set()
    for ref in refs.values():
        ref.stop()
    for thread in threads.values():
        thread.stop()


@pytest.fixture
def notifier(tmp_path: Path):
    environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"}
    teller = Notifier(environment)
    yield teller
    teller.close()


def pulse_of(patients, notifier, *, fence=str, alone=lambda: None):
    return Pulse(
        vital=lambda: patients, fence=fence, alone=alone, notifier=notifier, clock=SystemClock()
    )


def drain(heard):
    """Forget what was heard up to now."""
    heard.setblocking(False)
    try:
        while True:
            heard.recv(100)
    except BlockingIOError:
        heard.settimeout(PATIENCE_S)


def test_it_beats_while_everything_vital_answers(heard, patients, notifier):
    """More than once, so that it is no single greeting."""
    with pulse_of(patients, notifier):
        assert [heard.recv(100) for _ in range(3)] == [b"WATCHDOG=1"] * 3


def test_it_falls_silent_with_the_first_that_does_not_answer_and_comes_back(
    heard, patients, notifier, free
):
    """One that hangs is enough: what it does is done by nobody else."""
    looks = threading.Semaphore(0)
    with pulse_of(patients, notifier, fence=lambda: looks.release() or ""):
        heard.recv(100)
        free.clear()
        while looks.acquire(blocking=False):
            pass
        assert looks.acquire(timeout=PATIENCE_S)
        assert looks.acquire(timeout=PATIENCE_S)  # what was under way when it began to hang is over
        drain(heard)
        heard.settimeout(3 * LIMIT_S)
        with pytest.raises(TimeoutError):
            heard.recv(100)

        free.set()

        heard.settimeout(PATIENCE_S)
        assert heard.recv(100) == b"WATCHDOG=1"


def test_it_is_silent_for_one_that_is_dead(heard, patients, notifier):
    """What was given up answers no more."""
    patients["clock"].stop()

    with pulse_of(patients, notifier):
        heard.settimeout(3 * LIMIT_S)
        with pytest.raises(TimeoutError):
            heard.recv(100)


def test_it_says_once_that_nobody_listens_any_more(heard, patients, notifier):
    """An alarm at every beat would drown the others."""
    alone, looks = [], threading.Semaphore(0)
    with pulse_of(
        patients, notifier, alone=lambda: alone.append(1), fence=lambda: looks.release() or ""
    ):
        heard.recv(100)
        heard.close()
        assert all(looks.acquire(timeout=PATIENCE_S) for _ in range(6))

    assert alone == [1]


def test_it_looks_after_the_lease_where_nobody_watches(patients):
    """A lost lease is noticed while no command is sent and no watchdog runs."""
    looked, notifier = threading.Event(), Notifier({})

    with pulse_of(patients, notifier, fence=lambda: looked.set() or ""):
        assert looked.wait(PATIENCE_S)
    notifier.close()


class Fleeting(threading.Thread):
    """Ends while it is asked for its name."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        super().__init__(target=self.asked.wait)
        self.armed = False

    @property
    def name(self) -> str:
        if getattr(self, "armed", False):
            self.asked.set()
            self.join()
            while Path(f"/proc/self/task/{self.native_id}").exists():
                pass
        return "fleeting"


def test_a_thread_that_ends_while_the_threads_are_named_does_no_harm():
    """It is the last step before the guard is ready."""
    thread = Fleeting()
    thread.start()
    thread.armed = True

    name_threads()

    assert not thread.is_alive()
