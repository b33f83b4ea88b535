"""A scenario file with a mistake is refused with its place; nothing in it is skipped over."""

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from actors.rules.registry import all_rules
from actors.scenario import times
from actors.scenario.checks import Sight, findings
from actors.scenario.player import Player
from actors.scenario.reading import ScenarioError, read
from actors.scenario.stage import ACCOUNTS
from actors.scenario.words import WORDS, BreachSeen, Given, LockoutSeen, Step, Then
from tests.scenarios.rig_stage import RigStage
from tests.scenarios.test_files import FILES

HEAD = """
title = "t"
covers = ["S-1"]
[given]
start = "2025-10-29 12:00 America/Chicago"
"""
STEP = "[[steps]]\nthen = { working = 0 }\n"
GUIDE = Path(__file__).parent / "README.md"


def written(folder: Path, text: str) -> Path:
    path = folder / "scenario.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("title = ", "is no TOML: Invalid value (at end of document)"),
        (HEAD + '[[steps]]\nwhen = [{ byus = 1, of = "MNQ" }]', "step 1, when 1: no happening"),
        (HEAD + '[[steps]]\nwhen = [{ byus = 1, of = "MNQ" }]', "did you mean buys?"),
        (HEAD + '[[steps]]\nwhen = [{ buys = 1, sells = 1, of = "MNQ" }]', "two happenings"),
        (HEAD + '[[steps]]\nwhen = [{ buys = "1", of = "MNQ" }]', "Expected `int`, got `str`"),
        (HEAD + "[[steps]]\nwhen = [{ buys = 1 }]", "missing required field `of`"),
        (HEAD + "[[steps]]\nwhen = [{ realises = true }]", "got `bool`"),
        (HEAD + "[[steps]]\nthen = { phase = 'closed' }", "step 1: Invalid enum value 'closed'"),
        (HEAD + "[[steps]]\nthen = { hold = {} }", "step 1: Object contains unknown field `hold`"),
        (HEAD + "[[steps]]\nthen = { journal = { locked = 1 } }", "no event is called locked"),
        (HEAD + "[[steps]]\nthen = { order = ['locked'] }", "no event is called locked"),
        (HEAD + "[[steps]]\nthen = { alarms = ['FIRE'] }", "no alarm is called FIRE"),
        (HEAD + "[[steps]]\nat = 'noon'\nthen = { working = 0 }", "'noon' is not like 12:00:10"),
        (HEAD + "[[steps]]\nat = '12:01'\nafter_s = 1\nthen = { working = 0 }", "two times"),
        (HEAD + "[[steps]]\nthen = { lockouts = [{ rule = 'RULE-003', until = 'x' }] }", "'x'"),
        (HEAD + "[[steps]]\nwhen = [{ cancels = 'stop' }]", "'stop': nothing is called so"),
        (HEAD + "[[steps]]\nat = '12:01'", "step 1: says nothing"),
        (HEAD + "[[steps]]\nrepeat = 0\nthen = { working = 0 }", "repeat must be at least 1"),
        (
            HEAD + "[[steps]]\nwhen = [{ system = 'stops', rules = {} }]",
            "only `starts` takes rules",
        ),
        (
            HEAD.replace(" America/Chicago", "") + STEP,
            "is not like 2025-10-29 12:00 America/Chicago",
        ),
        (HEAD.replace("covers", "cover") + "[[steps]]\nthen = { working = 0 }", "`cover`"),
    ],
)
def test_a_mistake_is_refused_with_its_place(tmp_path, text, told):
    """Unknown words, wrong values, names nobody gave, kinds that do not exist."""
    with pytest.raises(ScenarioError) as refused:
        read(written(tmp_path, text))

    assert told in str(refused.value)


def test_all_mistakes_of_a_file_are_told_together(tmp_path):
    """Who mends a file wants to see all of them."""
    text = HEAD + "[[steps]]\nthen = { hold = 1 }\n[[steps]]\nthen = { phase = 1 }"

    with pytest.raises(ScenarioError, match="2 thing") as refused:
        read(written(tmp_path, text))

    assert "step 1" in str(refused.value)
    assert "step 2" in str(refused.value)


def test_a_file_that_is_not_there_is_said_so(tmp_path):
    """An unreadable file is a plain error."""
    with pytest.raises(ScenarioError, match="No such file"):
        read(tmp_path / "none.toml")


FALSE = """
phase = "locked"
health = "stale"
trading_date = "2025-10-30"
realised_usd = -499
open_usd = 1
unvalued = true
held = { MNQ = 2 }
working = 2
stops = { MNQ = 20901 }
received = ["close MNQ"]
lockouts = [{ rule = "RULE-003" }]
breach = { rule = "RULE-003" }
journal = { trade_executed = 3 }
order = ["account_opened", "day_reset"]
alarms = ["QUOTE_STALE"]
nothing = true
"""


