"""Runs the fast pure tests against mutants of a module, and shows those that nobody noticed.

    python -m tests.mutation --module actors/account/ledger.py --sample 50

Each mutant meets, in a process of its own, the tests that run its statement, the fastest first, up to
the first that fails. One that takes too long is tried once more with thrice the time, and told apart. What
fails without any mutant is left out, and said. The sample is drawn with `--seed`.
"""

import argparse
import ast
import json
import random
import sys
from functools import partial
from pathlib import Path

from tests.mutation import forked
from tests.mutation.coverage import Map, mapped
from tests.mutation.forked import End
from tests.mutation.mutants import Mutant, mutants

TESTS = (
    "tests/enforcer",
    "tests/rules",
    "tests/account",
    "tests/config/test_calendars.py",
    "tests/config/test_complaints.py",
    "tests/config/test_contradictions.py",
    "tests/config/test_profiles.py",
    "tests/journal/test_chain.py",
    "tests/journal/test_opening.py",
    "tests/journal/test_store.py",
    "tests/runtime/test_trusted_clock.py",
)
"""Those without threads or a broker: the whole-system scenarios are slow, and say less about where."""
_LIMIT_S = 20.0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    """Return 0: a survivor is something to look at, not a failure."""
    asked = _arguments()
    map_ = mapped(asked.tests)
    for each in map_.failing:
        _say(f"left out, it fails without a mutant: {each}")
        map_.seconds.pop(each, None)
    forked.warm(map_.modules)
    _prove_the_way(asked.module[0], list(map_.seconds))
    found = {module: _survivors(module, asked, map_) for module in asked.module}
    if asked.report:
        asked.report.write_text(json.dumps(found, indent=1))
    return 0


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
    parser.add_argument("--tests", nargs="+", default=TESTS, help="other tests than the pure ones")
    parser.add_argument("--sample", type=int, default=0, help="so many mutants of each; 0 = all")
    parser.add_argument("--seed", type=int, default=20251031)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--report", type=Path, help="write the survivors to this file")
    parser.add_argument("--again", type=Path, help="try only the survivors of such a file")
    return parser.parse_args()


def _survivors(module: str, asked: argparse.Namespace, map_: Map) -> list[str]:
    """Try a module's mutants, tell how they ended, and return the names of those nobody noticed."""
    source = (forked.ROOT / module).read_text()
    every = [each for each in mutants(source) if _compiles(each.source)]
    drawn = every
    if asked.again:
        names = json.loads(asked.again.read_text()).get(module, [])
        drawn = [each for each in every if str(each) in names]
    elif asked.sample and asked.sample < len(every):
        drawn = random.Random(asked.seed).sample(every, asked.sample)  # noqa: S311 - no secret
    ended = _tried(module, drawn, map_, asked.workers, times=1)
    late = [each for each, end in ended if end is End.TIMEOUT]
    ended = [each for each in ended if each[1] is not End.TIMEOUT]
    ended += _tried(module, late, map_, asked.workers, times=3)
    count = {end: sum(each is end for _, each in ended) for end in End}
    _say(
        f"{module}: {len(drawn)} of {len(every)} mutants, {count[End.FAILED]} killed, "
        f"{count[End.TIMEOUT]} never ended, {count[End.PASSED]} survived"
    )
    alive = sorted((each for each, end in ended if end is End.PASSED), key=lambda each: each.line)
    for each in alive:
        _say(f"  {each.line} {each}" + ("" if map_.for_mutant(module, each) else " (no test)"))
    for each in (each for each, end in ended if end is End.TIMEOUT):
        _say(f"  never ended: {each.line} {each}")
    return [str(each) for each in alive]


def _tried(
    module: str, drawn: list[Mutant], map_: Map, workers: int, *, times: int
) -> list[tuple[Mutant, End]]:
    chosen = [(each, map_.for_mutant(module, each)) for each in drawn]
    ended = [(each, End.PASSED) for each, tests in chosen if not tests]
    asked = [(each, tests) for each, tests in chosen if tests]
    runs = [
        (
            partial(forked.run_tests, ["-x", *tests], changed=(module, each.source)),
            times * (_LIMIT_S + 8 * sum(map(map_.seconds.__getitem__, tests))),
        )
        for each, tests in asked
    ]
    return ended + [(asked[number][0], end) for number, end in forked.ends(runs, workers=workers)]


def _compiles(source: str) -> bool:
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
