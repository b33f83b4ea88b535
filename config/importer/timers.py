"""What `timers_config.yaml` says: the trading day, the session, the holidays and the cooldowns.

The original used the four cooldowns and little else; its rules stayed silently off when the file was
missing. Where two files say a time, and differ, a person must decide.
"""

from typing import Any

from config.importer.durations import seconds, until
from config.importer.notes import Notes
from config.importer.reading import Document
from config.importer.section import Section

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_RESET = "17:00"
_ZONE = "America/Chicago"


class Timers:
    """The timers, or their absence."""

    def __init__(self, document: Document | None, notes: Notes) -> None:
        self.reset: Any = None
        self.zone: Any = None
        self.frequency_s: dict[str, Any] = {}
        self.cooldown_s: Any = None
        self.without_holidays = ""
        self._places: dict[str, str] = {}
        self._session: Section | None = None
        self._hours: dict[str, Any] = {}
        if document is None:
            notes.add(
                "decide",
                "timers_config.yaml",
                "is not among the files; the original then ran without RULE-006, 007 and 009, silently",
            )
        else:
            self._read(Section(document, notes, document.data))

    def _read(self, whole: Section) -> None:
        self._read_reset(whole.table("daily_reset"))
        self._read_lockouts(whole.table("lockout_durations"))
        self._read_session(whole.table("session_hours"))
        self._read_holidays(whole.table("holidays"))
        advanced = whole.table("advanced")
        advanced.ignored("deadlines are kept to the moment here", "check_interval")
        advanced.ignored("positions are closed at the bell", "session_close_grace")
        advanced.ignored("lockouts always end by themselves", "auto_unlock")
        advanced.ignored("times follow the zone's wall clock", "dst")
        advanced.finish()
        whole.finish()

    def _read_reset(self, section: Section) -> None:
        self._places["reset"], self._places["zone"] = (
            section.place("time"),
            section.place("timezone"),
        )
        section.assume("time", _RESET)
        section.assume("timezone", _ZONE)
        self.reset, self.zone = section.take("time"), section.take("timezone")
        if not section.flag("enabled", default=True):
            section.note("changed", "enabled", "there is always a daily reset here")
        section.ignored("had no effect; a reset always ends the day", "reset_actions")
        section.finish()

    def _read_lockouts(self, section: Section) -> None:
        hard, timed = section.table("hard_lockout"), section.table("timer_cooldown")
        until(hard, "daily_realized_loss", "until_reset", "RULE-003 locks until the reset")
        until(hard, "daily_realized_profit", "until_reset", "RULE-013 locks until the reset")
        until(
            hard,
            "session_block_outside",
            "until_session_start",
            "RULE-009 locks until the next session start",
        )
        until(hard, "auth_loss_guard", "", "RULE-010 locks until the broker says canTrade again")
        frequency = timed.table("trade_frequency")
        for ours in ("per_minute", "per_hour", "per_session"):
            frequency.assume(f"{ours}_breach", "the usual duration of ours")
            if (found := seconds(frequency, f"{ours}_breach")) is not None:
                self.frequency_s[ours] = found
        self.cooldown_s = seconds(timed, "cooldown_after_loss")
        for each in (hard, frequency, timed, section):
            each.finish()

    def _read_session(self, section: Section) -> None:
        self._session = section if section.is_there else None
        self._hours = {name: section.take(name) for name in ("start", "end", "timezone")}
        self._hours["days"] = self._days(section)
        self._hours["enabled"] = section.flag("enabled", default=True)
        for name in ("pre_market", "after_hours"):
            extra = section.take(name)
            if isinstance(extra, dict) and extra.get("enabled"):
                section.note(
                    "decide", name, "had no effect; widen start or end if these hours are meant"
                )
            elif extra is not None:
                section.note("ignored", name, "is off, and had no effect")
        section.finish()

    def _days(self, section: Section) -> Any:
        section.assume("allowed_days", "Monday to Friday")
        days = section.take("allowed_days")
        if days is None:
            return None
        if isinstance(days, list) and all(type(day) is int and day in range(7) for day in days):
            section.note("ignored", "allowed_days", "was not enforced; RULE-009 does")
            return [_DAYS[day] for day in days]
        section.note(
            "decide", "allowed_days", f"must be numbers from 0 (Monday) to 6, not {days!r}"
        )
        return days

    def _read_holidays(self, section: Section) -> None:
        if not section.flag("enabled", default=True):
            self.without_holidays = f"{section.place('enabled')} switches holidays off"
        by_year, early = section.take("dates"), section.take("early_close")
        listed = by_year.values() if isinstance(by_year, dict) else []
        dates = [str(day) for each in listed for day in (each or [])]
        if dates:
            section.note(
                "changed",
                "dates",
                f"{len(dates)} days ({dates[0]} to {dates[-1]}) are not carried over: [calendar] file "
                "has the exchange's own days, some of them early closes where the original closed "
                "all day; list your own days in a copy of it if you want them",
            )
        if early:
            section.note("changed", "early_close", "[calendar] file has the exchange's own days")
        section.finish()

    # --- what the rules need of it ---

    def trading_day(self) -> dict[str, Any]:
        """Return our table of it."""
        return {"reset": self.reset or _RESET, "timezone": self.zone or _ZONE}

    def session(self, rule: Section) -> dict[str, Any]:
        """Return the fields of RULE-009; the hours of the rule itself were never used."""
        own = {
            ours: (theirs, rule.take(theirs))
            for ours, theirs in (("start", "start_time"), ("end", "end_time"))
        }
        own["timezone"] = ("timezone", rule.take("timezone"))
        if self._session is None:
            rule.note("decide", "", "no session_hours; the rule's own hours are taken, check them")
            return {ours: value for ours, (_, value) in own.items()}
        for ours, (theirs, value) in own.items():
            if value is not None and value != self._hours[ours]:
                self._differ(rule, theirs, value, self._session.place(ours), self._hours[ours])
            elif value is not None:
                rule.note("ignored", theirs, "was never used; session_hours says the same")
        fields = {name: self._hours[name] for name in ("start", "end", "days")}
        zone = self._hours["timezone"]
        fields["timezone"] = zone if zone != self.trading_day()["timezone"] else None
        if fields["timezone"] is not None:
            self._session.note("ignored", "timezone", f"is not the reset's zone, {self.zone}")
        if not self._hours["enabled"]:
            self._session.note("changed", "enabled", "session_hours is off, so RULE-009 is off")
            fields = {"enabled": False} | fields
        return fields

    def compare_reset(self, rule: Section, time: str, zone: str) -> None:
        """Compare the reset a rule of the original had, and never used, with the one of the timers."""
        for name, ours, what in ((time, self.reset, "reset"), (zone, self.zone, "zone")):
            value = rule.take(name)
            if value is None:
                continue
            if ours is not None and value != ours:
                self._differ(rule, name, value, self._places[what], ours)
            elif ours is not None:
                rule.note("ignored", name, "was never used; daily_reset says the same")
            else:
                rule.note("decide", name, f"{value!r} was never used; put it in [trading_day]")

    def compare_zone(self, general: Section, name: str) -> None:
        """Compare the general zone with the one of the trading day."""
        value = general.take(name)
        if value is not None and self.zone is not None and value != self.zone:
            self._differ(general, name, value, self._places["zone"], self.zone)

    @staticmethod
    def _differ(section: Section, name: str, value: Any, other: str, taken: Any) -> None:
        section.note("decide", name, f"{value!r} differs from {taken!r} in {other}, which is taken")
