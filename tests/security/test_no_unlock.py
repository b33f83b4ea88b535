"""No way out: every route, command and message, and why it ends no lockout and loosens nothing.

The tables are complete or the tests fail: who adds a way in says here why it is none out.
"""

import ast
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import msgspec
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from msgspec import inspect
from starlette.routing import Route

import main
import messages.alerts
import messages.commands
import messages.events
import messages.facts
import messages.journal
import messages.queries
from actors.account.core import _INPUTS
from actors.account.lockouts import ends_by_calendar
from actors.locking import LockRequest
from messages.base import Message
from messages.commands import AdoptRules, LockAccount, Woken
from messages.events import AccountLocked, LockoutReleased
from messages.values import Lockout
from tests.journal.strategies import _of as drawn_as
from tests.rig import NOON, A, Rig, config_of
from tests.security.doors import Door

ROOT = Path(__file__).parents[2]
MODULES = (
    messages.alerts,
    messages.commands,
    messages.events,
    messages.facts,
    messages.journal,
    messages.queries,
)

# --- from outside: HTTP, the command line, signals ----------------------------------------------

ROUTES = {
    ("/healthz", "GET"): "reads",
    ("/readyz", "GET"): "reads",
    ("/metrics", "GET"): "reads",
    ("/api/status", "GET"): "reads",
    **{
        (path, "GET"): "the dashboard: a file, or reads"
        for path in (
            *("/", "/static/app.js", "/static/app.css", "/static/icon.svg"),
            *("/static/vendor/uPlot.esm.js", "/static/vendor/uPlot.min.css"),
            *("/api/stream", "/api/accounts/{account:int}", "/api/incidents"),
            "/api/incidents/{account:int}/{seq:int}",
            "/api/incidents/{account:int}/{seq:int}/bundle",
        )
    },
    ("/api/lock", "POST"): "takes the token; tells an account `LockAccount`, which only adds: "
    "tests/scenarios/test_self_lock.py",
    (
        "/api/reload",
        "POST",
    ): "takes the token; stricter at once, looser at the reset; no lockout is "
    "touched: tests/scenarios/test_reload.py",
}
COMMANDS = {
    "demo": "a system of its own, against an embedded broker",
    "run": "starts; what is locked in the journal is locked again: tests/scenarios/test_wire_restart.py",
    "simulate": "an imitated broker; no system",
    "check": "reads a file",
    "doctor": "reads; its session to the broker lets no command pass: tests/test_cli_doctor.py",
    "rules": "prints the manual",
    "init": "writes a new configuration file, never over another; reads the broker's accounts",
    "import": "writes a new configuration file, none that is in force",
    "status": "reads the process or the journal",
    "reload": "asks POST /api/reload",
    "lock": "asks POST /api/lock",
    "watchdog": "starts `run` and ends it when it stalls; the journal's locks bind the next one",
    "journal verify": "opens the journal for reading",
    "journal dead-letters": "opens the journal for reading",
    "journal anchor": "takes a journal as it is; every account is locked until its reset for it",
    "journal show": "opens the journal for reading",
    "journal archive": "moves old events aside, under the lease; what a start needs stays",
    "journal export": "opens the journal for reading",
}
SIGNALS = {
    "SIGINT": "ends the guard in order; the lock stays in the journal",
    "SIGTERM": "likewise",
    "SIGHUP": "the same reload as over HTTP",
    "SIGUSR1": "writes a file about what it sees; asks who can only answer",
}


def test_every_route_is_known_and_only_two_change_anything():
    """A new route fails here until it is classified."""
    server = Door().server
    try:
        routes = {
            (route.path, method)
            for route in server.app.routes
            if isinstance(route, Route)
            for method in (route.methods or set()) - {"HEAD"}
        }
        assert len(server.app.routes) == len({path for path, _ in routes}), (
            "a mount is a way in too"
        )
    finally:
        server.stop()

    assert routes == set(ROUTES)
    changing = {path for path, method in routes if method != "GET"}
    assert changing == {"/api/reload", "/api/lock"}


def commands(app, before: str = "") -> set[str]:
    """Return every command of the command line, those of its parts included."""
    found = set()
    for name in app:
        if not name.startswith("-"):
            inner = commands(app[name], f"{before}{name} ")
            found |= inner or {f"{before}{name}"}
    return found


