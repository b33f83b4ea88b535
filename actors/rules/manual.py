"""The manual of the rules, made from their own types and docstrings: what `rules` prints.

A parameter that has parts of its own is followed by them: `tiers[].loss_usd`, `products.<name>.start`.
"""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from types import NoneType, UnionType
from typing import Any, Literal, TypeAliasType, get_args, get_origin

import msgspec

from actors.rules.registry import all_rules
from actors.rules.rule import AnyRule

_NAMES = {
    bool: "true or false",
    int: "whole number",
    Decimal: "number",
    float: "number",
    str: "text",
}
_UNITS = {"_usd": "US dollars", "_s": "seconds", "_ticks": "ticks"}
_COUNTS = {
    "limit": "contracts",
    "limits": "contracts",
    "default_limit": "contracts",
    "per_minute": "trades",
    "per_hour": "trades",
    "per_session": "trades",
}


class ParameterPage(msgspec.Struct, frozen=True):
    """One parameter, or one part of it."""

    name: str
    """As it is written, e.g. `tiers[].loss_usd`."""
    type: str
    """What kind of value it takes."""
    default: str
    """What it is if not written; `needed` = it must be."""
    allowed: tuple[str, ...]
    """The words it may be; empty = the type says it."""
    unit: str
    """What a number counts; empty = it has no unit."""
    text: str
    """Its docstring."""


class RulePage(msgspec.Struct, frozen=True):
    """One rule."""

    id: str
    """E.g. `RULE-003`."""
    key: str
    """Its table in a configuration."""
    name: str
    """E.g. `DailyRealizedLoss`."""
    summary: str
    """What it is for, in one line."""
    parameters: tuple[ParameterPage, ...]
    """In the order of the source."""


def manual() -> list[RulePage]:
    """Return one page per rule, by id."""
    return [
        RulePage(
            id=rule.id,
            key=rule.key,
            name=rule.name,
            summary=_summary(rule),
            parameters=tuple(parameter_pages(rule.parameters)),
        )
        for rule in all_rules()
    ]


def find_pages(name: str) -> list[RulePage]:
    """Return the page of a rule by its id, key or name, in any case; none if there is no such rule."""
    wanted = name.casefold()
    return [
        page for page in manual() if wanted in {page.id.casefold(), page.key, page.name.casefold()}
    ]


def lines_of(page: RulePage) -> Iterator[str]:
    """Yield a page as text."""
    yield f"{page.id} {page.name}  [defaults.rules.{page.key}]"
    yield f"    {page.summary}"
    for each in page.parameters:
        unit = f", {each.unit}" if each.unit else ""
        default = each.default if each.default == "needed" else f"default {each.default}"
        yield f"    {each.name} ({each.type}{unit}; {default}): {each.text}"


def parameter_pages(
    kind: type[msgspec.Struct], prefix: str = "", unit: str = ""
) -> Iterator[ParameterPage]:
    """Yield the fields of a struct, each followed by its own parts, which share its unit if it has one.

    Raises:
        KeyError: a field has no docstring.
    """
    texts = field_docs(kind)
    for field in msgspec.structs.fields(kind):
        name, counts = f"{prefix}{field.name}", unit or _unit(field.name)
        yield page_of(field, name, counts, texts[field.name])
        inner, step = inner_of(field.type)
        if inner:
            yield from parameter_pages(inner, f"{name}{step}.", counts)


def page_of(field: msgspec.structs.FieldInfo, name: str, unit: str, text: str) -> ParameterPage:
    """Return what a field of a struct takes, under the name it is written by."""
    return ParameterPage(
        name=name,
        type=_type_name(field.type),
        default=_default(field),
        allowed=_allowed(field.type),
        unit=unit or _unit(field.name),
        text=text,
    )


def _summary(rule: AnyRule) -> str:
    module = inspect.getmodule(rule.parameters)
    first = (inspect.getdoc(module) or "").splitlines()[0]
    return first.removeprefix(f"{rule.id} {rule.name}: ").removeprefix(f"{rule.id} {rule.name} ")


def plain_type(kind: Any) -> Any:
    """Return a type without its alias and without None, which a configuration cannot say."""
    if isinstance(kind, TypeAliasType):
        return plain_type(kind.__value__)
    if get_origin(kind) is UnionType:
        rest = [each for each in get_args(kind) if each is not NoneType]
        return plain_type(rest[0]) if len(rest) == 1 else kind
    return kind


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def inner_of(kind: Any) -> tuple[type[msgspec.Struct] | None, str]:
    """Return the struct a type is made of, and how its fields are reached."""
    kind = plain_type(kind)
    item, step = kind, ""
    if get_origin(kind) is tuple:
        item, step = plain_type(get_args(kind)[0]), "[]"
    elif get_origin(kind) is dict:
        item, step = plain_type(get_args(kind)[1]), ".<name>"
    return (item, step) if _is_struct(item) else (None, "")


def _type_name(kind: Any) -> str:
    kind = plain_type(kind)
    if get_origin(kind) is Literal:
        return " | ".join(get_args(kind))
    if get_origin(kind) is UnionType:
        return " or ".join(map(_type_name, get_args(kind)))
    if get_origin(kind) is tuple:
        return f"list of {_type_name(get_args(kind)[0])}"
    if get_origin(kind) is dict:
        return f"table of {_type_name(get_args(kind)[1])} by name"
    return "table" if _is_struct(kind) else _NAMES[kind]


def _allowed(kind: Any) -> tuple[str, ...]:
    kind = plain_type(kind)
    if get_origin(kind) is tuple:
        kind = plain_type(get_args(kind)[0])
    if kind is bool:
        return ("true", "false")
    return get_args(kind) if get_origin(kind) is Literal else ()


def _unit(name: str) -> str:
    suffix = next((each for each in _UNITS if name.endswith(each)), None)
    return _UNITS[suffix] if suffix else _COUNTS.get(name, "")


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "needed"
    if field.default_factory is not msgspec.NODEFAULT:
        return shown(field.default_factory())
    return shown(field.default)


def shown(value: object) -> str:
    """Return a value as a configuration says it, texts without quotes; no value is `none`."""
    match value:
        case tuple():
            return f"[{', '.join(map(shown, value))}]"
        case msgspec.Struct():
            return shown({name: getattr(value, name) for name in value.__struct_fields__})
        case dict():
            fields = ", ".join(f"{name} = {shown(each)}" for name, each in value.items())
            return f"{{ {fields} }}" if fields else "{}"
        case bool():
            return str(value).lower()
        case _:
            return "none" if value is None else str(value)


def field_docs(kind: type) -> dict[str, str]:
    """Return the docstring under each field of a struct, those of its bases included."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if issubclass(base, msgspec.Struct) and base is not msgspec.Struct:
            found |= _own_field_docs(base)
    return found


def _own_field_docs(kind: type) -> dict[str, str]:
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    found: dict[str, str] = {}
    for field, doc in pairwise(body):
        match field, doc:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                found[name] = text
    return found
