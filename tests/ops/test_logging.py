"""Log lines go out on a thread of their own: nobody waits for who reads them."""

import json
import os
import subprocess
import sys
from pathlib import Path

from actors.ops.logging import MOST_WAITING
from tests.cli import WITHIN_S, environment

MANY = MOST_WAITING + 5_000
TALKER = f"""
import sys, threading
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
import structlog
from actors.ops.logging import configure_logging
from actors.ops.terminal import end, fail
configure_logging(20, ["a-secret"])
for number in range({MANY}):
    structlog.get_logger(actor="talker").info("said", number=number, key="a-secret")
print("all said", flush=True)
sys.stdin.readline()
end(fail(71, "no more to say"))
"""


def talker(stderr):
    return subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", TALKER],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )


def test_who_logs_never_waits_and_what_is_lost_is_counted():
    """Nobody reads until all was said; then every line is there, or among those said to be lost."""
    with talker(subprocess.PIPE) as process:
        assert process.stdout.readline() == "all said\n"
        first = [process.stderr.readline() for _ in range(MOST_WAITING)]
        process.stdin.write("go on\n")
        process.stdin.flush()
        rest = process.stderr.read()

    *lines, last = [*first, *rest.splitlines()]
    entries = [json.loads(line) for line in lines]
    said = [each["number"] for each in entries if each["event"] == "said"]
    lost = sum(each["lines"] for each in entries if each["event"] == "log_lines_lost")
    assert said == sorted(said)
    assert lost > 0
    assert len(said) + lost == MANY
    assert {each["key"] for each in entries if each["event"] == "said"} == {"***"}
    assert last == "lockstep: no more to say"
    assert process.returncode == 71


def test_who_ends_does_not_wait_for_who_reads_nothing():
    """The exit code comes all the same."""
    reading, writing = os.pipe()
    with talker(writing) as process:
        os.close(writing)
        assert process.stdout.readline() == "all said\n"
        process.stdin.write("go on\n")
        process.stdin.flush()

        assert process.wait(WITHIN_S) == 71
    os.close(reading)
