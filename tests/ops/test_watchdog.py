"""The watchdog's decisions, each shown by a small child that ends, stalls or beats as the case needs."""

import json
import os
import resource
import signal
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from actors.ops import exits
from actors.ops.exits import ENDINGS, Again, ending_of
from actors.ops.guard import Guard, Limits
from actors.ops.watchdog import BackOff
from actors.runtime import SystemClock, VirtualClock
from tests.cli import WITHIN_S, Running

ROOT = Path(__file__).parents[2]
CHILD = """
import os, signal, sys, time
sys.path.insert(0, {root!r})
from actors.ops.notify import Notifier
life = int(open({count!r}).read() or 0) + 1
open({count!r}, "w").write(str(life))
because = os.environ.get("BECAUSE", "")
print("life", life, "standby" in sys.argv, because, flush=True)
notifier = Notifier(os.environ)
{body}
"""
DOG = """
import os, sys
sys.path.insert(0, {root!r})
from actors.ops.guard import Limits
from actors.ops.logging import configure_logging
from actors.ops.watchdog import Watchdog
from actors.runtime import SystemClock, VirtualClock
configure_logging(20)
command = lambda standby: [sys.executable, {child!r}] + ["standby"] * standby
limits = Limits(**{limits!r})
sys.exit(Watchdog(command, environment=os.environ, restarted_variable="BECAUSE",
                  clock=SystemClock(), limits=limits).run())
"""
PATIENT = {"silence_s": 60.0, "start_s": 60.0, "stop_s": 60.0, "grace_s": 0.3}
"""Nothing that is slow because the machine is busy exceeds them; who stalls must be given less."""
READY = 'notifier.tell("READY=1")'
DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"


@pytest.fixture
def dog(tmp_path: Path):
    """Start a watchdog over a child whose lives run this body; all of it ends with the test."""
    dogs = []

    def start(*body: str, **limits: float) -> Running:
        count, child, script = (tmp_path / name for name in ("count", "child.py", "dog.py"))
        count.write_text("")
        child.write_text(CHILD.format(root=str(ROOT), count=str(count), body="\n".join(body)))
        script.write_text(DOG.format(root=str(ROOT), child=str(child), limits=PATIENT | limits))
        dogs.append(Running(main=script))
        return dogs[-1]

    yield start
    for each in dogs:
        each.stop(signal.SIGKILL)


def lives(run: Running) -> list[list[str]]:
    """Return life, whether as a stand-by, and why, of every start."""
    return [line.split(maxsplit=3)[1:] for line in run.out]


@pytest.mark.parametrize("code", [0, 2, 70, 72, 75, 77, 78, 130])
def test_an_end_that_a_restart_cannot_mend_is_the_watchdogs_own(dog, code):
    """One life, the same exit code, and the reason in the log."""
    run = dog(f"sys.exit({code})")

    assert run.process.wait(WITHIN_S) == code
    why = run.wait_line('"guard_not_restarted"', f'"code": {code}')
    assert ENDINGS[code].why in why
    assert len(run.out) == 1


@pytest.mark.parametrize("code", [1, 3, 69, 71])
def test_an_end_that_may_pass_is_followed_by_a_new_life(dog, code):
    """It is told why it was started again."""
    run = dog(f"sys.exit({code} if life < 3 else 0)")

    assert run.process.wait(WITHIN_S) == 0
    run.stop()
    assert [life[:2] for life in lives(run)] == [[str(n), "False"] for n in (1, 2, 3)]
    assert lives(run)[1][2].startswith(f"exit {code}, ")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_a_guard_that_dies_of_a_signal_is_started_again(dog, number):
    """Not if it was the watchdog that was told to end, but then it ends too."""
    run = dog(f"if life == 1: os.kill(os.getpid(), {int(number)})", "sys.exit(0)")

    assert run.process.wait(WITHIN_S) == 0
    run.wait_line("life 2", f"killed by {number.name}")


def test_who_has_guarded_and_finds_another_guarding_stands_by(dog):
    """75 after a life that was ready: the next is a stand-by, until it has guarded itself."""
    run = dog(READY, "sys.exit({1: 1, 2: 75, 3: 1}.get(life, 0))")

    assert run.process.wait(WITHIN_S) == 0
    run.stop()
    assert [life[1] for life in lives(run)] == ["False", "False", "True", "False"]


