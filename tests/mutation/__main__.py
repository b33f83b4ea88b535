"""Runs the fast pure tests against mutants of a module, and shows those that nobody noticed.

    python -m tests.mutation --module actors/account/ledger.py --sample 50

Each mutant runs in a copy of the repository and a process of its own, with a time limit (which counts as
noticed). What fails without any mutant is left out, and said. The sample is drawn with `--seed`.
"""

import argparse
import ast
import random
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue

from tests.mutation.mutants import Mutant, mutants

ROOT = Path(__file__).parents[2]
COPIED = ("actors", "messages", "config", "tests", "main.py", "pyproject.toml")
TESTS = ("tests/enforcer", "tests/rules", "tests/account")
SLOW = "test_core_machine.py"
"""Last, so that what a table finds is found soon."""
_FEWER = """
from hypothesis import settings
settings.register_profile("mutation", max_examples=30, stateful_step_count=20, deadline=None)
settings.load_profile("mutation")
"""


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    """Return 0: a survivor is something to look at, not a failure."""
    asked = _arguments()
    workers: Queue[Path] = Queue()
    with tempfile.TemporaryDirectory(prefix="mutation-") as place:
        for number in range(asked.workers):
            workers.put(_copy(Path(place) / str(number)))
        begun = time.monotonic()
        broken = _broken(workers)
        asked.limit_s = max(asked.limit_s, 8 * (time.monotonic() - begun))
        for module in asked.module:
            _run(module, asked, workers, broken)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument(
        "--module", nargs="+", required=True, help="paths from the repository's root"
    )
    parser.add_argument("--sample", type=int, default=0, help="so many mutants of each; 0 = all")
    parser.add_argument("--seed", type=int, default=20251031)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--limit-s", type=float, default=60.0, help="time limit of one mutant")
    return parser.parse_args()


def _run(
    module: str, asked: argparse.Namespace, workers: "Queue[Path]", broken: tuple[str, ...]
) -> None:
    source = (ROOT / module).read_text()
    every = [each for each in mutants(source) if _compiles(each.source)]
    drawn = every
    if asked.sample and asked.sample < len(every):
        drawn = random.Random(asked.seed).sample(every, asked.sample)  # noqa: S311 - no secret

    def survives(mutant: Mutant) -> bool:
        folder = workers.get()
        try:
            (folder / module).write_text(mutant.source)
            return _passes(folder, module, asked.limit_s, broken)
        finally:
            (folder / module).write_text(source)
            workers.put(folder)

    with ThreadPoolExecutor(asked.workers) as pool:
        alive = [
            each for each, lives in zip(drawn, pool.map(survives, drawn), strict=True) if lives
        ]
    _say(
        f"{module}: {len(drawn)} of {len(every)} mutants (seed {asked.seed}), "
        f"{len(drawn) - len(alive)} killed, {len(alive)} survived"
    )
    for each in sorted(alive, key=lambda mutant: mutant.line):
        _say(f"  {module}:{each.line}\n    - {each.before}\n    + {each.after}")


def _compiles(source: str) -> bool:
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


def _copy(folder: Path) -> Path:
    for name in COPIED:
        origin = ROOT / name
        if origin.is_dir():
            shutil.copytree(origin, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(origin, folder / name)
    with (folder / "tests" / "conftest.py").open("a") as file:
        file.write(_FEWER)
    return folder


def _broken(workers: "Queue[Path]") -> tuple[str, ...]:
    """Return the tests that fail without any mutant."""
    folder = workers.get()
    done = _pytest(folder, 300.0, "-rf")
    found = tuple(
        line.split()[1] for line in done.stdout.splitlines() if line.startswith("FAILED ")
    )
    if done.returncode not in {0, 1}:
        raise SystemExit(f"the tests do not run:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    for each in found:
        _say(f"left out, it fails without a mutant: {each}")
    if not _passes(folder, "", 300.0, found):
        raise SystemExit("the tests do not pass without a mutant: nothing could be told by them")
    workers.put(folder)
    return found


def _passes(folder: Path, module: str, limit_s: float, broken: tuple[str, ...]) -> bool:
    skipped = [f"--deselect={each}" for each in broken]
    try:
        return _pytest(folder, limit_s, "-x", *skipped, nearest=Path(module)).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _pytest(
    folder: Path, limit_s: float, *options: str, nearest: Path = Path()
) -> "subprocess.CompletedProcess[str]":
    """Run the fast pure tests, those of the mutated module first."""
    files = sorted(
        (each for part in TESTS for each in (folder / part).glob("test_*.py")),
        key=lambda path: (
            path.name == SLOW,
            nearest.stem not in path.stem,
            path.parent.name != nearest.parent.name,
        ),
    )
    paths = [str(each.relative_to(folder)) for each in files]
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-n", "0", "--hypothesis-seed=0"]
    return subprocess.run(  # noqa: S603 - our own tests
        [*command, "-p", "no:cacheprovider", "--tb=no", *options, *paths],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=limit_s,
        check=False,
    )


if __name__ == "__main__":
    sys.exit(main())