def test_every_command_is_known():
    """Likewise; and none is called like a way out."""
    assert commands(main.app) == set(COMMANDS)
    assert not [each for each in COMMANDS if re.search("unlock|release|reset|clear|force", each)]


def test_every_signal_that_is_heard_is_known():
    """Likewise."""
    guard = (
        "main.py",
        "actors/ops/stopping.py",
        "actors/ops/dump.py",
    )  # `watchdog` passes on what it hears
    sources = "".join((ROOT / each).read_text() for each in guard)
    heard = set(re.findall(r"signal\.signal\(signal\.(\w+)", sources))

    assert heard == set(SIGNALS)


def test_the_journal_is_opened_for_writing_by_who_runs_the_system_only():
    """`run`, `run --standby` and the system; no other command. Rows are added and never changed."""
    writers = {
        str(path.relative_to(ROOT))
        for path in (
            ROOT / "main.py",
            *(ROOT / "actors").rglob("*.py"),
            *(ROOT / "config").rglob("*.py"),
        )
        if re.search(r"Store\.open\(|connect_writer\(", path.read_text())
    }
    changes = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "actors" / "journal").rglob("*.py")
        if re.search(r"\b(UPDATE events|DELETE FROM|REPLACE INTO events|DROP )", path.read_text())
    }

    assert writers == {
        "main.py",  # `run` itself, before the broker's library is loaded
        "actors/ops/journal_app.py",  # `journal archive`, while nobody else holds it
        "actors/ops/standby.py",  # once nobody else holds it
        "actors/system.py",
        "actors/journal/connection.py",
        "actors/journal/store.py",
    }
    assert changes == {  # rows move to archives and never change: tests/journal/test_archive.py
        "actors/journal/archiving.py",
        "actors/journal/migrations.py",
        "actors/journal/needed.py",
    }


# --- from inside: messages ----------------------------------------------------------------------

