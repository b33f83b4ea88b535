"""Turns a table of a TOML file into its struct, key by key, and collects everything that is wrong.

msgspec alone stops at the first mistake; who mends a file wants to see all of them. Nothing is lenient:
no text for a number, no true for 1, nothing that is not finite, no unknown key. Values are not repeated
where they may come from the environment. Pure.
"""

from decimal import Decimal
from difflib import get_close_matches
from typing import Any, get_args, get_origin

import msgspec


def table[T: msgspec.Struct](
    raw: object, kind: type[T], where: str, complaints: list[str]
) -> T | None:
    """Return the struct, or None after adding complaints about it."""
    if not isinstance(raw, dict):
        complaints.append(f"{where}: must be a table")
        return None
    fields = msgspec.structs.fields(kind)
    known = [field.name for field in fields]
    found = [unknown_key(where, key, known) for key in raw if key not in known]
    found += [
        f"{where}.{field.name}: is missing; write it"
        for field in fields
        if field.required and field.name not in raw
    ]
    values = {
        field.name: _value(raw[field.name], field.type, f"{where}.{field.name}", found)
        for field in fields
        if field.name in raw
    }
    complaints += found
    return None if found else kind(**values)


def unknown_key(where: str, key: str, known: list[str]) -> str:
    """Return the complaint about a key that does not exist, with what may have been meant."""
    meant = get_close_matches(key, known, n=1)
    hint = f"did you mean {meant[0]}?" if meant else f"known are {', '.join(known)}"
    return f"{where}.{key}: unknown key; {hint}".removeprefix(".")


def tables[T: msgspec.Struct](
    raw: object, kind: type[T], where: str, complaints: list[str]
) -> tuple[T, ...]:
    """Return an array of tables; those that are wrong are left out after adding complaints."""
    if not isinstance(raw, list):
        complaints.append(f"{where}: must be a list of tables")
        return ()
    found = [table(each, kind, f"{where}[{n}]", complaints) for n, each in enumerate(raw)]
    return tuple(each for each in found if each is not None)


def _value(raw: object, kind: Any, where: str, complaints: list[str]) -> Any:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return table(raw, kind, where, complaints)
    if item := _item_struct(kind):
        return tables(raw, item, where, complaints)
    if kind is Decimal and type(raw) is int:
        raw = Decimal(raw)
    if endless := _endless(raw):
        complaints.append(f"{where}: {endless} is no amount; write a finite number")
        return None
    try:
        return msgspec.convert(raw, kind, builtin_types=(Decimal,))
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$")
        complaints.append(f"{where}{place.rstrip('`')}: {message}")
        return None


def _item_struct(kind: Any) -> type[msgspec.Struct] | None:
    """Return the struct of a `tuple[Struct, ...]`."""
    item = get_args(kind)[0] if get_origin(kind) is tuple else None
    return item if isinstance(item, type) and issubclass(item, msgspec.Struct) else None


def _endless(raw: object) -> str | None:
    return str(raw) if isinstance(raw, Decimal) and not raw.is_finite() else None
