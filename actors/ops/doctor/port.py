"""The loopback address: free, or answered by the guard itself.

The probe never listens: a guard that starts at that moment finds the address as free as before.
"""

import socket
from collections.abc import Iterator
from dataclasses import dataclass

import httpx

from actors.ops.doctor.finding import Check, Finding
from config.listening import parts_of

PORT = Check("port", "without it there is no status, no lock by hand, no health for a watchdog")
_ANSWER_S = 3.0


@dataclass(frozen=True, slots=True)
class PortRead:
    """What was found at `[http] listen`."""

    listen: str
    """Host and port as configured."""
    refused: str = ""
    """Why the system would not let us listen there; empty = it would."""
    ours: bool = False
    """What listens there answers as a guard does."""


def read_port(listen: str) -> PortRead:
    """Try to take the address without listening; where that fails, ask who has it."""
    host, port = parts_of(listen)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            why = error.strerror or str(error)
            return PortRead(listen, refused=why, ours=_is_ours(listen))
    return PortRead(listen)


def _is_ours(listen: str) -> bool:
    try:
        answer = httpx.get(f"http://{listen}/healthz", timeout=_ANSWER_S, trust_env=False)
        return bool(answer.json() == {"alive": True})
    except (httpx.HTTPError, ValueError):
        return False


def judge_port(read: PortRead, *, guard_runs: bool) -> Iterator[Finding]:
    """Judge whether a guard can listen there, or does."""
    about, fix = read.listen, "stop the other program, or change [http] listen"
    if not read.refused:
        yield PORT.ok("free", about=about)
    elif read.ours and guard_runs:
        yield PORT.ok("the running guard answers there", about=about)
    elif read.ours:
        what = "a Lockstep answers there, but not one with this journal"
        yield PORT.critical(what, fix=fix, about=about)
    else:
        yield PORT.critical(f"cannot be listened on: {read.refused}", fix=fix, about=about)
