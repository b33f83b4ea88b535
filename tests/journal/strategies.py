"""Hypothesis strategies for every event, derived from the messages themselves."""

from datetime import UTC
from typing import Any

from hypothesis import strategies as st
from msgspec import inspect

from messages.events import Event

_INTEGERS = st.integers(-(2**63), 2**63 - 1)
_DECIMALS = st.decimals(allow_nan=False, allow_infinity=False)


def _of(kind: inspect.Type) -> st.SearchStrategy[Any]:  # noqa: PLR0911 - one line per kind
    match kind:
        case inspect.StructType(cls=cls, fields=fields):
            return st.builds(cls, **{each.name: _of(each.type) for each in fields})
        case inspect.UnionType(types=types):
            return st.one_of(*map(_of, types))
        case inspect.VarTupleType(item_type=item):
            return st.lists(_of(item), max_size=3).map(tuple)
        case inspect.EnumType(cls=cls):
            return st.sampled_from(list(cls))
        case inspect.NoneType():
            return st.none()
        case inspect.BoolType():
            return st.booleans()
        case inspect.IntType():
            return _INTEGERS
        case inspect.FloatType():
            return st.floats(allow_nan=False, allow_infinity=False)
        case inspect.StrType():
            return st.text()
        case inspect.DecimalType():
            return _DECIMALS
        case inspect.DateTimeType():
            return st.datetimes(timezones=st.just(UTC))
    raise NotImplementedError(f"no strategy for {kind}: add it here")


def event_classes() -> list[type]:
    """Return the members of the closed union `Event`."""
    kind = inspect.type_info(Event)
    assert isinstance(kind, inspect.UnionType)
    return [each.cls for each in kind.types if isinstance(each, inspect.StructType)]


def events(*classes: type) -> st.SearchStrategy[Any]:
    """Return a strategy for these events, or for all."""
    return st.one_of(*(_of(inspect.type_info(each)) for each in classes or event_classes()))
