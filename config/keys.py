"""Keys of a configuration file as people read them: `accounts.5.rules.max_contracts.limit`.

Every complaint begins with the key it is about, written so; then its line can be found. Pure.
"""

import re

type Key = tuple[str | int, ...]
"""From the root of a file: names of tables and keys, and positions in arrays from 0."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_PART = re.compile(r"""\.?(?:([A-Za-z0-9_-]+)|"((?:[^"\\]|\\.)*)"|\[(\d+)\])""")


def shown(key: Key) -> str:
    """Return a key as text; names that are not bare are quoted, positions stand in brackets."""
    text = ""
    for part in key:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f"{'.' if text else ''}{_name(part)}"
    return text


def _name(part: str) -> str:
    if _BARE.fullmatch(part):
        return part
    return '"' + part.replace("\\", "\\\\").replace('"', '\\"') + '"'


def leading(text: str) -> Key:
    """Return the key a complaint begins with; what follows it is not looked at."""
    parts: list[str | int] = []
    at = 0
    while found := _PART.match(text, at):
        bare, quoted, place = found.groups()
        if place is not None:
            parts.append(int(place))
        else:
            parts.append(bare if bare is not None else re.sub(r"\\(.)", r"\1", quoted))
        at = found.end()
        if text[at : at + 1] not in {".", "["}:
            break
    return tuple(parts)


def under(where: str, name: str) -> str:
    """Return the text of a key within the table a text names; an empty one is the whole file."""
    return f"{where}.{_name(name)}" if where else _name(name)