def test_the_next_life_is_told_which_journal_was_guarded(dog):
    """Also when a life in between was never ready: the locks are in the journal of the one before."""
    ready = 'life == 1 and notifier.tell("READY=1", "LOCKSTEP_JOURNAL=a1b2")'
    told = 'print("told", os.environ.get("LOCKSTEP_JOURNAL"), flush=True)'
    run = dog(ready, told, "sys.exit(1 if life < 3 else 0)")

    assert run.process.wait(WITHIN_S) == 0
    run.stop()
    assert [line.split()[1] for line in run.out if "told" in line] == ["None", "a1b2", "a1b2"]


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of another process")
def test_a_start_that_fails_is_tried_again(dog):
    """No descriptor, no memory, no process to be had for a moment: that is no reason to end unwatched."""
    run = dog(READY, "if life == 1: time.sleep(60)", "sys.exit(0)")
    run.wait_line('"guard_ready"')
    pid = run.process.pid

    _, most = before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, most))
    os.kill(json.loads(run.wait_line('"guard_started"'))["pid"], signal.SIGKILL)
    run.wait_line('"guard_not_started"', '"critical"', count=2)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)

    assert run.process.wait(WITHIN_S) == 0
    run.wait_line("life 2", "killed by SIGKILL")


def test_a_folder_for_passing_files_that_has_gone_is_looked_for_elsewhere(
    dog, tmp_path, monkeypatch
):
    """What was found once may be full or gone by the next life."""
    (passing := tmp_path / "passing").mkdir()
    monkeypatch.setenv("TMPDIR", str(passing))
    run = dog(
        READY,
        f"import shutil; life == 1 and shutil.rmtree({str(passing)!r})",
        "sys.exit(life == 1)",
    )

    assert run.process.wait(WITHIN_S) == 0


def test_a_start_that_fails_leaves_nothing_behind(tmp_path, monkeypatch):
    """Tried again and again for hours, it must not take the last descriptor."""
    (passing := tmp_path / "passing").mkdir()
    monkeypatch.setenv("TMPDIR", str(passing))

    with pytest.raises(FileNotFoundError) as failed:
        Guard([str(tmp_path / "no program")], os.environ, Limits(), SystemClock())

    guard = failed.traceback[1].locals["self"]
    assert guard.socket.fileno() == -1
    assert list(passing.iterdir()) == []


def test_a_guard_that_is_deaf_to_sigterm_is_killed(dog):
    """Silent after it was ready, then silent again after being told to end."""
    stands = "while life == 1: time.sleep(60)"
    run = dog(DEAF, READY, stands, "sys.exit(0)", silence_s=0.8)

    run.wait_line('"guard_stalled"', "no heartbeat")
    run.wait_line('"guard_killed"')
    assert run.process.wait(WITHIN_S) == 0
    run.wait_line("life 2", "stalled: no heartbeat for 0.8 s")


@pytest.mark.parametrize("ends_with", [signal.SIGTERM, signal.SIGKILL])
def test_a_guard_that_stalls_is_ended_before_it_is_logged(unread_log, ends_with):
    """A held terminal, a stopped reader: the word about it may wait, the end may not."""
    unread_log("actors.ops.guard")
    clock, limits = VirtualClock(datetime(2025, 10, 31, tzinfo=UTC)), Limits()
    guard = Guard(
        [sys.executable, "-c", "import time; time.sleep(1000)"], os.environ, limits, clock
    )
    if ends_with == signal.SIGKILL:
        os.kill(guard.process.pid, signal.SIGSTOP)  # it takes no other signal now

    clock.advance(limits.start_s)
    with pytest.raises(BlockingIOError):
        guard.overdue()
    if ends_with == signal.SIGKILL:
        clock.advance(limits.grace_s)
        with pytest.raises(BlockingIOError):
            guard.overdue()

    assert guard.process.wait(WITHIN_S) == -ends_with
    assert guard.stalled
    guard.bury()


def test_a_guard_that_is_never_ready_is_replaced(dog):
    """A start that hangs guards nobody."""
    run = dog("while life == 1: time.sleep(60)", "sys.exit(0)", start_s=3.0)

    run.wait_line('"guard_stalled"', "not ready for 3 s")
    assert run.process.wait(WITHIN_S) == 0


