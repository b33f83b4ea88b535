"""What a rule asks for, listens to and says: mutants had got away with it beside the boundaries."""

from decimal import Decimal

import pytest

from actors.rules import registry
from actors.rules.cooldown_after_loss import CooldownAfterLoss, Tier
from actors.rules.daily_realized_loss import DailyRealizedLoss
from actors.rules.max_contracts import MaxContracts
from actors.rules.max_contracts_per_instrument import MaxContractsPerInstrument
from messages.values import (
    ACCOUNT_SCOPE,
    BreachCode,
    CapAccount,
    CapProduct,
    Duty,
    FactKind,
    FlatAccount,
    FlatProduct,
    ReleaseOn,
)
from tests.rules.pictures import verdict, view

LOSS = DailyRealizedLoss(max_loss_usd=Decimal(500))
REALISED_ONLY = DailyRealizedLoss(max_loss_usd=Decimal(500), include_open_loss=False)
TWO = {"limits": {"MNQ": 2}, "default_limit": 3}


def rule_of(parameters):
    return next(each for each in registry.all_rules() if each.parameters is type(parameters))


@pytest.mark.parametrize(
    ("realised", "open_", "code", "value"),
    [
        ("-500", "0", BreachCode.DAILY_REALIZED_LOSS, "-500"),
        ("-500", "90", BreachCode.DAILY_REALIZED_LOSS, "-500"),
        ("-499.99", "-0.01", BreachCode.DAILY_LOSS_WITH_OPEN, "-500"),
        ("-400", "-150", BreachCode.DAILY_LOSS_WITH_OPEN, "-550"),
        ("100", "-600", BreachCode.DAILY_LOSS_WITH_OPEN, "-500"),
    ],
)
def test_the_days_loss_says_which_sum_broke_it_and_how_large_it_is(realised, open_, code, value):
    """Realised alone comes first; the open loss is added, never taken off."""
    found = verdict(LOSS, view(realised=realised, positions=[("MNQ", 1, open_)]))

    assert (found.code, found.value, found.limit) == (code, Decimal(value), Decimal(-500))
    assert found.targets == (FlatAccount(),)
    (lock,) = found.lockouts
    assert (lock.scope, lock.duty, lock.release_on) == (
        ACCOUNT_SCOPE,
        Duty.FLAT,
        ReleaseOn.RESET,
    )


def test_an_open_profit_does_not_hide_a_loss_and_an_unknown_one_is_not_added():
    """-400 with +300 open is fine, -400 with an open loss nobody can value is judged as -400."""
    assert verdict(LOSS, view(realised="-400", positions=[("MNQ", 1, "300")])) is None
    assert verdict(LOSS, view(realised="-400", positions=[("MNQ", 1, None)])) is None
    assert verdict(REALISED_ONLY, view(realised="-400", positions=[("MNQ", 1, "-300")])) is None


def test_the_days_loss_listens_to_prices_only_where_they_count():
    """Without the open loss a quote is nobody's business."""
    listens = rule_of(LOSS).listens

    assert listens(LOSS) == {FactKind.TRADE, FactKind.POSITION, FactKind.QUOTE}
    assert listens(REALISED_ONLY) == {FactKind.TRADE}


def test_a_description_says_which_way_a_parameter_points():
    """A person reads it at the start: the two ways must not be mixed up."""
    said = [
        rule_of(each).describe(each)
        for each in (
            LOSS,
            REALISED_ONLY,
            MaxContracts(limit=5),
            MaxContracts(limit=5, action="close_all"),
        )
    ]

    assert "realised, or realised and open, loss of $500.00" in said[0]
    assert "day's realised loss of $500.00" in said[1]
    assert "more than 5 contracts (net): reduces the largest position first" in said[2]
    assert "more than 5 contracts (net): closes all" in said[3]


@pytest.mark.parametrize(
    ("parameters", "targets"),
    [
        (MaxContracts(limit=2), (CapAccount(limit=2, count="net"),)),
        (MaxContracts(limit=2, count="gross"), (CapAccount(limit=2, count="gross"),)),
        (MaxContracts(limit=2, action="close_all"), (FlatAccount(),)),
        (MaxContractsPerInstrument(**TWO), (CapProduct(product="MNQ", limit=2),)),
        (MaxContractsPerInstrument(**TWO, action="close"), (FlatProduct(product="MNQ"),)),
    ],
)
def test_a_contract_limit_asks_for_what_its_action_says(parameters, targets):
    """Reduce is a cap, close is flat; neither locks."""
    found = verdict(parameters, view(positions=[("MNQ", 3, "0")]))

    assert (found.targets, found.lockouts) == (targets, ())
    assert found.value == Decimal(3)
    assert found.limit == Decimal(2)


def test_a_cooldown_is_flat_for_the_account_until_its_tier_is_over():
    """By time, from the loss."""
    found = verdict(CooldownAfterLoss(), view(fills=[(1, "-200", False)]))

    (lock,) = found.lockouts
    assert found.targets == (FlatAccount(),)
    assert (lock.scope, lock.duty, lock.release_on) == (ACCOUNT_SCOPE, Duty.FLAT, ReleaseOn.TIME)
    assert (found.value, found.limit) == (Decimal(-200), Decimal(-200))
    assert (lock.until - view().at).total_seconds() == 900


