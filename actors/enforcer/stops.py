"""Moving protective stops: one modification per order at a time, never looser, retried while wanted.

Pure; a part of the EnforcerActor, beside its enforcement and giving way to it. The latest wish wins, of
those of one picture the tightest (the rule may stand twice). What the broker refused leaves the old stop
where it is, is alarmed once, and may be tried again after a pause. What is of unknown fate is read at the
broker before anything else is sent for that order.

    READY ── wish ──▶ SENT ── done · refused · not sent ──▶ PAUSING ──▶ READY
                       └── uncertain ──▶ UNSURE ──▶ READING ── moved · not moved ──▶ PAUSING
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TypedDict, assert_never

from actors.enforcer.stop import Fate, Stop, concerns, direction, pause_s
from messages import codec
from messages.base import Message, Send
from messages.commands import ModifyOrder, MoveStops, TakeSnapshot, WakeAfter, Woken
from messages.events import (
    AlarmRaised,
    BrokerCommandAnswered,
    BrokerCommandSent,
    Event,
    StopMoved,
    StopNotMoved,
)
from messages.facts import SnapshotFailed, SnapshotTaken
from messages.journal import Append
from messages.values import (
    AlarmCode,
    Done,
    NotSent,
    Outcome,
    Rejected,
    StopMove,
    Target,
    Uncertain,
    Withheld,
)

_COMMAND_S = 2.5
"""Deadline of a modification; the gateway answers by then whatever happens."""
_LOST_S = 2.0
"""How much later an answer counts as lost (the gateway itself was restarted)."""
_UNSURE_S = 2.0
"""A modification of unknown fate may still take effect: longer than it can be under way."""


class _About(TypedDict):
    """What both events about a move begin with."""

    account: int
    at: datetime
    cause: str
    command_id: str
    rule: str
    order_id: int
    contract: str
    from_price: Decimal
    stop_price: Decimal


@dataclass(slots=True)
class Stops:
    """The stops of one account; `epoch` makes the ids of this life of the actor unique."""

    account: int
    login: str
    epoch: str
    _closing: tuple[Target, ...] = ()
    _stops: dict[int, Stop] = field(default_factory=dict)
    _count: int = 0
    _now: datetime = field(init=False)
    _cause: str = field(init=False, default="")
    _out: list[Send] = field(default_factory=list)

    def give_way(self, targets: tuple[Target, ...]) -> None:
        """Send nothing for contracts that are being closed or reduced; () = none is."""
        self._closing = targets
        for stop in self._stops.values():
            if stop.wish and self._gives_way(stop.wish):
                stop.wish = None

    def is_for(self, message: Message) -> bool:
        """Say whether a message is about a stop, and not about the enforcement."""
        match message:
            case MoveStops():
                return True
            case BrokerCommandAnswered():
                return message.command_id.startswith(self._ids)
            case SnapshotTaken() | SnapshotFailed():
                return message.request_id.startswith(self._ids)
            case Woken():
                return message.key.startswith("stop ")
            case _:
                return False

    def handle(self, message: Message, now: datetime) -> list[Send]:
        """Take in one message that `is_for` stops; return what leaves, in order."""
        self._now, self._cause, self._out = now, message.cause, []
        match message:
            case MoveStops():
                self._withdraw(message.withdrawn)
                self._on_wishes(message.moves)
            case BrokerCommandAnswered():
                self._on_answer(message)
            case SnapshotTaken() | SnapshotFailed():
                self._on_read(message)
            case Woken():
                self._on_woken(message.key)
            case _:
                raise TypeError(f"stops cannot be told {type(message).__name__}")
        return self._out

    # --- wishes ---

    def _withdraw(self, orders: Iterable[int]) -> None:
        """Forget what waits to be sent for orders that changed; the rule judges them anew."""
        for order in orders:
            if stop := self._stops.get(order):
                stop.wish = None

    def _on_wishes(self, moves: Iterable[StopMove]) -> None:
        kept = self._stops.items()
        self._stops = {order: stop for order, stop in kept if not stop.forgotten(self._now)}
        for move in moves:
            if self._gives_way(move):
                continue
            stop = self._stops.setdefault(move.order_id, Stop())
            stop.wants(move, self._now)
            self._try(stop)

    def _gives_way(self, move: StopMove) -> bool:
        return any(concerns(target, move.contract) for target in self._closing)

    def _try(self, stop: Stop) -> None:
        if move := stop.take(self._now):
            self._send(stop, move)

    # --- the one modification under way ---

    def _send(self, stop: Stop, move: StopMove) -> None:
        stop.command_id = self._next_id("m")
        command = ModifyOrder(
            account=self.account,
            at=self._now,
            cause=self._cause,
            command_id=stop.command_id,
            deadline_s=_COMMAND_S,
            order_id=move.order_id,
            stop_price=move.stop_price,
            limit_price=move.limit_price,
        )
        self._tell(f"gateway/{self.login}", command)
        self._record(
            BrokerCommandSent(
                account=self.account,
                at=self._now,
                cause=self._cause,
                enforcement_id=None,
                command_id=stop.command_id,
                command=codec.kind(command),
                contract=move.contract,
                size=None,
                order_id=move.order_id,
                stop_price=move.stop_price,
                limit_price=move.limit_price,
            )
        )
        self._wake(stop, move, _COMMAND_S + _LOST_S)

    def _on_answer(self, answer: BrokerCommandAnswered) -> None:
        for stop in self._stops.values():
            if stop.fate is Fate.SENT and stop.sent and stop.command_id == answer.command_id:
                self._record(answer)
                self._judge(stop, stop.sent, answer.outcome)

    def _judge(self, stop: Stop, sent: StopMove, outcome: Outcome) -> None:
        match outcome:
            case Done():
                self._moved(stop, sent)
            case Rejected(code=code, text=text):
                self._not_moved(stop, sent, f"rejected by the broker: {text} ({code})")
            case NotSent(reason=reason):
                self._not_moved(stop, sent, f"not sent: {reason}")
            case Withheld():
                self._wake(stop, sent, stop.pretended(sent))
            case Uncertain(reason=reason):
                self._alarm(stop, sent, f"of unknown fate, it is read before it is tried: {reason}")
                stop.fate = Fate.UNSURE
                self._wake(stop, sent, _UNSURE_S)
            case _:
                assert_never(outcome)

    def _on_woken(self, key: str) -> None:
        _, order, number = key.split(" ")
        stop = self._stops.get(int(order))
        if stop is None or stop.wakes != int(number):
            return
        match stop.fate:
            case Fate.PAUSING:
                stop.fate = Fate.READY
                self._try(stop)
            case Fate.SENT:
                self._on_answer(self._unanswered(stop.command_id))
            case Fate.UNSURE | Fate.READING:
                self._read(stop)
            case Fate.READY:
                pass
            case _:
                assert_never(stop.fate)

    def _unanswered(self, command_id: str) -> BrokerCommandAnswered:
        return BrokerCommandAnswered(
            account=self.account,
            at=self._now,
            cause=command_id,
            command_id=command_id,
            outcome=Uncertain(reason="the gateway did not answer"),
        )

    # --- what became of it ---

    def _read(self, stop: Stop) -> None:
        """Read the orders; a read that was lost is asked for again."""
        if stop.sent is None:
            return
        stop.fate, stop.request_id = Fate.READING, self._next_id("r")
        self._tell(
            f"gateway/{self.login}",
            TakeSnapshot(
                account=self.account,
                at=self._now,
                cause=stop.command_id,
                request_id=stop.request_id,
                asker=f"enforcer/{self.account}",
                trades_since=None,
                urgent=False,
                deadline_s=_COMMAND_S,
            ),
        )
        self._wake(stop, stop.sent, _COMMAND_S + _LOST_S)

    def _on_read(self, answer: SnapshotTaken | SnapshotFailed) -> None:
        for stop in self._stops.values():
            if stop.fate is Fate.READING and stop.sent and stop.request_id == answer.request_id:
                self._learn(stop, stop.sent, answer)

    def _learn(self, stop: Stop, sent: StopMove, answer: SnapshotTaken | SnapshotFailed) -> None:
        if isinstance(answer, SnapshotFailed):
            stop.fate, stop.failures = Fate.UNSURE, stop.failures + 1
            self._wake(stop, sent, pause_s(stop.failures))
            return
        order = next((each for each in answer.orders if each.order_id == sent.order_id), None)
        if order is None or order.stop_price is None:
            self._not_moved(stop, sent, "the broker shows no such stop any more")
        elif (order.stop_price - sent.stop_price) * direction(sent) < 0:
            self._not_moved(stop, sent, f"the broker shows it at {order.stop_price}")
        else:
            self._moved(stop, sent)

    def _moved(self, stop: Stop, move: StopMove) -> None:
        self._record(StopMoved(**self._about(stop, move), reason=move.reason))
        pause = stop.moved(move)
        if stop.failures:
            self._alarm(stop, move, "was moved there before and is not there")
        self._wake(stop, move, pause)

    def _not_moved(self, stop: Stop, move: StopMove, why: str) -> None:
        pause = stop.failed()
        self._record(StopNotMoved(**self._about(stop, move), reason=why, again_in_s=pause))
        self._alarm(stop, move, why)
        self._wake(stop, move, pause)

    # --- small things ---

    @property
    def _ids(self) -> str:
        return f"{self.account}/stops/{self.epoch}."

    def _next_id(self, letter: str) -> str:
        self._count += 1
        return f"{self._ids}{letter}{self._count}"

    def _about(self, stop: Stop, move: StopMove) -> _About:
        return _About(
            account=self.account,
            at=self._now,
            cause=stop.command_id,
            command_id=stop.command_id,
            rule=move.rule,
            order_id=move.order_id,
            contract=move.contract,
            from_price=move.from_price,
            stop_price=move.stop_price,
        )

    def _alarm(self, stop: Stop, move: StopMove, why: str) -> None:
        """Raise an alarm, once until a move succeeds."""
        if stop.alarmed:
            return
        stop.alarmed = True
        self._record(
            AlarmRaised(
                at=self._now,
                cause=stop.command_id,
                account=self.account,
                code=AlarmCode.STOP_NOT_MOVED,
                text=f"stop order {move.order_id} of {move.contract} from {move.from_price} "
                f"to {move.stop_price}: {why}",
            )
        )

    def _tell(self, to: str, message: Message) -> None:
        self._out.append(Send(to, message))

    def _record(self, *events: Event) -> None:
        append = Append(at=self._now, cause=self._cause, events=events, asker=None, token=self._ids)
        self._tell("journal", append)

    def _wake(self, stop: Stop, move: StopMove, after_s: float) -> None:
        stop.wakes += 1
        to, key = f"enforcer/{self.account}", f"stop {move.order_id} {stop.wakes}"
        wake = WakeAfter(at=self._now, cause=self._cause, to=to, key=key, after_s=after_s)
        self._tell("clock", wake)
