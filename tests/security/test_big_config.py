"""Whatever a configuration file holds: it is used, or refused with lines; never a traceback."""

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import main
from config.errors import ConfigError
from config.loader import load_bytes
from tests.config.texts import NOW

CONFIG = Path(__file__).parents[2] / "config"
COMMENTED = (CONFIG / "default.toml").read_text()
WHOLE = "\n".join(
    line.removeprefix("# ") if re.match(r"# (\[|[a-z_]+ = )", line) else line
    for line in COMMENTED.splitlines()
)
"""The shipped file with every rule that is commented out in it."""
TEXTS = [COMMENTED, (CONFIG / "demo.toml").read_text(), WHOLE]
VALUES = st.sampled_from(
    [
        *(
            "0",
            "-1",
            "1e400",
            "nan",
            "-inf",
            "true",
            '""',
            "[]",
            "{}",
            "[[]]",
            "1979-05-27",
            "07:32:00",
        ),
        *('"\\u0000"', '"${HOME}"', '"${NOWHERE}"', '"../../../etc/passwd"', '"*"', "9" * 5_000),
        *("9223372036854775808", "0x10", "1_000", '"é"', "[" * 200 + "]" * 200, '"x\\ny"', "0.1"),
        *('"' + "x" * 3_000 + '"', "{ a = 1 }", "[1, 'a']", '"17:00"', "5"),
    ]
)
PLACES = re.compile(r"^([\w\".-]+) = (.+)$", re.MULTILINE)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """Draw one of the shipped files with some values, keys, lines or tables changed."""
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, 4))):
        lines = text.splitlines()
        place = draw(st.integers(0, max(0, len(lines) - 1)))
        line = lines[place] if lines else ""
        match draw(
            st.sampled_from(["value", "value", "value", "key", "drop", "twice", "swap", "cut"])
        ):
            case "value" if " = " in line:
                lines[place] = f"{line.partition(' = ')[0]} = {draw(VALUES)}"
            case "key" if " = " in line:
                lines[place] = (
                    f"{draw(st.sampled_from(['x', 'limit', '""', 'a.b.c']))} = {draw(VALUES)}"
                )
            case "drop":
                lines[place : place + 1] = []
            case "twice":
                lines[place:place] = [line]
            case "swap":
                lines[place : place + 2] = reversed(lines[place : place + 2])
            case "cut":
                lines[place] = line[: draw(st.integers(0, 20))]
        text = "\n".join(lines)
    return text


ENVIRONMENT = {"HOME": "/home-of-a-canary", "LOCKSTEP_DEMO_URL": "http://127.0.0.1:1"}


def complaints_of(path: Path, raw: bytes) -> tuple[str, ...]:
    """Return what is wrong with a file; nothing but a ConfigError may say so."""
    try:
        load_bytes(path, raw, now=NOW, environment=ENVIRONMENT)
    except ConfigError as error:
        return error.complaints or ("refused without a complaint",)
    return ()


def check(raw: bytes) -> None:
    """It loads, or every complaint says where and what."""
    path = Path("/nowhere/mine.toml")
    for each in complaints_of(path, raw):
        assert located(path, each, raw), each
        assert "home-of-a-canary" not in each
        assert len(each) < 8_000


def located(path: Path, complaint: str, raw: bytes) -> bool:
    """Tell whether a complaint has its line, or is about something the file does not have at all."""
    found = re.match(rf"{path}:(\d+): ", complaint)
    if found:
        return 1 <= int(found[1]) <= raw.count(b"\n") + 1
    if complaint.startswith(f"{path}: cannot be understood"):
        return True  # too deep or too long for the parser, which does not tell where
    table = complaint.partition(":")[0].split(".")[0]
    try:
        return table not in tomllib.loads(raw.decode())
    except RecursionError:
        return True


@settings(max_examples=2500, deadline=None, print_blob=True)
@given(mutated())
def test_a_changed_file_is_used_or_refused_with_lines(text):
    """Values of other types and sizes, keys that are none, lines gone, doubled and cut."""
    check(text.encode())


@settings(max_examples=2500, deadline=None, print_blob=True)
@given(st.one_of(st.binary(max_size=80), st.text(max_size=80).map(str.encode)))
@example(b"\xef\xbb\xbf[[logins]]\nname = 'x'\n")
@example(b"a = " + b"[" * 100_000)
@example(b"\0")
@example(b"a.b.c.d = 1\n" * 3)
def test_bytes_that_are_no_configuration_are_refused_with_lines(raw):
    """Another encoding, a byte order mark, no text at all."""
    check(raw)


@pytest.mark.parametrize("text", TEXTS, ids=["default", "demo", "whole"])
def test_what_is_mutated_is_valid_to_begin_with(text):
    """Else the fuzz would only see the parser."""
    assert complaints_of(CONFIG / "default.toml", text.encode()) == ()


@settings(max_examples=2500, deadline=None, print_blob=True)
@given(raw=st.one_of(mutated().map(str.encode), st.binary(max_size=60)))
def test_check_prints_an_answer_or_one_error_with_exit_78(tmp_path_factory, raw):
    """The command itself, in this process: nothing gets past it."""
    path = tmp_path_factory.mktemp("fuzz") / "mine.toml"
    path.write_bytes(raw)

    assert main.main(["check", "--json", "--config", str(path)]) in {0, 78}
