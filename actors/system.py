"""Builds the whole system from a configuration: start left to right, stop right to left.

Made by main.py, the demo and the tests. The store is opened and verified first, then the supervisor,
journal, log and clock, the rules, and the sessions of all logins, whose first answers tell the broker's
time; then, per login, its quotes and accounts; only then do facts begin to flow. Whatever fails on the
way is raised, after everything started before has been stopped.
"""

import asyncio
import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypedDict

import pykka
import structlog
from msgspec import structs

from actors.account import lost_history, pretence, rulebook
from actors.account.actor import AccountActor
from actors.account.adopting import Origin
from actors.account.core import AccountCore
from actors.account.settings import AccountSettings
from actors.account.state import AccountState
from actors.enforcer.actor import EnforcerActor
from actors.enforcer.core import EnforcerCore
from actors.gateway import GatewayActor, LoginSettings, QuoteActor, names
from actors.gateway.fanout import Known
from actors.gateway.feeds import Feeds
from actors.gateway.plausible import QuoteCheck
from actors.gateway.quotes import QUOTES
from actors.journal import (
    LEASE,
    Anchor,
    AnchorActor,
    ArchivistActor,
    JournalActor,
    Memory,
    ReadAhead,
    Store,
    StoreError,
    archive_before,
    default_anchor,
    refusing,
)
from actors.locking import LockRequest, lock_out
from actors.ops.alerts import family
from actors.ops.alerts.lookout import ADDRESS as LOOKOUT
from actors.ops.alerts.lookout import LookoutActor
from actors.ops.alerts.settings import AlertSettings
from actors.ops.copiers import CopierActor
from actors.ops.fitness import ADDRESS as FITNESS
from actors.ops.fitness import Fitness, FitnessActor
from actors.ops.http import HttpServer
from actors.ops.log import LogActor
from actors.ops.metrics import Counts, MetricsActor, Readings, exposition, read
from actors.ops.standing import text_of
from actors.ops.web import Dashboard
from actors.ops.witness import Testimony, Witness
from actors.reloading import (
    ReloadRefusedError,
    adopt_command,
    adopted_by,
    refuse_other_shadow,
    refuse_what_needs_a_restart,
)
from actors.rules import lost
from actors.rules.actor import RuleActor
from actors.rules.registry import all_rules
from actors.runtime import (
    ChildSpec,
    Clock,
    ClockActor,
    Deadlines,
    Directory,
    Dispatcher,
    InFlight,
    Lag,
    LingeringThread,
    LoopThread,
    OwnThread,
    PooledActor,
    Restart,
    RightOfWay,
    RootSupervisor,
    StartChild,
    StopChild,
    StopChildren,
    SupervisorFlags,
    TrustedClock,
    WorkerPool,
    answers_within,
    census,
    supervisor_spec,
)
from actors.unguarded import gone, gone_records, standing, unguarded, without_renamed
from config.errors import ConfigError
from config.loader import Config, load
from messages.commands import GuardAccounts, NoteLateness, OpenSession, PollAccounts, SettleTime
from messages.events import (
    AlarmRaised,
    AnchorAccepted,
    Event,
    SessionOpened,
    SystemStarted,
    SystemStopped,
)
from messages.facts import QuotesLost
from messages.journal import Append, ReadAccount, Recorded
from messages.queries import (
    AccountBoard,
    AccountStatus,
    ChannelStatus,
    ConfigReloaded,
    GetAccountBoard,
    GetAccountStatus,
    GetChannelStatus,
    GetUnrecorded,
    MachineFault,
    SelfLockout,
    SystemBoard,
    SystemStatus,
    UnguardedAccount,
)
from messages.values import AccountRecord, AlarmCode

VERSION = "0.1.0"
ROOT = "supervisor"
CLOCK = "clock"
RESTARTED_VARIABLE = "LOCKSTEP_RESTARTED"
"""Environment variable in which a watchdog says why it starts a process again."""
ARCHIVE_S = 5.0
"""A start begins no further archive after so long; the next one goes on."""
_JOURNAL_SLICE = 512
_ASK_S = 10.0
_LOGIN_S = 30.0
_STATUS_S = 5.0
_JOURNAL_S = 1.0
HUNG_S = 5.0
"""An actor that is at one message for so long is replaced; they take milliseconds."""
GATEWAY_HUNG_S = 10.0
"""A gateway whose loop stands still for so long is replaced; that costs its login a new session."""
JOURNAL_HUNG_S = 30.0
"""A journal that is at one message for so long ends the process: a slow disk may take seconds."""
NEVER_GIVES_UP = SupervisorFlags(intensity=None)
"""Of all but the root. An account that keeps failing must take down no other, and not even its enforcer,
which may be closing what it holds: each comes back by itself, later and later."""

SOON_BACK = SupervisorFlags(intensity=None, ceiling_s=1.0)
"""Of who serves every account: it is not left to back off for half a minute for one quote's sake."""

PROTECTIVE = frozenset(
    {
        *("journal", CLOCK, "rules", "rule", "login", "gateway", "market", "quotes"),
        *("accounts", "account", "enforcer"),
    }
)
"""Kinds of actors without which something is not guarded; the others only tell of it."""

_log = structlog.get_logger(actor="system")

