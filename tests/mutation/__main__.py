"""Runs the fast pure tests against mutants of a module, and shows those that nobody noticed.

    python -m tests.mutation --module actors/account/ledger.py --sample 50

Each mutant meets, in a process of its own, the tests that run its statement, the fastest first, up to
the first that fails. One that takes too long is tried once more with thrice the time, and told apart.
What fails without any mutant is left out, and said. The sample is drawn with `--seed`.
"""

import argparse
import ast
import json
import random
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.mutation import forked
from tests.mutation.coverage import Map, mapped
from tests.mutation.forked import End
from tests.mutation.mutants import Mutant, mutants

PURE = (
    "tests/enforcer",
    "tests/rules",
    "tests/account",
    "tests/config/test_calendars.py",
    "tests/config/test_complaints.py",
    "tests/config/test_contradictions.py",
    "tests/config/test_profiles.py",
)
OF_PACKAGE = {
    "journal": (
        "tests/journal/test_chain.py",
        "tests/journal/test_opening.py",
        "tests/journal/test_store.py",
    ),
    "runtime": ("tests/runtime/test_trust.py", "tests/runtime/test_trusted_clock.py"),
}
"""Those without threads or a broker: the whole-system scenarios are slow, and say less about where."""
_LIMIT_S = 20.0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    """Return 0: a survivor is something to look at, not a failure."""
    asked = _arguments()
    tests = {module: tuple(asked.tests or _tests_of(module)) for module in asked.module}
    found: dict[str, list[str]] = {}
    for group in dict.fromkeys(tests.values()):
        modules = [module for module in asked.module if tests[module] == group]
        map_ = _told_apart(group, modules[0])
        found |= _survivors(modules, asked, map_)
    if asked.report:
        asked.report.write_text(json.dumps(found, indent=1))
    return 0


def _tests_of(module: str) -> tuple[str, ...]:
    return OF_PACKAGE.get(Path(module).parent.name, PURE)


def _told_apart(tests: tuple[str, ...], module: str) -> Map:
    """Run the tests once; return which run what, without those that fail."""
    map_ = mapped(tests)
    for each in map_.failing:
        _say(f"left out, it fails without a mutant: {each}")
        map_.seconds.pop(each, None)
    forked.warm(map_.modules)
    _prove_the_way(module, list(map_.seconds))
    return map_


def _prove_the_way(module: str, tests: list[str]) -> None:
    """Let the unchanged text go where mutants go: it must pass there."""
    text = (forked.ROOT / module).read_text()
    run = partial(forked.run_tests, tests, changed=(module, text))
    if [end for _, end in forked.ends([(run, 600.0)], workers=1)] != [End.PASSED]:
        raise SystemExit("the tests do not pass without a mutant: nothing could be told by them")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument(
        "--module", nargs="+", required=True, help="paths from the repository's root"
    )
    parser.add_argument("--tests", nargs="+", help="other tests than the pure ones")
    parser.add_argument("--sample", type=int, default=0, help="so many mutants of each; 0 = all")
    parser.add_argument("--seed", type=int, default=20251031)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--report", type=Path, help="write the survivors to this file")
    parser.add_argument("--again", type=Path, help="try only the survivors of such a file")
    return parser.parse_args()


def _survivors(modules: list[str], asked: argparse.Namespace, map_: Map) -> dict[str, list[str]]:
    """Try the modules' mutants, tell of each module when it is done, and return who survived."""
    drawn = {module: _drawn(module, asked) for module in modules}
    tried = [(module, mutant) for module, found in drawn.items() for mutant, _ in found]
    ended: dict[str, list[tuple[Mutant, End]]] = {module: [] for module in modules}
    survivors: dict[str, list[str]] = {}
    runs = [_run(module, mutant, map_.for_mutant(module, mutant), map_) for module, mutant in tried]
    for number, end in forked.ends(runs, workers=asked.workers):
        module, mutant = tried[number]
        ended[module].append((mutant, end))
        if len(ended[module]) == len(drawn[module]):
            survivors[module] = _told(module, drawn[module], ended[module], map_)
    return survivors


def _drawn(module: str, asked: argparse.Namespace) -> list[tuple[Mutant, int]]:
    """Return the mutants to try, each with how many the module has."""
    every = [each for each in mutants((forked.ROOT / module).read_text()) if _compiles(each.source)]
    drawn = every
    if asked.again:
        names = json.loads(asked.again.read_text()).get(module, [])
        drawn = [each for each in every if str(each) in names]
    elif asked.sample and asked.sample < len(every):
        drawn = random.Random(asked.seed).sample(every, asked.sample)  # noqa: S311 - no secret
    return [(each, len(every)) for each in drawn]


def _run(
    module: str, mutant: Mutant, tests: list[str], map_: Map
) -> tuple[Callable[[], int], float]:
    if not tests:
        return (lambda: 0), _LIMIT_S
    run = partial(forked.run_tests, ["-x", *tests], changed=(module, mutant.source))
    return run, _LIMIT_S + 3 * sum(map(map_.seconds.__getitem__, tests))


def _told(
    module: str, drawn: list[tuple[Mutant, int]], ended: list[tuple[Mutant, End]], map_: Map
) -> list[str]:
    """Say how a module's mutants ended; return the names of those nobody noticed."""
    count = {end: sum(each is end for _, each in ended) for end in End}
    _say(
        f"{module}: {len(drawn)} of {drawn[0][1]} mutants, {count[End.FAILED]} killed, "
        f"{count[End.TIMEOUT]} never ended, {count[End.PASSED]} survived"
    )
    ended.sort(key=lambda each: each[0].line)
    for mutant, end in ended:
        if end is End.PASSED:
            unseen = "" if map_.for_mutant(module, mutant) else " (no test)"
            _say(f"  {mutant.line} {mutant}{unseen}")
        elif end is End.TIMEOUT:
            _say(f"  never ended: {mutant.line} {mutant}")
    return [str(mutant) for mutant, end in ended if end is End.PASSED]


def _compiles(source: str) -> bool:
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
