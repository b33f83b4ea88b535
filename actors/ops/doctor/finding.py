"""What a check found, and what a whole examination ends with. Pure.

Four levels, and no fifth: what could not be looked at is UNKNOWN, which is never OK. Only CRITICAL
decides the exit code: the one a first start would end with, of several what must be mended first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from actors.ops import exits
from messages.base import Value


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    """Looked at, and as it should be."""
    WARNING = "warning"
    """A start guards, but not as well as could be, or not what it says."""
    UNKNOWN = "unknown"
    """It could not be looked at: somebody has to."""
    CRITICAL = "critical"
    """A first start is refused, so that nothing would be guarded."""


MENDED_FIRST = (
    *(exits.CONFIG, exits.LOGIN, exits.STORE, exits.UNREACHABLE, exits.MACHINE, exits.FAILURE),
)
"""Exit codes of critical findings, in the order in which they are to be mended."""


_NAMED = 5


class Finding(Value, frozen=True, kw_only=True):
    """What one check found about one thing."""

    check: str
    """What was looked at, e.g. `clock`."""
    about: str
    """Whose: a login, an account, a file; empty = the machine or the whole process."""
    level: Level
    """How bad it is."""
    what: str
    """What was found, with its numbers."""
    why: str
    """What it means for who is guarded."""
    fix: str
    """What to do about it; empty when it is ok."""
    code: int
    """Exit code it asks for; 0 unless it is critical."""


class Examination(Value, frozen=True, kw_only=True):
    """The whole answer of `doctor --json`."""

    version: str
    """Lockstep's version."""
    config: str
    """SHA-256 of the configuration file, hex."""
    at: datetime
    """When it was looked at, UTC."""
    findings: tuple[Finding, ...]
    """What was found, in the order of the checks."""
    exit_code: int
    """0 when nothing is critical."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is looked at; makes its findings."""

    name: str
    why: str
    """What it means for who is guarded when it is not as it should be."""
    code: int = exits.FAILURE
    """Exit code of a critical finding."""

    def ok(self, what: str, *, about: str = "") -> Finding:
        """Say that it is as it should be."""
        return self._finding(Level.OK, what, "", about)

    def warning(self, what: str, *, fix: str, about: str = "") -> Finding:
        """Say what could be better."""
        return self._finding(Level.WARNING, what, fix, about)

    def unknown(self, what: str, *, fix: str, about: str = "") -> Finding:
        """Say what could not be looked at, and who has to."""
        return self._finding(Level.UNKNOWN, what, fix, about)

    def critical(self, what: str, *, fix: str, about: str = "") -> Finding:
        """Say what a first start is refused for."""
        return self._finding(Level.CRITICAL, what, fix, about)

    def _finding(self, level: Level, what: str, fix: str, about: str) -> Finding:
        return Finding(
            check=self.name,
            about=about,
            level=level,
            what=what,
            why=self.why,
            fix=fix,
            code=self.code if level is Level.CRITICAL else 0,
        )


def several(names: Sequence[str]) -> str:
    """Return names as one text that stays readable, however many there are."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def exit_code_of(findings: tuple[Finding, ...]) -> int:
    """Return what an examination ends with."""
    found = {each.code for each in findings}
    return next((code for code in MENDED_FIRST if code in found), 0)