TELLS = "told those who tell people; they know no account, and tell none"
TO_RULE = "told a rule, which is pure and answers with a breach or nothing"
ADDS = "can only add a lockout or an enforcement; the set only grows by it"
TO_ENFORCER = "told an enforcer, which closes and cancels, and reports; it holds no lockout"
TO_BROKER = "told a gateway: a request to the broker; a reduction, or a stop that only tightens"
READS = "a read; the answer is a fact"
TIME = "told the clock, which keeps deadlines; lockouts are ended by accounts, when they have ended"
FACT = "what the broker said: booked; an account that is locked stays so, exposure is closed"
EVENT = "told to nobody but the journal; an account that is told one refuses it"
WAY = {
    **dict.fromkeys(
        ["Deliver", "PingSwitch", "FlushChannel", "NoteStanding", "GetChannelStatus"], TELLS
    ),
    **dict.fromkeys(["Evaluate"], TO_RULE),
    **dict.fromkeys(["ReportVerdict", "ReportRuleFailure", "LockAccount", "ApplyLockout"], ADDS),
    **dict.fromkeys(["Enforce", "MoveStops", "ResumeEnforcement"], TO_ENFORCER),
    **dict.fromkeys(
        ["BrokerCommand", "CloseContract", "PartialCloseContract", "CancelOrder", "ModifyOrder"],
        TO_BROKER,
    ),
    "PlaceOrder": "nobody says it: no rule and no enforcer opens anything (test below)",
    **dict.fromkeys(["TakeSnapshot", "DescribeContract", "ReconcileAccount", "RenewStream"], READS),
    **dict.fromkeys(
        ["WatchQuotes", "HoldQuotes", "OpenSession", "GuardAccounts", "PollAccounts"], READS
    ),
    **dict.fromkeys(["WakeAfter", "WakeAt", "CancelWake"], TIME),
    "ReportBrokerTime": "a clock set forward ends nothing while the broker disagrees, nor the broker's "
    "while ours does: tests/scenarios/test_clock_jumps.py",
    "SettleTime": "the start's word that the broker was asked",
    "Woken": "only the clock says it (test below); a calendar end is looked at again before it counts",
    "NoteLateness": "an alarm and STALE for a while; it decides nothing",
    "WatchBands": "told the QuoteActor: which quotes an account hears; none is needed to stay locked",
    "AdoptRules": "looser rules wait for the reset: tests/scenarios/test_reload.py",
    "AccountChanged": "ends what waits for the firm's flag (RULE-010), as it was set to; nothing else",
    "SnapshotTaken": "carries the same flag; else a fact",
    **dict.fromkeys(
        [
            *(
                "TradeExecuted",
                "PositionChanged",
                "OrderChanged",
                "QuoteChanged",
                "QuoteHeard",
                "QuotesFound",
                "QuotesLost",
                "StreamConnected",
            ),
            *("StreamLost", "SnapshotFailed", "ContractDescribed", "ContractUnknown"),
        ],
        FACT,
    ),
    "BrokerCommandAnswered": TO_ENFORCER,
    "BrokerCommandSent": "an account notes what is being closed: a successor waits for a read of it",
    **dict.fromkeys(
        [
            *(
                "PayloadQuarantined",
                "AnchorAccepted",
                "SystemStarted",
                "SystemStopped",
                "JournalArchived",
                "SessionOpened",
            ),
            *("AccountGuarded", "RulesAdopted", "AccountOpened", "RuleBreached"),
            "LockoutAsked",
            *(
                "EnforcementStarted",
                "EnforcementJoined",
                "EnforcementNarrowed",
                "EnforcementUnrecorded",
            ),
            *("StopMoved", "StopNotMoved", "FlatConfirmed", "DeadlinePassed"),
            *(
                "EnforcementWithheld",
                "EnforcementFinished",
                "AccountLocked",
                "LockoutReleased",
                "ExposureUnderLock",
            ),
            *("DayReset", "HealthChanged", "AlarmRaised", "DeadLettered", "ActorRestarted"),
        ],
        EVENT,
    ),
    "Append": "adds rows at the end; only the two events below end a lock, each made in one place (test)",
    **dict.fromkeys(["Appended", "AppendFailed"], "the journal's answer: an enforcement goes on"),
    **dict.fromkeys(["ReadAccount", "Committed", "Subscribe"], "the journal's readers"),
    **dict.fromkeys(
        ["AnnounceArchive", "SweepArchived"],
        "rows move to an archive; what accounts are replayed from stays: journal/test_archive.py",
    ),
    **dict.fromkeys(["Tidied", "TidyFailed"], "the journal's answer to who archives"),
    **dict.fromkeys(
        [
            *("GetAccountStatus", "GetAccountBoard", "GetRules", "GetDuties"),
            *("GetUnrecorded", "GetJournalStatus", "GetLoginStatus", "Ping"),
        ],
        "a question",
    ),
}


def kinds() -> dict[str, type[Message]]:
    """Return every message there is."""
    return {
        name: each
        for module in MODULES
        for name, each in vars(module).items()
        if isinstance(each, type)
        and issubclass(each, Message)
        and each.__module__ == module.__name__
    }


def test_every_message_is_known():
    """A new one fails here until it is said why it is no way out; none is called like one."""
    assert set(kinds()) == set(WAY)
    orders = {name for name, each in kinds().items() if each.__module__ == "messages.commands"}
    assert not [each for each in orders if re.search("Unlock|Release|Reset|Clear|Lift|Allow", each)]


def test_an_account_refuses_to_be_told_an_event():
    """What says that a lock has ended is written by the account, and read from the journal alone."""
    for name, kind in kinds().items():
        if WAY[name] == EVENT:
            assert kind not in _INPUTS, name


@dataclass(frozen=True)
class Made:
    """Where something is constructed."""

    where: str
    function: str


def makers(*names: str) -> set[Made]:
    """Return the functions that construct messages of these kinds."""
    found = set()
    for path in (ROOT / "actors").rglob("*.py"):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef):
                for node in ast.walk(function):
                    if (
                        isinstance(node, ast.Call)
                        and ast.unparse(node.func).split(".")[-1] in names
                    ):
                        found.add(Made(str(path.relative_to(ROOT / "actors")), function.name))
    return found


