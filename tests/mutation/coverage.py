"""Which tests run which lines of which module, and how long they take: a mutant meets only those."""

import functools
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.mutation import forked
from tests.mutation.mutants import Mutant

_TOOL = sys.monitoring.COVERAGE_ID
_IMPORT = ""
"""Stands for lines that ran while tests were collected."""


@dataclass(frozen=True, slots=True)
class Map:
    """What each test runs."""

    seconds: dict[str, float]
    """How long each passing test takes."""
    failing: list[str]
    """Tests that fail without any mutant: they can tell nothing."""
    lines: dict[str, dict[int, list[str]]]
    """Tests by module and line."""
    modules: list[str]
    """What had to be imported."""

    def for_mutant(self, module: str, mutant: Mutant) -> list[str]:
        """Return the tests that run a mutant's statement, the fastest first.

        What the import runs may show anywhere: then all others follow those that run the module.
        """
        by_line = self.lines.get(module, {})
        found = {test for line in mutant.lines for test in by_line.get(line, ())}
        others: set[str] = set()
        if mutant.imported or _IMPORT in found:
            found |= {test for tests in by_line.values() for test in tests}
            others = self.seconds.keys() - found
        nearest = sorted(found & self.seconds.keys(), key=self.seconds.__getitem__)
        return [*nearest, *sorted(others, key=self.seconds.__getitem__)]


def mapped(tests: Sequence[str]) -> Map:
    """Run the tests once, in a child, and return what they ran."""
    seen = forked.answered(lambda: _observed(tests))
    by_module = {
        path: {int(line): names for line, names in by_line.items()}
        for path, by_line in seen.pop("lines").items()
    }
    return Map(lines=by_module, **seen)


def _observed(tests: Sequence[str]) -> dict[str, Any]:
    # What one test left in a cache the next would not be seen to run.
    functools.lru_cache = _unless_ours(functools.lru_cache)
    functools.cache = _unless_ours(functools.cache)
    observer = _Observer()
    forked.run_tests(tests, plugins=[observer])
    lines: dict[str, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for test, ran in observer.ran.items():
        for path, line in sorted(ran):
            lines[path][line].append(test)
    return {
        "seconds": observer.seconds,
        "failing": observer.failing,
        "lines": lines,
        "modules": [name for name in sorted(sys.modules) if not _is_ours(name)],
    }


def _unless_ours(cache: Any) -> Any:
    """Return a cache decorator that leaves our own functions as they are."""

    def decorator(*given: Any, **options: Any) -> Any:
        if given and callable(given[0]):
            return given[0] if _is_ours(given[0].__module__) else cache(*given)
        return lambda function: (
            function if _is_ours(function.__module__) else cache(*given, **options)(function)
        )

    return decorator


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] in forked.OURS


class _Observer:
    """A pytest plugin: notes the lines of `actors` that run, by test."""

    def __init__(self) -> None:
        self.ran: dict[str, set[tuple[str, int]]] = defaultdict(set)
        self.seconds: dict[str, float] = {}
        self.failing: list[str] = []
        self._test = _IMPORT
        self._here = str(forked.ROOT / "actors") + "/"
        sys.monitoring.use_tool_id(_TOOL, "mutation")
        sys.monitoring.register_callback(_TOOL, sys.monitoring.events.LINE, self._on_line)
        sys.monitoring.set_events(_TOOL, sys.monitoring.events.LINE)

    def _on_line(self, code: Any, line: int) -> Any:
        if code.co_filename.startswith(self._here):
            path = Path(code.co_filename).relative_to(forked.ROOT)
            self.ran[self._test].add((str(path), line))
        return sys.monitoring.DISABLE

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: Any) -> Any:
        self._test = item.nodeid
        sys.monitoring.restart_events()
        begun = time.process_time()
        try:
            return (yield)
        finally:
            self.seconds[item.nodeid] = time.process_time() - begun
            self._test = _IMPORT

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.failing.append(report.nodeid)
