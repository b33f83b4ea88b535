"""RULE-004 and RULE-005 by position: a tick inside, at, beyond; long, short, several, unvalued."""

from decimal import Decimal

import msgspec
import pytest

from actors.account.valuation import open_pnl_usd
from actors.rules.daily_unrealized_loss import DailyUnrealizedLoss
from actors.rules.max_unrealized_profit import MaxUnrealizedProfit
from actors.rules.registry import all_rules
from messages.values import BreachCode, Contract, FlatContract
from tests.rules.pictures import held, verdict, view

LOSS = DailyUnrealizedLoss(max_loss_usd=Decimal(20))
PROFIT = MaxUnrealizedProfit(target_usd=Decimal(500))
TICK_USD = {"MNQ": "0.50", "EP": "12.50"}


def marked(root, size, entry, mark):
    """Return a position valued as the account values it."""
    record = Contract(
        contract=f"CON.F.US.{root}.Z25",
        name=root,
        tick_size=Decimal("0.25"),
        tick_value_usd=Decimal(TICK_USD[root]),
    )
    bare = held(root, size, entry=entry, mark=mark)
    return msgspec.structs.replace(bare, pnl_usd=open_pnl_usd(bare.position, record, Decimal(mark)))


def picture(*positions):
    return msgspec.structs.replace(view(), positions=positions)


def flat(*roots):
    return tuple(FlatContract(contract=f"CON.F.US.{root}.Z25") for root in roots)


@pytest.mark.parametrize(
    ("parameters", "position", "breached"),
    [
        (LOSS, ("MNQ", 2, "21000", "20995.25"), False),
        (LOSS, ("MNQ", 2, "21000", "20995.00"), True),
        (LOSS, ("MNQ", 2, "21000", "20994.75"), True),
        (LOSS, ("MNQ", -1, "21000", "21009.75"), False),
        (LOSS, ("MNQ", -1, "21000", "21010.00"), True),
        (LOSS, ("MNQ", -1, "21000", "21010.25"), True),
        (LOSS, ("MNQ", -1, "21000", "20990"), False),
        (LOSS, ("MNQ", 2, "21000", "21100"), False),
        (PROFIT, ("EP", 1, "6000", "6009.75"), False),
        (PROFIT, ("EP", 1, "6000", "6010.00"), True),
        (PROFIT, ("EP", 1, "6000", "6010.25"), True),
        (PROFIT, ("EP", -1, "6000", "5990.25"), False),
        (PROFIT, ("EP", -1, "6000", "5990.00"), True),
        (PROFIT, ("EP", -1, "6000", "5989.75"), True),
        (PROFIT, ("EP", -1, "6000", "6020"), False),
    ],
)
def test_a_limit_is_exact_for_long_and_short(parameters, position, breached):
    """S-20, S-22, S-25: one tick inside is nothing; at the limit and beyond the contract goes."""
    found = verdict(parameters, picture(marked(*position)))

    assert bool(found) is breached
    if found:
        assert found.targets == flat(position[0])
        assert found.lockouts == ()


def test_a_scale_in_is_judged_at_its_new_average_and_size():
    """2 @ 21000 and 2 @ 20994 are 4 @ 20997: at 20994.75 -18.00 is fine, at 20994.50 -20.00 is not."""
    assert verdict(LOSS, picture(marked("MNQ", 4, "20997", "20994.75"))) is None
    assert verdict(LOSS, picture(marked("MNQ", 4, "20997", "20994.50"))).value == -20


def test_positions_are_judged_one_by_one():
    """S-21: -15 and -15 are nothing; a gain elsewhere excuses nothing and is left alone."""
    small = [held("MNQ", 1, pnl="-15"), held("MES", 1, pnl="-15")]
    assert verdict(LOSS, picture(*small)) is None

    found = verdict(LOSS, picture(held("MNQ", 1, pnl="-25"), held("EP", 1, pnl="500")))

    assert found.targets == flat("MNQ")


def test_two_expiries_are_two_positions():
    """Only the contract that breaks is closed, not its product."""
    near, far = held("MNQ", 1, pnl="-20"), held("MNQ", 1, pnl="-19.50")
    far = msgspec.structs.replace(
        far, position=msgspec.structs.replace(far.position, contract="CON.F.US.MNQ.H26")
    )

    assert verdict(LOSS, picture(near, far)).targets == flat("MNQ")


def test_all_that_break_are_targets_and_the_worst_is_told_with_its_arithmetic():
    """The journal says which position, at which prices, against which limit."""
    found = verdict(
        LOSS, picture(marked("MNQ", 2, "21000", "20994"), marked("EP", -1, "6000", "6001"))
    )

    assert found.targets == flat("EP", "MNQ")
    assert (found.value, found.limit) == (-50, -20)
    assert found.code is BreachCode.DAILY_UNREALIZED_LOSS
    assert found.reason == "Open loss limit exceeded: ES $-50.00 (limit: $-20.00)"
    assert found.measure == ("CON.F.US.EP.Z25 short 1 @ 6000, mark 6001 = $-50.00, Limit: $-20.00")


def test_one_contract_long_is_told_as_long():
    """The arithmetic can be checked by hand."""
    found = verdict(LOSS, picture(marked("MNQ", 1, "21000", "20990")))

    assert found.measure == (
        "CON.F.US.MNQ.Z25 long 1 @ 21000, mark 20990 = $-20.00, Limit: $-20.00"
    )


def test_a_target_that_is_reached_is_told_as_such():
    """RULE-005 has words and a code of its own."""
    found = verdict(PROFIT, picture(held("MNQ", 1, pnl="500"), held("EP", 1, pnl="501")))

    assert (found.value, found.limit) == (501, 500)
    assert found.code is BreachCode.MAX_UNREALIZED_PROFIT
    assert found.reason == "Open profit target reached: ES $501.00 (limit: $500.00)"


@pytest.mark.parametrize("parameters", [LOSS, PROFIT])
def test_what_cannot_be_valued_is_not_judged_and_does_not_shield_the_rest(parameters):
    """S-24: None is neither zero nor a breach; the others are judged all the same."""
    unknown = held("EP", 1, pnl=None)
    broken = held("MNQ", 1, pnl="-20" if parameters is LOSS else "500")

    assert verdict(parameters, picture(unknown)) is None
    assert verdict(parameters, picture(unknown, broken)).targets == flat("MNQ")


@pytest.mark.parametrize("parameters", [LOSS, PROFIT])
def test_it_says_in_one_line_what_it_does_with_its_amount(parameters):
    """And refuses amounts that cannot be meant."""
    rule = next(each for each in all_rules() if each.parameters is type(parameters))
    (field,) = [name for name in parameters.__struct_fields__ if name.endswith("_usd")]
    amount = getattr(parameters, field)

    assert rule.describe(parameters) == (
        f"open {'loss' if parameters is LOSS else 'profit'} of ${amount:.2f} in one position: "
        "closes it and its orders"
    )
    for wrong in (0, -20, "NaN"):
        (complaint,) = rule.check(msgspec.structs.replace(parameters, **{field: Decimal(wrong)}))
        assert complaint.startswith(f"{field}: ")