def test_what_ends_a_lock_is_said_in_one_place_each():
    """Who else constructs one of these events or wakes an account has to be looked at."""
    assert makers("LockoutReleased") == {Made("account/keeping.py", "_release")}
    assert {each.where for each in makers("DayReset")} == {"account/keeping.py"}
    woken = {"runtime/clock_actor.py", "runtime/supervisor.py"}  # the latter wakes itself only
    assert {each.where for each in makers("Woken")} == woken
    assert makers("PlaceOrder") == set()


# --- all of it at once --------------------------------------------------------------------------

LOCKS = config_of(
    daily_realized_loss={"max_loss_usd": 100, "include_open_loss": False},
    session_block_outside={"start": "08:30", "end": "15:00"},
    auth_loss_guard={},
)
UNDRAWN = {"AdoptRules"}
"""Its parameters are the rules' own types; it is among the crafted ones."""


def drawn(kind: type[Message]) -> st.SearchStrategy[Message]:
    return drawn_as(inspect.type_info(kind))


def about(message: Message, rig: Rig) -> Message:
    """Return a message as if it were about the locked account, and of now."""
    fields = {"at": rig.clock.now()}
    if hasattr(message, "account"):
        fields["account"] = A
    return msgspec.structs.replace(message, **fields)


def crafted(rig: Rig, locks: tuple[Lockout, ...]) -> list[Message]:
    """Return the messages of somebody who knows what would be worth a try."""
    head = {"at": rig.clock.now(), "cause": "attack"}
    ends = [
        f"lockout {lock.rule} {lock.breach_id} {lock.scope}"
        for lock in locks
        if ends_by_calendar(
            lock
        )  # how long a duration has lasted only the clock knows (test above)
    ]
    released = [
        LockoutReleased(**head, account=A, rule=lock.rule, scope=lock.scope, released_by="time")
        for lock in locks
    ]
    return [
        *(Woken(**head, key=key) for key in (*ends, "reset", "leftovers", "settle", "judgement")),
        AdoptRules(**head, account=A, config="0" * 64, rules=()),
        *(
            LockAccount(**head, account=A, until=rig.clock.now() + sooner, reason="let me out")
            for sooner in (timedelta(days=-1), timedelta(0), timedelta(seconds=90))
        ),
        *released,
    ]


@settings(
    max_examples=3,
    deadline=None,
    print_blob=True,
    phases=(Phase.explicit, Phase.generate),  # a smaller example would cost many a system
)
@given(
    st.tuples(
        *(drawn(kind) for name, kind in kinds().items() if name not in UNDRAWN and kind in _INPUTS)
    )
)
def test_a_locked_account_stays_locked_whatever_it_is_told(tmp_path_factory, messages_drawn):
    """Everything it can be told, at random and crafted, crashes included: as locked as before."""
    rig = Rig(tmp_path_factory.mktemp("rig"), LOCKS)
    try:
        rig.fill(A, "-150")
        assert rig.events(AccountLocked)
        rig.system.lock(LockRequest(account=A, for_s=12 * 3600, reason="enough"))
        rig.settle()
        locks = rig.status().lockouts
        assert {lock.rule for lock in locks} == {"RULE-003", "SELF"}
        assert all(lock.until - rig.clock.now() > timedelta(hours=4) for lock in locks)
        for message in (*crafted(rig, locks), *messages_drawn):
            rig.system.directory.tell(f"account/{A}", about(message, rig))
            rig.advance(60)  # slowly enough for who has to be restarted
        kept = {(each.rule, each.scope): each for each in rig.status().lockouts}
        for lock in locks:  # a later breach may have made it longer
            assert kept[lock.rule, lock.scope].until >= lock.until
        released = {(each.rule, each.scope) for each in rig.events(LockoutReleased)}
        # what was drawn may have locked something else until a past instant, or the firm's flag
        assert not released & {(each.rule, each.scope) for each in locks}
        assert rig.given_up == []
    finally:
        rig.stop()


def test_the_clock_alone_ends_it(rig):
    """What the test above would see if something did: at the reset the lock is gone."""
    run = rig(LOCKS)
    run.fill(A, "-150")
    assert run.status().lockouts

    run.at(NOON.replace(hour=22, minute=1))

    assert [each.released_by for each in run.events(LockoutReleased)] == ["reset"]
    assert "RULE-003" not in {lock.rule for lock in run.status().lockouts}
