"""What a configuration file may say; every field's line is its documentation. Unknown keys are refused.

Money is positive dollars, durations are seconds, times of day are local wall times.
"""

from decimal import Decimal
from typing import Any, Literal

import msgspec

type RuleTables = dict[str, dict[str, Any]]

type Waivable = Literal[
    "product_limit_above_total",
    "calendar_expires_soon",
    "open_loss_above_daily_loss",
    "open_profit_above_daily_profit",
]
"""Contradictions that `[checks] allow` can name; `contradictions.py` says what each means."""


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file."""


class Broker(_Table, frozen=True):
    """Where the broker is; the SDK's own names and defaults."""

    api_url: str = "https://api.topstepx.com/api"
    """REST base, with `/api` and without a final slash."""
    user_hub_url: str = "https://rtc.topstepx.com/hubs/user"
    """User hub."""
    market_hub_url: str = "https://rtc.topstepx.com/hubs/market"
    """Market hub."""
    requests_per_minute: int = 200
    """Requests the broker allows a login in 60 s."""
    silence_s: float = 30.0
    """A hub that says nothing for so long counts as lost."""
    reconcile_every_s: float = 5.0
    """Every so often the next account is compared with the broker."""


class Login(_Table, frozen=True):
    """One ProjectX user."""

    name: str
    """Name within this file."""
    username_env: str = "PROJECT_X_USERNAME"
    """Environment variable that holds the username; no two logins may be the same user."""
    api_key_env: str = "PROJECT_X_API_KEY"
    """Environment variable that holds the API key."""
    accounts: tuple[int | str, ...] = ("*",)
    """Account ids or names to guard; `*` = every active account of the login."""
    profile: str | None = None
    """Profile of its accounts, instead of the one `[defaults]` picks."""


class TradingDayTable(_Table, frozen=True):
    """The one trading day."""

    reset: str = "17:00"
    """Local time at which a new trading day begins."""
    timezone: str = "America/Chicago"
    """IANA zone of the reset."""


class Enforcement(_Table, frozen=True):
    """Limits of the guard itself."""

    deadline_s: float = 5.0
    """After so long an account is locked even if flat is not confirmed."""
    journal_deadline_s: float = 0.25
    """After so long enforcement goes ahead even if its record is not on disk."""


class Money(_Table, frozen=True):
    """How P&L is counted."""

    pnl: Literal["net", "gross"] = "net"
    """`net`: after fees and commissions; `gross`: the broker's `profitAndLoss` alone."""
    mark: Literal["last", "conservative"] = "last"
    """Open P&L at the last trade, or at the side a close would get (`conservative`)."""
    quote_max_age_s: float = 5.0
    """A quote older than this values nothing."""


class Quotes(_Table, frozen=True):
    """When a quote must be confirmed before anything is judged by it: one bad print closes nothing."""

    max_jump_percent: Decimal = Decimal("0.5")
    """A last, bid or ask that moves further at once is doubted until another quote confirms it."""
    confirm_within_s: float = 0.5
    """After so long it counts unconfirmed; 0 = every quote counts at once."""


class HealthTable(_Table, frozen=True):
    """When the guard itself is too slow."""

    late_after_s: float = 1.0
    """A fact that waits longer to be judged, or a thread that stands still for longer, is late."""


class CalendarTable(_Table, frozen=True):
    """Holidays and early closes."""

    file: str = "calendar/cme_equity.toml"
    """Table of special days of the account as a whole, beside this file (or one that ships)."""


class Journal(_Table, frozen=True):
    """The store."""

    path: str = "data/lockstep.db"
    """SQLite file, relative to the working directory."""
    anchor: str | None = None
    """File that knows how far the journal got, best on another disk; else beside it, `….anchor`."""
    keep_days: int = 90
    """Events older than this many days move to archives beside it; 0 = keep them all."""


class Http(_Table, frozen=True):
    """The loopback server for status and health."""

    listen: str = "127.0.0.1:8787"
    """Loopback address and port; port 0 = any free one."""
    allow_remote: bool = False
    """Let `listen` be an address that other machines reach; then every request needs the token."""


class Checks(_Table, frozen=True):
    """Contradictions that were looked at and are wanted."""

    allow: tuple[Waivable, ...] = ()
    """Names of contradictions that are wanted; they are told as warnings."""


class DoctorTable(_Table, frozen=True):
    """What `doctor`, and with it the first start, lets pass."""

    accept: tuple[Literal["sleep"], ...] = ()
    """Critical findings that are only told; `sleep`: this machine goes to sleep when nobody is at it."""


class QuietHours(_Table, frozen=True):
    """When only what is critical is sent at once; the rest waits for the end, in one message."""

    start: str
    """Local time at which it begins, e.g. `22:00`."""
    end: str
    """Local time at which it ends, e.g. `07:00`; may be on the next day."""
    timezone: str = "America/Chicago"
    """IANA zone of both."""


class Heartbeat(_Table, frozen=True):
    """A dead-man's switch, as healthchecks.io has it: what calls people when nobody pings it."""

    url_env: str
    """Environment variable that holds its URL."""
    every_s: float = 60.0
    """It is pinged so often while every account is protected."""


