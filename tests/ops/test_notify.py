"""sd_notify, against a real datagram socket: what systemd would hear."""

import os
import socket
from pathlib import Path

import pytest

from actors.ops.notify import BEAT, READY, Notifier


@pytest.fixture(params=["path", "abstract"])
def listener(request, tmp_path: Path):
    """Listen as systemd does, on a path or in the abstract name space; yield socket and name."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@lockstep-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind("\0" + name[1:] if name.startswith("@") else name)
        heard.settimeout(5)
        yield heard, name


def test_lines_arrive_as_one_datagram(listener):
    """READY and what goes with it is one piece of news."""
    heard, name = listener
    notifier = Notifier({"NOTIFY_SOCKET": name})

    assert notifier.tell(READY, "STATUS=guarding")

    assert heard.recv(4096) == b"READY=1\nSTATUS=guarding"
    notifier.close()


def test_without_a_socket_nobody_is_told_and_nothing_is_wrong():
    """A guard started by hand has nobody to tell."""
    notifier = Notifier({"WATCHDOG_USEC": "10000000"})

    assert notifier.tell(BEAT)
    assert notifier.limit_s is None
    notifier.close()


def test_a_listener_that_has_gone_is_noticed_and_does_no_harm(listener):
    """Whoever tells can say that nobody watches any more."""
    heard, name = listener
    notifier = Notifier({"NOTIFY_SOCKET": name})
    heard.close()

    assert not notifier.tell(BEAT)
    notifier.close()


def test_a_listener_that_does_not_read_blocks_nobody(listener):
    """Its queue is full after a while; the guard goes on."""
    _, name = listener
    notifier = Notifier({"NOTIFY_SOCKET": name})

    assert all(notifier.tell("x" * 4096) for _ in range(2000))
    notifier.close()


@pytest.mark.parametrize(
    ("environment", "limit_s"),
    [
        ({"WATCHDOG_USEC": "10000000"}, 10.0),
        ({"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": str(os.getpid())}, 10.0),
        ({"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_heartbeats_are_due_when_they_are_asked_of_this_process(environment, limit_s):
    """Variables meant for another process are none of ours."""
    notifier = Notifier({"NOTIFY_SOCKET": "/nowhere"} | environment)

    assert notifier.limit_s == limit_s
    notifier.close()
