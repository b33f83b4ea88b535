"""What a changed configuration may do at once: comparisons of parameters, and what is in force of two."""

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.account.rulebook import applied, combined, queued, restored, written
from actors.account.settings import RuleSetting
from actors.rules import registry
from actors.rules.cooldown_after_loss import CooldownAfterLoss, Tier
from actors.rules.daily_realized_loss import DailyRealizedLoss
from actors.rules.daily_realized_profit import DailyRealizedProfit
from actors.rules.max_contracts import MaxContracts
from actors.rules.max_contracts_per_instrument import MaxContractsPerInstrument
from actors.rules.session_block_outside import ProductHours, SessionBlockOutside
from actors.rules.strictness import each_key, higher, lower, ranked, same, superset, table, true
from actors.rules.trade_management import TradeManagement, Trailing
from messages.events import RulesAdopted
from messages.values import Order, OrderStatus, OrderType, Side
from tests.rules.pictures import CONTEXT, NOW, held, view

OTHER = replace(
    CONTEXT, calendar=replace(CONTEXT.calendar, holidays=frozenset({NOW.date()}), source="another")
)


def setting(parameters):
    rule = next(each for each in registry.all_rules() if each.parameters is type(parameters))
    assert rule.check(parameters) == []
    return RuleSetting(rule=rule, parameters=rule.resolve(parameters, CONTEXT))


def in_force(*files):
    """Return the parameters in force after one file, then another, and so on."""
    held = ()
    for file in files:
        held = combined(held, tuple(map(setting, file)))
    return held


@pytest.mark.parametrize("rule", registry.all_rules(), ids=lambda rule: rule.key)
def test_every_parameter_says_which_value_is_the_stricter(rule):
    """A new field without a declaration would be judged twice after each change: say it once."""
    assert set(rule.parameters.__struct_fields__) - {"enabled"} <= set(rule.strictness)


@pytest.mark.parametrize("rule", registry.all_rules(), ids=lambda rule: rule.key)
def test_what_a_rule_refers_to_can_be_written_down(rule):
    """Otherwise a restart would look it up in files that may be others by then."""
    adds = rule.resolve is not type(rule).__dataclass_fields__["resolve"].default

    assert (rule.keep is not None, rule.recall is not None) == (adds, adds)


# --- comparisons, one step inside, at and beyond ------------------------------------------------


@dataclass
class Limits:
    """A table of one field."""

    __struct_fields__ = ("x",)
    x: object


@pytest.mark.parametrize(
    ("compare", "old", "new", "as_strict"),
    [
        (lower, 5, 4, True),
        (lower, 5, 5, True),
        (lower, 5, 6, False),
        (lower, None, 6, True),
        (lower, 5, None, False),
        (lower, None, None, True),
        (higher, 60, 61, True),
        (higher, 60, 60, True),
        (higher, 60, 59, False),
        (higher, None, 1, True),
        (higher, 60, None, False),
        (true, False, True, True),
        (true, True, True, True),
        (true, True, False, False),
        (superset, ("RTY",), ("rty", "MNQ*"), True),
        (superset, ("RTY", "MNQ*"), ("RTY",), False),
        (superset, ("RTY", "MNQ*"), ("mnq*", "rty"), True),
        (superset, ("RTY",), ("R*",), False),
        (same, "09:00", "09:00", True),
        (same, "09:00", "09:01", False),
        (ranked("net", "gross"), "net", "gross", True),
        (ranked("net", "gross"), "gross", "gross", True),
        (ranked("net", "gross"), "gross", "net", False),
        (each_key(lower), {"a": 5}, {"a": 5, "b": 1}, True),
        (each_key(lower), {"a": 5, "b": 1}, {"a": 4}, False),
        (each_key(lower), {"a": 5}, {"a": 6}, False),
        (table(x=lower), None, Limits(5), True),
        (table(x=lower), Limits(5), None, False),
        (table(x=lower), Limits(5), Limits(5), True),
        (table(x=lower), Limits(5), Limits(6), False),
        (table(), Limits(5), Limits(4), False),
    ],
)
def test_a_comparison_is_exact(compare, old, new, as_strict):
    """Equal is as strict; a missing limit is the loosest; what is not declared is not comparable."""
    assert compare("x", Limits(new), Limits(old)) is as_strict


