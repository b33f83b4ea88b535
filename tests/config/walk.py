"""Walks over the types a configuration is made of."""

from collections.abc import Iterator
from types import UnionType
from typing import Any, TypeAliasType, get_args, get_origin

import msgspec


def structs_in(kind: Any) -> list[type[msgspec.Struct]]:
    """Return a struct and every struct its fields are made of, each once."""
    found: dict[type[msgspec.Struct], None] = {}
    _collect(kind, found)
    return list(found)


def _collect(kind: Any, found: dict[type[msgspec.Struct], None]) -> None:
    if isinstance(kind, TypeAliasType):
        _collect(kind.__value__, found)
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        if kind not in found:
            found[kind] = None
            for field in msgspec.structs.fields(kind):
                _collect(field.type, found)
    else:
        for each in get_args(kind):
            _collect(each, found)


def keys_in(kind: type[msgspec.Struct], prefix: str = "") -> Iterator[str]:
    """Yield every key a table may have, those of its parts included: `tiers[].loss_usd`."""
    for field in msgspec.structs.fields(kind):
        name = f"{prefix}{field.name}"
        inner = dict(_parts(field.type))
        yield name
        for step, struct in inner.items():
            yield from keys_in(struct, f"{name}{step}.")


def _parts(kind: Any) -> Iterator[tuple[str, type[msgspec.Struct]]]:
    if isinstance(kind, TypeAliasType):
        yield from _parts(kind.__value__)
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield "", kind
    elif get_origin(kind) is UnionType:
        for each in get_args(kind):
            yield from _parts(each)
    elif get_origin(kind) in {tuple, dict}:
        step = "[]" if get_origin(kind) is tuple else ".<name>"
        for inner, struct in (part for each in get_args(kind) for part in _parts(each)):
            yield f"{step}{inner}", struct
