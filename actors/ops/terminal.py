"""What the commands share: how a configuration is named, and where answers and errors go."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from messages import codec

DEFAULT = Path(__file__).parents[2] / "config" / "default.toml"

type ConfigPath = Annotated[
    Path, Parameter(name=["--config", "-c"], show_default=lambda path: path.name)
]
type Json = Annotated[bool, Parameter(name="--json", negative="")]


def print_json(value: object) -> None:
    """Print one value as one line of JSON on stdout."""
    sys.stdout.write(codec.to_json(value).decode() + "\n")


def fail(code: int, text: str) -> int:
    """Say on stderr why a command ends, and return its exit code."""
    print(f"lockstep: {text}", file=sys.stderr)
    return code
