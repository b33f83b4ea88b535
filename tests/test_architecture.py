"""The house rules a machine can check: who reads time, who does I/O, what a message looks like.

AST walks over the sources, so nothing is imported but the messages.
"""

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from inspect import Parameter, signature
from pathlib import Path

import msgspec
import msgspec.inspect
import pytest

import messages.alerts
import messages.commands
import messages.events
import messages.facts
import messages.journal
import messages.queries
import messages.values
from messages import codec
from messages.base import Message, Value, kind_of
from messages.events import Event

ROOT = Path(__file__).parents[1]
SOURCES = sorted(
    path
    for top in ("main.py", "actors", "messages", "config")
    for path in ([ROOT / top] if top.endswith(".py") else (ROOT / top).rglob("*.py"))
)
CLOCK = ROOT / "actors" / "runtime" / "clock.py"
PURE_FOLDERS = ("account", "enforcer", "rules")
PURE = [
    path
    for path in SOURCES
    if path.is_relative_to(ROOT / "messages")
    or (
        path.parent.name in PURE_FOLDERS
        and path.name not in {"actor.py", "__init__.py"}
        and path.parent.parent == ROOT / "actors"
    )
]
IMPURE_IMPORTS = {
    *("pykka", "structlog", "logging", "sqlite3", "asyncio", "threading", "socket", "httpx"),
    *("aiohttp", "websockets", "project_x_py", "pysignalr", "os", "subprocess", "time", "random"),
}
CLOCK_READS = {
    *("time.time", "time.monotonic", "time.perf_counter", "time.time_ns", "time.monotonic_ns"),
    *(
        "time.clock_gettime",
        "time.perf_counter_ns",
        "datetime.now",
        "datetime.utcnow",
        "datetime.today",
        "date.today",
    ),
}
NOT_JOURNALED = {"QuoteChanged", "QuoteHeard", "QuotesFound", "QuotesLost"}
NOW = datetime(2025, 10, 31, 16, 43, tzinfo=UTC)
MODULES = (
    messages.alerts,
    messages.commands,
    messages.events,
    messages.facts,
    messages.journal,
    messages.queries,
    messages.values,
)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(), filename=str(path)))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the full name of everything a module imports."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, each.name) for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module}.{each.name}") for each in node.names)


def clock_reads(path: Path) -> Iterator[int]:
    """Yield the lines in which a module reads a clock, called or passed on, however imported."""
    for line, name in imports(path):
        if name in CLOCK_READS:
            yield line
    for node in nodes(path):
        if isinstance(node, ast.Attribute) and ast.unparse(node).removeprefix("datetime.") in (
            CLOCK_READS | {"now", "utcnow"}
        ):
            yield node.lineno


def message_classes() -> list[type[Value]]:
    """Return every class of the messages package that can be told or is part of one."""
    found = {
        each
        for module in MODULES
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Value) and each.__module__ == module.__name__
    }
    return sorted(found, key=lambda each: each.__name__)


def event_classes() -> set[type]:
    kind = msgspec.inspect.type_info(Event)
    assert isinstance(kind, msgspec.inspect.UnionType)
    return {each.cls for each in kind.types if isinstance(each, msgspec.inspect.StructType)}


def test_only_the_clock_module_reads_a_clock():
    """Everything else is given one, so that tests and replay decide what time it is."""
    assert [
        f"{name_of(path)}:{line}" for path in SOURCES if path != CLOCK for line in clock_reads(path)
    ] == []


def test_the_search_for_clock_reads_finds_them(tmp_path: Path):
    """The rule above would not pass by looking at nothing."""
    lines = [
        "import time, datetime as dt",
        "from time import monotonic",
        "from datetime import datetime",
        "a = time.perf_counter()",
        "b = datetime.now()",
        "c = datetime.datetime.now",
    ]
    module = tmp_path / "module.py"
    module.write_text("\n".join(lines))

    assert {2, 4, 5, 6} == set(clock_reads(module))
    assert CLOCK in SOURCES
    assert any(clock_reads(CLOCK))


def test_pure_code_imports_no_io_no_actors_and_no_logging():
    """What decides can be tested and replayed without a system around it."""
    assert {"values.py", "events.py"} <= {path.name for path in PURE}

    assert [
        f"{name_of(path)}:{line} imports {imported}"
        for path in PURE
        for line, imported in imports(path)
        if imported.split(".")[0] in IMPURE_IMPORTS
        or (imported.startswith("actors.") and imported.split(".")[1] not in PURE_FOLDERS)
        or imported.endswith(".actor")
    ] == []


