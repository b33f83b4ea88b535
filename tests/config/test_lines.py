"""Where keys stand: the scanner finds every key tomllib finds, on its own line."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.keys import leading, shown
from config.lines import Lines, scan

SHIPPED = sorted((Path(__file__).parents[2] / "config").rglob("*.toml"))

TEXT = '''# ${comment} [not.a.table]
title = "a # in a string" # x = 1
"quoted key" = 1
a.b . "c.d" = 2

[ table . 'lit"eral' ]
long = """
[no.header]
not_a_key = 1 \\"""
"""""
literal = \'\'\'
k = "
\'\'\'
inline = { x = 1, y.z = [1, { q = 2 }], "]" = "}" }
list = [
    # comment, with commas [
    { loss_usd = 100, cooldown_s = 300 }, # one
    { loss_usd = 200, cooldown_s = 900 },
    "]",
]

[[accounts]]
account = 5
[accounts.rules.max_contracts]
limit = 1
[[accounts]]
account = 6
rules.max_contracts.limit = 2
[[accounts.notes]]
n = 1
[[accounts.notes]]
n = 2
'''
PLACES = {
    ("title",): 2,
    ("quoted key",): 3,
    ("a", "b", "c.d"): 4,
    ("table", 'lit"eral'): 6,
    ("table", 'lit"eral', "long"): 7,
    ("table", 'lit"eral', "literal"): 11,
    ("table", 'lit"eral', "inline", "x"): 14,
    ("table", 'lit"eral', "inline", "y", "z", 1, "q"): 14,
    ("table", 'lit"eral', "inline", "]"): 14,
    ("table", 'lit"eral', "list"): 15,
    ("table", 'lit"eral', "list", 0, "loss_usd"): 17,
    ("table", 'lit"eral', "list", 1, "cooldown_s"): 18,
    ("table", 'lit"eral', "list", 2): 19,
    ("accounts",): 22,
    ("accounts", 0, "account"): 23,
    ("accounts", 0, "rules", "max_contracts"): 24,
    ("accounts", 0, "rules", "max_contracts", "limit"): 25,
    ("accounts", 1): 26,
    ("accounts", 1, "account"): 27,
    ("accounts", 1, "rules", "max_contracts", "limit"): 28,
    ("accounts", 1, "notes", 0, "n"): 30,
    ("accounts", 1, "notes", 1, "n"): 32,
}


def keys_of(value, key=()):
    """Yield every key tomllib finds below a value."""
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list):
        parts = enumerate(value)
    else:
        return
    for name, each in parts:
        yield (*key, name)
        yield from keys_of(each, (*key, name))


@pytest.mark.parametrize(("key", "line"), PLACES.items(), ids=map(shown, PLACES))
def test_a_key_is_found_on_its_line(key, line):
    """All ways TOML has of writing a key, and strings that only look like one."""
    assert scan(TEXT)[key] == line


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_is_found_is_what_tomllib_reads(end):
    """No key is missed, none is made up, with either kind of line end."""
    text = TEXT.replace("\n", end)

    assert set(scan(text)) == set(keys_of(tomllib.loads(text)))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_every_key_of_the_files_that_ship_is_found(path):
    """And its name stands on the line that is told."""
    text = path.read_text()
    found = scan(text)

    assert set(found) == set(keys_of(tomllib.loads(text)))
    lines = text.splitlines()
    assert [
        key
        for key, line in found.items()
        if isinstance(key[-1], str) and key[-1] not in lines[line - 1]
    ] == []


NAMES = st.text(min_size=1, max_size=6).filter(lambda name: name.isprintable())
STRINGS = st.text(alphabet="ab \t#[]{}=,.'\\\n\"", max_size=12)


def quoted(text):
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}
    return '"' + "".join(escapes.get(char, char) for char in text) + '"'


def written(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(k)} = {written(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",\n # , [\n".join(map(written, value)) + "]"
    return quoted(value) if isinstance(value, str) else str(value)


VALUES = st.recursive(
    st.integers() | STRINGS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(NAMES, st.dictionaries(NAMES, VALUES, max_size=3), max_size=4))
def test_any_document_is_scanned_as_tomllib_reads_it(document):
    """Tables with any names and any nested values; every key of a table is on the line it begins."""
    text, places = "", {}
    for name, table in document.items():
        text += f"\n[{quoted(name)}]\n"
        for key, value in table.items():
            places[name, key] = text.count("\n") + 1
            text += f"  {quoted(key)} = {written(value)} # {{\n"
    found = scan(text)

    assert set(found) == set(keys_of(tomllib.loads(text)))
    assert {key: found[key] for key in places} == places


def test_what_is_not_written_is_looked_for_at_the_table_around_it():
    """A missing key has the line of its table; a table spoken of by name is found."""
    lines = Lines(scan(TEXT), {("accounts", "6"): ("accounts", 1)})

    assert lines.of(("accounts", 0, "rules", "max_contracts", "enabled")) == 24
    assert lines.of(("accounts", "6", "account")) == 27
    assert lines.of(("accounts", "6", "nothing")) == 26
    assert lines.of(("nowhere",)) is None


@pytest.mark.parametrize(
    "key", [("a", "b"), ("a", 0, "b c"), ('"x"\\', 12), ("accounts", "50K.TC", "rules")]
)
def test_a_key_is_read_back_from_a_complaint(key):
    """Whatever stands after the key does not disturb."""
    assert leading(shown(key)) == key
    assert leading(f"{shown(key)}: must be 5. [sic]") == key
    assert leading(f"{shown(key)} and c are both 5") == key