type GatewayFactory = Callable[[LoginSettings, "System", Dispatcher, tuple[int, ...]], PooledActor]


class Wiring(TypedDict):
    """What every actor is given."""

    clock: Clock
    directory: Directory
    dispatcher: Dispatcher


def sdk_gateway(
    login: LoginSettings, system: "System", dispatcher: Dispatcher, guarded: tuple[int, ...]
) -> PooledActor:
    """Return the gateway to a ProjectX broker through the SDK."""
    poll_s = system.poll_s(login.name)
    return GatewayActor(
        login=login,
        guarded=guarded,
        poll_s=poll_s,
        fence=system.fence,
        in_shadow=system.in_shadow,
        on_listed=partial(system.note_listed, login.name),
        **system.wiring(dispatcher),
    )


def gateway_thread(login: str) -> str:
    """Return the name of the thread of a login's gateway."""
    return f"gateway-{login}"


def _spec_of(kind: str, settings: AccountSettings, factory: Callable[[], PooledActor]) -> ChildSpec:
    address = f"{kind}/{settings.account}"
    return ChildSpec(address=address, factory=factory, hung_after_s=HUNG_S, group=kind)


@dataclass(slots=True)
class System:
    """One running Lockstep."""

    config: Config
    clock: Clock
    """Whatever it is given, from then on it tells the time as far as that can be trusted."""
    environment: Mapping[str, str] = field(repr=False)
    """The process's own; it holds the credentials."""
    on_give_up: Callable[[str, str], None]
    """Told address and error when what everything needs cannot be kept alive, or LEASE and why it is
    lost: end the process."""
    journal_path: Path | None = None
    """Instead of the configuration's."""
    store: Store | None = None
    """The journal, if it was opened already; it is closed with the system."""
    shadow: bool = False
    """Only watch, whatever the configuration says of an account: no command leaves."""
    in_flight: InFlight | None = None
    """Tests count messages under way with it."""
    gateway: GatewayFactory = sdk_gateway
    linger_s: float = 0.003
    """How long clock and log let messages gather."""
    gather_s: float = 0.01
    """How long the journal does while nobody waits for it: what it is at, who then does must wait for."""
    examine: Callable[[Config, Clock], tuple[MachineFault, ...]] | None = None
    """Says what makes this machine unfit to guard, which may take seconds; None = nobody looks."""
    testimony: Testimony | None = None
    """Filled with every event of the journal, for who wants to watch."""
    directory: Directory = field(default_factory=Directory)
    accounts: dict[int, AccountSettings] = field(default_factory=dict)
    config_version: int = 1
    """One more with every reload."""
    http: HttpServer | None = None
    counts: Counts = field(default_factory=Counts)
    """What was counted since the process began."""
    _time: TrustedClock = field(init=False)
    _supervisor: Any = None
    _store: Store | None = None
    _is_first: bool = False
    """Nobody was ever guarded under this journal."""
    _accepted: AnchorAccepted | None = None
    """When the journal was last accepted without its anchor's word."""
    _sessions: list[SessionOpened] = field(default_factory=list)
    """Those of earlier runs, oldest first."""
    _dispatchers: list[Dispatcher] = field(default_factory=list)
    _run: int = 0
    _records: dict[str, list[AccountRecord]] = field(default_factory=dict)
    """The accounts guarded, by login, as the broker listed them at the start."""
    _gone: frozenset[int | str] = frozenset()
    """Ids and names that earlier runs saw and nobody has any more; no former name of who is guarded."""
    _unguarded: tuple[UnguardedAccount, ...] = ()
    """What should be guarded and cannot be, as the start found it."""
    _listed: dict[str, Mapping[int, str]] = field(default_factory=dict)
    """Names of the accounts each login listed when it was looked last, by login and id."""
    _fitness: Fitness = field(default_factory=Fitness)
    """What makes this machine unfit to guard."""
    _polls: dict[int, float] = field(default_factory=dict)
    """By account, how often its record was to be read at most, under any rules of this run."""
    _reloading: threading.Lock = field(default_factory=threading.Lock)
    """One reload at a time; never waited for, and it guards no state of an account."""
    _intents_first: RightOfWay = field(default_factory=RightOfWay)
    """Over facts: the journal's while an intent waits for it, a gateway's that is told a command."""
    _ways: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Name and kind of every way to people, by the address of its actor."""
    _lives: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.clock = self._time = TrustedClock(self.clock)

    def start(self) -> None:
        """Start everything; returns when facts flow (accounts open as their snapshots come in).

        Raises:
            StoreError: the journal cannot be used (exit 70).
            ConfigError: the configuration does not fit the broker's accounts, or what is to be watched in
                shadow is locked in truth (exit 78).
            LoginRefusedError: wrong credentials (exit 77).
            BrokerUnreachableError: no answer from the broker (exit 69).
            PortInUseError: the HTTP address is taken (exit 1).
        """
        try:
            self._start()
        except BaseException:
            try:
                self._tear_down()
            except ExceptionGroup as group:  # what went wrong first decides how the process ends
                _log.error("stop_failed", error=repr(group))
            raise

    def _start(self) -> None:
        logins = [
            (login, self.config.login_settings(login, self.environment))
            for login in self.config.file.logins
        ]
        journal = self._journal_path
        anchor = self._anchor_path or default_anchor(journal)
        token = self.config.http_token(self.environment)
        self.http = HttpServer(
            listen=self.config.file.http.listen,
            status=self.status,
            reload=self.reload,
            lock=self.lock,
            metrics=self.metrics,
            dashboard=Dashboard(
                board=self.board, journal=journal, anchor=anchor, locks=bool(token)
            ),
            token=token,
        )
        alerts = self.config.alert_settings(self.environment)
        self._start_trunk(alerts)
        pool = self._keep(WorkerPool(in_flight=self.in_flight, gives_way=self._intents_first))
        self._supervise("rules", self._keep(OwnThread("rules", in_flight=self.in_flight)))
        # an idle one costs nothing, and a reload or the journal may need it
        late_after_s = self.config.file.health.late_after_s
        self.directory.on_dead_letter(self._answer_for_rule)
        for rule in all_rules():
            actor = partial(RuleActor, rule=rule, late_after_s=late_after_s, **self.wiring(pool))
            self._child(f"rule/{rule.id}", actor, under="rules")
        known = self._start_quotes(pool)
        opened = [(settings, self._open(login.name, settings), login) for login, settings in logins]
        self._settle_time()
        sessions = [session for _, session, _ in opened]
        for session in sessions:
            self._compare_names(session)
        vanished = gone(self._sessions, sessions)
        self._records = {
            settings.name: self.config.guarded(login, session.accounts, vanished)
            for settings, session, login in opened
        }
        self._guard_on(sessions)
        self._gone = without_renamed(vanished, self._sessions, self._guarded())
        self.config.check_overrides(self._guarded(), self._gone)
        self._refuse_first_start_for_nobody()
        logins_open = ((login, session) for _, session, login in opened)
        day = self.config.context.trading_day
        self._say_unguarded(tuple(unguarded(logins_open, vanished, self._sessions, day)))
        settings = self._settings(self.config)
        self._refuse_shadow_over_duties(settings.values())
        for name, records in self._records.items():
            self._guard(name, [settings[each.account] for each in records], pool, known)
        if self.directory.is_alive(family.ALERTS):
            self._look_out()
        if self.examine:
            self._look_at_machine(self.examine)
        self.counts.begin_actors(each.kind for each in census(self.directory))
        self.http.start()

    @property
    def _journal_path(self) -> Path:
        return self.journal_path or Path(self.config.file.journal.path)

    @property
    def _anchor_path(self) -> Path | None:
        """Where the configuration puts the journal's anchor; None = beside it."""
        anchor = self.config.file.journal.anchor
        return Path(anchor) if anchor else None

    def _start_trunk(self, alerts: AlertSettings) -> None:
        """Start what everything else needs: supervisor, journal, log, clock."""
        path = self._journal_path
        self._store = store = self.store or Store.open(
            path, clock=self.clock, anchor=self._anchor_path
        )
        store.lease.on_lost = self._lease_lost
        self._accepted = store.last_accepted()
        self._is_first = not store.has_guarded()
        self._sessions = store.last_sessions()
        if (last_at := store.last_at()) is not None:
            self._time.not_before(last_at)
        rules = tuple(each.id for each in self.config.enabled_rules())
        started = SystemStarted(
            at=self.clock.now(),
            cause="start",
            version=VERSION,
            config=self.config.digest,
            rules=rules,
            epoch=store.lease.holder.epoch,
            holder=str(store.lease.holder),
            restarted=self.environment.get(RESTARTED_VARIABLE, ""),
        )
        was_cut_short = store.was_cut_short()
        # After a crash accounts stand unguarded: then nothing is tidied first.
        unarchived = "" if was_cut_short else self._archive(store)
        with refusing(path):  # the disk may have filled since it was opened
            store.append([started])
        self._run = started.epoch
        self._supervisor = RootSupervisor.start(
            dispatcher=self._keep(OwnThread("supervisor", in_flight=self.in_flight)),
            directory=self.directory,
            clock=self.clock,
            on_give_up=self.on_give_up,
            dispatchers=self._dispatchers,
            late_after_s=self.config.file.health.late_after_s,
            on_lag=self._note_lag,
        )
        ticks = self._keep(LoopThread(CLOCK, self.in_flight, linger_s=self.linger_s))
        disk = self._keep(
            LingeringThread(
                "journal",
                self.in_flight,
                linger_s=self.gather_s,
                slice_size=_JOURNAL_SLICE,
                right_of_way=self._intents_first,
            )
        )
        paper = self._keep(LingeringThread("log", self.in_flight, linger_s=self.linger_s))
        journal = partial(JournalActor, store=store, memory=Memory(), **self.wiring(disk))
        # Its thread may still commit when it comes back, so a second writer must not run beside it.
        self._child("journal", journal, hung_after_s=JOURNAL_HUNG_S, replaceable=False)
        # Nothing protective depends on these, and a successor would wait for the same pipe.
        log = partial(LogActor, in_shadow=self.in_shadow, **self.wiring(paper))
        self._child("log", log, hung_after_s=None)
        self._child("copiers", partial(CopierActor, **self.wiring(paper)), hung_after_s=None)
        self.counts.begin_rules(rules)
        # A thread of its own: while the log waits for a slow terminal, figures go on.
        figures = self._keep(LingeringThread("metrics", self.in_flight, linger_s=self.linger_s))
        counting = partial(MetricsActor, counts=self.counts, **self.wiring(figures))
        self._child("metrics", counting, hung_after_s=None)
        if alerts.wanted:
            self._start_alerts(alerts)  # whoever cannot be told, all are guarded
        if self.testimony:
            witness = partial(Witness, address="witness", testimony=self.testimony)
            self._child("witness", partial(witness, **self.wiring(paper)), hung_after_s=None)
        if was_cut_short:
            why = f"; its watchdog says: {started.restarted}" if started.restarted else ""
            self._alarm(
                AlarmCode.RUN_CUT_SHORT,
                f"the run before this one ({store.lease.before or 'unknown'}) was cut short{why}",
            )
        if unarchived:
            self._alarm(AlarmCode.ARCHIVE_FAILED, f"{unarchived}; the journal goes on growing")
        # After those who listen to the journal: it may have to say at once that the clock is wrong.
        # It wakes who looks for hung actors: that it hangs itself is seen from outside the process.
        clock = partial(
            ClockActor,
            deadlines=Deadlines(),
            late_after_s=self.config.file.health.late_after_s,
            on_lag=self._note_lag,
            **self.wiring(ticks),
        )
        self._child(CLOCK, clock, hung_after_s=None)
        if store.anchor:
            apart = self._keep(LingeringThread("anchor", self.in_flight, linger_s=self.linger_s))
            anchoring = partial(AnchorActor, path=path, anchor=store.anchor, fence=self.fence)
            # Nothing protective waits for it; a disk that hangs would hang its successor too.
            self._child("anchor", partial(anchoring, **self.wiring(apart)), hung_after_s=None)
            if self.config.file.journal.keep_days:
                self._start_archivist(path, store.anchor)

    def _start_archivist(self, path: Path, anchor: Anchor) -> None:
        """Start who archives from now on; nothing waits for it."""
        archivist = partial(
            ArchivistActor,
            path=path,
            anchor=anchor,
            keep_days=self.config.file.journal.keep_days,
            fence=self.fence,
            **self.wiring(self._keep(OwnThread("archivist", in_flight=self.in_flight))),
        )
        self._child("archivist", archivist, hung_after_s=None)

    def _start_alerts(self, settings: AlertSettings) -> None:
        """Start who tells people; whatever becomes of them, it is no failure of the root's."""
        self._ways = family.ways(settings)
        try:
            self._start_family(settings)
        except Exception as error:  # noqa: BLE001 - it may quote a URL, so only its kind is told
            why = type(error).__name__
            self._alarm(
                AlarmCode.ALERT_CHANNEL_FAILED, f"nobody can be alerted: {why} at the start"
            )

    def _start_family(self, settings: AlertSettings) -> None:
        flags, thread = NEVER_GIVES_UP, self._keep(OwnThread(family.SUPERVISOR, self.in_flight))
        spec = supervisor_spec(family.SUPERVISOR, flags=flags, **self.wiring(thread))
        self._start_child(structs.replace(spec, restart=Restart.TEMPORARY), ROOT)
        loop = self._keep(LoopThread("channels", self.in_flight))
        paper = self._keep(LingeringThread(family.ALERTS, self.in_flight, linger_s=self.linger_s))
        for address, factory in family.children(
            settings, clock=self.clock, directory=self.directory, loop=loop, thread=paper
        ):
            self._child(address, factory, under=family.SUPERVISOR, hung_after_s=None)

    def _look_out(self) -> None:
        """Have somebody ask every few seconds how everything stands, for those who are told."""
        thread = self._keep(OwnThread(LOOKOUT, self.in_flight))
        lookout = partial(LookoutActor, status=self.status, **self.wiring(thread))
        self._child(LOOKOUT, lookout, under=family.SUPERVISOR, hung_after_s=None)

    def _look_at_machine(
        self, examine: Callable[[Config, Clock], tuple[MachineFault, ...]]
    ) -> None:
        """Have somebody look, now that all are guarded, whether this machine is fit for it."""
        above = "machine"  # of its own: whatever becomes of the look is no failure of the root's
        self._supervise(above, self._keep(OwnThread(above, in_flight=self.in_flight)))
        fitness = partial(
            FitnessActor,
            examine=lambda: examine(self.config, self.clock),  # of the configuration in force then
            fitness=self._fitness,
            **self.wiring(self._keep(OwnThread(FITNESS, self.in_flight))),
        )
        self._child(FITNESS, fitness, under=above, hung_after_s=None)

    def _archive(self, store: Store) -> str:
        """Let what is older than `keep_days` leave the journal; return why that failed, or ""."""
        days = self.config.file.journal.keep_days
        if not days:
            return ""
        until = self.clock.monotonic() + ARCHIVE_S
        oldest = self.clock.now().astimezone(UTC).date() - timedelta(days=days)
        try:
            archive_before(
                store, oldest, clock=self.clock, enough=lambda: self.clock.monotonic() > until
            )
        except StoreError as error:
            return str(error)
        return ""

    def wiring(self, dispatcher: Dispatcher) -> Wiring:
        """Return what every actor is given."""
        return Wiring(clock=self.clock, directory=self.directory, dispatcher=dispatcher)

    def _open(self, name: str, settings: LoginSettings) -> SessionOpened:
        login = f"login/{name}"
        thread = self._keep(OwnThread(login, in_flight=self.in_flight))
        self._supervise(login, thread, group="login")
        loop = self._keep(
            LoopThread(
                gateway_thread(name), in_flight=self.in_flight, right_of_way=self._intents_first
            )
        )

        def factory() -> PooledActor:
            guarded = tuple(key for key, each in self.accounts.items() if each.login == name)
            return self.gateway(settings, self, loop, guarded)

        gateway = self._child(f"gateway/{name}", factory, under=login, hung_after_s=GATEWAY_HUNG_S)
        opened: SessionOpened = gateway.ask(
            OpenSession(at=self.clock.now(), cause="start"), timeout=_LOGIN_S
        )
        day = self.config.context.trading_day
        missed = gone_records(self._sessions, opened, self.config.file, day)
        opened = structs.replace(opened, gone=missed)
        self._journal(opened)
        return opened

    def _compare_names(self, session: SessionOpened) -> None:
        """Tell whose name is not what it was in earlier runs."""
        for account, text in names.changes(self._sessions, session):
            self._alarm(AlarmCode.ACCOUNT_RENAMED, text, account)

    def _guard_on(self, sessions: Iterable[SessionOpened]) -> None:
        """Guard whom the file means no more while something binds it: no edit is a way out of a lock."""
        named, now = {each.account for each in self._guarded()}, self.clock.now()
        left = {
            record.account: (session.login, record, self._ask_recorded(record.account))
            for session in sessions
            for record in session.accounts
            if record.account not in named
        }
        for login, record, recorded in left.values():
            state = self._remembered(self.config.account_settings(record, login), recorded)
            if binds := "; ".join(pretence.binding(state, now)):
                self._records[login].append(record)
                text = f"{record.account} {record.name} is guarded on though the file names it no more: "
                end = "a start after that is over leaves it alone"
                self._alarm(AlarmCode.UNKNOWN_ACCOUNT, f"{text}{binds}; {end}", record.account)

    def _refuse_first_start_for_nobody(self) -> None:
        """Refuse to look like a guard where nobody is there, and never was."""
        if self._is_first and not self._guarded():
            what = (
                "logins: none of them has an active account, so nobody would be guarded; look at "
            )
            raise ConfigError(self.config.path, [f"{what}the firm's platform"])

    def _say_unguarded(self, found: tuple[UnguardedAccount, ...]) -> None:
        """Alarm for every account that should be guarded and cannot be; the others are."""
        self._unguarded = found
        for each in found:
            text = f"{each.account} of login {each.login} is NOT guarded: {each.reason}"
            fix = "start anew once it is there again, or change [[logins]] accounts"
            self._alarm(AlarmCode.ACCOUNT_UNGUARDED, f"{text}; {fix}")

    def note_listed(self, login: str, listed: Mapping[int, str]) -> None:
        """Note whom a login lists now, by id and name: some may be new; on its gateway's thread."""
        self._listed[login] = listed

    def _settle_time(self) -> None:
        """Let what the logins' answers told of the time count before anything is judged by it."""
        settle = SettleTime(at=self.clock.now(), cause="start")
        self.directory.ref("clock").ask(settle, block=True, timeout=_ASK_S)

    def _guarded(self) -> list[AccountRecord]:
        return [record for records in self._records.values() for record in records]

    def _settings(self, config: Config) -> dict[int, AccountSettings]:
        """Return how every guarded account is to be guarded by a configuration."""
        asked = (
            config.account_settings(record, login)
            for login, records in self._records.items()
            for record in records
        )
        return {each.account: replace(each, shadow=each.shadow or self.shadow) for each in asked}

    def in_shadow(self, account: int) -> bool:
        """Say whether no command for an account may leave; thread-safe, in microseconds."""
        settings = self.accounts.get(account)
        return self.shadow or (settings is not None and settings.shadow)

    def _refuse_shadow_over_duties(self, accounts: Iterable[AccountSettings]) -> None:
        """Refuse to only watch what is locked in truth: shadow would be a way out of every lock."""
        now, complaints = self.clock.now(), list[str]()
        for each in accounts:
            if not each.shadow:
                continue
            state = self._remembered(each, self._ask_recorded(each.account))
            complaints += pretence.refusals(each, state, self._accepted, now)
        if complaints:
            end = "start without shadow until that is over; nothing ends it earlier"
            raise ConfigError(
                self.config.path,
                [f"{text}; {end}" for text in complaints],
            )

    def _start_quotes(self, pool: Dispatcher) -> Known:
        """Start who tells quotes, for all logins; return what it will know."""
        said = self.config.file.quotes
        known = Known(Feeds([each.name for each in self.config.file.logins]))
        quotes = partial(
            QuoteActor,
            check=QuoteCheck(said.max_jump_percent, said.confirm_within_s),
            known=known,
            **self.wiring(pool),
        )
        # Of its own: what keeps failing with one quote must not end the process.
        above = "market"
        thread = self._keep(OwnThread(above, in_flight=self.in_flight))
        self._supervise(above, thread, flags=SOON_BACK)
        self._child(QUOTES, quotes, under=above)
        return known

    def _guard(
        self, login: str, guarded: list[AccountSettings], pool: Dispatcher, known: Known
    ) -> None:
        wiring, under = self.wiring(pool), f"login/{login}"
        # A thread of their own: an account that is read back from the journal delays no gateway.
        accounts = f"accounts/{login}"
        self._supervise(accounts, self._keep(OwnThread(accounts, in_flight=self.in_flight)), under)
        above = self.directory.ref(accounts)
        for settings in guarded:
            self.accounts[settings.account] = settings
            self._note_poll(settings)
        # Begun one after the other up there: to wait here for each would cost as much again.
        started = [
            above.ask(StartChild(spec), block=False)
            for spec in self._account_specs(guarded, wiring, known)
        ]
        for each in started:
            each.get(timeout=_LOGIN_S)
        guard = GuardAccounts(
            at=self.clock.now(),
            cause="start",
            accounts=tuple(each.account for each in guarded),
            poll_s=self.poll_s(login),
        )
        self.directory.tell(f"gateway/{login}", guard)

    def _account_specs(
        self, guarded: list[AccountSettings], wiring: Wiring, known: Known
    ) -> Iterator[ChildSpec]:
        """Say how the accounts of a login are made: all enforcers, then all accounts.

        No account needs another: at the stop all accounts end side by side, then their enforcers.
        """
        for settings in guarded:
            enforcer = partial(self._enforcer, settings, wiring)
            yield _spec_of("enforcer", settings, enforcer)
        ahead = ReadAhead(self._ask_recorded, [settings.account for settings in guarded])
        for settings in guarded:
            lives = itertools.count()
            account = partial(self._account, settings.account, known, wiring, lives, ahead)
            yield _spec_of("account", settings, account)

    def poll_s(self, login: str) -> float | None:
        """Return how often a login's account records are read: what its most impatient account needs."""
        wanted = [
            self._polls[account]
            for account, each in self.accounts.items()
            if each.login == login and account in self._polls
        ]
        return min(wanted, default=None)

    def _note_poll(self, settings: AccountSettings) -> None:
        """Note how often an account's record is read for these rules; never less often than before.

        What is looser waits for the reset, and until the next start a needless request costs little.
        """
        if settings.poll_s is not None:
            before = self._polls.get(settings.account, settings.poll_s)
            self._polls[settings.account] = min(before, settings.poll_s)

    def _enforcer(self, settings: AccountSettings, wiring: Wiring) -> EnforcerActor:
        core = EnforcerCore(account=settings.account, login=settings.login, epoch=self._epoch())
        return EnforcerActor(core=core, **wiring)

    def _account(
        self,
        account: int,
        known: Known,
        wiring: Wiring,
        lives: "itertools.count[int]",
        ahead: ReadAhead,
    ) -> AccountActor:
        """Rebuild an account from the journal; runs on the supervisor's thread."""
        settings = self.accounts[account]  # of the configuration in force now, after a reload too
        state = self._remembered(settings, ahead.take(account))
        self._lock_for_lost_history(state)
        if next(lives) == 0:
            state.connected = False  # the streams of an earlier run ended with it
        earlier, not_restored = rulebook.restored(state.adopted, self.config.context)
        self._note_poll(replace(settings, rules=earlier))  # in force still, if it is the same day
        origin = Origin(self.config.digest, earlier, tuple(not_restored))
        core = AccountCore(settings, state, epoch=self._epoch(), origin=origin)
        return AccountActor(core=core, latest=known.latest, peaks=known.peaks, **wiring)

    @staticmethod
    def _remembered(
        settings: AccountSettings, recorded: pykka.Future[tuple[Recorded, ...]]
    ) -> AccountState:
        """Return what the journal knows of an account."""
        state = AccountState.new(settings.account, settings.day, gross=settings.gross)
        for record in recorded.get(timeout=_ASK_S):
            state.evolve(record.event)
        return state

    def _lock_for_lost_history(self, state: AccountState) -> None:
        """Let an account begin with the duty that a journal without its past leaves it."""
        deadline_s = self.config.file.enforcement.deadline_s
        if owed := lost_history.intent(state, self._accepted, self.clock.now(), deadline_s):
            self._journal(owed)
            answer = self._ask_recorded(state.account)
            answer.get(timeout=_ASK_S)  # once it is on disk, or alarmed
            state.evolve(owed)

    def _ask_recorded(self, account: int) -> pykka.Future[tuple[Recorded, ...]]:
        question = ReadAccount(at=self.clock.now(), cause="start", account=account)
        return self.directory.ref("journal").ask(question, block=False)

    def _epoch(self) -> str:
        return f"{self._run}.{next(self._lives)}"

    def _supervise(
        self,
        address: str,
        dispatcher: Dispatcher,
        under: str = ROOT,
        group: str = "",
        flags: SupervisorFlags = NEVER_GIVES_UP,
    ) -> None:
        """Start a supervisor that never gives up under another one; on another thread than that."""
        wiring = self.wiring(dispatcher)
        spec = supervisor_spec(address, flags=flags, group=group, **wiring)
        self._start_child(spec, under)

    def _child(
        self,
        address: str,
        factory: Callable[[], PooledActor],
        under: str = ROOT,
        *,
        hung_after_s: float | None = HUNG_S,
        replaceable: bool = True,
    ) -> Any:
        spec = ChildSpec(
            address=address, factory=factory, hung_after_s=hung_after_s, replaceable=replaceable
        )
        return self._start_child(spec, under)

    def _start_child(self, spec: ChildSpec, under: str) -> Any:
        # The root's reference, for it takes its address only as it begins to run.
        above = self._supervisor if under == ROOT else self.directory.ref(under)
        return above.ask(StartChild(spec), block=True, timeout=_LOGIN_S)

    def _keep[D: Dispatcher](self, dispatcher: D) -> D:
        self._dispatchers.append(dispatcher)
        return dispatcher

    def fence(self) -> str:
        """Return why this process may not act any more, or ""; thread-safe, in microseconds."""
        return "it was not started" if self._store is None else self._store.lease.lost()

    def vital(self) -> dict[str, pykka.ActorRef[Any]]:
        """Return the actors without which nothing is guarded, for who asks them whether they turn."""
        trunk = {address: self.directory.ref(address) for address in ("journal", "clock")}
        return {ROOT: self._supervisor, **trunk}

    def alarm_unwatched(self) -> None:
        """Alarm that the watchdog has gone: the guard goes on, but nobody would see it stall."""
        text = "the watchdog has gone; start it again: `main.py watchdog --standby`, then stop this one"
        self._alarm(AlarmCode.WATCHDOG_GONE, text)

    def _lease_lost(self, reason: str) -> None:
        self._alarm(AlarmCode.LEASE_LOST, reason)
        self.on_give_up(LEASE, reason)

    def _note_lag(self, lag: Lag) -> None:
        """Let accounts know that what they hear is late; on the root's or the clock's thread.

        With the clock everything stood still, with a gateway's thread what comes from its login.
        """
        now = self.clock.now()
        for account, settings in tuple(self.accounts.items()):
            if lag.name in {CLOCK, gateway_thread(settings.login)}:
                note = NoteLateness(
                    account=account, at=now, cause="lag", late_s=lag.late_s, where=lag.name
                )
                self.directory.tell(f"account/{account}", note)
        for login in self._records:
            if lag.name == gateway_thread(login):
                self.directory.tell(
                    QUOTES, QuotesLost(at=now, cause="lag", login=login, late_s=lag.late_s)
                )

    def _answer_for_rule(self, address: str, letter: Any, error: str) -> None:
        """Tell an account of a judgement that was lost; on the thread where the letter died."""
        if answer := lost.answer_for(address, letter, error, self.clock.now()):
            self.directory.tell(*answer)

    def _alarm(self, code: AlarmCode, text: str, account: int | None = None) -> None:
        now = self.clock.now()
        self._journal(AlarmRaised(at=now, cause="system", account=account, code=code, text=text))

    def _journal(self, event: Event) -> None:
        append = Append(
            at=event.at, cause=event.cause, events=(event,), asker=None, token=event.cause
        )
        self.directory.tell("journal", append)

    def reload(self, path: Path) -> ConfigReloaded:
        """Go over to a changed configuration: stricter at once, looser at the next reset of each account.

        Blocks the caller (never an actor) for seconds at most. What is wrong with it changes nothing.

        Raises:
            ConfigError: the file is not valid for the accounts guarded.
            ReloadRefusedError: it changes what only a restart can, or another reload is under way.
        """
        if not self._reloading.acquire(blocking=False):
            raise ReloadRefusedError(path, ["another reload is under way; try again"])
        try:
            return self._reload(path)
        finally:
            self._reloading.release()

    def _reload(self, path: Path) -> ConfigReloaded:
        if path.resolve() != self.config.path.resolve():
            wrong = (
                f"this process runs from {self.config.path}; restart it to run from another file"
            )
            raise ReloadRefusedError(path, [wrong])
        config = load(path, now=self.clock.now(), environment=self.environment)
        refuse_what_needs_a_restart(self.config, config)
        config.check_overrides(self._guarded(), self._gone)
        settings = self._settings(config)
        refuse_other_shadow(path, self.accounts, settings)
        # before anyone is told: an account that is restarted meanwhile begins with the new ones
        self.config, self.config_version = config, self.config_version + 1
        self.accounts.update(settings)
        for each in settings.values():
            command = adopt_command(each, config.digest, self.clock.now())
            self.directory.tell(f"account/{each.account}", command)
        for login in self._records:
            self._poll_anew(login, settings.values())
        asked_at = self.clock.now()
        adoptions = tuple(adopted_by(settings, self.directory, asked_at, timeout_s=_STATUS_S))
        return ConfigReloaded(
            config=config.digest,
            config_version=self.config_version,
            accounts=adoptions,
            unanswered=tuple(sorted(settings.keys() - {each.account for each in adoptions})),
        )

    def _poll_anew(self, login: str, changed: Iterable[AccountSettings]) -> None:
        before = self.poll_s(login)
        for each in changed:
            if each.login == login:
                self._note_poll(each)
        if (poll_s := self.poll_s(login)) != before:
            poll = PollAccounts(at=self.clock.now(), cause="reload", poll_s=poll_s)
            self.directory.tell(f"gateway/{login}", poll)

    def lock(self, asked: LockRequest) -> SelfLockout:
        """Have an account flattened and locked, as its trader asks; nothing ends that earlier.

        Blocks the caller (never an actor) for seconds at most; raises what `lock_out` does.
        """
        now = self.clock.now()
        return lock_out(asked, self.accounts, self.directory, now, timeout_s=_STATUS_S)

    def status(self) -> SystemStatus:
        """Ask every account how it stands; blocks the caller (never an actor) for seconds at most."""
        now = self.clock.now()
        return self._status(now, self._ask_accounts(GetAccountStatus, now))

    def board(self) -> SystemBoard:
        """Ask every account for all that a dashboard shows; blocks the caller like `status`."""
        now = self.clock.now()
        answers: dict[int, AccountBoard] = self._ask_accounts(GetAccountBoard, now)
        return SystemBoard(
            status=self._status(now, {key: each.status for key, each in answers.items()}),
            accounts=tuple(answers.values()),
            profiles={key: each.profile for key, each in tuple(self.accounts.items())},
        )

    def _ask_accounts(
        self, question: type[GetAccountStatus | GetAccountBoard], now: datetime
    ) -> dict[int, Any]:
        asked = {
            account: self.directory.ref(f"account/{account}").ask(
                question(account=account, at=now, cause="status"), block=False
            )
            for account in tuple(self.accounts)
        }
        return answers_within(_STATUS_S, asked)

    def _status(self, now: datetime, answers: Mapping[int, AccountStatus]) -> SystemStatus:
        return SystemStatus(
            version=VERSION,
            config=self.config.digest,
            config_version=self.config_version,
            at=now,
            live=True,
            unrecorded=self._unrecorded(now),
            accounts=tuple(answers.values()),
            unanswered=tuple(sorted(set(self.accounts) - answers.keys())),
            down=tuple(
                each.address
                for each in census(self.directory)
                if not each.is_up and each.kind in PROTECTIVE
            ),
            channels=self._channels(now),
            unguarded=tuple(
                standing(
                    *(self._unguarded, self.config.file.logins, self._listed),
                    *(tuple(self.accounts), now),
                )
            ),
            unfit=self._fitness.faults,
        )

    def _channels(self, now: datetime) -> tuple[ChannelStatus, ...]:
        """Ask how the ways to people fare; one that does not answer is one that fails."""
        question = GetChannelStatus(at=now, cause="status")
        asked = {
            address: self.directory.ref(address).ask(question, block=False)
            for address in self._ways
            if self.directory.is_alive(address)
        }
        answers: dict[str, ChannelStatus] = answers_within(_JOURNAL_S, asked)
        return tuple(
            answers.get(address) or family.silent(name, kind, now)
            for address, (name, kind) in self._ways.items()
        )

    def metrics(self) -> bytes:
        """Return all figures for Prometheus; blocks the caller (never an actor) for seconds at most."""
        return exposition(self.counts, *self._look())

    def describe(self) -> str:
        """Return how everything stands, in full; blocks the caller (never an actor) for seconds."""
        entries = tuple(census(self.directory))  # before anybody is asked anything
        return text_of(*self._look(), entries, self.clock.now())

    def loops(self) -> list[tuple[str, asyncio.AbstractEventLoop]]:
        """Return the loops on which actors live, by the names of their threads."""
        return [(each.name, each.loop) for each in self._dispatchers if each.loop is not None]

    def _look(self) -> tuple[SystemStatus | None, Readings]:
        try:
            status = self.status()
        except (pykka.Timeout, pykka.ActorDeadError):
            status = None  # whoever shows it says so
        path = self.journal_path or Path(self.config.file.journal.path)
        return status, read(self.directory, self._records, path, self.clock.now())

    def _unrecorded(self, now: datetime) -> int | None:
        """Ask the journal what is not on disk; one whose disk hangs answers too late: not known."""
        asked = self.directory.ref("journal").ask(
            GetUnrecorded(at=now, cause="status"), block=False
        )
        try:
            unrecorded: int = asked.get(timeout=_JOURNAL_S)
        except (pykka.Timeout, pykka.ActorDeadError):
            return None
        return unrecorded

    def stop(self, reason: str) -> None:
        """Stop everything in reverse order; what is locked stays locked in the journal."""
        self._journal(SystemStopped(at=self.clock.now(), cause="stop", reason=reason))
        self._tear_down()

    def _tear_down(self) -> None:
        """Stop what was started, last first; one that does not stop keeps no other from it."""
        errors: list[Exception] = []
        for stop in self._stops():
            try:
                stop()
            except Exception as error:  # noqa: BLE001 - raised below, after the store is closed
                errors.append(error)
        if errors:
            raise ExceptionGroup("not everything stopped in order", errors)

    def _stops(self) -> Iterator[Callable[[], object]]:
        if self.http:
            yield self.http.stop
        if self.directory.is_alive(LOOKOUT):  # before those it asks
            alerting = self.directory.ref(family.SUPERVISOR)
            yield partial(alerting.ask, StopChild(LOOKOUT), timeout=_ASK_S)
        if self._supervisor:
            yield partial(self._supervisor.ask, StopChildren(), timeout=_LOGIN_S)
            yield partial(self._supervisor.stop, timeout=_ASK_S)
        for dispatcher in reversed(self._dispatchers):
            yield dispatcher.stop
        if self._store:
            yield self._store.close