class Channel(_Table, frozen=True):
    """One way to people."""

    name: str
    """Name within this file."""
    kind: Literal["discord", "slack", "telegram", "json", "apprise"]
    """What is there: a webhook of Discord, Slack or anything that takes JSON; a Telegram bot; apprise."""
    url_env: str
    """Environment variable that holds its URL, which is a secret."""
    min_severity: Literal["info", "warning", "critical"] = "info"
    """What is less severe is not sent here."""
    max_per_minute: int = 10
    """What comes faster is held back, counted, and told in one message."""
    timeout_s: float = 10.0
    """After so long a message has failed; it is tried again, later and later."""


class Alerts(_Table, frozen=True):
    """Who is told what, beside the log."""

    warn_at_percent: Decimal = Decimal(80)
    """So much of a limit used up is warned of, once a limit and trading day."""
    unprotected_after_s: float = 15.0
    """An account that is not protected for so long is told, and fails the heartbeat."""
    digest_minutes: int = 60
    """Lesser things are told together, so often."""
    daily_summary: bool = True
    """Whether each trading day's result is told after the reset."""
    quiet_hours: QuietHours | None = None
    """When only what is critical is sent; without it, always everything."""
    heartbeat: Heartbeat | None = None
    """A dead-man's switch."""
    channels: tuple[Channel, ...] = ()
    """Every way to people."""


class Profile(_Table, frozen=True):
    """A named set of rules that accounts pick, e.g. one per product of a firm."""

    rules: RuleTables = msgspec.field(default_factory=dict)
    """Only what differs from the defaults, by rule key."""
    shadow: bool | None = None
    """Its accounts are only watched: all is told, nothing closed or locked; needs a restart."""
    platform_loss_limit_confirmed: str | None = None
    """Day on which the loss limit in the firm's own platform was looked at, ISO date; for `doctor`."""
    lock_unjudged_after_s: float | None = None
    """A rule that cannot judge an account for so long has it flat and locked to the reset; 0 = never."""


class Defaults(_Table, frozen=True):
    """What applies to every account."""

    profile: str | None = None
    """Profile of every account that, like its login, picks none."""
    rules: RuleTables = msgspec.field(default_factory=dict)
    """One table per rule, by its key; a rule that is not written is off."""
    shadow: bool | None = None
    """Every account is only watched: all is told, nothing closed or locked; needs a restart."""
    platform_loss_limit_confirmed: str | None = None
    """Day on which the loss limit in the firm's own platform was looked at, ISO date; for `doctor`."""
    lock_unjudged_after_s: float | None = None
    """A rule that cannot judge an account for so long has it flat and locked to the reset; 0 = never."""


class AccountOverride(_Table, frozen=True):
    """What differs for one account."""

    account: int | str
    """Account id or name."""
    profile: str | None = None
    """Profile of this account, instead of its login's."""
    rules: RuleTables = msgspec.field(default_factory=dict)
    """Only the fields that differ from its profile and the defaults, by rule key."""
    shadow: bool | None = None
    """It is only watched: all is told, nothing closed, cancelled or locked; needs a restart."""
    platform_loss_limit_confirmed: str | None = None
    """Day on which the loss limit in the firm's own platform was looked at, ISO date; for `doctor`."""
    lock_unjudged_after_s: float | None = None
    """A rule that cannot judge an account for so long has it flat and locked to the reset; 0 = never."""


class ConfigFile(_Table, frozen=True):
    """The whole file."""

    logins: tuple[Login, ...]
    broker: Broker = Broker()
    trading_day: TradingDayTable = TradingDayTable()
    enforcement: Enforcement = Enforcement()
    money: Money = Money()
    quotes: Quotes = Quotes()
    health: HealthTable = HealthTable()
    calendar: CalendarTable = CalendarTable()
    journal: Journal = Journal()
    http: Http = Http()
    checks: Checks = Checks()
    doctor: DoctorTable = DoctorTable()
    alerts: Alerts = Alerts()
    profiles: dict[str, Profile] = msgspec.field(default_factory=dict)
    defaults: Defaults = Defaults()
    accounts: tuple[AccountOverride, ...] = ()


class CalendarFile(_Table, frozen=True):
    """A table of special days, by trading date: evening trade belongs to the next one."""

    source: str
    """Where the rows come from."""
    checked: str
    """The day they were last compared with the source, ISO date."""
    expires: str
    """The last trading date they cover, ISO date."""
    timezone: str
    """IANA zone of all times."""
    holidays: tuple[str, ...]
    """Trading dates without trading, ISO dates."""
    early_closes: dict[str, str]
    """Trading dates that end early: ISO date = local time."""
    late_opens: dict[str, str] = msgspec.field(default_factory=dict)
    """Trading dates that begin late, on the day itself: ISO date = local time."""
    opens: str = "17:00"
    """When a session regularly opens; not earlier than `closes` = on the evening before."""
    closes: str = "16:00"
    """When a session regularly closes."""
    products: tuple[str, ...] = ()
    """Products it speaks for, by the exchange's root; none = every product."""
