"""A worked example of every rule for its folder's README, computed by the rules themselves.

`.venv/bin/python -m tests.rules.examples` writes the README's examples anew; a test compares the two.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

from msgspec.structs import replace

from actors.account.settings import RuleSetting
from config.loader import load_bytes
from messages.values import (
    AccountView,
    CapAccount,
    CapContract,
    CapProduct,
    FlatAccount,
    FlatContract,
    FlatProduct,
    LockoutTerms,
    NoOpeningOrders,
    Order,
    OrderStatus,
    OrderTrade,
    OrderType,
    Side,
    Target,
)
from tests.rules.pictures import CHICAGO, NOW, held, view

README = Path(__file__).parents[2] / "actors" / "rules" / "README.md"
BEGIN = "## Every rule by example\n"
_LOGIN = '[[logins]]\nname = "desk"\n'


@dataclass(frozen=True)
class Example:
    """One rule: what is configured, and what it finds in some pictures of an account."""

    key: str
    """The rule's table."""
    says: str
    """Its table in the configuration, without the heading."""
    pictures: tuple[tuple[str, AccountView], ...]
    """What the account looks like in words, and as the rule sees it."""


def seconds(number: float) -> datetime:
    """Return an instant so long after now."""
    return NOW + timedelta(seconds=number)


def traded(*ages: int) -> AccountView:
    """Return a picture with trades so many seconds ago."""
    trades = (
        OrderTrade(order_id=n, at=seconds(-age), closing=False, under_lock=False)
        for n, age in enumerate(ages)
    )
    return view(trades=tuple(sorted(trades, key=lambda each: each.at)))


def winning(mark: str) -> AccountView:
    """Return a picture of one MNQ bought at 21,000 with a stop at 20,990."""
    stop = Order(
        order_id=7,
        contract="CON.F.US.MNQ.Z25",
        side=Side.SELL,
        type=OrderType.STOP,
        size=1,
        filled=0,
        status=OrderStatus.OPEN,
        stop_price=Decimal(20990),
    )
    position = held("MNQ", 1, entry="21000", mark=mark, best=mark)
    return replace(view(), positions=(position,), orders=(stop,))


def bare(at: datetime) -> AccountView:
    """Return a picture of two MNQ without a stop since now, read from the broker just then."""
    return replace(view(at=at), positions=(held("MNQ", 2, bare_since=NOW),), read_at=at)


EXAMPLES = (
    Example(
        "max_contracts",
        "limit = 5",
        (
            ("5 MNQ", view(positions=[("MNQ", 5, "0")])),
            ("5 MNQ and 1 short ES: net 4", view(positions=[("MNQ", 5, "0"), ("EP", -1, "0")])),
            ("4 MNQ and 2 ES", view(positions=[("MNQ", 4, "0"), ("EP", 2, "0")])),
        ),
    ),
    Example(
        "max_contracts_per_instrument",
        'limits = { MNQ = 2 }\ndefault_limit = 1\nunknown = "default_limit"',
        (
            ("2 MNQ and 1 RTY", view(positions=[("MNQ", 2, "0"), ("RTY", 1, "0")])),
            ("3 MNQ", view(positions=[("MNQ", 3, "0")])),
            ("2 RTY", view(positions=[("RTY", 2, "0")])),
        ),
    ),
    Example(
        "daily_realized_loss",
        "max_loss_usd = 500",
        (
            ("realised -499.99", view(realised="-499.99")),
            ("realised -500.00", view(realised="-500")),
            (
                "realised -400, open -100",
                view(realised="-400", positions=[("MNQ", 1, "-100")]),
            ),
            ("realised -400, open +300", view(realised="-400", positions=[("MNQ", 1, "300")])),
        ),
    ),
    Example(
        "daily_unrealized_loss",
        "max_loss_usd = 200",
        (
            ("2 MNQ at -199.99", view(positions=[("MNQ", 2, "-199.99")])),
            ("2 MNQ at -200", view(positions=[("MNQ", 2, "-200")])),
            (
                "MNQ at -150 and MES at -150",
                view(positions=[("MNQ", 1, "-150"), ("MES", 1, "-150")]),
            ),
        ),
    ),
    Example(
        "max_unrealized_profit",
        "target_usd = 500",
        (
            ("2 MNQ at +499.99", view(positions=[("MNQ", 2, "499.99")])),
            ("2 MNQ at +500", view(positions=[("MNQ", 2, "500")])),
        ),
    ),
    Example(
        "trade_frequency_limit",
        "per_minute = 3",
        (
            ("3 trades in the last minute", traded(50, 30, 0)),
            ("4 trades, the first exactly 60 s ago", traded(60, 40, 20, 0)),
            ("4 trades in the last minute", traded(59, 40, 20, 0)),
        ),
    ),
    Example(
        "cooldown_after_loss",
        "tiers = [{ loss_usd = 100, cooldown_s = 300 }, { loss_usd = 300, cooldown_s = 1800 }]",
        (
            ("a trade loses 99.99", view(fills=[(1, "-99.99", False)])),
            ("a trade loses 100", view(fills=[(1, "-100", False)])),
            (
                "an order's two fills lose 200 and 150",
                view(fills=[(1, "-200", False), (1, "-150", False)]),
            ),
        ),
    ),
    Example(
        "no_stop_loss_grace",
        "grace_s = 10",
        (
            ("2 MNQ, 9.9 s without a stop", bare(seconds(9.9))),
            ("2 MNQ, 10 s without a stop, and the broker shows none", bare(seconds(10))),
        ),
    ),
    Example(
        "session_block_outside",
        'start = "08:30"\nend = "15:00"',
        tuple(
            (
                f"1 MNQ, {at:%H:%M:%S} in Chicago",
                view(at=at.astimezone(UTC), positions=[("MNQ", 1, "0")]),
            )
            for at in (
                datetime(2025, 10, 29, 14, 59, 59, tzinfo=CHICAGO),
                datetime(2025, 10, 29, 15, 0, 0, tzinfo=CHICAGO),
            )
        ),
    ),
    Example(
        "auth_loss_guard",
        "poll_s = 30",
        (
            ("the broker says: may trade", view(can_trade=True)),
            ("the broker does not say", view(can_trade=None)),
            ("the broker says: may not trade", view(can_trade=False)),
        ),
    ),
    Example(
        "symbol_blocks",
        'patterns = ["RTY", "M2*"]',
        (
            ("1 MNQ", view(positions=[("MNQ", 1, "0")])),
            ("1 RTY", view(positions=[("RTY", 1, "0")])),
            ("1 M2K", view(positions=[("M2K", 1, "0")])),
        ),
    ),
    Example(
        "trade_management",
        "breakeven = { after_ticks = 10, offset_ticks = 1 }\n"
        "trailing = { activate_ticks = 20, trail_ticks = 10 }",
        (
            ("MNQ bought at 21,000, stop 20,990, mark 21,002.25", winning("21002.25")),
            ("the same, mark 21,002.50", winning("21002.50")),
            ("the same, mark 21,007.50", winning("21007.50")),
        ),
    ),
    Example(
        "daily_realized_profit",
        "target_usd = 1000",
        (
            ("realised +999.99", view(realised="999.99")),
            ("realised +1,000", view(realised="1000")),
        ),
    ),
)


