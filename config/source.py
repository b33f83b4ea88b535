"""Reads a TOML file; amounts stay as they are written, never through a float."""

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
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(path, [f"is not valid TOML: {error}"]) from None
