"""One account core by itself: told facts at chosen seconds, with no broker, disk or rule behind it."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from actors.account.core import AccountCore
from actors.account.settings import RuleSetting
from actors.account.state import AccountState
from messages.base import AccountMessage, Message
from messages.commands import ApplyLockout, TakeSnapshot
from messages.events import AlarmRaised, Event, ExposureUnderLock
from messages.facts import PositionChanged, SnapshotTaken, StreamConnected
from messages.journal import Append, Appended
from messages.values import Fill, Position, Side
from tests.account.world import ACCOUNT, DAY, SETTINGS, START

MNQ, ES = "CON.F.US.MNQ.Z25", "CON.F.US.EP.Z25"


def after(seconds: float) -> datetime:
    """Return an instant so many seconds after the start."""
    return START + timedelta(seconds=seconds)


def position(size: int, contract: str = MNQ) -> Position:
    """Return a position at a price of 100."""
    return Position(contract=contract, size=size, average_price=Decimal(100))


def fill(number: int, signed: int, pnl: int | None = None, contract: str = MNQ) -> Fill:
    """Return a fill of an order of its own; with a result, if it closes."""
    return Fill(
        trade_id=number,
        order_id=number,
        contract=contract,
        side=Side.BUY if signed > 0 else Side.SELL,
        size=abs(signed),
        price=Decimal(100),
        profit_and_loss_usd=None if pnl is None else Decimal(pnl),
        fees_usd=Decimal(0),
        commissions_usd=Decimal(0),
        voided=False,
        executed_at=START,
    )


class Alone:
    """An account's core, and what it sent because of the last thing it was told."""

    def __init__(self, *rules, **settings):
        asked = tuple(RuleSetting(rule=rule, parameters=own) for rule, own in rules)
        settings = replace(SETTINGS, rules=asked, **settings)
        self.core = AccountCore(settings, AccountState.new(ACCOUNT, DAY, gross=False), epoch="1")
        self.sent = [each.message for each in self.core.start(START)]
        self.pending: list[TakeSnapshot] = self.of(TakeSnapshot)
        self.journal: list[Event] = self.events(Message)

    def hear(self, kind, seconds=0.0, **fields):
        """Tell it something; return what it sends because of that."""
        head = {"at": after(seconds), "cause": "test"}
        if issubclass(kind, AccountMessage):
            head["account"] = ACCOUNT
        self.sent = [
            each.message for each in self.core.handle(kind(**head, **fields), after(seconds))
        ]
        self.pending += self.of(TakeSnapshot)
        self.journal += self.events(Message)
        return self.sent

    def connect(self, seconds=0.0):
        """Let the start be on disk, the stream come up and be read, flat."""
        self.store(seconds)
        self.hear(StreamConnected, seconds, generation=1)
        return self.read(seconds)

    def read(self, seconds=0.0, *positions, fills=(), orders=(), can_trade=True):
        """Answer the last snapshot it asked for."""
        return self.hear(
            SnapshotTaken,
            seconds,
            request_id=self.pending[-1].request_id,
            generation=1,
            requested_at=after(seconds),
            positions=positions,
            orders=orders,
            fills=fills,
            can_trade=can_trade,
            balance_usd=None,
        )

    def store(self, seconds=0.0):
        """Let the disk have what it has just recorded, if it waits for that."""
        for append in self.of(Append):
            if append.asker:
                self.hear(Appended, seconds, token=append.token, last_seq=1)
        return self.sent

    def prove(self, seconds, *, flat_confirmed=True):
        """Let the enforcer report that what is under way is done, or that its time is over."""
        under_way = self.core.state.enforcement
        return self.hear(
            ApplyLockout,
            seconds,
            enforcement_id=under_way.id,
            targets=under_way.targets,
            flat_confirmed=flat_confirmed,
            read_at=after(seconds) if flat_confirmed else None,
            deadline_at=None if flat_confirmed else under_way.deadline_at,
            positions=tuple(self.core.state.positions.values()),
            orders=(),
            waves=1,
        )

    def hold(self, seconds, size, contract=MNQ):
        """Let the stream tell a position."""
        return self.hear(PositionChanged, seconds, position=position(size, contract))

    def of(self, kind):
        """Return the messages of a kind it has just sent."""
        return [each for each in self.sent if isinstance(each, kind)]

    def events(self, kind):
        """Return the events of a kind it has just recorded."""
        recorded = [event for append in self.of(Append) for event in append.events]
        return [each for each in recorded if isinstance(each, kind)]

    def alarms(self):
        """Return the alarms it has just raised, by code."""
        return {each.code: each.text for each in self.events(AlarmRaised)}

    def attempts(self):
        """Return the attempts under lock it has just counted."""
        return self.events(ExposureUnderLock)
