"""Which of two settings of a rule is the stricter: what decides when a changed configuration applies.

Pure. A rule declares one comparison per parameter (`Rule.strictness`). A comparison says whether the new
value breaks at least wherever the old one did, whatever the picture; where it cannot say so, or where a
parameter has none, nothing is concluded and both settings are judged (`actors/account/rulebook.py`). So a
wrong "no" costs a second judgement, and only a wrong "yes" could loosen: when in doubt, `same`.
"""

from collections.abc import Callable, Iterable
from typing import Any

type Strictness = Callable[[str, Any, Any], bool]
"""(field, new parameters, old parameters) → the new field is at least as strict as the old one."""


def lower(field: str, new: Any, old: Any) -> bool:
    """Judge a limit: the lower, the stricter; none at all is the loosest."""
    mine, held = value_of(new, field), value_of(old, field)
    return held is None or (mine is not None and mine <= held)


def higher(field: str, new: Any, old: Any) -> bool:
    """Judge a length of punishment: the higher, the stricter; none at all is the loosest."""
    mine, held = value_of(new, field), value_of(old, field)
    return held is None or (mine is not None and mine >= held)


def true(field: str, new: Any, old: Any) -> bool:
    """Judge a switch that makes the rule look at more: on is the stricter."""
    return value_of(new, field) or not value_of(old, field)


def superset(field: str, new: Any, old: Any) -> bool:
    """Judge a list of what is forbidden, in any case of letters: everything old must be in the new."""
    mine, held = _folded(value_of(new, field)), _folded(value_of(old, field))
    return held <= mine


def same(field: str, new: Any, old: Any) -> bool:
    """Judge what cannot be compared: only an equal value is as strict; otherwise both are judged."""
    return bool(value_of(new, field) == value_of(old, field))


def wording(_field: str, _new: Any, _old: Any) -> bool:
    """Judge a text that forbids nothing: any value will do."""
    return True


def ranked(*values: object) -> Strictness:
    """Return the comparison of a choice whose values are named from the loosest to the strictest."""

    def compare(field: str, new: Any, old: Any) -> bool:
        return values.index(value_of(new, field)) >= values.index(value_of(old, field))

    return compare


def each_key(one: Strictness) -> Strictness:
    """Return the comparison of a table with free keys; a missing key is judged as none."""

    def compare(field: str, new: Any, old: Any) -> bool:
        mine, held = value_of(new, field), value_of(old, field)
        return all(one(key, mine, held) for key in mine.keys() | held.keys())

    return compare


def table(**fields: Strictness) -> Strictness:
    """Return the comparison of an optional table with these fields; no table is the loosest."""

    def compare(field: str, new: Any, old: Any) -> bool:
        mine, held = value_of(new, field), value_of(old, field)
        if held is None or mine is None:
            return held is None
        return all(fields.get(name, same)(name, mine, held) for name in held.__struct_fields__)

    return compare


def value_of(parameters: Any, field: str) -> Any:
    """Return a field of parameters, or a key of a table (None where it has none)."""
    return parameters.get(field) if isinstance(parameters, dict) else getattr(parameters, field)


def _folded(values: Iterable[str]) -> set[str]:
    return {each.casefold() for each in values}
