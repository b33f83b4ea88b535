"""What the commands share: how a configuration is named, and where answers and errors go."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

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
    with suppress(OSError):
        print(f"lockstep: {text}", file=sys.stderr)
    return code


def let_go() -> None:
    """Let what nobody reads any more go nowhere; the last thing a process does.

    Python writes what is still buffered as it ends, and would end with 120 where it cannot.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


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
