"""Going over to changed rules, decided by the core alone: every part, product locks, crossings."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from actors.account.adopting import Origin
from actors.account.core import AccountCore
from actors.account.settings import AccountSettings, RuleSetting
from actors.account.state import AccountState
from actors.rules import max_contracts
from actors.rules.daily_realized_loss import DailyRealizedLoss
from actors.rules.max_contracts import MaxContracts
from actors.rules.rule import Rule, always
from actors.rules.strictness import superset
from actors.rules.trade_frequency_limit import Cooldowns, TradeFrequencyLimit
from messages.commands import AdoptRules, RuleParameters, Woken
from messages.events import (
    AccountLocked,
    AccountOpened,
    EnforcementFinished,
    EnforcementStarted,
    LockoutReleased,
    RulesAdopted,
)
from messages.values import Duty, FactKind, FlatProduct, Lockout, Parameters, ReleaseOn
from tests.account.world import ACCOUNT, DAY, PARAMETERS, SETTINGS, START, World

RESET = DAY.next_reset(START)


class Blocked(Parameters, frozen=True):
    """Products that may not be held."""

    patterns: tuple[str, ...]
    """Product roots."""


BLOCKS = Rule(
    id="RULE-011",
    key="blocked",
    name="Blocked",
    parameters=Blocked,
    listens=always(FactKind.POSITION),
    evaluate=lambda _view, _parameters: None,
    describe=lambda parameters: f"blocks {parameters.patterns}",
    check=lambda _parameters: [],
    strictness={"patterns": superset},
    still_locks=lambda parameters, scope: scope.removeprefix("product:") in parameters.patterns,
)


def blocked(*products):
    return RuleSetting(rule=BLOCKS, parameters=Blocked(patterns=products))


def product_lock(product):
    return Lockout(
        rule="RULE-011",
        scope=f"product:{product}",
        duty=Duty.FLAT,
        until=None,
        release_on=ReleaseOn.CONFIG,
        reason="blocked",
        breach_id="1/b1",
        locked_at=START,
    )


def account(*rules):
    """Return a started core whose RTY and MES are locked by configuration, and its state."""
    state = AccountState.new(ACCOUNT, DAY, gross=False)
    core = AccountCore(replace(SETTINGS, rules=rules), state, epoch="1")
    core.start(START)
    for product in ("RTY", "MES"):
        lock = AccountLocked(
            **head(),
            enforcement_id="1/e1",
            lockout=product_lock(product),
            flat_confirmed=True,
        )
        state.evolve(lock)
    return core, state


def head():
    return {"account": ACCOUNT, "at": START, "cause": "test"}


def recorded(sends, kind):
    events = [event for to, append in sends if to == "journal" for event in append.events]
    return [each for each in events if isinstance(each, kind)]


def wake(core, at):
    return core.handle(Woken(at=at, cause="clock", key="reset"), at)


@pytest.mark.parametrize(
    ("rules", "left"),
    [
        ((blocked("RTY", "MES"),), {"product:RTY", "product:MES"}),
        ((blocked("RTY"),), {"product:RTY"}),
        ((), set()),
    ],
)
def test_a_product_is_unlocked_at_the_first_reset_at_which_no_file_blocks_it(rules, left):
    """Not by the reload, not a microsecond before the reset, and only those that are free."""
    core, state = account(blocked("RTY", "MES"))
    core._adopting.asked = replace(
        SETTINGS, rules=rules
    )  # a reload queues this; the rule itself is of another module

    early = wake(core, RESET - timedelta(microseconds=1))
    assert recorded(early, LockoutReleased) == []
    assert len(state.lockouts) == 2
    sends = wake(core, RESET)

    assert {scope for _, scope in state.lockouts} == left
    released = recorded(sends, LockoutReleased)
    assert {each.released_by for each in released} == ({"config"} if len(left) < 2 else set())


def test_a_reload_without_the_rule_unlocks_no_product_before_the_reset():
    """I9 for the one kind of lock that ends by the configuration."""
    core, state = account(blocked("RTY", "MES"))

    sends = core.handle(AdoptRules(**head(), config="changed", rules=()), START)
    assert recorded(sends, LockoutReleased) == []
    assert len(state.lockouts) == 2

    assert len(recorded(wake(core, RESET), LockoutReleased)) == 2


def test_a_rule_that_cannot_say_keeps_its_locks():
    """Without `still_locks` a rule that is on keeps what it has locked."""
    mute = RuleSetting(rule=replace(BLOCKS, still_locks=None), parameters=Blocked(patterns=()))
    core, state = account(mute)

    wake(core, RESET)

    assert len(state.lockouts) == 2


def test_a_reset_that_was_missed_releases_at_the_start():
    """Down over the reset with a changed file: the day begins with it."""
    _, state = account(blocked("RTY", "MES"))

    again = AccountCore(replace(SETTINGS, rules=(blocked("RTY"),)), state, epoch="2")
    again.start(RESET)

    assert {scope for _, scope in state.lockouts} == {"product:RTY"}


def test_every_part_of_an_account_works_by_the_same_settings():
    """One that kept the old ones would judge or enforce by what is no longer in force."""
    world = World()
    world.drain()

    world.adopt(RULE_001=MaxContracts(limit=1), RULE_003=PARAMETERS["RULE-003"])
    world.drain()

    core = world.account
    parts = [core, *vars(core).values()]
    held = [
        value
        for part in parts
        for name in ("settings", "_settings")
        if isinstance(value := getattr(part, name, None), AccountSettings)
    ]
    assert len(held) == 5
    assert all(each is held[0] for each in held)


def test_a_last_judgement_by_the_old_rules_opens_nothing():
    """Verdicts asked for before a reload no longer count; those after it do."""
    world = World()
    while not world.queues["rule"]:
        world.step(world.pending()[0])
    asked_before = len(world.queues["rule"])

    world.adopt(
        **{key.replace("-", "_"): each for key, each in PARAMETERS.items() if key != "RULE-003"},
        RULE_003=DailyRealizedLoss(max_loss_usd=Decimal(1), include_open_loss=False),
    )
    world.step("account")
    for _ in range(asked_before):
        world.step("rule")
    while world.queues["account"]:
        world.step("account")
    assert opened(world) == []
    world.drain()

    assert len(opened(world)) == 1


def test_a_judgement_from_before_a_reload_opens_nothing_after_an_enforcement():
    """A slow rule's old verdict comes when the cap is reached and the new rules are not yet asked."""
    world = World()
    world.set_position("CON.F.US.MNQ.Z25", 8)
    while not world.queues["rule"]:
        world.step(world.pending()[0])
    world.step("rule")
    world.step("account")
    assert world.account.state.enforcement

    world.adopt(RULE_003=DailyRealizedLoss(max_loss_usd=Decimal(1), include_open_loss=False))
    while not finished(world):
        world.step(next(each for each in world.pending() if each != "rule"))
    while world.queues["rule"]:
        world.step("rule")
    while world.queues["account"]:
        world.step("account")
    assert opened(world) == []
    world.drain()

    assert len(opened(world)) == 1


