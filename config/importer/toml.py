"""Writes plain values as TOML. Pure."""

import json
from decimal import Decimal
from typing import Any

from config.keys import shown


def table(name: str, values: dict[str, Any], *, array: bool = False) -> str:
    """Return one table with what is not None in it; its name may be dotted already."""
    header = f"[[{name}]]" if array else f"[{name}]"
    lines = [f"{shown((key,))} = {value(each)}" for key, each in values.items() if each is not None]
    return "\n".join([header, *lines]) + "\n"


def value(raw: Any) -> str:
    """Return a value; what TOML has no word for is written as text, for the loader to refuse."""
    match raw:
        case bool():
            return str(raw).lower()
        case int():
            return str(raw)
        case Decimal():
            return f"{raw:f}"
        case list() | tuple():
            return f"[{', '.join(map(value, raw))}]"
        case dict():
            parts = (
                f"{shown((key,))} = {value(each)}" for key, each in raw.items() if each is not None
            )
            return f"{{ {', '.join(parts)} }}"
        case _:
            return _text(str(raw))


def comment(lines: list[str]) -> str:
    """Return lines as comments; a line of the original cannot end one early."""
    return "".join(f"# {' '.join(each.splitlines())}".rstrip() + "\n" for each in lines)


def _text(raw: str) -> str:
    return json.dumps(raw, ensure_ascii=False).replace("\x7f", "\\u007f")
