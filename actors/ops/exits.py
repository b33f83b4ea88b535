"""The exit codes, what each means, and whether starting the guard again can help. Pure.

The numbers are those of sysexits.h where it has one. `main.py` ends with them and the watchdog reads
them; a code that is not listed (or a signal) is a crash, and a crash is always started again.
"""

from enum import StrEnum
from signal import Signals
from typing import NamedTuple

FAILURE, USAGE = 1, 2
UNREACHABLE, STORE, SYSTEM, MACHINE, LEASE, LOGIN, CONFIG = 69, 70, 71, 72, 75, 77, 78
INTERRUPTED = 130


class Again(StrEnum):
    """Whether a watchdog starts the guard again."""

    YES = "yes"
    NO = "no"
    AS_STAND_BY = "only if it has guarded before, and then it stands by"


class Ending(NamedTuple):
    """One way to end."""

    meaning: str
    again: Again
    why: str


ENDINGS = {
    0: Ending("ended in order", Again.NO, "somebody told it to end"),
    FAILURE: Ending("failure", Again.YES, "an actor could not be kept alive, or a port is taken"),
    USAGE: Ending("wrong usage", Again.NO, "the same words would be refused again"),
    UNREACHABLE: Ending("broker unreachable", Again.YES, "brokers come back"),
    STORE: Ending("store unusable", Again.NO, "a damaged store does not heal; a person must look"),
    SYSTEM: Ending("supervision gave up", Again.YES, "a new process starts from the journal"),
    MACHINE: Ending("machine unfit", Again.NO, "a person must mend the machine first"),
    LEASE: Ending("no lease", Again.AS_STAND_BY, "another instance holds the journal"),
    LOGIN: Ending("login refused", Again.NO, "asking again only gets the user blocked"),
    CONFIG: Ending("bad configuration", Again.NO, "the file must be put right first"),
    INTERRUPTED: Ending("interrupted", Again.NO, "somebody told it to end"),
}


def ending_of(code: int) -> Ending:
    """Return how a process ended; a negative code is the signal that killed it."""
    if code < 0:
        return Ending(f"killed by {_name(-code)}", Again.YES, "it was not told to end")
    return ENDINGS.get(code, Ending(f"exit {code}", Again.YES, "it was not told to end"))


def _name(number: int) -> str:
    return Signals(number).name if number in set(Signals) else f"signal {number}"
