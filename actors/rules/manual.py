"""The manual of the rules, made from their own docstrings: what `rules` prints."""

import ast
import inspect
import textwrap
from itertools import pairwise

import msgspec

from actors.rules.registry import all_rules
from actors.rules.rule import AnyRule
from messages.values import Parameters


class ParameterPage(msgspec.Struct, frozen=True):
    """One parameter."""

    name: str
    default: str
    text: str


class RulePage(msgspec.Struct, frozen=True):
    """One rule."""

    id: str
    key: str
    name: str
    summary: str
    parameters: tuple[ParameterPage, ...]


def manual() -> list[RulePage]:
    """Return one page per rule, by id."""
    return [
        RulePage(
            id=rule.id,
            key=rule.key,
            name=rule.name,
            summary=_summary(rule),
            parameters=tuple(_parameters(rule.parameters)),
        )
        for rule in all_rules()
    ]


def _summary(rule: AnyRule) -> str:
    module = inspect.getmodule(rule.parameters)
    first = (inspect.getdoc(module) or "").splitlines()[0]
    return first.removeprefix(f"{rule.id} {rule.name}: ").removeprefix(f"{rule.id} {rule.name} ")


def _parameters(kind: type[Parameters]) -> list[ParameterPage]:
    texts = field_docs(kind)
    return [
        ParameterPage(name=field.name, default=_default(field), text=texts[field.name])
        for field in msgspec.structs.fields(kind)
    ]


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "needed"
    if field.default_factory is not msgspec.NODEFAULT:
        return str(field.default_factory())
    return shown(field.default)


def shown(value: object) -> str:
    """Return a value of a parameter as a configuration file would write it."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(shown, value))}]"
    if isinstance(value, dict):
        return _inline({key: shown(each) for key, each in value.items()})
    if isinstance(value, msgspec.Struct):
        return _inline({name: shown(getattr(value, name)) for name in value.__struct_fields__})
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value is None else str(value)


def _inline(table: dict[str, str]) -> str:
    fields = ", ".join(f"{name} = {value}" for name, value in table.items())
    return f"{{ {fields} }}" if fields else "{}"


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
