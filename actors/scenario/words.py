"""The vocabulary of scenario files: what may be given, what may happen, what must then be seen.

Every word is a frozen struct that refuses unknown fields; a table in a file is recognised by its main
word (the struct's first field). `said()` is the word as a sentence for the narration. Pure.
"""

from decimal import Decimal
from typing import Any, Literal

import msgspec

from messages.values import Duty, Health, Phase

type Amount = int | Decimal
type Who = Literal["A", "B"]
type RuleTables = dict[str, dict[str, Any]]


class Word(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file."""


# --- what can happen ---


class _Happening(Word, frozen=True, kw_only=True):
    def said(self) -> str:
        """Return the step as a sentence."""
        names = sorted(self.__struct_fields__, key=lambda name: name not in WORDS)
        fields = {name: getattr(self, name) for name in names}
        who = f"{fields.pop('account')}: " if "account" in fields else ""
        told = [f"{_plain(name)} {_plain(value)}" for name, value in fields.items() if _told(value)]
        return who + ", ".join(told)


def _told(value: object) -> bool:
    return value is not None and value is not False and value != {}


def _plain(value: object) -> str:
    match value:
        case dict():
            return " ".join(f"{key} {_plain(each)}" for key, each in value.items())
        case str():
            return value.replace("_", " ")
        case _:
            return str(value)


class _Order(_Happening, frozen=True, kw_only=True):
    of: str
    """Product, with the expiry where it is not the front one: `MNQ`, `MNQ.H26`."""
    account: Who = "A"
    """Whose."""
    limit: Amount | None = None
    """Limit price; with `stop` a stop-limit order. Neither: a market order."""
    stop: Amount | None = None
    """Stop price."""
    trailing: Amount | None = None
    """Stop price a trailing stop begins at."""
    name: str | None = None
    """Name for later steps."""
    quietly: bool = False
    """The stream says nothing of it (a stop set in the broker's own window)."""

    @property
    def signed(self) -> int:
        """Return the signed size."""
        raise NotImplementedError


class Buys(_Order, frozen=True, kw_only=True):
    """The trader places a buy order."""

    buys: int
    """Contracts."""

    @property
    def signed(self) -> int:
        """Return the size."""
        return self.buys


class Sells(_Order, frozen=True, kw_only=True):
    """The trader places a sell order."""

    sells: int
    """Contracts."""

    @property
    def signed(self) -> int:
        """Return the size, negative."""
        return -self.sells


class Closes(_Happening, frozen=True, kw_only=True):
    """The trader closes a position at the market."""

    closes: str
    """Product."""
    size: int | None = None
    """So many contracts only."""
    account: Who = "A"
    """Whose."""


class Realises(_Happening, frozen=True, kw_only=True):
    """A closing fill with exactly this gross P&L arrives, beside any position."""

    realises: Amount
    """Gross dollars; negative is a loss."""
    fees: Amount = 0
    """Dollars of costs."""
    of: str = "MNQ"
    """Product."""
    account: Who = "A"
    """Whose."""
    name: str | None = None
    """Name, to void it later."""


class HalfTurn(_Happening, frozen=True, kw_only=True):
    """An opening fill arrives, which has no P&L."""

    half_turn: str
    """Product."""
    account: Who = "A"
    """Whose."""


class Voids(_Happening, frozen=True, kw_only=True):
    """The broker takes a fill back."""

    voids: str
    """Name of the fill."""


class Cancels(_Happening, frozen=True, kw_only=True):
    """The trader cancels an order."""

    cancels: str
    """Name of the order."""


class Modifies(_Happening, frozen=True, kw_only=True):
    """The trader changes an order."""

    modifies: str
    """Name of the order."""
    limit: Amount | None = None
    """New limit price."""
    stop: Amount | None = None
    """New stop price."""
    size: int | None = None
    """New size."""


class Prices(_Happening, frozen=True, kw_only=True):
    """The market trades at these prices (bid and ask likewise)."""

    price: dict[str, Amount]
    """Price by product."""


class CanTrade(_Happening, frozen=True, kw_only=True):
    """The firm lets the account trade, or not."""

    can_trade: bool
    """The broker's flag."""
    account: Who = "A"
    """Whose."""

    def said(self) -> str:
        """Return the step as a sentence."""
        return f"{self.account}: can trade {'yes' if self.can_trade else 'no'}"


class Broker(_Happening, frozen=True, kw_only=True):
    """How the broker treats Lockstep's own commands and reads from now on."""

    broker: Literal[
        "obeys",
        "refuses",
        "hangs",
        "acts and hangs",
        "says done and does nothing",
        "cannot be read",
    ]
    """The mood; `obeys` ends every other."""
    account: Who = "A"
    """Whose requests."""


class Stream(_Happening, frozen=True, kw_only=True):
    """What becomes of the live stream of all accounts."""

    stream: Literal["lost", "back", "repeats"]
    """`lost` until `back`; `repeats`: every event comes three times until `back`."""


class System(_Happening, frozen=True, kw_only=True):
    """What becomes of Lockstep itself."""

    system: Literal["stops", "starts", "loses its account actor", "loses its enforcer"]
    """An actor that is lost fails; its supervisor puts another in its place."""
    rules: RuleTables | None = None
    """With `starts`: other default rules than before."""


class WallClock(_Happening, frozen=True, kw_only=True):
    """The wall clock is set by somebody; no real time passes."""

    wall_clock_s: int
    """Seconds forward, or back if negative."""


class Waits(_Happening, frozen=True, kw_only=True):
    """Time passes."""

    wait_s: Amount
    """Seconds."""


type Happening = (
    Buys
    | Sells
    | Closes
    | Realises
    | HalfTurn
    | Voids
    | Cancels
    | Modifies
    | Prices
    | CanTrade
    | Broker
    | Stream
    | System
    | WallClock
    | Waits
)

WORDS: dict[str, type[Happening]] = {
    "buys": Buys,
    "sells": Sells,
    "closes": Closes,
    "realises": Realises,
    "half_turn": HalfTurn,
    "voids": Voids,
    "cancels": Cancels,
    "modifies": Modifies,
    "price": Prices,
    "can_trade": CanTrade,
    "broker": Broker,
    "stream": Stream,
    "system": System,
    "wall_clock_s": WallClock,
    "wait_s": Waits,
}
"""Main word → what it means."""

# --- what must be seen ---


class LockoutSeen(Word, frozen=True, kw_only=True):
    """One lockout in force; what is not written is not compared."""

    rule: str
    """Rule id."""
    scope: str | None = None
    """`account`, or a product such as `RTY`."""
    duty: Duty | None = None
    """`flat` or `no_new_exposure`."""
    until: str | None = None
    """Local wall time (`17:00`, `2025-10-30 17:00`), or `open` for no end by time."""
    reason: str | None = None
    """Text it contains."""


class BreachSeen(Word, frozen=True, kw_only=True):
    """The latest breach; what is not written is not compared."""

    rule: str
    """Rule id."""
    value: Amount | None = None
    """What was measured."""
    limit: Amount | None = None
    """What is allowed."""
    code: str | None = None
    """Stable code."""
    reason: str | None = None
    """Text it contains."""


class Then(Word, frozen=True, kw_only=True):
    """What must be seen of one account; what is not written is not looked at."""

    phase: Phase | None = None
    """Where the account is."""
    health: Health | None = None
    """How far the picture can be trusted."""
    trading_date: str | None = None
    """Label of the trading day."""
    realised_usd: Amount | None = None
    """The day's realised P&L."""
    open_usd: Amount | None = None
    """Open P&L."""
    unvalued: bool = False
    """The open P&L is unknown: a price is missing or too old."""
    held: dict[str, int] | None = None
    """Everything the broker holds: signed contracts by product."""
    working: int | None = None
    """Orders that work at the broker."""
    stops: dict[str, Amount] | None = None
    """Every working stop at the broker: stop price by product."""
    received: tuple[str, ...] | None = None
    """All commands the broker received since the last `then` of this account, in order."""
    lockouts: tuple[LockoutSeen, ...] | None = None
    """All lockouts in force, strictest first."""
    breach: BreachSeen | None = None
    """The latest breach."""
    journal: dict[str, int] | None = None
    """Events in the journal by kind, since the beginning."""
    order: tuple[str, ...] | None = None
    """Kinds of events that stand in the journal in this order (others between)."""
    alarms: tuple[str, ...] | None = None
    """Codes of alarms that were raised (others may have been)."""
    nothing: bool = False
    """Since the last `then`: no breach, no lock, no command to the broker."""


# --- the file ---


class Given(Word, frozen=True, kw_only=True):
    """What is so before anything happens."""

    start: str
    """Local time and zone: `2025-10-29 12:00 America/Chicago`; all times of the file are local to it."""
    rules: RuleTables = {}
    """Rules of every account, by configuration key."""
    rules_of: dict[Who, RuleTables] = {}
    """What differs for one account."""
    config: dict[str, Any] = {}
    """Further tables of the configuration file, e.g. `money`, `trading_day`."""
    calendar: dict[str, Any] | None = None
    """A table of special days instead of the shipped one."""
    expiry: str = "Z25"
    """The expiry a product stands for."""
    prices: dict[str, Amount] = {}
    """Where the market is, by product."""
    before: tuple[dict[str, Any], ...] = ()
    """Happenings before Lockstep starts."""


class Step(Word, frozen=True, kw_only=True):
    """Happenings, and what must be seen after them."""

    at: str | None = None
    """First let time pass until this local time (`12:00:10`, `2025-10-30 09:00`)."""
    after_s: Amount | None = None
    """First let so many seconds pass."""
    anew: bool | str = False
    """First begin again from `given`, with a new broker and journal; a text is another start."""
    repeat: int = 1
    """So many times (`after_s` and `when`)."""
    when: tuple[dict[str, Any], ...] = ()
    """Happenings in order."""
    then: Then | None = None
    """What must be seen of A."""
    then_b: Then | None = None
    """What must be seen of B."""


class File(Word, frozen=True, kw_only=True):
    """A whole scenario file."""

    title: str
    """One sentence."""
    covers: tuple[str, ...]
    """Acceptance scenarios it shows, e.g. `S-13`."""
    needs: tuple[str, ...] = ()
    """Rules without which it means nothing, e.g. `RULE-008`."""
    given: Given
    """The beginning."""
    steps: tuple[Step, ...]
    """What happens."""
