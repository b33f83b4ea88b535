"""Settings that cannot both be meant: refused with both lines, allowed by name, fine at the edge."""

from typing import get_args

import pytest

from config.schema import Waivable
from tests.config.texts import LOGIN, loaded, refusals

OPEN_LOSS = """[defaults.rules.daily_realized_loss]
max_loss_usd = 500
[defaults.rules.daily_unrealized_loss]
max_loss_usd = {}
"""
OPEN_PROFIT = """[defaults.rules.daily_realized_profit]
target_usd = 500
[defaults.rules.max_unrealized_profit]
target_usd = {}
"""
PRODUCT = """[defaults.rules.max_contracts]
limit = 5
[defaults.rules.max_contracts_per_instrument]
limits = {{ MNQ = {} }}
unknown = "allow"
"""
DEFAULT = """[defaults.rules.max_contracts]
limit = 5
[defaults.rules.max_contracts_per_instrument]
default_limit = {}
"""
CALENDAR = """[calendar]
file = "days-{}.toml"
[defaults.rules.session_block_outside]
start = "09:30"
end = "16:00"
"""
DAYS = """source = "test"
checked = "2025-01-01"
expires = "{}"
timezone = "America/Chicago"
holidays = []
[early_closes]
"""
CASES = {
    "open loss": pytest.param("open_loss_above_daily_loss", OPEN_LOSS, "500", "500.01", 6, 4),
    "open profit": pytest.param("open_profit_above_daily_profit", OPEN_PROFIT, "500", "501", 6, 4),
    "product": pytest.param("product_limit_above_total", PRODUCT, "5", "6", 6, 4),
    "default": pytest.param("product_limit_above_total", DEFAULT, "5", "6", 6, 4),
    "calendar": pytest.param("calendar_expires_soon", CALENDAR, "2025-11-28", "2025-11-27", 5, 4),
}


@pytest.mark.parametrize(
    ("name", "text", "fine", "clash", "first", "second"), CASES.values(), ids=CASES
)
def test_a_contradiction_is_refused_unless_it_is_allowed_by_name(
    tmp_path, name, text, fine, clash, first, second
):
    """S-106: equal is fine; beyond it both places are named; `[checks] allow` makes it a warning."""
    for each in (fine, clash):
        (tmp_path / f"days-{each}.toml").write_text(DAYS.format(each))
    assert loaded(tmp_path, LOGIN + text.format(fine)).warnings == ()

    (said,) = refusals(tmp_path, LOGIN + text.format(clash))

    assert said.startswith(f"{first}: ")
    assert f"(mine.toml:{second})" in said
    assert clash in said
    assert f"put {name!r} in [checks] allow" in said
    allowed = loaded(tmp_path, LOGIN + text.format(clash) + f"[checks]\nallow = ['{name}']\n")
    (warning,) = allowed.warnings
    assert f"allowed: {name}" in warning


def test_every_name_that_can_be_allowed_is_tested_here():
    """`[checks] allow` has no dead word."""
    assert {each.values[0] for each in CASES.values()} == set(get_args(Waivable.__value__))


@pytest.mark.parametrize("key", ["max_contracts", "max_contracts_per_instrument"])
def test_a_rule_that_is_off_contradicts_nothing(tmp_path, key):
    """Only what runs can be at odds."""
    text = PRODUCT.format(6).replace(f"rules.{key}]", f"rules.{key}]\nenabled = false")

    assert loaded(tmp_path, LOGIN + text).warnings == ()


def test_a_contradiction_of_the_defaults_is_said_once(tmp_path):
    """Not once for every account that inherits it."""
    text = PRODUCT.format(6) + "[[accounts]]\naccount = 5\n[[accounts]]\naccount = 6\n"

    assert len(refusals(tmp_path, LOGIN + text)) == 1


def test_a_contradiction_only_an_account_has_names_the_account(tmp_path):
    """The defaults alone would be fine."""
    text = (
        PRODUCT.format(5) + "[[accounts]]\naccount = 5\n[accounts.rules.max_contracts]\nlimit = 4\n"
    )
    (said,) = refusals(tmp_path, LOGIN + text)

    assert said.startswith("6: defaults.rules.max_contracts_per_instrument.limits.MNQ: ")
    assert "max_contracts.limit = 4 (mine.toml:11)" in said


def test_a_tier_as_deep_as_the_daily_limit_is_a_warning(tmp_path):
    """It only counts after profits; one dollar less deep, nothing is said."""
    text = """[defaults.rules.daily_realized_loss]
max_loss_usd = 500
[defaults.rules.cooldown_after_loss]
tiers = [{{ loss_usd = {}, cooldown_s = 60 }}]
"""
    assert loaded(tmp_path, LOGIN + text.format(499)).warnings == ()

    (warning,) = loaded(tmp_path, LOGIN + text.format(500)).warnings

    assert "a loss of 500 (mine.toml:6)" in warning
    assert "max_loss_usd = 500 (mine.toml:4)" in warning


def test_a_limit_for_a_blocked_product_is_a_warning(tmp_path):
    """Whoever wrote it meant something else."""
    text = """[defaults.rules.symbol_blocks]
patterns = ["m*", "RTY"]
[defaults.rules.max_contracts_per_instrument]
limits = {{ {} = 1 }}
unknown = "allow"
"""
    assert loaded(tmp_path, LOGIN + text.format("ES")).warnings == ()

    (warning,) = loaded(tmp_path, LOGIN + text.format("MNQ")).warnings

    assert "a limit for MNQ (mine.toml:6) is never asked" in warning
    assert "'m*' (mine.toml:4)" in warning


@pytest.mark.parametrize(("trail", "count"), [(5, 1), (6, 0)])
def test_a_breakeven_that_trailing_has_overtaken_is_a_warning(tmp_path, trail, count):
    """After 10 ticks trailing has the stop 5 in profit already: exactly where breakeven wants it."""
    text = f"""[defaults.rules.trade_management]
breakeven = {{ after_ticks = 10, offset_ticks = 5 }}
trailing = {{ activate_ticks = 8, trail_ticks = {trail} }}
"""
    warnings = loaded(tmp_path, LOGIN + text).warnings

    assert len(warnings) == count
    assert all("never moves a stop" in each for each in warnings)