def test_a_rule_that_stands_twice_owes_two_answers():
    """The account opens when old and new parameters of it have both been judged."""
    world = World()
    world.drain()
    world.adopt(RULE_001=MaxContracts(limit=4), RULE_003=PARAMETERS["RULE-003"])
    world.fill(-100)
    world.drain()
    before = len(opened(world))
    world.advance(300)
    while not world.queues["rule"]:
        world.step(world.pending()[0])
    asked = [each for _, each in world.queues["rule"]]
    assert [type(each.parameters) for each in asked[:2]] == [MaxContracts, MaxContracts]

    # the second setting of the rule that stands twice is slow: all others answer before it
    world.queues["rule"].rotate(-2)
    world.queues["rule"].rotate(1)
    slow = world.queues["rule"].popleft()
    while world.queues["rule"]:
        world.step("rule")
    while world.queues["account"]:
        world.step("account")
    assert len(opened(world)) == before
    world.queues["rule"].append(slow)
    world.drain()

    assert len(opened(world)) == before + 1


def opened(world):
    return [each for each in world.account_events() if isinstance(each, AccountOpened)]


def test_an_account_says_which_rules_it_adopted_with_their_own_types():
    """What is journaled is what a file would say, decimals as text."""
    world = World()
    world.drain()

    (adopted,) = [each for each in world.account_events() if isinstance(each, RulesAdopted)]

    stored = {each.rule: msgspec.json.decode(each.parameters) for each in adopted.rules}
    assert stored["RULE-003"] == {
        "enabled": True,
        "max_loss_usd": "500",
        "include_open_loss": False,
    }


def finished(world):
    return [each for each in world.account_events() if isinstance(each, EnforcementFinished)]


