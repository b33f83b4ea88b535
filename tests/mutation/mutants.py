"""Makes mutants of a module: one small change each, as text, the rest of the file as it was.

Changed are comparisons, and/or/not, arithmetic, whole numbers, True and False, and what is returned.
Left alone are annotations, docstrings, decorators and texts for people.
"""

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
}

_SILENT = {"annotation", "returns", "decorator_list", "type_params", "bases"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change."""

    line: int
    where: str
    """The function or class it stands in; "" = the module itself."""
    before: str
    after: str
    source: str
    """The whole changed module."""
    lines: range
    """Lines of the statement it stands in."""
    imported: bool
    """It runs when the module is imported, not (only) when something is called."""

    def __str__(self) -> str:
        """Name the change so that it can be found again when lines have moved."""
        return f"{self.where or 'module'}: {_short(self.before)} → {_short(self.after)}"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an expression stands."""

    lines: range
    where: str
    imported: bool


def mutants(source: str) -> list[Mutant]:
    """Return every mutant of a module, in order."""
    tree = ast.parse(source)
    places = dict(_places(tree, _Place(range(0), "", imported=True)))
    found = []
    for node in _expressions(tree):
        place = places[id(node.value if isinstance(node, _Returned) else node)]
        found += [
            Mutant(
                line=node.lineno,
                where=place.where,
                before=ast.get_source_segment(source, node) or "",
                after=ast.unparse(changed),
                source=_replaced(source, node, f"({ast.unparse(changed)})"),
                lines=place.lines,
                imported=place.imported,
            )
            for changed in _changes(node)
        ]
    return found


def _short(code: str) -> str:
    return " ".join(code.split())


def _places(tree: ast.AST, place: _Place) -> Iterator[tuple[int, _Place]]:
    """Yield every expression's place; a default runs where its function is defined."""
    if isinstance(tree, ast.stmt):
        lines = range(tree.lineno, (tree.end_lineno or tree.lineno) + 1)
        place = _Place(lines, place.where, place.imported)
    yield id(tree), place
    inside = place
    if isinstance(tree, ast.FunctionDef | ast.ClassDef):
        where = f"{place.where}.{tree.name}".removeprefix(".")
        run = place.imported and isinstance(tree, ast.ClassDef)
        inside = _Place(place.lines, where, imported=run)
    for field, value in ast.iter_fields(tree):
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _places(child, inside if field == "body" else place)


def _expressions(tree: ast.AST) -> Iterator[ast.expr]:
    """Walk what runs: no annotations, docstrings, decorators, f-strings, base classes."""
    match tree:
        case ast.Expr(value=ast.Constant()) | ast.JoinedStr() | ast.Import() | ast.ImportFrom():
            return
        case ast.TypeAlias():
            return
        case ast.expr():
            yield tree
    for field, value in ast.iter_fields(tree):
        if field in _SILENT or (field == "keywords" and isinstance(tree, ast.ClassDef)):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                if isinstance(tree, ast.Return) and isinstance(child, ast.expr):
                    yield _Returned(child)
                yield from _expressions(child)


class _Returned(ast.expr):
    """What a function returns, as a place for a mutant of its own."""

    def __init__(self, value: ast.expr) -> None:
        super().__init__()
        self.value = value
        ast.copy_location(self, value)


def _changes(node: ast.expr) -> Iterator[ast.expr]:  # noqa: PLR0912 - a table
    match node:
        case _Returned(value=ast.Constant(value=None)):
            return
        case _Returned():
            yield ast.Constant(None)
        case ast.Compare(ops=[op]) if type(op) in COMPARISONS:
            for other in COMPARISONS[type(op)]:
                yield _with(node, ops=[other()])
        case ast.Compare(ops=[*ops]) if len(ops) > 1:
            for place, op in enumerate(ops):
                for other in COMPARISONS.get(type(op), ()):
                    yield _with(node, ops=[*ops[:place], other(), *ops[place + 1 :]])
        case ast.BoolOp(op=op):
            yield _with(node, op=ast.Or() if isinstance(op, ast.And) else ast.And())
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield node.operand
        case ast.BinOp(op=op) if type(op) in ARITHMETIC:
            yield _with(node, op=ARITHMETIC[type(op)]())
        case ast.IfExp():
            yield _with(node, body=node.orelse, orelse=node.body)
        case ast.Constant(value=bool()):
            yield ast.Constant(not node.value)
        case ast.Constant(value=int()):
            yield ast.Constant(node.value + 1)


def _with(node: ast.expr, **changes: object) -> ast.expr:
    changed = copy.copy(node)
    for name, value in changes.items():
        setattr(changed, name, value)
    return changed


def _replaced(source: str, node: ast.expr, text: str) -> str:
    lines = source.encode().splitlines(keepends=True)
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    begin = sum(map(len, lines[: node.lineno - 1])) + node.col_offset
    end = sum(map(len, lines[: node.end_lineno - 1])) + node.end_col_offset
    whole = b"".join(lines)
    return (whole[:begin] + text.encode() + whole[end:]).decode()
