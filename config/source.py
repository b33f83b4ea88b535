"""Reads a TOML file; amounts stay as they are written, never through a float."""

import re
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

from config.errors import ConfigError


def read(path: Path) -> bytes:
    """Return the bytes of a file, or raise ConfigError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(path, [f"cannot be read: {error.strerror}; check the path"]) from None


def parse(path: Path, raw: bytes) -> dict[str, Any]:
    """Return what the bytes of a file say, or raise ConfigError."""
    try:
        return tomllib.loads(raw.decode(), parse_float=Decimal)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(path, [f"{path}:{line}: is not valid TOML: no UTF-8"]) from None
    except tomllib.TOMLDecodeError as error:
        line = _line(str(error), raw)
        raise ConfigError(path, [f"{path}:{line}: is not valid TOML: {error}"]) from None
    except (RecursionError, ValueError) as error:  # nested too deeply, or a number too long
        raise ConfigError(path, [f"{path}: cannot be understood: {error}"]) from None


def _line(error: str, raw: bytes) -> int:
    """Return the line a syntax error speaks of; without one it is about the end."""
    found = re.search(r"\(at line (\d+)", error)
    return int(found[1]) if found else raw.rstrip().count(b"\n") + 1
