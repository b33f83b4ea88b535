"""One enforcement of one account: commands, reads, and the proof.

Pure: no actor, no clock, no I/O. The first closes go out at once from what the account knows; after
that only complete snapshots decide. After every wave of commands the account is read; what is left is
read once more a moment later and only then commanded again, so that nothing is sent twice for one
position. Two complete snapshots in a row without anything left are the proof. When the deadline passes
first, the lock is applied all the same and the work goes on, more slowly, until it is done.

    IDLE ── Enforce ──▶ COMMANDING ── all answered ──▶ READING ── clean, clean ──▶ proof, IDLE
                            ▲                            │  ▲
                            └──── still left ◀── WAITING ◀┘──┘
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum, auto

from actors.enforcer.commanding import (
    CommandHead,
    commands_for,
    complaint_about,
    concerned,
    is_of_nothing,
    sent,
)
from actors.enforcer.stops import Stops
from actors.enforcer.targets import Plan, covers_all, needs_no_read, plan
from actors.enforcer.timers import Timers
from messages.base import Message, Send
from messages.commands import (
    ApplyLockout,
    BrokerCommand,
    CancelOrder,
    CancelWake,
    CloseContract,
    Enforce,
    MoveStops,
    TakeSnapshot,
    WakeAfter,
    Woken,
)
from messages.events import AlarmRaised, BrokerCommandAnswered, Event
from messages.facts import SnapshotFailed, SnapshotTaken
from messages.journal import Append
from messages.values import AlarmCode, Closing, Done, NotSent, Rejected, Target, Uncertain, Withheld

_COMMAND_S = 2.5
"""Deadline of a broker command; the gateway answers by then whatever happens."""
_LOST_S = 2.0
"""How much later an answer counts as lost (the gateway itself was restarted)."""
_PROOF_READS = 2
_FIRST_PAUSE_S = 0.1
_LAST_PAUSE_S = 15.0
_STUCK_PAUSE_S = 6.0
"""Once pauses have grown so long, an order that was to close something counts as stuck (it fills within
some 25 ms as a rule)."""
_UNCERTAIN_PAUSE_S = 2.0
"""A command of unknown fate may still take effect: longer than it can be under way."""


_INHERITED_S = _COMMAND_S + _UNCERTAIN_PAUSE_S
"""How long a command of an earlier life, sent as that failed, may still take effect."""


class Step(Enum):
    """Where the enforcement is."""

    IDLE = auto()
    COMMANDING = auto()
    READING = auto()
    WAITING = auto()


@dataclass(slots=True)
class EnforcerCore:
    """The enforcement under way; `epoch` makes the ids of this life of the actor unique."""

    account: int
    login: str
    epoch: str
    _step: Step = Step.IDLE
    _id: str = ""
    _targets: tuple[Target, ...] = ()
    _deadline_at: datetime | None = None
    _reported: bool = False
    _confirmed: bool = False
    _waves: int = 0
    _clean: int = 0
    _settled: bool = False
    """The last read came after a pause, so what it shows may be commanded again."""
    _pause_s: float = _FIRST_PAUSE_S
    _outstanding: dict[str, BrokerCommand] = field(default_factory=dict)
    _unasked: set[str] = field(default_factory=set)
    """Outstanding commands of which the account has not said again that it knows of something to do."""
    _latest: dict[str | int | None, str] = field(default_factory=dict)
    """The last command about each contract and order: what became of earlier ones repeats nothing."""
    _failed: list[BrokerCommand] = field(default_factory=list)
    """Commands that certainly had no effect, since the last complete read."""
    _refused: list[BrokerCommand] = field(default_factory=list)
    """Commands the request budget had no room for, since the last complete read."""
    _turn_at: datetime | None = None
    """When the first command that the budget had no room for should stand in its queue again."""
    _exposure_usd: Decimal | None = None
    """What the account has at stake, as it last said."""
    _withheld: bool = False
    """The gateway keeps this account's commands back: it is watched in shadow."""
    _blind: bool = False
    """The last read failed."""
    _moved: bool = False
    """Positions were commanded since what was commanded last had time to take effect."""
    _unseen: bool = False
    """Positions were commanded since the last complete read."""
    _reducing: set[str] = field(default_factory=set)
    """Contracts of those that were reduced, or closed because a read showed them: what the account
    still hears of them may be older than that, so they are closed again only after another read."""
    _coming: Mapping[str, int] = field(default_factory=dict)
    """By how many contracts orders were on their way to reduce each position at the last read."""
    _verify_every_s: float = 0.0
    _read_at: datetime | None = None
    _known: set[str | int] = field(default_factory=set)
    """Contracts and orders this enforcement has been told of."""
    _unsure_until: datetime | None = None
    """Until when a command of unknown fate may still be under way; it is told anew with each of them."""
    _inherited_until: datetime | None = None
    """Until when commands of an earlier life may be under way that this one knows nothing of."""
    _queued: bool = False
    """They may be in the gateway's queue still: that life was of this process."""
    _closing: list[Closing] = field(default_factory=list)
    """Closes of an earlier life that may hang for long, until a read."""
    _void: set[str] = field(default_factory=set)
    """Commands of an earlier life that had no effect, until a read: told before they were known of."""
    _asked: Plan = field(default_factory=Plan)
    """What the account has last named as there to be closed and cancelled."""
    _due_at: datetime | None = None
    """When the pause it waits for ends."""
    _request: str = ""
    _timers: Timers = field(default_factory=Timers)
    _count: int = 0
    _now: datetime = field(init=False)
    _cause: str = field(init=False, default="")
    _out: list[Send] = field(default_factory=list)
    _stops: Stops = field(init=False)

    def __post_init__(self) -> None:
        self._stops = Stops(account=self.account, login=self.login, epoch=self.epoch)

    def inherit(self, now: datetime) -> None:
        """Take up what a life that has just failed has left: nothing is closed beside its commands.

        The gateway may still have them in its queue, or at the broker, where no read shows them.
        """
        self._inherited_until, self._queued = now + timedelta(seconds=_INHERITED_S), True

    def handle(
        self,
        message: Enforce
        | MoveStops
        | BrokerCommandAnswered
        | SnapshotTaken
        | SnapshotFailed
        | Woken,
        now: datetime,
    ) -> list[Send]:
        """Take one message in and return what leaves, in order."""
        if self._stops.is_for(message):
            return self._stops.handle(message, now)
        self._now, self._cause, self._out = now, message.cause, []
        match message:
            case Enforce():
                self._on_enforce(message)
            case BrokerCommandAnswered():
                self._on_answer(message)
            case SnapshotTaken() if message.request_id == self._request:
                self._on_snapshot(message)
            case SnapshotFailed() if message.request_id == self._request:
                self._on_failed(message)
            case Woken():
                self._on_woken(message.key)
            case _:
                pass  # the answer to a read that is no longer awaited
        return self._out

    # --- begin ---

    def _on_enforce(self, order: Enforce) -> None:
        again = order.enforcement_id == self._id
        self._arm_deadline(order, news=not again or not covers_all(self._targets, order.targets))
        self._forget(order)
        self._id, self._targets = order.enforcement_id, order.targets
        self._stops.give_way(order.targets)
        self._verify_every_s, self._exposure_usd = order.verify_every_s, order.exposure_usd
        self._clean = 0
        if order.unsure and not again and self._inherited_until is None:
            self._inherited_until = self._now + timedelta(seconds=_INHERITED_S)
        if (
            self._inherited_until is not None
        ):  # nothing was sent in this life, all is of an earlier one
            self._closing = [each for each in order.closing if each.command_id not in self._void]
        self._closing = [each for each in self._closing if each.contract not in order.reappeared]
        self._asked = known = Plan(close=order.known_positions, cancel=order.known_orders)
        if self._step is not Step.IDLE:  # of an earlier enforcement, perhaps: it may be under way
            self._hurry(order)
            return
        self._known = {*order.known_positions, *order.known_orders}
        if not again:
            self._waves, self._pause_s = 0, _FIRST_PAUSE_S
        self._settle()  # nothing is under way that could be doubled
        unread = all(needs_no_read(target) for target in order.targets)
        if self._inherits:
            self._known.clear()  # not acted on yet
            self._read()
        elif order.reappeared or (not again and (unread or known.cancel)):
            self._command(known)
        else:
            self._read()

    def _forget(self, order: Enforce) -> None:
        """Repeat nothing unread that the account no longer asks for.

        It may be closing by itself, or be allowed by now; and what waits for the request budget, or for
        a broker that cannot be read, may have waited long. It is left to a read.
        """
        wanted = {*order.known_positions, *order.known_orders}
        self._refused = [each for each in self._refused if concerned(each) in wanted]
        self._failed = [each for each in self._failed if concerned(each) in wanted]
        self._unasked = {
            number for number, each in self._outstanding.items() if concerned(each) not in wanted
        }

    def _hurry(self, order: Enforce) -> None:
        """Act on what has appeared while the enforcement is under way.

        What is new goes at once, whatever else is refused or hangs; anything else (a contract that was
        closed and opened again) is found by the next read, which then need not wait for a long pause.
        """
        close = tuple(
            name
            for name in order.known_positions
            if (name not in self._known or name in order.reappeared)
            and name not in self._reducing
            and not self._is_closing(name)
        )
        cancel = tuple(key for key in order.known_orders if key not in self._known)
        self._pause_s = _FIRST_PAUSE_S
        if (close or cancel) and not self._inherits:
            self._known.update(close, cancel)
            self._command(Plan(close=close, cancel=cancel))
        elif self._step is Step.WAITING and self._turn_at is None and self._ends_late():
            self._pause()

    def _ends_late(self) -> bool:
        """Say whether the pause lasts longer than one that began now.

        If not it stays as it is: facts that keep coming would put its end off for ever.
        """
        soon = timedelta(seconds=max(_FIRST_PAUSE_S, self._unsure_s))
        return self._due_at is None or self._now + soon < self._due_at

    def _arm_deadline(self, order: Enforce, *, news: bool) -> None:
        """Set the deadline anew, unless nothing has changed: a lock that joined has its own."""
        if not news and not self._confirmed and order.deadline_at == self._deadline_at:
            return
        self._deadline_at = order.deadline_at
        self._reported = self._confirmed = False
        left_s = max(0.0, (order.deadline_at - self._now).total_seconds())
        self._wake("deadline", left_s)

    # --- command ---

    def _command(self, todo: Plan) -> None:
        commands = commands_for(todo, self._head)
        if not commands:
            self._read()
            return
        self._settled, self._inherited_until = False, None
        self._known.update(todo.cancel)
        if todo.close or todo.reduce:
            self._moved = self._unseen = True
        self._reducing.update(contract for contract, _ in todo.reduce)
        self._step, self._request, self._waves = Step.COMMANDING, "", self._waves + 1
        again = {concerned(each) for each in commands}
        self._refused = [each for each in self._refused if concerned(each) not in again]
        self._failed = [each for each in self._failed if concerned(each) not in again]
        for command in commands:
            self._outstanding[command.command_id] = command
            self._latest[concerned(command)] = command.command_id
            self._tell(f"gateway/{self.login}", command)
        # After the commands, for nothing waits for it: what must be durable first is the intent.
        said = [sent(command, self._id, self._now) for command in commands]
        self._record(*said)
        for each in said:
            if each.contract is not None:
                self._tell(f"account/{self.account}", each)  # who tells it to a successor
        self._wake("answers", _COMMAND_S + _LOST_S)

    def _on_answer(self, answer: BrokerCommandAnswered) -> None:
        command = self._outstanding.pop(answer.command_id, None)
        if command is None:
            self._on_earlier(answer)
            return
        self._record(answer)
        if isinstance(answer.outcome, Uncertain):
            self._unsure_until = self._now + timedelta(seconds=_UNCERTAIN_PAUSE_S)
        if complaint := complaint_about(command, answer.outcome):
            self._alarm(*complaint)
        asked = [command] if self._still_asked(command) else []
        if not isinstance(answer.outcome, Done | Uncertain) and not isinstance(
            command, CancelOrder
        ):
            self._tell(f"account/{self.account}", answer)
        match answer.outcome:
            case NotSent(retry_after_s=float(after_s)):
                self._refused += asked
                turn_at = self._now + timedelta(seconds=after_s)
                self._turn_at = min(turn_at, self._turn_at or turn_at)
            case Rejected() if is_of_nothing(answer.outcome):
                pass  # there is nothing to repeat: whatever is there now, a read shows it
            case NotSent() | Rejected():
                self._failed += asked
            case Withheld():
                self._withheld = True
            case _:
                pass  # done, or of unknown fate: the next read tells
        if not self._outstanding and self._step is Step.COMMANDING:
            self._cancel("answers")
            self._go_on()

    def _on_earlier(self, answer: BrokerCommandAnswered) -> None:
        """Note that a command of an earlier life had no effect: its close may go out again unread."""
        if self._inherited_until is None or isinstance(answer.outcome, Done | Uncertain):
            return
        self._void.add(answer.command_id)
        self._closing = [each for each in self._closing if each.command_id != answer.command_id]
        self._record(answer)
        self._tell(f"account/{self.account}", answer)

    def _still_asked(self, command: BrokerCommand) -> bool:
        """Say whether a command may be repeated if it had no effect: no other has taken its place."""
        latest = self._latest.get(concerned(command)) == command.command_id
        return latest and command.command_id not in self._unasked

    def _go_on(self) -> None:
        """Read what the commands have done; where the budget is used up, wait for the turn first.

        A read would get its turn no sooner, and the worst must be closed before anything is verified.
        """
        if self._withheld:
            self._forgo()
        elif self._turn_at is None:
            self._read()
        else:
            self._wait(max(0.0, (self._turn_at - self._now).total_seconds()))

    def _forgo(self) -> None:
        """End where the gateway keeps everything back: nothing would ever become flat by it."""
        self._withheld = False
        self._end()
        self._report(None, withheld=True)

    # --- read ---

    def _read(self) -> None:
        if (early_s := self._early_s()) > 0:
            self._wait(early_s)
            return
        self._read_at = self._now
        self._step = Step.READING
        self._request = self._next_id("r")
        self._tell(
            f"gateway/{self.login}",
            TakeSnapshot(
                account=self.account,
                at=self._now,
                cause=self._id,
                request_id=self._request,
                asker=f"enforcer/{self.account}",
                trades_since=None,
                urgent=True,
                deadline_s=_COMMAND_S,
                exposure_usd=Decimal(0) if self._clean else self._exposure_usd,
            ),
        )
        self._wake("read", _COMMAND_S + _LOST_S)

    def _early_s(self) -> float:
        """Return how long the next read is put off, so that a looping trader costs few of them."""
        if self._read_at is None:
            return 0.0
        return self._verify_every_s - (self._now - self._read_at).total_seconds()

    def _on_snapshot(self, snapshot: SnapshotTaken) -> None:
        self._cancel("read")
        self._blind, self._failed, self._refused = False, [], []
        self._latest.clear()
        self._closing.clear()
        self._void.clear()
        patient = self._pause_s < _STUCK_PAUSE_S
        todo = plan(self._targets, snapshot.positions, snapshot.orders, patient=patient)
        self._read_inheritance(snapshot)
        first, self._unseen = self._unseen and self._settled, False
        filled = {name for name, left in self._coming.items() if todo.coming.get(name, 0) < left}
        self._coming = todo.coming
        if todo.satisfied:
            self._clean += 1
            if self._clean >= _PROOF_READS:
                self._prove(snapshot)
            else:
                self._read()
            return
        self._clean = 0
        something = bool(todo.close or todo.reduce or todo.cancel)
        if filled.intersection((*todo.close, *(name for name, _ in todo.reduce))):
            self._wait(_FIRST_PAUSE_S)  # perhaps between the two answers of this read
        elif something and first:
            self._wait(_FIRST_PAUSE_S)  # no read before it could show such a fill
        elif something and (self._settled or self._waves == 0):
            self._reducing.update(todo.close)
            self._command(todo)
        elif (todo.close or todo.reduce) and not self._moved:
            self._reducing.update(todo.close)
            self._command(Plan(close=todo.close, reduce=todo.reduce))  # only orders were under way
        else:
            self._pause()

    def _read_inheritance(self, snapshot: SnapshotTaken) -> None:
        """Leave what a first read shows after another life to the next: it may be closing already."""
        if self._inherited_until is None:
            return
        if self._inherits and self._queued:
            self._unsure_until = self._inherited_until
        held = [each.contract for each in snapshot.positions]
        self._known.update(held, (each.order_id for each in snapshot.orders))
        self._reducing.update(held)
        self._moved = self._unseen = True
        self._inherited_until = None

    def _on_failed(self, failure: SnapshotFailed) -> None:
        """Read again later; where the request budget has no room, not before it has.

        Nothing was read then and nothing learned: what a read before it has shown still counts. Commands
        that had no effect do not wait for it: mutations have room that reads do not.
        """
        if failure.retry_after_s is None:
            self._on_unread(failure.reason)
            return
        self._cancel("read")
        if self._failed:
            self._blind = True
            self._pause()
            return
        pause_s = failure.retry_after_s
        if self._inherited_until is not None:
            left_s = (self._inherited_until - self._now).total_seconds()
            pause_s = min(pause_s, max(left_s, 0.0))
        self._turn_at = self._now + timedelta(seconds=pause_s)
        self._wait(pause_s)

    def _on_unread(self, reason: str) -> None:
        self._cancel("read")
        self._blind = True
        self._alarm(AlarmCode.SNAPSHOT_FAILED, f"cannot verify {self._id}: {reason}")
        self._clean = 0
        self._pause()

    def _again(self) -> Plan:
        """Return the closes and cancels that certainly had no effect, if no read is to be had.

        With a read the plan decides. Where the last one failed, or the budget has no room, these may go
        out again all the same: what the broker refused or never got cannot be doubled, as long as no
        other command has taken its place. What reduces by a number waits for a read.
        """
        failed, self._refused, self._turn_at = self._refused, [], None
        if self._inherited_until is not None and not self._inherits:
            self._inherited_until = None
            # no read was to be had, and nothing was sent in this life
            close = tuple(each for each in self._asked.close if not self._is_closing(each))
            return Plan(close=close, cancel=self._asked.cancel)
        if self._blind:
            failed, self._failed = [*self._failed, *failed], []
        return Plan(
            close=tuple(each.contract for each in failed if isinstance(each, CloseContract)),
            cancel=tuple(each.order_id for each in failed if isinstance(each, CancelOrder)),
        )

    def _pause(self) -> None:
        """Let what was commanded take effect before reading and commanding again."""
        self._wait(self._pause_s)
        self._pause_s = min(self._pause_s * 2, _LAST_PAUSE_S)

    def _wait(self, pause_s: float) -> None:
        self._step, self._request = Step.WAITING, ""
        wait_s = max(pause_s, self._unsure_s)
        self._due_at = self._now + timedelta(seconds=wait_s)
        self._wake("pause", wait_s)

    def _prove(self, snapshot: SnapshotTaken) -> None:
        self._end()
        self._report(snapshot)

    def _end(self) -> None:
        self._step, self._request, self._coming = Step.IDLE, "", {}
        self._confirmed = True
        self._pause_s = _FIRST_PAUSE_S
        self._cancel("deadline")
        self._stops.give_way(())

    def _report(self, proof: SnapshotTaken | None, *, withheld: bool = False) -> None:
        self._reported = True
        self._tell(
            f"account/{self.account}",
            ApplyLockout(
                account=self.account,
                at=self._now,
                cause=self._id,
                enforcement_id=self._id,
                targets=self._targets,
                flat_confirmed=proof is not None,
                read_at=proof.requested_at if proof else None,
                positions=proof.positions if proof else (),
                orders=proof.orders if proof else (),
                waves=self._waves,
                withheld=withheld,
                deadline_at=None if proof or withheld else self._deadline_at,
            ),
        )

    # --- deadlines ---

    def _on_woken(self, key: str) -> None:
        match self._timers.rang(key), self._step:
            case "deadline", _ if not self._reported and not self._confirmed:
                self._report(None)
            case "answers", Step.COMMANDING:
                self._give_up_on_answers()
            case "read", Step.READING:
                self._on_unread("the gateway did not answer")
            case "pause", Step.WAITING:
                self._settle()
                self._command(self._again())
            case _:
                pass  # replaced, or overtaken by events

    def _give_up_on_answers(self) -> None:
        for command_id in tuple(self._outstanding):
            self._on_answer(
                BrokerCommandAnswered(
                    account=self.account,
                    at=self._now,
                    cause=command_id,
                    command_id=command_id,
                    outcome=Uncertain(reason="the gateway did not answer"),
                )
            )

    # --- small things ---

    @property
    def _inherits(self) -> bool:
        """Say whether commands of an earlier life may be under way, of which no read has told."""
        return self._inherited_until is not None and self._now < self._inherited_until

    def _is_closing(self, contract: str) -> bool:
        """Say whether an earlier life's close of a contract may still take effect."""
        return any(each.contract == contract for each in self._closing)

    @property
    def _unsure_s(self) -> float:
        """Return how long what is of unknown fate may still be under way."""
        if self._unsure_until is None:
            return 0.0
        return max(0.0, (self._unsure_until - self._now).total_seconds())

    def _settle(self) -> None:
        """Note that what was commanded has had time to take effect."""
        self._settled, self._moved, self._unsure_until = True, False, None
        self._reducing.clear()

    def _next_id(self, letter: str) -> str:
        self._count += 1
        return f"{self._id}/{self.epoch}.{letter}{self._count}"

    def _head(self) -> CommandHead:
        return CommandHead(
            account=self.account,
            at=self._now,
            cause=self._id,
            command_id=self._next_id("c"),
            deadline_s=_COMMAND_S,
            exposure_usd=self._exposure_usd,
        )

    def _tell(self, to: str, message: Message) -> None:
        self._out.append(Send(to, message))

    def _record(self, *events: Event) -> None:
        append = Append(at=self._now, cause=self._id, events=events, asker=None, token=self._id)
        self._tell("journal", append)

    def _alarm(self, code: AlarmCode, text: str) -> None:
        account = self.account
        self._record(
            AlarmRaised(at=self._now, cause=self._id, account=account, code=code, text=text)
        )

    def _wake(self, name: str, after_s: float) -> None:
        self._cancel(name)
        to, key = f"enforcer/{self.account}", self._timers.begin(name)
        self._tell(
            "clock", WakeAfter(at=self._now, cause=self._id, to=to, key=key, after_s=after_s)
        )

    def _cancel(self, name: str) -> None:
        if (key := self._timers.end(name)) is not None:
            to = f"enforcer/{self.account}"
            self._tell("clock", CancelWake(at=self._now, cause=self._id, to=to, key=key))
