"""What the documents say is there is there, and what is there they name."""

import ast
import re
from pathlib import Path

import pytest

import main
from tests.rig import config_of
from tests.security.test_no_unlock import commands

ROOT = Path(__file__).parents[1]
ACTORS = (ROOT / "actors" / "README.md").read_text()
README = (ROOT / "README.md").read_text()
PAGES = [
    *ROOT.glob("*.md"),
    *(
        page
        for top in ("actors", "config", "messages", "tests")
        for page in ROOT.glob(f"{top}/**/*.md")
    ),
]


def actor_classes() -> set[str]:
    """Return every class that is an actor, by what it is made from."""
    bases: dict[str, set[str]] = {}
    for path in (ROOT / "actors").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                bases[node.name] = {ast.unparse(base) for base in node.bases}
    found = {"PooledActor", "pykka.Actor", "pykka.ThreadingActor"}
    while more := {name for name, of in bases.items() if of & found} - found:
        found |= more
    return found - {"pykka.Actor", "pykka.ThreadingActor"}


@pytest.mark.parametrize("name", sorted(actor_classes()))
def test_every_actor_is_named_in_the_actors_readme(name):
    """Who adds one says what it owns and who starts it again."""
    assert re.search(rf"\b{name}s?\b", ACTORS)


def test_the_actors_that_are_looked_for_are_those_there_are():
    """The search would not pass by finding nothing."""
    assert {"AccountActor", "RootSupervisor", "GatewayActor"} <= actor_classes()


def test_every_address_of_a_running_system_is_in_the_table(rig):
    """A tree that has grown another branch fails here."""
    running = rig(config_of(max_contracts={"limit": 5}))
    told = {
        re.sub(r"/.*", "/", address)
        for line in ACTORS.splitlines()
        if line.startswith("| ")
        for address in re.findall(r"`([a-z]+(?:/[\w-]+)?)`", line)
    }

    there = {re.sub(r"/.*", "/", each) for each in running.system.directory.addresses()}

    assert there - told == set()


def test_every_command_is_in_the_readme():
    """A command that nobody is told of is not used."""
    missing = [each for each in commands(main.app) if f"./run {each}" not in README]

    assert missing == []


def test_the_readme_fits_on_a_few_screens():
    """At most 150 lines."""
    assert len(README.splitlines()) <= 150


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file(page):
    """Of the repository; addresses are not looked at."""
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text())

    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []
