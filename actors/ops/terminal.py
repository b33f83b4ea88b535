"""What the commands share: how a configuration is named, and where answers and errors go."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, NoReturn

from cyclopts import Parameter

from actors.ops.logging import LAST_WORDS_S, log_stream
from messages import codec

_LAST_STREAM = 2

DEFAULT = Path(__file__).parents[2] / "config" / "default.toml"

type ConfigPath = Annotated[
    Path, Parameter(name=["--config", "-c"], show_default=lambda path: path.name)
]
type Json = Annotated[bool, Parameter(name="--json", negative="")]


def print_json(value: object) -> None:
    """Print one value as one line of JSON on stdout."""
    sys.stdout.write(codec.to_json(value).decode() + "\n")


def can_ask() -> bool:
    """Say whether somebody is there to answer a question."""
    return sys.stdin.isatty()


def fail(code: int, text: str) -> int:
    """Say on stderr why a command ends, and return its exit code, even where nobody hears it."""
    line = f"lockstep: {text}\n"
    if stream := log_stream():
        stream.write(line)  # behind what was logged before
    else:
        with suppress(OSError):
            sys.stderr.write(line)
    return code


def end(code: int) -> NoReturn:
    """End the process now, with what was said written as far as somebody takes it.

    Not as Python would: that waits for threads, such as one that resolves a name, and for who reads
    stderr, and ends with 120 where a stream cannot be written.
    """
    with suppress(OSError):
        sys.stdout.flush()
    if (stream := log_stream()) is None or stream.drain(LAST_WORDS_S):
        with suppress(OSError):
            sys.stderr.flush()
    os._exit(code)


def open_streams() -> None:
    """Let streams that whoever started us has closed lead nowhere; the first thing a process does.

    Otherwise the next file that is opened, perhaps the journal's lock, is what others take for stderr.
    """
    while (spare := os.open(os.devnull, os.O_RDWR)) <= _LAST_STREAM:
        pass  # it takes the number of one that was closed, and keeps it
    os.close(spare)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115 - open to the end
