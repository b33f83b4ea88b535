"""How a gateway tells the rest of the system what it found: alarms, quarantine, facts."""

import math
from datetime import UTC, datetime, timedelta
from typing import assert_never

from msgspec.structs import replace

from actors.gateway.errors import DecodeError
from actors.gateway.quarantine import Quarantine
from actors.runtime.clock import Clock
from actors.runtime.directory import Directory
from actors.secrets import Secrets
from messages.base import AccountMessage
from messages.commands import ReportBrokerTime
from messages.events import AlarmRaised, Event
from messages.facts import PayloadQuarantined
from messages.journal import Append
from messages.values import AlarmCode, Done, NotSent, Outcome, Rejected, Uncertain, Withheld

_LONGEST_RAW = 2000
_REPORT_EVERY_S = 1.0
"""The clock looks at itself as often; every fill and every answer shows the time."""
_SAME_TIME_S = 2.0
"""A `Date` names whole seconds, so that the broker's clock seems to move by one."""


class Outbox:
    """The outgoing side of one login's gateway; thread-safe, because telling is."""

    def __init__(
        self, *, login: str, clock: Clock, directory: Directory, secrets: Secrets | None = None
    ) -> None:
        self._login = login
        self._directory = directory
        self.clock = clock
        self.tell = directory.tell
        self._last = datetime.min.replace(tzinfo=UTC)
        self._secrets = secrets or Secrets("", "")
        self._quarantine = Quarantine()
        self._reported: dict[bool, tuple[float, float]] = {}
        """When the clock was told last and how far ahead it was; of answers (True), and of fills."""

    def stamp(self) -> datetime:
        """Return the time now, later than every stamp before; on the gateway's loop only.

        An account orders what the stream told against what a read showed by these stamps, so two of
        them must never be equal, nor go back when the wall clock is set back.
        """
        self._last = max(self.clock.now(), self._last + timedelta(microseconds=1))
        return self._last

    def to_account(self, message: AccountMessage) -> None:
        """Tell the account that a message concerns."""
        self._directory.tell(f"account/{message.account}", message)

    def waiting_for(self, account: int) -> int:
        """Return how many messages wait for an account, quotes apart."""
        return self._directory.waiting(f"account/{account}")

    def report_time(self, earliest: datetime, latest: datetime | None = None) -> None:
        """Report what the broker's clock has just shown, once a second unless it shows another time."""
        now, elapsed_s = self.clock.now(), self.clock.monotonic()
        told, ahead_s = latest is not None, (earliest - now).total_seconds()
        then_s, then_ahead_s = self._reported.get(told, (-math.inf, 0.0))
        if elapsed_s - then_s < _REPORT_EVERY_S and abs(ahead_s - then_ahead_s) < _SAME_TIME_S:
            return
        self._reported[told] = elapsed_s, ahead_s
        report = ReportBrokerTime(
            at=now,
            cause=f"gateway/{self._login}",
            login=self._login,
            earliest=earliest,
            latest=latest,
            elapsed_s=elapsed_s,
        )
        self._directory.tell("clock", report)

    def blot(self, text: str) -> str:
        """Return what the broker said without what it must not repeat."""
        return self._secrets.blot(text)

    def blot_outcome(self, outcome: Outcome) -> Outcome:
        """Return an outcome without what the broker's words must not repeat."""
        match outcome:
            case Rejected(text=text):
                return replace(outcome, text=self.blot(text))
            case NotSent(reason=reason) | Uncertain(reason=reason):
                return replace(outcome, reason=self.blot(reason))
            case Done() | Withheld():
                return outcome
            case _:
                assert_never(outcome)

    def alarm(self, code: AlarmCode, text: str, *, account: int | None = None) -> None:
        """Journal something a person must look at."""
        self._journal(self._alarm(code, text, account))

    def quarantine(self, source: str, raw: bytes | str, error: DecodeError) -> bool:
        """Set a payload aside, whole, and raise an alarm; return False where it was only counted."""
        self.summarise_quarantine()
        if not self._quarantine.keeps(source, self.clock.monotonic()):
            return False
        text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
        alarm = f"{self._login}: {source}: {error}; the payload was set aside, see the journal"
        self._journal(
            PayloadQuarantined(
                at=self.clock.now(),
                cause=source,
                login=self._login,
                source=source,
                raw=self.blot(text)[:_LONGEST_RAW],
                error=self.blot(str(error)),
            ),
            self._alarm(AlarmCode.PAYLOAD_QUARANTINED, alarm, None),
        )
        return True

    def summarise_quarantine(self) -> None:
        """Raise one alarm about all that was only counted in a period that is over."""
        if summary := self._quarantine.summary(self.clock.monotonic()):
            self.alarm(AlarmCode.PAYLOAD_QUARANTINED, f"{self._login}: {summary}")

    def _alarm(self, code: AlarmCode, text: str, account: int | None) -> AlarmRaised:
        return AlarmRaised(
            at=self.clock.now(),
            cause=f"gateway/{self._login}",
            account=account,
            code=code,
            text=self.blot(text),
        )

    def _journal(self, *events: Event) -> None:
        self._directory.tell(
            "journal",
            Append(
                at=self.clock.now(),
                cause=f"gateway/{self._login}",
                events=events,
                asker=None,
                token="",
            ),
        )
