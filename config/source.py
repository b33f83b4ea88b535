"""Reads a TOML file that nobody else can change; amounts stay as they are written, never a float.

Who can write a configuration sets every limit and the address the API key is sent to. What comes with
Lockstep itself is not looked at: who can change that can change the program.
"""

import os
import re
import stat
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

from actors import private
from config.errors import ConfigError

_LARGEST = 1024 * 1024


def read(path: Path) -> bytes:
    """Return the bytes of a file, or raise ConfigError."""
    try:
        content = private.read_file(path, _LARGEST)
        if open_to_all := _open_to_all(path):
            raise ConfigError(path, [open_to_all])
    except (OSError, ValueError) as error:  # ValueError: no path has a zero byte
        why = getattr(error, "strerror", None) or str(error)
        raise ConfigError(path, [f"cannot be read: {why}; check the path"]) from None
    return content


def doubts(path: Path) -> list[str]:
    """Return what should be known about who else may change a file that was read."""
    if _ships(path):
        return []
    found = path.stat()
    said = []
    if found.st_mode & stat.S_IWGRP:
        said.append(f"{path}: its group may change it and with it every limit; `chmod g-w` it")
    if found.st_uid not in {0, os.geteuid()}:
        said.append(f"{path}: it belongs to another user, who may change every limit; own it")
    return said


def _open_to_all(path: Path) -> str | None:
    if _ships(path):
        return None
    if path.stat().st_mode & stat.S_IWOTH:
        return "everybody may change it, its limits and where the API key goes; `chmod o-w` it"
    for folder in dict.fromkeys((path.absolute().parent, path.resolve().parent)):
        if private.is_open_folder(folder):
            return f"everybody may exchange the files of {folder}; `chmod o-w` it, or move the file"
    return None


def _ships(path: Path) -> bool:
    return path.resolve().is_relative_to(Path(__file__).parent)


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
