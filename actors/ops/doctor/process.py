"""The process itself: file descriptors, its Python, and whether its packages are the pinned ones."""

import importlib.metadata
import re
import resource
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from actors.ops import exits
from actors.ops.doctor.finding import Check, Finding

FILES = Check("file descriptors", "every connection to the broker takes one", exits.MACHINE)
PYTHON = Check("python", "nothing was tested with another one", exits.MACHINE)
PACKAGES = Check(
    "packages",
    "the adapter uses private parts of the SDK, which another one may change",
    exits.MACHINE,
)
_OURS = 96
"""Journal, anchor, locks, threads' wake-ups, the HTTP server's clients, the log."""
_PER_LOGIN = 220
"""Two hundred requests at once, two streams, and what the loop takes."""
_OLDEST, _BEYOND = (3, 12), (3, 15)
_EXACT = frozenset({"project-x-py", "pysignalr"})
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)
_LOCK = Path(__file__).parents[3] / "requirements.lock"


def judge_files(limit: int, logins: int) -> Iterator[Finding]:
    """Judge how many files the process may have open."""
    need = _OURS + _PER_LOGIN * logins
    allowed = "any number" if limit == sys.maxsize else limit
    what = f"{allowed} allowed, at most {need} needed for {logins} login(s)"
    fix = "`ulimit -n 4096`, or LimitNOFILE=4096 in the systemd unit"
    if limit < _OURS:
        yield FILES.critical(what, fix=fix)
    elif limit < need:
        yield FILES.warning(what, fix=fix)
    else:
        yield FILES.ok(what)


def read_files() -> int:
    """Return how many files this process may have open; without a limit, the largest number."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def judge_python(version: tuple[int, int]) -> Iterator[Finding]:
    """Judge the interpreter."""
    what = f"Python {version[0]}.{version[1]}"
    if _OLDEST <= version < _BEYOND:
        yield PYTHON.ok(what)
    else:
        yield PYTHON.critical(what, fix="use Python 3.12, 3.13 or 3.14")


@dataclass(frozen=True, slots=True)
class PackageRead:
    """One package that the lock file names."""

    name: str
    """As the lock file writes it."""
    pinned: str
    """Version it names."""
    installed: str | None
    """Version that is there; None = it is not."""


def read_packages(lock: Path = _LOCK) -> tuple[PackageRead, ...] | None:
    """Return what the lock file names and this environment has; None = there is no lock file."""
    try:
        text = lock.read_text()
    except OSError:
        return None
    return tuple(PackageRead(name, pinned, _installed(name)) for name, pinned in _PIN.findall(text))


def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def judge_packages(reads: tuple[PackageRead, ...] | None) -> Iterator[Finding]:
    """Judge whether what runs is what was tested; a package that is not there is not used."""
    fix = "`./run` makes an environment with exactly what requirements.lock names"
    if not reads:
        yield PACKAGES.unknown("no requirements.lock is there to compare with", fix=fix)
        return
    other = [each for each in reads if each.installed not in {None, each.pinned}]
    exact = [each for each in other if each.name in _EXACT]
    others = ", ".join(f"{each.name} {each.installed} (pinned {each.pinned})" for each in other)
    if exact:
        yield PACKAGES.critical(others, fix=fix)
    elif other:
        yield PACKAGES.warning(others, fix=fix)
    else:
        sdk = next((each.installed for each in reads if each.name == "project-x-py"), None)
        yield PACKAGES.ok(f"as pinned in requirements.lock (project-x-py {sdk})")
