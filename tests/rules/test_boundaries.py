"""Every rule one tick inside its limit, exactly at it, and one tick beyond; pure, no actors."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from actors.rules import registry
from actors.rules.auth_loss_guard import AuthLossGuard
from actors.rules.cooldown_after_loss import CooldownAfterLoss, Tier
from actors.rules.daily_realized_loss import DailyRealizedLoss
from actors.rules.daily_realized_profit import DailyRealizedProfit
from actors.rules.daily_unrealized_loss import DailyUnrealizedLoss
from actors.rules.max_contracts import MaxContracts
from actors.rules.max_contracts_per_instrument import MaxContractsPerInstrument
from actors.rules.max_unrealized_profit import MaxUnrealizedProfit
from actors.rules.no_stop_loss_grace import NoStopLossGrace
from actors.rules.session_block_outside import SessionBlockOutside
from actors.rules.symbol_blocks import SymbolBlocks
from actors.rules.trade_frequency_limit import TradeFrequencyLimit
from messages.values import BreachCode, OrderTrade
from tests.rules.pictures import CHICAGO, NOW, held, verdict, view

LOSS = DailyRealizedLoss(max_loss_usd=Decimal(500))
REALISED_ONLY = DailyRealizedLoss(max_loss_usd=Decimal(500), include_open_loss=False)
PROFIT = DailyRealizedProfit(target_usd=Decimal(1000))
COOLDOWN = CooldownAfterLoss()
NET, GROSS = MaxContracts(limit=5), MaxContracts(limit=5, count="gross")
PER = MaxContractsPerInstrument(limits={"MNQ": 2}, default_limit=3)
BLOCK = MaxContractsPerInstrument(limits={"MNQ": 2}, unknown="block")
ALLOW = MaxContractsPerInstrument(limits={"MNQ": 2}, unknown="allow")
SESSION = SessionBlockOutside(start="09:00", end="14:00")


TRADE = OrderTrade(order_id=1, at=NOW, closing=False, under_lock=False)
BARE = held("MNQ", 1, bare_since=NOW - timedelta(seconds=10))


def chicago(*wall):
    return datetime(2025, 10, 29, *wall, tzinfo=CHICAGO).astimezone(UTC)


@pytest.mark.parametrize(
    ("parameters", "picture", "breached"),
    [
        (LOSS, view(realised="-499.99"), False),
        (LOSS, view(realised="-500"), True),
        (LOSS, view(realised="-500.01"), True),
        (LOSS, view(realised="-400", positions=[("MNQ", 1, "-99.50")]), False),
        (LOSS, view(realised="-400", positions=[("MNQ", 1, "-100")]), True),
        (LOSS, view(realised="-400", positions=[("MNQ", 1, "-100.50")]), True),
        (LOSS, view(realised="-400", positions=[("MNQ", 1, "-900"), ("EP", 1, None)]), False),
        (LOSS, view(realised="-500", positions=[("MNQ", 1, "900"), ("EP", 1, None)]), True),
        (LOSS, view(realised="-400", positions=[("MNQ", 1, "-900"), ("EP", 1, "800")]), True),
        (LOSS, view(realised="-400", positions=[("MNQ", 1, "-900"), ("EP", 1, "801")]), False),
        (LOSS, view(realised="-600", positions=[("MNQ", 1, "900")]), True),
        (REALISED_ONLY, view(realised="-400", positions=[("MNQ", 1, "-900")]), False),
        (PROFIT, view(realised="999.99"), False),
        (PROFIT, view(realised="1000"), True),
        (PROFIT, view(realised="1000.01"), True),
        (COOLDOWN, view(fills=[(1, "-99.99", False)]), False),
        (COOLDOWN, view(fills=[(1, "-100", False)]), True),
        (COOLDOWN, view(fills=[(1, "-100.01", False)]), True),
        (COOLDOWN, view(fills=[(1, "-60", False), (1, "-40", False)]), True),
        (COOLDOWN, view(fills=[(1, "-60", False), (2, "-40", False)]), False),
        (COOLDOWN, view(fills=[(1, "-100", True)]), False),
        (COOLDOWN, view(fills=[(1, None, False)]), False),
        (NET, view(positions=[("MNQ", 4, "0")]), False),
        (NET, view(positions=[("MNQ", 5, "0")]), False),
        (NET, view(positions=[("MNQ", 6, "0")]), True),
        (NET, view(positions=[("MNQ", -6, "0")]), True),
        (NET, view(positions=[("MNQ", 5, "0"), ("EP", -3, "0")]), False),
        (GROSS, view(positions=[("MNQ", 3, "0"), ("EP", -2, "0")]), False),
        (GROSS, view(positions=[("MNQ", 3, "0"), ("EP", -3, "0")]), True),
        (PER, view(positions=[("MNQ", 2, "0")]), False),
        (PER, view(positions=[("MNQ", -3, "0")]), True),
        (PER, view(positions=[("RTY", 3, "0")]), False),
        (PER, view(positions=[("RTY", 4, "0")]), True),
        (BLOCK, view(positions=[("RTY", 1, "0")]), True),
        (ALLOW, view(positions=[("RTY", 50, "0")]), False),
        (SESSION, view(at=chicago(8, 59, 59)), True),
        (SESSION, view(at=chicago(9, 0, 0)), False),
        (SESSION, view(at=chicago(13, 59, 59)), False),
        (SESSION, view(at=chicago(14, 0, 0)), True),
    ],
)
def test_a_limit_is_exact(parameters, picture, breached):
    """Inside is nothing, at the limit and beyond is what rules.md says."""
    assert bool(verdict(parameters, picture)) is breached


@pytest.mark.parametrize("at", [NOW + timedelta(seconds=299), NOW + timedelta(seconds=300)])
def test_a_cooldown_that_is_over_already_locks_nobody(at):
    """A loss that is learned of late locks for what is left, and not at all when nothing is."""
    loss = view(fills=[(1, "-100", False)])
    late = msgspec.structs.replace(loss, at=at)

    assert bool(verdict(COOLDOWN, late)) is (at < NOW + timedelta(seconds=300))


def test_every_breach_code_is_said_by_some_rule():
    """The closed list of reasons has no dead entry."""
    said = {
        verdict(LOSS, view(realised="-500")).code,
        verdict(LOSS, view(realised="-400", positions=[("MNQ", 1, "-100")])).code,
        verdict(PROFIT, view(realised="1000")).code,
        verdict(COOLDOWN, view(fills=[(1, "-100", False)])).code,
        verdict(NET, view(positions=[("MNQ", 6, "0")])).code,
        verdict(PER, view(positions=[("MNQ", 3, "0")])).code,
        verdict(BLOCK, view(positions=[("RTY", 1, "0")])).code,
        verdict(SESSION, view(at=chicago(15, 0))).code,
        verdict(
            DailyUnrealizedLoss(max_loss_usd=Decimal(20)), view(positions=[("MNQ", 1, "-20")])
        ).code,
        verdict(
            MaxUnrealizedProfit(target_usd=Decimal(20)), view(positions=[("MNQ", 1, "20")])
        ).code,
        verdict(TradeFrequencyLimit(per_session=1), view(trades=(TRADE, TRADE))).code,
        verdict(
            NoStopLossGrace(), msgspec.structs.replace(view(), positions=(BARE,), read_at=NOW)
        ).code,
        verdict(AuthLossGuard(), view(can_trade=False)).code,
        verdict(SymbolBlocks(patterns=("MNQ",)), view(positions=[("MNQ", 1, None)])).code,
    }

    assert said == set(BreachCode) - {BreachCode.RULE_UNJUDGED}  # said of a rule that says nothing


@pytest.mark.parametrize(
    "parameters",
    [
        MaxContracts(limit=0),
        MaxContracts(limit=-5),
        MaxContractsPerInstrument(limits={"MNQ": 0}, default_limit=1),
        MaxContractsPerInstrument(limits={"EP": 1}, default_limit=1),
        MaxContractsPerInstrument(limits={}),
        DailyRealizedLoss(max_loss_usd=Decimal(-500)),
        DailyRealizedLoss(max_loss_usd=Decimal("NaN")),
        DailyRealizedLoss(max_loss_usd=Decimal("Infinity")),
        DailyRealizedProfit(target_usd=Decimal(0)),
        CooldownAfterLoss(tiers=()),
        CooldownAfterLoss(tiers=(Tier(loss_usd=Decimal(1), cooldown_s=10**14),)),
        SessionBlockOutside(start="9:00", end="14:00"),
        SessionBlockOutside(start="09:00", end="09:00"),
        SessionBlockOutside(start="09:00", end="14:00", days=()),
        SessionBlockOutside(start="09:00", end="14:00", timezone="Mars/Olympus"),
    ],
)
def test_values_that_cannot_be_meant_are_refused(parameters):
    """Every rule says what is wrong with its parameters, by field."""
    rule = next(each for each in registry.all_rules() if each.parameters is type(parameters))

    complaints = rule.check(parameters)

    assert complaints
    assert all(":" in each for each in complaints)


def test_every_rule_describes_itself_in_one_line():
    """`describe` is one line and names its numbers."""
    for parameters in (LOSS, PROFIT, COOLDOWN, NET, PER, SESSION):
        rule = next(each for each in registry.all_rules() if each.parameters is type(parameters))
        line = rule.describe(parameters)
        assert line
        assert "\n" not in line
