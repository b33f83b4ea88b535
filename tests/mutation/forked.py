"""Runs pytest in forked children: the parent has everything imported but what may be changed.

A child imports the repository's own modules anew, one of them from a changed text. Its limit is its own
processor time, so that a busy machine is not taken for an endless loop; how it ended is told apart.
"""

import contextlib
import importlib
import importlib.abc
import importlib.util
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

ROOT = Path(__file__).parents[2]
OURS = ("__main__", "actors", "config", "main", "tests")
"""Packages every child imports for itself."""
_NO_LOOP = ("--ignore", "tests/enforcer/test_storms.py")
"""It drives the request budget on a loop of its own, which does not work in a forked child."""
_WARM = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
"""Hypothesis is there before pytest asks to rewrite its assertions: nothing is lost by that."""
_PYTEST = (
    "-q",
    "-n",
    "0",
    "--timeout",
    "0",
    "--tb=no",
    "-p",
    "no:cacheprovider",
    *_NO_LOOP,
    *_WARM,
)
_STUCK_TIMES = 20
"""Wall time a child may take, as a multiple of its processor time: it may wait for its turn."""


class End(Enum):
    """How a run ended."""

    PASSED = "passed"
    FAILED = "failed"
    TIMEOUT = "timeout"


def warm(modules: Iterable[str]) -> None:
    """Import what the tests need of others, so that no child has to."""
    for name in modules:
        with contextlib.suppress(ImportError):  # some are made by their package when it is needed
            importlib.import_module(name)


def run_tests(
    tests: Sequence[str], *, changed: tuple[str, str] | None = None, plugins: Sequence[Any] = ()
) -> int:
    """Run pytest in this process and return its exit code; `changed` is a path and its new text."""
    os.chdir(ROOT)
    settings.register_profile(
        "mutation",
        database=None,
        deadline=None,
        derandomize=True,
        max_examples=30,
        phases=(Phase.explicit, Phase.generate),
        stateful_step_count=20,
        suppress_health_check=list(HealthCheck),
    )
    settings.load_profile("mutation")
    if changed:
        sys.meta_path.insert(0, _Changed(*changed))
    options = [*_PYTEST] if _need_fixtures(tests) else [*_PYTEST, "--noconftest"]
    return int(pytest.main([*options, *tests], plugins=list(plugins)))


def _need_fixtures(tests: Sequence[str]) -> bool:
    """Say whether a folder of tests has fixtures of its own; those of all tests start whole systems."""
    paths = [ROOT / each.partition("::")[0] for each in tests if each != "-x"]
    return any(
        (path if path.is_dir() else path.parent).joinpath("conftest.py").exists() for path in paths
    )


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds one module, with another text than the one on disk."""

    def __init__(self, path: str, text: str) -> None:
        self._name = path.removesuffix(".py").replace("/", ".")
        self._path, self._text = str(ROOT / path), text

    def find_spec(self, fullname: str, _path: Any, _target: Any = None) -> Any:
        if fullname != self._name:
            return None
        return importlib.util.spec_from_file_location(fullname, self._path, loader=self)

    def exec_module(self, module: Any) -> None:
        exec(compile(self._text, self._path, "exec"), module.__dict__)  # noqa: S102 - our own text


def answered(question: Callable[[], Any]) -> Any:
    """Ask a child for something that JSON can carry; what it imports is gone with it."""
    come, go = os.pipe()
    if not (child := os.fork()):
        with os.fdopen(go, "w") as pipe:
            _silence((0, 1))
            json.dump(question(), pipe)
        os._exit(0)
    os.close(go)
    with os.fdopen(come) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return json.loads(text)


def ends(
    runs: Sequence[tuple[Callable[[], int], float]], *, workers: int
) -> Iterator[tuple[int, End]]:
    """Run each in a child, so many at a time, with its limit in seconds; yield how each ended.

    What does not end in time is tried once more, with thrice the time.
    """
    under_way: dict[int, tuple[int, int, float]] = {}
    waiting = [(number, 1) for number in range(len(runs))][::-1]
    while waiting or under_way:
        while waiting and len(under_way) < workers:
            number, times = waiting.pop()
            run, limit_s = runs[number][0], runs[number][1] * times
            stuck_at = time.monotonic() + _STUCK_TIMES * limit_s
            under_way[_started(run, limit_s)] = (number, times, stuck_at)
        time.sleep(0.01)
        for child, (number, times, stuck_at) in list(under_way.items()):
            if time.monotonic() > stuck_at:
                os.kill(child, signal.SIGKILL)
            ended, status = os.waitpid(child, os.WNOHANG)
            if not ended:
                continue
            del under_way[child]
            end = _end_of(status)
            if end is End.TIMEOUT and times == 1:
                waiting.append((number, 3))
            else:
                yield number, end


def _started(run: Callable[[], int], limit_s: float) -> int:
    if child := os.fork():
        return child
    resource.setrlimit(resource.RLIMIT_CPU, (int(limit_s) + 1, int(limit_s) + 5))
    _silence((0, 1, 2))
    code = 1
    try:
        code = run()
    finally:
        os._exit(code)


def _end_of(status: int) -> End:
    if os.WIFSIGNALED(status):
        return End.TIMEOUT
    return End.PASSED if os.WEXITSTATUS(status) == 0 else End.FAILED


def _silence(streams: Iterable[int]) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for each in streams:
        os.dup2(nowhere, each)