@pytest.mark.parametrize(
    ("unknown", "positions", "code", "value", "limit", "targets"),
    [
        (
            "default_limit",
            [("MNQ", 4, "0"), ("RTY", 7, "0")],
            BreachCode.MAX_CONTRACTS_PER_INSTRUMENT,
            7,
            3,
            {CapProduct(product="MNQ", limit=2), CapProduct(product="RTY", limit=3)},
        ),
        (
            "default_limit",
            [("MNQ", 9, "0"), ("RTY", 4, "0")],
            BreachCode.MAX_CONTRACTS_PER_INSTRUMENT,
            9,
            2,
            {CapProduct(product="MNQ", limit=2), CapProduct(product="RTY", limit=3)},
        ),
        (
            "block",
            [("MNQ", 3, "0"), ("RTY", 5, "0")],
            BreachCode.UNKNOWN_INSTRUMENT,
            5,
            0,
            {CapProduct(product="MNQ", limit=2), FlatProduct(product="RTY")},
        ),
        (
            "block",
            [("MNQ", 9, "0")],
            BreachCode.MAX_CONTRACTS_PER_INSTRUMENT,
            9,
            2,
            {CapProduct(product="MNQ", limit=2)},
        ),
    ],
)
def test_every_product_over_its_limit_is_a_target_and_the_worst_is_named(
    unknown, positions, code, value, limit, targets
):
    """The largest excess gives value, limit and code; a blocked product goes entirely."""
    parameters = MaxContractsPerInstrument(limits={"MNQ": 2}, default_limit=3, unknown=unknown)

    found = verdict(parameters, view(positions=positions))

    assert (found.code, found.value, found.limit) == (code, Decimal(value), Decimal(limit))
    assert ("not allowed" in found.reason) is (code is BreachCode.UNKNOWN_INSTRUMENT)
    assert set(found.targets) == targets


def test_a_limit_of_one_is_a_cap_at_one():
    """Not a close."""
    found = verdict(
        MaxContractsPerInstrument(limits={"MNQ": 1}, unknown="allow"),
        view(positions=[("MNQ", 2, "0")]),
    )

    assert found.targets == (CapProduct(product="MNQ", limit=1),)


@pytest.mark.parametrize(
    ("action", "says"), [("reduce", "reduces to the limit"), ("close", "closes the product")]
)
def test_a_product_limit_says_what_it_does(action, says):
    """Reduce or close."""
    parameters = MaxContractsPerInstrument(**TWO, action=action)

    assert says in rule_of(parameters).describe(parameters)


@pytest.mark.parametrize(
    ("loss", "limit", "seconds"),
    [("-100", -100, 300), ("-200", -200, 900), ("-300", -300, 1800)],
)
def test_the_default_tiers_are_those_of_the_rules(loss, limit, seconds):
    """100 for 5 minutes, 200 for 15, 300 for 30."""
    inside = verdict(CooldownAfterLoss(), view(fills=[(1, str(Decimal(loss) + 1), False)]))
    found = verdict(CooldownAfterLoss(), view(fills=[(1, loss, False)]))

    assert inside is None or inside.limit > limit
    assert found.limit == Decimal(limit)
    assert (found.lockouts[0].until - view().at).total_seconds() == seconds


@pytest.mark.parametrize(
    ("deeper", "fine"),
    [((200, 300), True), ((200, 301), True), ((200, 299), False), ((100, 600), False)],
)
def test_a_deeper_tier_cools_no_shorter_and_no_two_begin_at_one_loss(deeper, fine):
    """As long is fine; shorter, or the same loss twice, cannot be meant."""
    tiers = tuple(
        Tier(loss_usd=Decimal(loss), cooldown_s=seconds) for loss, seconds in ((100, 300), deeper)
    )
    parameters = CooldownAfterLoss(tiers=tiers)

    assert (rule_of(parameters).check(parameters) == []) is fine


@pytest.mark.parametrize(("seconds", "fine"), [(604_800, True), (604_801, False)])
def test_a_cooldown_lasts_a_week_at_most(seconds, fine):
    """A week is fine, a second more is refused."""
    parameters = CooldownAfterLoss(tiers=(Tier(loss_usd=Decimal(1), cooldown_s=seconds),))

    assert (rule_of(parameters).check(parameters) == []) is fine


def test_of_two_losses_the_longer_cooldown_counts():
    """Two orders that one fact filled: the deeper loss cools longer."""
    found = verdict(CooldownAfterLoss(), view(fills=[(1, "-100", False), (2, "-350", False)]))

    assert found.value == Decimal(-350)


def test_a_part_without_profit_or_loss_adds_nothing():
    """0 and -100 of one order are -100."""
    found = verdict(CooldownAfterLoss(), view(fills=[(1, "0", False), (1, "-100", False)]))

    assert found.value == Decimal(-100)
