"""Turns a table of a TOML file into its struct, key by key, and collects everything that is wrong.

msgspec alone stops at the first mistake; who mends a file wants to see all of them. Nothing is lenient:
no text for a number, no true for 1, nothing that is not finite, no unknown key. Every complaint begins
with the key it is about. What is right is kept, so that the rest of a file can be checked too. Pure.
"""

from decimal import Decimal
from difflib import get_close_matches
from typing import Any, Literal, get_args, get_origin

import msgspec

from actors.rules.manual import plain_type
from config.keys import under

_WRONG = object()
_FIX = {
    "int": "write a whole number without quotes",
    "decimal": "write a number without quotes",
    "float": "write a number without quotes",
    "bool": "write true or false",
    "str": "write text in quotes",
    "array": "write a list in [ ]",
    "object": "write a table",
}


def table[T: msgspec.Struct](
    raw: object, kind: type[T], where: str, complaints: list[str]
) -> T | None:
    """Return the struct of what is right, or None where something needed is not; add complaints."""
    values = fields_of(raw, kind, where, complaints)
    if values is None or not isinstance(raw, dict):
        return None
    needed = [field.name for field in msgspec.structs.fields(kind) if field.required]
    complaints += [
        f"{under(where, name)}: is missing; write it" for name in needed if name not in raw
    ]
    return kind(**values) if all(name in values for name in needed) else None


def fields_of(
    raw: object, kind: type[msgspec.Struct], where: str, complaints: list[str]
) -> dict[str, Any] | None:
    """Return the fields that are written and right; None if it is no table at all."""
    if not isinstance(raw, dict):
        complaints.append(f"{where}: must be a table")
        return None
    fields = {field.name: field.type for field in msgspec.structs.fields(kind)}
    complaints += [unknown_key(where, key, list(fields)) for key in raw if key not in fields]
    values = {
        name: value(raw[name], type_, under(where, name), complaints)
        for name, type_ in fields.items()
        if name in raw
    }
    return {name: each for name, each in values.items() if each is not _WRONG}


def unknown_key(where: str, key: str, known: list[str]) -> str:
    """Return the complaint about a key that does not exist, with what may have been meant."""
    return f"{under(where, key)}: unknown key; {meant(key, known)}"


def meant(name: str, known: list[str]) -> str:
    """Return a question or a list for someone who wrote a name that is not known."""
    close = get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else f"known are {', '.join(known) or 'none'}"


def tables[T: msgspec.Struct](
    raw: object, kind: type[T], where: str, complaints: list[str]
) -> tuple[T, ...]:
    """Return an array of tables; those that cannot be read are left out after adding complaints."""
    if not isinstance(raw, list):
        complaints.append(f"{where}: must be a list of tables")
        return ()
    found = [table(each, kind, f"{where}[{n}]", complaints) for n, each in enumerate(raw)]
    return tuple(each for each in found if each is not None)


def value(raw: object, kind: Any, where: str, complaints: list[str]) -> Any:
    """Return a value as its type; what is wrong is complained of and stands for nothing."""
    kind = plain_type(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        found = table(raw, kind, where, complaints)
        return _WRONG if found is None else found
    if get_origin(kind) is dict and isinstance(raw, dict):
        item = get_args(kind)[1]
        return _kept(
            {key: value(each, item, under(where, key), complaints) for key, each in raw.items()}
        )
    if get_origin(kind) is tuple and isinstance(raw, list):
        item = get_args(kind)[0]
        parts = [value(each, item, f"{where}[{n}]", complaints) for n, each in enumerate(raw)]
        return tuple(each for each in parts if each is not _WRONG)
    if get_origin(kind) is Literal:
        return _chosen(raw, list(get_args(kind)), where, complaints)
    return _scalar(raw, kind, where, complaints)


def _kept(values: dict[str, Any]) -> dict[str, Any]:
    return {key: each for key, each in values.items() if each is not _WRONG}


def _chosen(raw: object, words: list[str], where: str, complaints: list[str]) -> Any:
    if raw in words:
        return raw
    hint = meant(raw, words) if isinstance(raw, str) else f"known are {', '.join(words)}"
    complaints.append(f"{where}: must be one of {', '.join(words)}, not {_shown(raw)}; {hint}")
    return _WRONG


def _scalar(raw: object, kind: Any, where: str, complaints: list[str]) -> Any:
    if kind is Decimal and type(raw) is int:
        raw = Decimal(raw)
    if isinstance(raw, Decimal) and not raw.is_finite():
        complaints.append(f"{where}: {raw} is no amount; write a finite number")
        return _WRONG
    try:
        return msgspec.convert(raw, kind, builtin_types=(Decimal,))
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$")
        asked = message.removeprefix("Expected `").partition("`")[0].partition(" | ")[0]
        fix = _FIX.get(asked, "write one of those")
        complaints.append(f"{where}{place.rstrip('`')}: {message}: {_shown(raw)}; {fix}")
        return _WRONG


def _shown(raw: object) -> str:
    """Return a value as it is written; what may be long is only named."""
    match raw:
        case bool():
            return str(raw).lower()
        case dict():
            return "a table"
        case list():
            return "a list"
        case str():
            return repr(raw)
        case _:
            return str(raw)