def test_messages_import_nothing_of_ours():
    """The vocabulary depends on no one; everyone depends on it."""
    ours = ("actors", "config", "main", "tests")

    assert [
        f"{name_of(path)}:{line} imports {imported}"
        for path in SOURCES
        if path.is_relative_to(ROOT / "messages")
        for line, imported in imports(path)
        if imported.split(".")[0] in ours
    ] == []


def test_no_error_is_caught_without_a_name():
    """A bare except would swallow what nobody has thought of."""
    assert [
        f"{name_of(path)}:{node.lineno}"
        for path in SOURCES
        for node in nodes(path)
        if isinstance(node, ast.ExceptHandler) and node.type is None
    ] == []


def test_every_module_and_package_says_what_it_is():
    """The first thing a reader finds is what the module guarantees."""
    assert [
        name_of(path) for path in SOURCES if not ast.get_docstring(ast.parse(path.read_text()))
    ] == []


@pytest.mark.parametrize("cls", message_classes(), ids=lambda cls: cls.__name__)
def test_a_message_is_frozen_keyword_only_and_closed(cls: type[Value]):
    """Nobody changes what was said, mixes up its fields, or adds to it."""
    config = cls.__struct_config__

    assert config.frozen
    assert config.forbid_unknown_fields
    kinds = {each.name: each.kind for each in signature(cls).parameters.values()}
    assert {name: kind for name, kind in kinds.items() if kind is not Parameter.KEYWORD_ONLY} == {}


@pytest.mark.parametrize(
    "path", sorted((ROOT / "messages").glob("*.py")), ids=lambda path: path.stem
)
def test_every_message_and_every_field_has_a_docstring(path: Path):
    """Reading the package is enough to know what can be said, in which unit."""
    undocumented = []
    for node in ast.parse(path.read_text()).body:
        if not isinstance(node, ast.ClassDef):
            continue
        if not ast.get_docstring(node):
            undocumented.append(node.name)
        is_struct = not {"StrEnum", "IntEnum"} & {ast.unparse(each) for each in node.bases}
        for field, after in zip(node.body, [*node.body[1:], None], strict=True):
            if is_struct and isinstance(field, ast.AnnAssign) and not is_text(after):
                undocumented.append(f"{node.name}.{ast.unparse(field.target)}")

    assert undocumented == []


def is_text(node: ast.stmt | None) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


@pytest.mark.parametrize(
    "cls",
    [each for each in message_classes() if issubclass(each, Message)],
    ids=lambda cls: cls.__name__,
)
def test_a_message_is_tagged_with_its_own_name_in_snake_case(cls: type[Message]):
    """The kind in the journal is the name in the source."""
    assert kind_of(cls.__name__) == cls.__struct_config__.tag
    assert cls.__struct_config__.tag_field == "kind"


def test_every_event_and_fact_is_in_the_closed_union():
    """An event that is not listed could be said, but not stored."""
    said = {
        each
        for each in message_classes()
        if issubclass(each, Message) and each.__module__ in {"messages.events", "messages.facts"}
    }

    assert {each.__name__ for each in said - event_classes()} == NOT_JOURNALED
    assert set() == {each.__name__ for each in event_classes() - said}


def test_kinds_are_unique_over_all_messages():
    """A log line or a journal row never means one of two things."""
    kinds = [codec.kind(each) for each in message_classes() if issubclass(each, Message)]

    assert sorted(set(kinds)) == sorted(kinds)


@pytest.mark.parametrize("cls", sorted(event_classes(), key=lambda each: each.__name__))
def test_an_event_with_an_unknown_field_is_refused(cls: type[Message]):
    """What another build added is not silently dropped."""
    stored = {"kind": kind_of(cls.__name__), "at": NOW, "cause": "x", "surprise": 1}

    with pytest.raises(msgspec.ValidationError):
        codec.unpack(msgspec.msgpack.encode(stored))


def test_no_tracked_file_names_a_package_registry_or_a_home_folder():
    """The repository works on any machine, behind any mirror."""
    hosts = ("pypi" + ".org", "files." + "pythonhosted", "/home" + "/", "/root" + "/")
    names = ("run", ".ci/run", "requirements.lock", "pyproject.toml", ".gitignore")
    files = [*SOURCES, *(ROOT / each for each in names), *sorted((ROOT / "config").rglob("*.toml"))]

    assert [
        f"{name_of(path)}: {host}"
        for path in files
        for host in hosts
        if host in path.read_text(errors="replace")
    ] == []
