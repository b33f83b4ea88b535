"""A process that opens a journal, writes it, and says whether it still may: what a second Lockstep does.

Run as `python -m tests.journal.contender PATH`; each line on stdin is a word, answered by one on stdout.
"""

import contextlib
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

import msgspec

from actors.journal import LeaseHeldError, LeaseLostError, Store
from actors.runtime import SystemClock
from tests.journal.conftest import opened

ROOT = Path(__file__).parents[2]


class Contender:
    """The parent's side; killed at the end of the context."""

    def __init__(self, path: Path) -> None:
        self.process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "tests.journal.contender", str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        assert self.hear() == "here"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.kill()
        self.process.stdin.close()
        self.process.stdout.close()

    @property
    def pid(self) -> int:
        return self.process.pid

    def tell(self, word: str) -> None:
        self.process.stdin.write(word.encode() + b"\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        return msgspec.json.decode(self.process.stdout.readline())

    def ask(self, word: str) -> str:
        self.tell(word)
        return self.hear()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def serve(path: Path) -> None:
    """Answer until stdin ends."""
    store = None
    say("here")
    for line in sys.stdin:
        match line.strip():
            case "open":
                try:
                    store = Store.open(path, clock=SystemClock())
                    say(f"epoch {store.lease.holder.epoch}")
                except LeaseHeldError as error:
                    say(f"held: {error.what}")
            case "append":
                try:
                    say(f"seq {store.append([opened(1)])}")
                except LeaseLostError as error:
                    say(f"lost: {error}")
            case "lost":
                say(store.lease.lost())
            case "close":
                with contextlib.suppress(AttributeError):
                    store.close()
                say("closed")


def say(word: str) -> None:
    sys.stdout.write(msgspec.json.encode(word).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
