"""What the account sees of the broker: snapshots, quotes, contracts, and how far they can be trusted.

Pure. A new stream generation makes everything old until a complete snapshot of it is taken. A failed
snapshot is UNKNOWN and is asked again; a quote that is missing or old leaves a position unvalued.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from actors.account.cash import Cash, complaint
from actors.account.extremes import Extremes, Peaks
from actors.account.lateness import Lateness
from actors.account.ledger import Booking
from actors.account.marks import Marks
from actors.account.settings import AccountSettings
from actors.account.state import AccountState
from actors.account.sync import Sync
from actors.account.trades import LONGEST_WINDOW
from actors.account.trading_day import Dated
from actors.account.turn import Turn
from actors.account.valuation import mark_kind
from messages.commands import DescribeContract, HoldQuotes, RenewStream, TakeSnapshot
from messages.events import HealthChanged
from messages.facts import QuoteChanged, SnapshotTaken
from messages.values import (
    AccountView,
    AlarmCode,
    FactKind,
    Fill,
    Health,
    OpenPosition,
    Position,
    Quote,
)

_SNAPSHOT_S = 5.0
_SETTLE_S = 1.0
_RENEW_EVERY = timedelta(seconds=60)
NEWS = frozenset({Booking.BOOKED, Booking.VOIDED, Booking.CORRECTED})
"""What a rule may judge otherwise for having learned of it."""


@dataclass(slots=True)
class Picture:
    """The account's view of the broker, and its health."""

    settings: AccountSettings
    state: AccountState
    sync: Sync = field(default_factory=Sync)
    health: Health = Health.STALE
    health_reason: str = field(init=False)
    lateness: Lateness = field(init=False)
    marks: Marks = field(init=False)
    extremes: Extremes = field(default_factory=Extremes)
    went_further: bool = False
    """A look at quotes that were not told has found a new best mark; bands may lie nearer by it."""
    _peaks: Peaks | None = None
    _cash: Cash = field(default_factory=Cash)
    _valued: bool = field(init=False)
    _asked_contracts: set[str] = field(default_factory=set)
    _contradictions: set[tuple[int, Decimal | None]] = field(default_factory=set)
    """Trades and the P&L they were told with that is not the one that counts: each is alarmed once."""
    _quotes_stale: frozenset[str] = frozenset()
    _settling: bool = False
    _renewed_at: datetime | None = None
    _seen: tuple[Turn, int, tuple[OpenPosition, ...]] | None = None
    """The positions as they were last shown, in which turn and after how many of its events."""

    def __post_init__(self) -> None:
        self.health_reason = self.sync.health(())[1]
        self.lateness = Lateness(self.settings.late_after_s, self.sync)
        self.marks = Marks(
            max_age_s=self.settings.quote_max_age_s, conservative=self.settings.conservative_mark
        )
        self._valued = _values(self.settings)

    def use(self, turn: Turn, settings: AccountSettings) -> None:
        """Go over to changed settings; what is held may need quotes from now on."""
        self.settings, valued = settings, self._valued
        self.marks.max_age_s = settings.quote_max_age_s
        self.marks.conservative = settings.conservative_mark
        self._valued = _values(settings)
        self._seen = None
        if not valued:
            self._watch_quotes(turn)

    def view_in(self, turn: Turn, fills: tuple[Fill, ...] = ()) -> AccountView:
        """Return the immutable picture the rules judge.

        In one turn rules, checks and bands look at the same positions: they are valued once.
        """
        if not self.state.positions:
            return self._view(turn.now, (), fills)
        seen = self._seen
        if seen is None or seen[0] is not turn or seen[1] != len(turn.events):
            positions = self._positions(turn.now)
            self._seen = seen = (turn, len(turn.events), positions)
        return self._view(turn.now, seen[2], fills)

    def view(self, now: datetime) -> AccountView:
        """Return the picture as it is at an instant, in no turn."""
        return self._view(now, self._positions(now), ())

    def _positions(self, now: datetime) -> tuple[OpenPosition, ...]:
        return tuple(self._open(held, now) for held in self.state.positions.values())

    def _view(
        self, now: datetime, positions: tuple[OpenPosition, ...], fills: tuple[Fill, ...]
    ) -> AccountView:
        state = self.state
        today = state.today or Dated.of(state.day, state.day.label(now))
        return AccountView(
            account=state.account,
            at=now,
            trading_date=today.text,
            next_reset=today.end,
            realised_usd=state.ledger.realised_usd,
            closed_trades=state.ledger.closed_trades,
            positions=positions,
            orders=tuple(state.orders.values()),
            order_fills=fills,
            trades=state.trades.shown(now),
            day_start=today.start,
            read_at=self.sync.read_at,
            lockouts=state.duties,
            can_trade=state.can_trade,
        )

    def _open(self, held: Position, now: datetime) -> OpenPosition:
        contract = self.state.contracts.get(held.contract)
        # once its close is booked a position counts no more: the same loss must not count twice
        settled = held.contract not in self.state.unsettled
        return OpenPosition(
            position=held,
            pnl_usd=self.marks.pnl_usd(held, contract, now) if settled else None,
            mark=self.marks.mark(held, now),
            best=self.extremes.best(held.contract),
            tick_size=contract.tick_size if contract else None,
            unprotected_since=self.state.unprotected_since.get(held.contract),
        )

    def take_snapshot(self, turn: Turn) -> None:
        """Ask for a complete read of the account."""
        self.sync.asked(turn.token)
        day_start = self.state.day.start(self.state.day.label(turn.now))
        since = min(day_start, turn.now - LONGEST_WINDOW)
        turn.send(
            f"gateway/{self.settings.login}",
            TakeSnapshot(
                **turn.head(),
                request_id=turn.token,
                asker=turn.address,
                trades_since=since,
                urgent=False,
                deadline_s=_SNAPSHOT_S,
            ),
        )
        turn.wake_after("snapshot", self.sync.patience_s(_SNAPSHOT_S))

    def adopt(self, turn: Turn, snapshot: SnapshotTaken) -> tuple[Fill, ...] | None:
        """Take a snapshot over; return the fills that were missing, or None if it is not awaited."""
        if not self.sync.answers(snapshot.request_id):
            return None
        turn.cancel_wake("snapshot")
        told = [(fill, self.state.weigh(fill)) for fill in snapshot.fills or ()]
        for fill, _ in told:
            self.compare(turn, fill)
        news = tuple(fill for fill, booking in told if booking in NEWS)
        missing = sum(booking in {Booking.BOOKED, Booking.VOIDED} for _, booking in told)
        before = (self.state.positions, self.state.orders)
        reconciling = self.sync.synced
        unknown = any(booking is not Booking.UNCHANGED for _, booking in told)
        if not reconciling or unknown or self._says_more(snapshot):
            turn.record(snapshot)
        if reconciling and (missing or before != (self.state.positions, self.state.orders)):
            turn.alarm(
                AlarmCode.SNAPSHOT_DIFFERED,
                f"the broker's answer differed from the stream and was taken over "
                f"({missing} fills were missing)",
            )
            self._renew_stream(turn)
        if moved_usd := self._cash.unexplained_usd(snapshot):
            turn.alarm(AlarmCode.BALANCE_DIFFERED, complaint(moved_usd))
        again = self.sync.taken(snapshot.requested_at)
        self.hold(turn)
        self.settle(turn)
        if again:
            self.take_snapshot(turn)
        return news

    def compare(self, turn: Turn, fill: Fill) -> None:
        """Tell people of a trade that the broker says otherwise than it did; the worse of both counts."""
        known_usd, told_usd = self.state.ledger.contradicted_usd(fill), fill.profit_and_loss_usd
        if known_usd is None or (fill.trade_id, told_usd) in self._contradictions:
            return
        self._contradictions.add((fill.trade_id, told_usd))
        turn.alarm(
            AlarmCode.BALANCE_DIFFERED,
            f"trade {fill.trade_id} was told with a P&L of {known_usd:+.2f} USD and now with "
            f"{told_usd:+.2f} USD: the worse counts for the day",
        )

    def _renew_stream(self, turn: Turn) -> None:
        """Have the account subscribed anew, once in a while: the broker may have forgotten that it is.

        A read that was merely quicker than the stream looks the same, and costs one more read.
        """
        due = self._renewed_at is None or turn.now - self._renewed_at >= _RENEW_EVERY
        if due:
            self._renewed_at = turn.now
            turn.send(f"gateway/{self.settings.login}", RenewStream(**turn.head()))

    def _says_more(self, snapshot: SnapshotTaken) -> bool:
        held = {each.contract: each for each in snapshot.positions}
        working = {each.order_id: each for each in snapshot.orders}
        return bool(
            (held, working) != (self.state.positions, self.state.orders)
            or self.state.unsettled
            or self.state.unplaced
            or snapshot.can_trade not in {None, self.state.can_trade}
            or snapshot.can_trade is False  # said again, it outdates a true read before it
        )

    def failed(self, turn: Turn, request_id: str, reason: str) -> None:
        """Note that the awaited snapshot failed, and ask again later."""
        if not self.sync.answers(request_id):
            return
        retry_s = self.sync.failed(reason)
        turn.alarm(AlarmCode.SNAPSHOT_FAILED, f"snapshot failed, again in {retry_s} s: {reason}")
        turn.wake_after("snapshot", retry_s)

    def settle(self, turn: Turn) -> None:
        """Give the broker's position a moment to follow a booked close, then ask for it."""
        if self.state.unsettled and not self._settling:
            self._settling = True  # once: frequent fills must not put the look off for ever
            turn.wake_after("settle", _SETTLE_S)

    def settled(self, turn: Turn) -> None:
        """Ask the broker for the position that has not followed."""
        self._settling = False
        if self.state.unsettled:
            self.reconcile(turn)

    def connected(self, turn: Turn, generation: int | None = None) -> None:
        """Begin a new generation: everything is old, and what was asked of the last one is lost."""
        self._asked_contracts.clear()
        self.sync.connected(turn.now, generation)
        self.take_snapshot(turn)

    def reconcile(self, turn: Turn) -> None:
        """Compare with the broker: now, or once the snapshot under way is there."""
        if self.sync.waiting:
            self.sync.again = True
        else:
            self.take_snapshot(turn)

    def hold(self, turn: Turn) -> None:
        """Follow the quotes of what is held, and learn the contracts that are new."""
        held, self._seen = frozenset(self.state.positions), None
        self.extremes.hold(self.state.positions, self._peaks)
        for contract in sorted(held - self.state.contracts.keys() - self._asked_contracts):
            self._asked_contracts.add(contract)
            turn.send(
                f"gateway/{self.settings.login}", DescribeContract(**turn.head(), contract=contract)
            )
        changed = self.marks.hold(held, turn.now)
        for position in self.state.positions.values():
            self._follow(position, turn.now)
        if changed:
            self._tell_held(turn)
            self._watch_quotes(turn)

    def _tell_held(self, turn: Turn) -> None:
        held = tuple(sorted(self.state.positions))
        turn.send("quotes", HoldQuotes(**turn.head(), contracts=held))

    def look_at_quotes(self, turn: Turn) -> None:
        """Say again what is held; where a quote is missing or old, ask for the contract's record too.

        The QuoteActor may have failed at the word of it and stay silent, while another account that
        holds the same keeps the quotes fresh that are seen here.
        """
        self._tell_held(turn)
        if self._stale(turn.now):
            self._asked_contracts.clear()
            self.hold(turn)
        self._watch_quotes(turn)

    def unknown_contract(self, turn: Turn, contract: str, reason: str) -> None:
        """Note that a contract has no record; it is asked for again when it is next held."""
        self._asked_contracts.discard(contract)
        turn.alarm(AlarmCode.UNKNOWN_CONTRACT, f"{contract} cannot be valued: {reason}")

    def see(self, latest: Mapping[str, QuoteChanged], peaks: Peaks, now: datetime) -> None:
        """Take what the quotes of what is held are now: not all of them were told (see `bands`)."""
        self._peaks = peaks
        for contract, held in self.state.positions.items():
            kind = mark_kind(held.size, conservative=self.marks.conservative)
            if self.extremes.look(held, kind, peaks):
                self.went_further = True
            if told := latest.get(contract):
                self._take(told.quote, now)

    def quoted(self, fact: QuoteChanged, now: datetime) -> None:
        """Take a quote that was told, and those beside it."""
        for quote in (*fact.beside, fact.quote):
            self._take(quote, now)

    def _take(self, quote: Quote, now: datetime) -> None:
        self.marks.note(quote)
        self._seen = None
        held = self.state.positions.get(quote.contract)
        if held is not None:
            self._follow(held, now)

    def _follow(self, held: Position, now: datetime) -> None:
        mark = self.marks.mark(held, now)
        if mark is not None:
            self.extremes.mark(held, mark)

    def _watch_quotes(self, turn: Turn) -> None:
        if self.state.positions and self._valued:
            records, held = self.state.contracts, self.state.positions
            turn.wake_after("quotes", self.marks.look_in_s(turn.now, records, held))

    def _stale(self, now: datetime) -> tuple[str, ...]:
        if not self.state.positions:
            return ()
        return self.marks.stale(now, self.state.contracts, self.state.positions)

    def note_health(self, turn: Turn, unjudged: str = "") -> None:
        """Record a change of health, and the beginning of a time without usable quotes.

        `unjudged` says which rules owe the account a verdict, if any do.
        """
        stale = self._stale(turn.now) if self._valued else ()
        if news := [name for name in stale if name not in self._quotes_stale]:
            turn.alarm(
                AlarmCode.QUOTE_STALE,
                f"no quote within {self.settings.quote_max_age_s} s for {', '.join(news)}: "
                "its open P&L is unknown",
            )
        if stale or self._quotes_stale:
            self._quotes_stale = frozenset(stale)
        health, self.health_reason = self.sync.health(stale, self.lateness.behind or unjudged)
        if health is not self.health:
            self.health = health
            turn.record(HealthChanged(**turn.head(), health=health, reason=self.health_reason))


def _values(settings: AccountSettings) -> bool:
    return bool(settings.listening[FactKind.QUOTE])