def test_every_expectation_can_fail(tmp_path):
    """A word that would be met by anything would hide what it was written to show."""
    text = f"""{HEAD}
rules.max_contracts = {{ limit = 1 }}
[[steps]]
when = [{{ buys = 1, of = "MNQ" }}, {{ sells = 1, of = "MNQ", stop = 20900 }}, {{ realises = -500 }}]
[[steps]]
when = [{{ buys = 1, of = "MNQ" }}]
[steps.then]
{FALSE}"""
    scenario = read(written(tmp_path, text))

    verdicts = Player(scenario, lambda start: RigStage(tmp_path, start)).play()

    words = {each.finding.word.partition(" ")[0] for each in verdicts}
    assert words == set(Then.__struct_fields__) - {"unvalued"}
    assert [str(each.finding) for each in verdicts if each.finding.met] == []


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ({"scope": "MNQ"}, {"scope": "account"}),
        ({"duty": "no_new_exposure"}, {"duty": "flat"}),
        ({"until": "17:01"}, {"until": "17:00"}),
        ({"until": "open"}, {"until": "2025-10-29 17:00"}),
        ({"reason": "profit"}, {"reason": "Daily loss limit exceeded"}),
    ],
)
def test_every_part_of_a_lockout_is_compared(tmp_path, wrong, right):
    """And so are scope, duty, end and reason."""
    stage, sight = locked(tmp_path)

    for parts, met in ((wrong, False), (right, True)):
        (found,) = findings(then(lockouts=[{"rule": "RULE-003", **parts}]), sight)
        assert found.met is met
    stage.end()


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ({"value": -501}, {"value": -500}),
        ({"limit": 500}, {"limit": -500}),
        ({"code": "DAILY_LOSS_WITH_OPEN"}, {"code": "DAILY_REALIZED_LOSS"}),
        ({"reason": "profit"}, {"reason": "Daily loss limit exceeded"}),
    ],
)
def test_every_part_of_a_breach_is_compared(tmp_path, wrong, right):
    """And so are value, limit, code and reason."""
    stage, sight = locked(tmp_path)

    for parts, met in ((wrong, False), (right, True)):
        (found,) = findings(then(breach={"rule": "RULE-003", **parts}), sight)
        assert found.met is met
    stage.end()


def then(**words):
    return msgspec.convert(words, Then)


def locked(folder: Path) -> tuple[RigStage, Sight]:
    start = times.start("2025-10-29 12:00 America/Chicago")
    stage = RigStage(folder, start)
    account = ACCOUNTS["A"]
    stage.start({"defaults": {"rules": {"daily_realized_loss": {"max_loss_usd": 500}}}}, None)
    stage.fill(account, "CON.F.US.MNQ.Z25", Decimal(-500), Decimal(0))
    stage.settle()
    journal = stage.journal(account)
    sight = Sight(
        status=stage.status(account),
        held={},
        working=[],
        received=[],
        in_order=True,
        journal=journal,
        news=journal,
        now=start,
        product=str,
    )
    return stage, sight


def test_a_time_of_day_is_the_next_one():
    """From now on: the present instant counts, and what is past is tomorrow's."""
    now = times.start("2025-10-29 12:00 America/Chicago")

    assert times.moment("12:00", now) == now
    assert times.moment("11:59:59", now) == times.start("2025-10-30 11:59:59 America/Chicago")
    assert times.moment("2025-11-03 09:30", now) == times.start("2025-11-03 09:30 America/Chicago")


def test_the_guide_names_every_word():
    """What can be written can be looked up."""
    guide = GUIDE.read_text()
    fields = {
        name
        for kind in (Given, Step, Then, LockoutSeen, BreachSeen, *WORDS.values())
        for name in kind.__struct_fields__
    }

    assert sorted(name for name in fields if f"`{name}`" not in guide) == []


def test_every_acceptance_scenario_of_the_rules_has_a_file():
    """Which of them a file shows; what is not here is shown by tests in Python (S-79, S-84, S-100)."""
    covered = {number for path in FILES for number in read(path).file.covers}
    wanted = (
        "01 02 03 04 06 07 08 09 11 12 13 14 15 16 17 18 19 20 21 22 24 25 26 27 29 30 31 32 33 34 "
        "35 36 37 38 39 40 42 44 45 46 47 49 50 52 53 54 55 56 57 58 59 60 61 63 64 65 65c 65d 66 "
        "67 69 70 71 72 73 74 75 77 78 80b 81 83 85 86 87 88 88b 89 93 94 95 97 99 101 105"
    )

    assert {f"S-{number}" for number in wanted.split()} - covered == set()


def test_every_rule_has_a_file():
    """None of the thirteen is left out."""
    used = {key for path in FILES for key in read(path).file.given.rules}

    assert {rule.key for rule in all_rules()} - used == set()