_HEAD = """
Computed by the rules themselves, at 12:00 in Chicago on 2025-10-29: do not edit.
`.venv/bin/python -m tests.rules.examples` writes them anew.
"""


@cache
def section() -> str:
    """Return the README's examples."""
    return "\n".join([f"{BEGIN}{_HEAD}", *map(_shown, EXAMPLES)])


def _shown(example: Example) -> str:
    table = f"[defaults.rules.{example.key}]\n{example.says}"
    config = load_bytes(Path("example.toml"), (_LOGIN + table).encode(), now=NOW, environment={})
    (setting,) = config.effective_rules()
    lines = [
        f"### {setting.rule.id} `{example.key}`\n",
        *(f"    {line}" for line in table.splitlines()),
        "\n| the account | found | brought to | locked |\n|---|---|---|---|",
    ]
    for words, picture in example.pictures:
        lines.append(f"| {words} | {' | '.join(_found(setting, picture))} |")
    return "\n".join(lines) + "\n"


def _found(setting: RuleSetting, picture: AccountView) -> Iterator[str]:
    breach = setting.rule.evaluate(picture, setting.parameters)
    moves = setting.rule.manage(picture, setting.parameters) if setting.rule.manage else ()
    if breach is None and not moves:
        yield from ("nothing", "", "")
    elif breach is None:
        yield from (moves[0].reason, f"stop to {moves[0].stop_price}", "never loosened")
    else:
        yield breach.reason
        yield ", ".join(map(_target, breach.targets))
        yield ", ".join(map(_lock, breach.lockouts)) or "no"


def _target(target: Target) -> str:  # noqa: PLR0911 - one line a kind
    match target:
        case FlatAccount():
            return "flat"
        case FlatProduct(product=name):
            return f"{name} flat"
        case FlatContract(contract=name):
            return f"{name.split('.')[3]} flat"
        case CapAccount(limit=limit):
            return f"at most {limit} contracts"
        case CapProduct(product=name, limit=limit):
            return f"at most {limit} {name}"
        case CapContract(contract=name, size=size):
            return f"at most {size} {name.split('.')[3]}"
        case NoOpeningOrders():
            return "no opening orders"


def _lock(terms: LockoutTerms) -> str:
    what = terms.duty.value.replace("_", " ")
    end = terms.release_on.value.replace("_", " ")
    until = f" until {terms.until:%Y-%m-%d %H:%M:%S} UTC" if terms.until else ""
    where = "" if terms.scope == "account" else f" ({terms.scope})"
    return f"{what}{where}{until}, released by {end}"


if __name__ == "__main__":
    before = README.read_text().partition(BEGIN)[0]
    README.write_text(before + section())