def test_a_guard_that_beats_lives_and_one_that_stands_by_need_not_be_ready(dog):
    """Beats outlast the limit; a stand-by asks for more time as often as it likes."""
    beat = 'for _ in range(25): time.sleep(0.2); notifier.tell("WATCHDOG=1")'
    wait = 'for _ in range(25): time.sleep(0.2); notifier.tell("EXTEND_TIMEOUT_USEC=4000000")'
    run = dog(wait, READY, beat, "sys.exit(0)", silence_s=4.0, start_s=4.0)

    assert run.process.wait(WITHIN_S) == 0
    assert len(run.out) == 1
    assert not any("stalled" in line for line in run.err)


def test_beats_before_it_is_ready_do_not_make_it_ready(dog):
    """Only READY or a request for more time count while it starts."""
    run = dog(
        'while life == 1: time.sleep(0.1); notifier.tell("WATCHDOG=1")',
        "sys.exit(0)",
        start_s=3.0,
    )

    run.wait_line('"guard_stalled"', "not ready")
    assert run.process.wait(WITHIN_S) == 0


def test_a_guard_that_does_not_end_when_told_to_is_killed(dog):
    """Whoever ends the watchdog gets an end, and a code that tells of the kill."""
    beats = "while True: time.sleep(0.1); notifier.tell('WATCHDOG=1')"
    run = dog(DEAF, READY, beats, stop_s=1.0)
    run.wait_line('"guard_ready"')

    assert run.stop() == 128 + signal.SIGKILL
    run.wait_line('"guard_killed"')


def test_a_watchdog_that_slept_itself_blames_nobody(dog):
    """After the machine slept, or the watchdog was stopped, the guard gets its time anew."""
    run = dog(
        READY,
        "os.kill(os.getppid(), signal.SIGSTOP)",
        "time.sleep(5)",
        "os.kill(os.getppid(), signal.SIGCONT)",
        "notifier.tell('STOPPING=1')",
        "sys.exit(0)",
        silence_s=2.0,
    )

    assert run.process.wait(WITHIN_S) == 0
    assert not any("stalled" in line for line in run.err)


def test_told_to_end_while_it_waits_it_starts_no_further_life(dog):
    """A crash loop can be left at once."""
    run = dog("sys.exit(1)")
    run.wait_line('"guard_is_restarted"', '"in_s": 4', '"critical"')

    assert run.stop() == 0
    assert len(run.out) == 4


def test_systemd_above_hears_what_the_guard_says(dog, tmp_path, monkeypatch):
    """READY only when the guard is, heartbeats, and STOPPING: the watchdog may itself be watched."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as above:
        above.bind(str(tmp_path / "above"))
        above.settimeout(WITHIN_S)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "above"))
        monkeypatch.setenv("WATCHDOG_USEC", "400000")
        run = dog("time.sleep(1)", READY, "time.sleep(0.5)", "sys.exit(0)")
        heard = []
        while "STOPPING=1" not in heard:
            heard += above.recv(4096).decode().splitlines()

    assert run.process.wait(WITHIN_S) == 0
    ready = heard.index("READY=1")
    assert heard[:ready].count("WATCHDOG=1") >= 2
    assert "WATCHDOG=1" in heard[ready:]


def test_waits_double_up_to_a_minute_and_start_anew_after_a_long_life():
    """The first restart is at once; who guarded for a minute has earned that again."""
    back_off = BackOff()

    assert [back_off.after(0) for _ in range(9)] == [0, 1, 2, 4, 8, 16, 32, 60, 60]
    assert [back_off.after(life) for life in (59, 60, 1)] == [60, 0, 1]


def test_every_exit_code_of_the_program_is_decided():
    """Each has a meaning and a reason; what is not listed is a crash."""
    codes = {value for name, value in vars(exits).items() if name.isupper() and name != "ENDINGS"}

    assert codes <= ENDINGS.keys()
    assert {code for code, each in ENDINGS.items() if each.again is Again.YES} == {1, 69, 71}
    assert ending_of(-9).meaning == "killed by SIGKILL"
    assert ending_of(-64).again is Again.YES
    assert ending_of(42).again is Again.YES