LOSS = DailyRealizedLoss(max_loss_usd=Decimal(500))
PER = MaxContractsPerInstrument(limits={"MNQ": 2}, default_limit=3)
TIERS = CooldownAfterLoss()


def tiers(*steps):
    return CooldownAfterLoss(
        tiers=tuple(Tier(loss_usd=Decimal(loss), cooldown_s=seconds) for loss, seconds in steps)
    )


@pytest.mark.parametrize(
    ("old", "new", "stays"),
    [
        (LOSS, DailyRealizedLoss(max_loss_usd=Decimal("499.99")), "new"),
        (LOSS, DailyRealizedLoss(max_loss_usd=Decimal(500)), "new"),
        (LOSS, DailyRealizedLoss(max_loss_usd=Decimal("500.01")), "old"),
        (LOSS, DailyRealizedLoss(max_loss_usd=Decimal(500), include_open_loss=False), "old"),
        (LOSS, DailyRealizedLoss(max_loss_usd=Decimal(400), include_open_loss=False), "both"),
        (
            DailyRealizedProfit(target_usd=Decimal(1000)),
            DailyRealizedProfit(target_usd=Decimal(1000), message="Enough"),
            "new",
        ),
        (MaxContracts(limit=5), MaxContracts(limit=5, action="close_all"), "new"),
        (MaxContracts(limit=5, count="gross"), MaxContracts(limit=4), "both"),
        (PER, MaxContractsPerInstrument(limits={"MNQ": 1}, default_limit=3), "new"),
        (PER, MaxContractsPerInstrument(limits={"MNQ": 3}, default_limit=3), "old"),
        (PER, MaxContractsPerInstrument(limits={}, default_limit=2), "new"),
        (PER, MaxContractsPerInstrument(limits={}, default_limit=3), "old"),
        (PER, MaxContractsPerInstrument(limits={"MNQ": 2, "ES": 3}, default_limit=3), "new"),
        (PER, MaxContractsPerInstrument(limits={"MNQ": 2, "ES": 4}, default_limit=3), "old"),
        (PER, MaxContractsPerInstrument(limits={"MNQ": 2}, unknown="block"), "new"),
        (PER, MaxContractsPerInstrument(limits={"MNQ": 2}, unknown="allow"), "old"),
        (PER, MaxContractsPerInstrument(limits={"MNQ": 3}, unknown="block"), "both"),
        (TIERS, tiers((100, 300), (200, 900), (300, 1801)), "new"),
        (TIERS, tiers((99, 1800)), "new"),
        (TIERS, tiers((101, 1800)), "both"),
        (TIERS, tiers((100, 300), (200, 900)), "old"),
        (TIERS, tiers((100, 299), (200, 900), (300, 1800)), "old"),
        (
            SessionBlockOutside(start="09:00", end="14:00"),
            SessionBlockOutside(start="10:00", end="13:00"),
            "both",
        ),
    ],
)
def test_the_stricter_of_two_settings_is_in_force(old, new, stays):
    """A looser one waits; where each forbids what the other allows, both are judged."""
    expected = {"new": [new], "old": [old], "both": [old, new]}[stays]

    held = in_force([old], [new])

    assert [each.parameters for each in held] == [setting(each).parameters for each in expected]
    assert bool(queued(held, (setting(new),))) is (stays != "new")


def test_a_rule_that_left_stays_and_one_that_came_is_in_force():
    """Off is the loosest setting of all."""
    held = in_force([LOSS], [PER])

    assert [each.rule.id for each in held] == ["RULE-002", "RULE-003"]
    assert queued(held, (setting(PER),)) == ("RULE-003 off at the reset",)


def test_what_was_loosened_and_tightened_again_leaves_one_setting():
    """The set of settings does not grow with every reload."""
    files = [[MaxContracts(limit=limit)] for limit in (5, 9, 7, 3, 8)]

    assert [each.parameters.limit for each in in_force(*files)] == [3]


def test_a_calendar_that_changed_under_the_same_words_is_judged_beside_the_old():
    """Hours are what they resolve to: the same file over another calendar is another setting."""
    hours = SessionBlockOutside(start="09:00", end="14:00")
    old = setting(hours)
    emptied = msgspec.structs.replace(
        old.parameters,
        everywhere=setting(SessionBlockOutside(start="09:00", end="14:01")).parameters.everywhere,
    )
    new = RuleSetting(rule=old.rule, parameters=emptied)

    held = combined((old,), (new,))

    assert held == (old, new)
    (line,) = queued(held, (new,))
    assert "calendar" in line


