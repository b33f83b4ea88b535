"""Every key that can be configured bites: two files, one difference, two outcomes."""

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from actors.rules.registry import all_rules
from config.schema import ConfigFile
from tests.config.bites import BITES
from tests.config.stage import Bite, Stage
from tests.config.walk import keys_in
from tests.rig import TOKENS

ROOT = Path(__file__).parents[2]
TABLES = {field.name for field in msgspec.structs.fields(ConfigFile)}


def all_keys():
    """Return every key of every table and of every rule's parameters, as the bites call them."""
    found = {f"{rule.key}.{key}" for rule in all_rules() for key in keys_in(rule.parameters)}
    for key in keys_in(ConfigFile):
        table = re.match(r"\w+", key)[0]
        if key != table or table == "profiles":
            found.add(f"[{table}]{key.removeprefix(table)}")
    return found


def leaves(value, key=""):
    """Yield every value of a parsed file with its key."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from leaves(each, f"{key}.{name}")
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from leaves(each, f"{key}[{place}]")
    else:
        yield key, value


def changes(one, other):
    """Return the keys in which two files differ."""
    first, second = dict(leaves(tomllib.loads(one))), dict(leaves(tomllib.loads(other)))
    return {key for key in first.keys() | second.keys() if first.get(key) != second.get(key)}


def pattern(key):
    """Return what a key looks like in a file: `[logins][].name` is `.logins[0].name`."""
    table = re.fullmatch(r"\[(\w+)\](.*)", key)
    written = f".{table[1]}{table[2]}" if table else f".defaults.rules.{key}"
    escaped = re.escape(written)
    return escaped.replace(re.escape("[]"), r"\[\d+\]").replace(re.escape("<name>"), r"[^.\[]+")


def test_every_key_that_can_be_configured_bites_somewhere():
    """And nothing is claimed of keys that do not exist."""
    assert sorted(all_keys() - BITES.keys()) == []
    assert sorted(BITES.keys() - all_keys()) == []


@pytest.mark.parametrize("key", BITES)
def test_the_two_files_differ_in_this_key_alone(key):
    """Else something other than the key might have bitten."""
    changed = changes(*BITES[key].files)

    assert changed
    assert [each for each in changed if not re.match(rf"{pattern(key)}($|[.\[])", each)] == []


@pytest.mark.parametrize("key", BITES)
def test_the_key_bites(key, rig, tmp_path, monkeypatch):
    """The same deeds, another outcome."""
    bite = BITES[key]
    monkeypatch.setitem(TOKENS, "FOLDER", str(tmp_path))
    monkeypatch.setenv("FOLDER", str(tmp_path))
    seen = []
    for place, text in enumerate(bite.files):
        folder = tmp_path / str(place)
        folder.mkdir()

        def start(config, folder=folder, **how):
            return rig(config, folder=folder, **how)

        seen.append(bite.play(Stage(config=text, folder=folder, rigs=start)))

    assert bite.seen[0] != bite.seen[1]
    assert tuple(seen) == bite.seen


@pytest.mark.parametrize("key", [key for key, bite in BITES.items() if bite.and_then])
def test_the_test_that_shows_the_rest_is_there(key):
    """A value that is only seen to arrive bites in a test of its own."""
    path, _, name = BITES[key].and_then.partition("::")

    assert f"def {name}(" in (ROOT / path).read_text()


def test_a_difference_elsewhere_is_found():
    """The search for differences would not pass by looking at nothing."""
    assert changes("a = 1\n[b]\nc = [1, 2]", "a = 2\n[b]\nc = [1]") == {".a", ".b.c[1]"}
    assert isinstance(next(iter(BITES.values())), Bite)