def test_a_rule_switched_on_where_none_was_is_said_to_be_applied():
    """Nothing was in force: what the reload brings is a change all the same."""
    core, _ = account()
    rule = RuleParameters(rule="RULE-001", parameters=MaxContracts(limit=2))
    command = AdoptRules(**head(), config="changed", rules=(rule,))

    (adopted,) = recorded(core.handle(command, START), RulesAdopted)

    assert [each.split(":")[0] for each in adopted.applied] == ["RULE-001 on"]


def test_the_first_start_changes_nothing():
    """What a new account is guarded by is said by `AccountGuarded`, not as a change."""
    state = AccountState.new(ACCOUNT, DAY, gross=False)

    sends = AccountCore(SETTINGS, state, epoch="1").start(START)

    assert [each.applied for each in recorded(sends, RulesAdopted)] == [()]


def test_a_configured_lock_still_to_come_is_given_up_at_the_reset_that_unblocks_it():
    """Intended yesterday, its product closed, not applied yet: today's rules no longer ask for it."""
    core, state = account(blocked("RTY", "MES"))
    started = EnforcementStarted(
        **head(),
        enforcement_id="1/e2",
        breaches=("1/b2",),
        targets=(FlatProduct(product="NQ"), FlatProduct(product="MES")),
        lockouts=(product_lock("NQ"), product_lock("MES")),
        deadline_at=START,
    )
    state.evolve(started)

    sends = core.handle(Woken(at=RESET, cause="wake", key="reset"), RESET)

    assert [each.scope for each in recorded(sends, LockoutReleased)] == ["product:NQ"]
    assert [each.scope for each in state.enforcement.pending] == ["product:MES"]
    assert state.enforcement.targets == started.targets, "what a breach demands stays"


def test_of_two_trade_limits_in_force_the_longest_lock_wins():
    """Locked for 600 s by the old limits; the new ones lock longer, but count entries only."""
    world = World()
    world.drain()
    for _ in range(4):
        world.trade("CON.F.US.MNQ.Z25", 1)
    world.drain()
    (before,) = world.account.state.lockouts.values()
    cooldowns = Cooldowns(per_minute=1800)
    longer = TradeFrequencyLimit(per_minute=3, cooldown_s=cooldowns, count_exits=False)

    world.adopt(RULE_006=longer)
    world.drain()

    assert len([each for each in world.account._settings.rules if each.rule.id == "RULE-006"]) == 2
    (after,) = world.account.state.lockouts.values()
    assert (before.until, after.until) == (
        START + timedelta(seconds=600),
        START + timedelta(seconds=1800),
    )


def total(limit):
    """Return the rule of all contracts with a limit."""
    return RuleSetting(rule=max_contracts.RULE, parameters=MaxContracts(limit=limit))


def applied(core_or_sends):
    """Return what the last record of the rules in force says has changed."""
    return recorded(core_or_sends, RulesAdopted)[-1].applied


def began(earlier, file, *, trading_date=None):
    """Start an account whose journal knows earlier rules; return the core and what left."""
    state = AccountState.new(ACCOUNT, DAY, gross=False)
    state.trading_date = trading_date
    origin = Origin(config="file", earlier=earlier)
    core = AccountCore(replace(SETTINGS, rules=file), state, epoch="1", origin=origin)
    return core, core.start(START)


def test_the_first_rules_ever_are_no_change():
    """There was nothing before them."""
    _, sends = began((), (total(5),))

    assert applied(sends) == ()


def test_a_start_on_a_new_day_says_what_has_changed_since_the_last():
    """The file alone counts then, looser or not."""
    _, sends = began((total(5),), (total(9),))

    assert applied(sends) == ("RULE-001 limit 5 → 9",)


def test_a_start_on_the_same_day_loosens_nothing_and_says_what_waits():
    """What was in force is, and the file is queued."""
    _, sends = began((total(5),), (total(9),), trading_date=DAY.label(START))

    (adopted,) = recorded(sends, RulesAdopted)
    assert (adopted.applied, adopted.queued) == ((), ("RULE-001 limit 5 → 9 at the reset",))


def test_the_reset_says_what_has_changed_since_the_rules_in_force():
    """Not since those of the start: the reload in between has said its own part."""
    core, _ = began((total(5),), (total(5),), trading_date=DAY.label(START))
    parameters = RuleParameters(rule="RULE-001", parameters=MaxContracts(limit=9))
    reloaded = core.handle(AdoptRules(**head(), config="changed", rules=(parameters,)), START)
    assert applied(reloaded) == ()

    assert applied(wake(core, RESET)) == ("RULE-001 limit 5 → 9",)
    assert applied(wake(core, RESET + timedelta(days=1))) == ()