@pytest.mark.parametrize(("calendar", "told"), [(CONTEXT, False), (OTHER, True)])
def test_hours_that_came_to_be_fewer_under_the_same_words_are_told(calendar, told):
    """A restart on a holiday that the journal did not know; hours merely written down are the same."""
    hours = SessionBlockOutside(start="09:00", end="14:00")
    kept, _ = restored(adopted(*written((setting(hours),), NOW, view().next_reset)), CONTEXT)
    rule = kept[0].rule
    new = RuleSetting(rule=rule, parameters=rule.resolve(hours, calendar))

    now = combined(kept, (new,))

    assert now == (new,)
    line = "RULE-009 what its parameters refer to (trading day, calendar)"
    assert applied(kept, now) == (line,) * told


def test_changes_are_told_as_a_file_would_write_them():
    """Lines for people: rule, field, before and after."""
    old = in_force([LOSS, PER])
    new = in_force([DailyRealizedLoss(max_loss_usd=Decimal(300)), TIERS])

    assert applied(old, new) == (
        "RULE-002 off",
        "RULE-003 max_loss_usd 500 → 300",
        f"RULE-007 on: {setting(TIERS).rule.describe(TIERS)}",
    )
    wider = MaxContractsPerInstrument(limits={"MNQ": 4}, default_limit=3)
    assert queued(in_force([PER]), (setting(wider),)) == (
        "RULE-002 limits { MNQ = 2 } → { MNQ = 4 } at the reset",
    )


# --- properties over sample pictures ------------------------------------------------------------

USD = st.integers(1, 12).map(lambda hundreds: Decimal(hundreds * 100))
CONTRACTS = st.integers(1, 6)
WALL = st.sampled_from(["00:00", "08:00", "09:00", "12:00", "14:00", "16:00", "23:59"])
DAYS = st.sets(st.sampled_from(["mon", "tue", "wed", "thu", "fri"]), min_size=1)
HOURS = st.builds(
    ProductHours,
    start=st.sampled_from(["sun 18:00", "wed 09:00"]),
    end=st.sampled_from(["wed 13:00", "fri 17:00"]),
)
PARAMETERS = {
    "max_contracts": st.builds(
        MaxContracts,
        limit=CONTRACTS,
        count=st.sampled_from(["net", "gross"]),
        action=st.sampled_from(["reduce", "close_all"]),
    ),
    "max_contracts_per_instrument": st.builds(
        MaxContractsPerInstrument,
        limits=st.dictionaries(st.sampled_from(["MNQ", "ES", "RTY"]), CONTRACTS),
        default_limit=CONTRACTS,
        unknown=st.sampled_from(["default_limit", "block", "allow"]),
        action=st.sampled_from(["reduce", "close"]),
    ),
    "daily_realized_loss": st.builds(
        DailyRealizedLoss, max_loss_usd=USD, include_open_loss=st.booleans()
    ),
    "cooldown_after_loss": st.builds(
        lambda losses, seconds: tiers(*zip(sorted(losses), sorted(seconds), strict=False)),
        st.sets(USD, min_size=1, max_size=4),
        st.lists(st.sampled_from([60, 300, 900, 1800]), min_size=4, max_size=4),
    ),
    "session_block_outside": st.builds(
        SessionBlockOutside,
        start=WALL,
        end=WALL,
        days=DAYS.map(lambda days: tuple(sorted(days))),
        holidays=st.booleans(),
        products=st.dictionaries(st.sampled_from(["MNQ", "ES"]), HOURS),
    ).filter(lambda hours: hours.start != hours.end),
    "daily_realized_profit": st.builds(
        DailyRealizedProfit, target_usd=USD, message=st.sampled_from(["Done", "Enough"])
    ),
}
ROOTS = st.sampled_from(["MNQ", "EP", "RTY"])
PICTURES = st.builds(
    lambda realised, held, losses, hours: view(
        realised=realised,
        positions=[(root, size, pnl) for root, (size, pnl) in held.items()],
        fills=[(number, loss, False) for number, loss in enumerate(losses)],
        at=NOW + timedelta(minutes=hours * 30),
    ),
    st.integers(-13, 13).map(lambda hundreds: hundreds * 100),
    st.dictionaries(
        ROOTS, st.tuples(st.integers(-8, 8).filter(bool), st.sampled_from(["-300", "0", None]))
    ),
    st.lists(st.integers(-13, 1).map(lambda hundreds: hundreds * 100), max_size=3),
    st.integers(-48, 48),
)


def verdicts(settings, picture):
    found = (each.rule.evaluate(picture, each.parameters) for each in settings)
    return [breach for breach in found if breach]


def checks(settings, picture):
    dues = [(each.rule.next_check, each.parameters) for each in settings]
    return [check(picture, parameters) for check, parameters in dues if check]


def adopted(*rules):
    return RulesAdopted(account=1, at=NOW, cause="x", config="", rules=rules, applied=(), queued=())


def end(breaches):
    """Return the latest end of the lockouts that breaches ask for."""
    ends = [lock.until for breach in breaches for lock in breach.lockouts if lock.until]
    return max(ends, default=None)


@pytest.mark.parametrize("key", PARAMETERS)
@given(data=st.data())
def test_what_either_file_forbids_is_forbidden(key, data):
    """Whatever picture: a breach under what was in force or under the new file is one, as long."""
    files = data.draw(st.lists(PARAMETERS[key], min_size=2, max_size=3))
    picture = data.draw(PICTURES)
    held = in_force(*([each] for each in files))

    alone = [breach for each in files for breach in verdicts([setting(each)], picture)]
    together = verdicts(held, picture)

    assert bool(together) is bool(alone)
    assert end(together) == end(alone)


@pytest.mark.parametrize("key", PARAMETERS)
@given(data=st.data())
def test_nothing_is_judged_that_no_file_has_said(key, data):
    """What is in force stands in a file, once; the last file alone remains at the reset."""
    files = data.draw(st.lists(PARAMETERS[key], min_size=2, max_size=4))
    said = [setting(each) for each in files]
    held = in_force(*([each] for each in files))

    assert all(each in said for each in held)
    assert len({repr(each.parameters) for each in held}) == len(held)
    assert combined((), (said[-1],)) == (said[-1],)
    assert bool(queued(held, (said[-1],))) is (held != (said[-1],))


@pytest.mark.parametrize("key", PARAMETERS)
@given(data=st.data())
def test_what_the_journal_keeps_judges_as_it_did(key, data):
    """A restart judges by exactly what was in force, to the end of the day, whatever is asked when."""
    held = in_force(*([each] for each in data.draw(st.lists(PARAMETERS[key], max_size=3))))
    picture = data.draw(PICTURES.filter(lambda each: NOW <= each.at < each.next_reset))
    kept, wrong = restored(adopted(*written(held, NOW, picture.next_reset)), OTHER)

    assert wrong == []
    assert verdicts(kept, picture) == verdicts(held, picture)
    assert checks(kept, picture) == checks(held, picture)
    assert combined(kept, held) == held


def test_what_an_earlier_build_kept_counts_by_the_calendar_of_now_and_is_told():
    """Without the hours nobody knows whether they were these: never silently."""
    old = setting(SessionBlockOutside(start="09:00", end="14:00"))
    (bare,) = written((old,), NOW, NOW)
    kept, wrong = restored(adopted(msgspec.structs.replace(bare, resolved=None)), CONTEXT)

    assert kept == (old,)
    assert [text.split()[0] for text in wrong] == ["RULE-009"]


def test_a_closer_trail_does_not_replace_a_wider_one():
    """Best 130, back at 125: 10 ticks behind moves a new stop to 120, 4 would be beyond the mark."""
    wide = TradeManagement(trailing=Trailing(activate_ticks=20, trail_ticks=10))
    close = TradeManagement(trailing=Trailing(activate_ticks=20, trail_ticks=4))
    stop = Order(
        order_id=1,
        contract="CON.F.US.MNQ.Z25",
        side=Side.SELL,
        type=OrderType.STOP,
        status=OrderStatus.OPEN,
        size=1,
        filled=0,
        stop_price=Decimal(110),
    )
    bare = msgspec.structs.replace(
        view(),
        positions=(held("MNQ", 1, entry="100", mark="125", best="130", tick="1"),),
        orders=(stop,),
    )
    rules = combined(combined((), (setting(wide),)), (setting(close),))
    moves = [move for each in rules for move in each.rule.manage(bare, each.parameters)]
    assert [move.stop_price for move in moves] == [Decimal(120)]
