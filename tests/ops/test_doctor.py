"""The doctor's judgements over what its probes read, and the probes on files they are given."""

import json
import os
import shutil
import socket
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from msgspec import structs
from rich.console import Console

from actors.gateway.settings import LoginSettings
from actors.journal import Store, default_anchor
from actors.ops import exits
from actors.ops.doctor.budget import BudgetRead, judge_budget, times_of
from actors.ops.doctor.calendars import TableRead, judge_tables
from actors.ops.doctor.clock import ZonesRead, judge_clock, judge_zones, read_zones
from actors.ops.doctor.disk import DiskRead, judge_disk, read_disk
from actors.ops.doctor.finding import Check, Examination, Level, exit_code_of
from actors.ops.doctor.ground import judge_ground
from actors.ops.doctor.login import LoginRead, judge_accounts, judge_login, read_logins
from actors.ops.doctor.port import PortRead, judge_port, read_port
from actors.ops.doctor.process import (
    PackageRead,
    judge_files,
    judge_packages,
    judge_python,
    read_packages,
)
from actors.ops.doctor.report import print_examination
from actors.ops.doctor.ring import RingRead, judge_ring
from actors.ops.doctor.sleep import TARGETS, judge_sleep, read_sleep
from actors.ops.doctor.store import judge_lease, judge_store, read_lease, read_store
from actors.runtime import OffsetClock, SystemClock
from config.loader import load
from messages import codec
from messages.events import SystemStopped
from messages.values import AccountRecord
from tests.rig import HEAD, TOKENS, A, B

NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)
OK, WARNING, UNKNOWN, CRITICAL = Level.OK, Level.WARNING, Level.UNKNOWN, Level.CRITICAL
LOGIN = LoginSettings(
    name="desk",
    username="someone",
    api_key="secret-api-key",
    api_url="http://a/api",
    user_hub_url="http://a/hubs/user",
    market_hub_url="http://a/hubs/market",
)


def levels(findings) -> list[Level]:
    return [each.level for each in findings]


def record(account=A, **what) -> AccountRecord:
    usual = {"name": f"N{account}", "balance_usd": Decimal(1), "can_trade": True, "simulated": True}
    return AccountRecord(account=account, **(usual | what))


# --- findings -----------------------------------------------------------------------------------


def test_whatever_is_not_ok_says_what_to_do_and_only_what_is_critical_has_a_code():
    """So nobody is left with a complaint alone."""
    check = Check("x", "because", exits.STORE)

    found = [check.ok("a"), check.warning("b", fix="f"), check.unknown("c", fix="f")]
    critical = check.critical("d", fix="f")

    assert [each.code for each in (*found, critical)] == [0, 0, 0, exits.STORE]
    assert [bool(each.fix) for each in (*found, critical)] == [False, True, True, True]


@pytest.mark.parametrize(
    ("codes", "ends"),
    [
        ((), 0),
        ((exits.FAILURE,), 1),
        ((exits.UNREACHABLE, exits.FAILURE), 69),
        ((exits.MACHINE, exits.FAILURE), 72),
        ((exits.UNREACHABLE, exits.MACHINE), 69),
        ((exits.UNREACHABLE, exits.STORE), 70),
        ((exits.STORE, exits.LOGIN), 77),
        ((exits.LOGIN, exits.CONFIG), 78),
    ],
    ids=str,
)
def test_the_exit_code_is_that_of_what_must_be_mended_first(codes, ends):
    """The file before the login, the login before the journal, both before what heals by itself."""
    found = tuple(Check("x", "y", code).critical("z", fix="f") for code in codes)

    assert exit_code_of((Check("x", "y").warning("z", fix="f"), *found)) == ends


def test_the_report_says_the_worst_first_and_needs_no_colour():
    """For people: a table of everything, then what to do."""
    check = Check("thing", "it matters")
    findings = (
        check.ok("fine"),
        check.warning("so so", fix="do this"),
        check.critical("bad", fix="do that", about="desk"),
    )
    done = Examination(version="1", config="0", at=NOW, findings=findings, exit_code=1)
    out = StringIO()

    print_examination(done, Console(file=out, width=80))

    said = out.getvalue()
    assert "\x1b" not in said
    assert said.index("CRITICAL thing (desk): bad") < said.index("WARNING thing: so so")
    assert "why: it matters" in said
    assert "fix: do that" in said
    assert said.rstrip().endswith("1 ok, 1 warning, 1 critical: exit 1")
    assert json.loads(codec.to_json(done))["findings"][2]["level"] == "critical"


# --- login, accounts, clock ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        (LoginRead("desk"), [("credentials", OK, 0)]),
        (LoginRead("desk", refused="no"), [("credentials", CRITICAL, 77)]),
        (
            LoginRead("desk", unreachable="down"),
            [("broker", CRITICAL, 69), ("credentials", UNKNOWN, 0)],
        ),
    ],
    ids=["in", "refused", "unreachable"],
)
def test_a_login_is_accepted_refused_or_not_known(read, expected):
    """A broker that cannot be asked has not refused anybody."""
    assert [(each.check, each.level, each.code) for each in judge_login(read)] == expected


@pytest.mark.parametrize(
    ("read", "wanted", "expected"),
    [
        ({"active": (record(A), record(B))}, ("*",), [OK]),
        ({"active": (record(A), record(B))}, (A,), [OK]),
        ({"active": (record(A),)}, (f"N{A}", 4711), [CRITICAL, OK]),
        ({"active": (record(A),), "inactive": (record(B),)}, (B,), [CRITICAL]),
        ({"active": ()}, ("*",), [WARNING]),
        ({"active": (record(A, can_trade=False),)}, ("*",), [WARNING, OK]),
        ({"active": (record(A, can_trade=None),)}, ("*",), [UNKNOWN, OK]),
        ({"active": (record(A, simulated=False),)}, ("*",), [WARNING, OK]),
        ({"active": (record(A, can_trade=False), record(B))}, (B,), [OK]),
        ({"active": (record(A),), "unreadable": ("name is 5",)}, ("*",), [WARNING, OK]),
        ({"unreachable": "down"}, ("*",), [UNKNOWN]),
        ({"refused": "no"}, (A,), [UNKNOWN]),
    ],
    ids=[
        *("all", "one", "typo", "inactive", "none", "may not trade", "may it?", "live-funded"),
        *("another's", "unreadable", "unreachable", "refused"),
    ],
)
def test_every_account_that_is_to_be_guarded_is_there_and_may_trade(read, wanted, expected):
    """What nobody listed is unknown, never fine."""
    assert levels(judge_accounts(LoginRead("desk", **read), wanted)) == expected


def test_many_accounts_that_stand_alike_are_one_finding():
    """A hundred lines of the same are not read."""
    active = tuple(record(n, simulated=False) for n in range(1, 101))

    found = list(judge_accounts(LoginRead("desk", active=active), ("*",)))

    assert levels(found) == [WARNING, OK]
    assert found[0].about.endswith("and 95 more")


@pytest.mark.parametrize(
    ("ahead_s", "expected"),
    [
        (None, UNKNOWN),
        (0.0, OK),
        (2.0, OK),
        (-2.0, OK),
        (2.001, WARNING),
        (-30.0, WARNING),
        (30.1, WARNING),
        (-30.1, WARNING),
    ],
)
def test_our_clock_is_judged_by_the_brokers(ahead_s, expected):
    """By the same bounds the guard itself goes by, which does not believe one that is far off."""
    (found,) = judge_clock((LoginRead("desk", ahead_s=ahead_s),))

    assert found.level is expected
    assert ("goes by the broker's" in found.what) == (abs(ahead_s or 0) > 30)


@pytest.mark.parametrize(
    ("ahead_s", "expected"), [(0, OK), (10, WARNING), (60, WARNING), (-60, WARNING)]
)
def test_the_clock_is_compared_over_the_wire(broker, ahead_s, expected):
    """With the `Date` of the broker's own answers."""
    clock = OffsetClock(SystemClock().now() + timedelta(seconds=ahead_s))
    login = structs.replace(
        LOGIN,
        username=TOKENS["PROJECT_X_USERNAME"],
        api_key=TOKENS["PROJECT_X_API_KEY"],
        api_url=broker.api_url,
    )

    (read,) = read_logins((login,), clock)

    assert {each.account for each in read.active} == {A, B}
    assert levels(judge_clock((read,))) == [expected]


# --- zones and calendars ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        (ZonesRead((), "2025b", "2026.6"), OK),
        (ZonesRead((), "2024b", "2026.6"), WARNING),
        (ZonesRead((), None, "2026.6"), OK),
        (ZonesRead((), "unknown", "2026.6"), UNKNOWN),
        (ZonesRead((), None, None), CRITICAL),
        (ZonesRead(("Mars/Olympus",), "2025b", "2026.6"), CRITICAL),
    ],
    ids=["both", "old system goes first", "package", "undated", "none", "unknown zone"],
)
def test_zones_are_judged_by_the_table_that_is_used(read, expected):
    """The system's goes before the package's."""
    assert levels(judge_zones(read, NOW)) == [expected]


def test_this_machine_knows_chicago_and_not_mars():
    """The probe looks at the real tables."""
    read = read_zones(("America/Chicago", "Mars/Olympus"))

    assert read.missing == ("Mars/Olympus",)
    assert read.package


@pytest.mark.parametrize("in_use", [True, False])
@pytest.mark.parametrize(
    ("expires", "if_used"),
    [
        (date(2026, 11, 22), CRITICAL),
        (date(2026, 11, 23), WARNING),
        (date(2027, 1, 21), WARNING),
        (date(2027, 1, 22), OK),
    ],
    ids=str,
)
def test_a_calendar_is_judged_by_the_days_it_still_covers(expires, if_used, in_use):
    """One that nobody uses is never critical."""
    expected = WARNING if if_used is CRITICAL and not in_use else if_used

    assert levels(judge_tables((TableRead(("MNQ",), expires, in_use),), NOW)) == [expected]


# --- disk, journal, lease, port -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        ({"free": 2**31, "syncs_s": (0.001,) * 30}, [OK, OK]),
        ({"free": 2**29, "syncs_s": (0.001,) * 29 + (0.3,)}, [WARNING, WARNING]),
        ({"free": 2**20, "syncs_s": (0.3,) * 30}, [CRITICAL, CRITICAL]),
        ({"refused": "Read-only file system"}, [CRITICAL]),
    ],
    ids=["good", "a slow one", "slow and full", "not writable"],
)
def test_the_disk_is_judged_by_room_and_by_how_long_enforcement_waits_for_it(read, expected):
    """`journal_deadline_s` is what a sync is compared with."""
    found = list(judge_disk(DiskRead(Path("/x"), **read), 0.25))

    assert levels(found) == expected
    assert {each.code for each in found if each.level is CRITICAL} <= {exits.STORE}


def test_the_probe_of_the_disk_measures_and_leaves_nothing(tmp_path):
    """A folder that is still to be made is not made."""
    read = read_disk(tmp_path / "data" / "lockstep.db", SystemClock())

    assert (read.folder, len(read.syncs_s), read.refused) == (tmp_path, 30, "")
    assert read.free > 0
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_cannot_be_written_is_said_so(tmp_path, monkeypatch):
    """Whatever the system says, in its words."""

    def full(_path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("actors.private.make_file", full)

    (found,) = judge_disk(read_disk(tmp_path / "lockstep.db", SystemClock()), 0.25)

    assert (found.level, found.code) == (CRITICAL, exits.STORE)
    assert "No space left on device" in found.what


@pytest.fixture
def journal(tmp_path):
    """Return a journal that one run has made and left."""
    path = tmp_path / "lockstep.db"
    Store.open(path, clock=SystemClock()).close()
    return path


def judged(path: Path):
    return list(judge_store(read_store(path, default_anchor(path))))


def test_a_journal_that_is_still_to_be_made_is_no_fault(tmp_path):
    """And is not made by looking."""
    assert levels(judged(tmp_path / "data" / "lockstep.db")) == [OK, OK]
    assert list(tmp_path.iterdir()) == []


def test_a_sound_journal_is_found_sound_beside_its_writer(journal):
    """A guard that runs is not disturbed, and the files stay as they were."""
    store = Store.open(journal, clock=SystemClock())
    try:
        assert levels(judged(journal)) == [OK, OK]
        (lease,) = judge_lease(read_lease(journal), this_machine=socket.gethostname())
        assert (lease.level, f"process {os.getpid()}" in lease.what) == (OK, True)
        assert store.lease.lost() == ""
    finally:
        store.close()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.write_bytes(b"no journal" * 99), "not a database"),
        (lambda path: default_anchor(path).unlink(), "there is no anchor"),
        (lambda path: path.unlink(), "missing or empty"),
    ],
    ids=["rubbish", "no anchor", "gone"],
)
def test_a_journal_that_a_start_would_refuse_is_critical_with_its_way_out(journal, spoil, said):
    """With the store's own words and fix; an empty one needs no anchor."""
    store = Store.open(journal, clock=SystemClock())
    store.append([SystemStopped(at=NOW, cause="test", reason="x")])
    store.close()
    spoil(journal)

    found = judged(journal)[0]

    assert (found.level, found.code) == (CRITICAL, exits.STORE)
    assert said in found.what
    assert found.fix


def test_who_else_can_change_the_journal_is_told(journal):
    """Looking changes no mode, unlike a start."""
    journal.chmod(0o666)
    (said,) = [each for each in judged(journal) if each.level is WARNING]
    assert "lockstep.db" in said.what
    assert journal.stat().st_mode & 0o777 == 0o666

    journal.parent.chmod(0o777)
    assert CRITICAL in levels(judged(journal))


def test_a_lease_is_free_or_not_told_but_never_taken(journal, tmp_path):
    """After a run in order the lock's file names one that has ended."""
    assert levels(judge_lease(read_lease(tmp_path / "x.db"), this_machine="here")) == [OK]
    read = read_lease(journal)
    assert levels(judge_lease(read, this_machine="elsewhere")) == [UNKNOWN]
    (tmp_path / "lockstep.db.lock").write_text("{}")
    assert levels(judge_lease(read_lease(journal), this_machine="here")) == [UNKNOWN]


def test_a_port_is_free_or_somebodys():
    """The probe never listens; who has it is asked whether it is a guard."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        taken.listen()
        read = read_port(f"127.0.0.1:{port}")
    assert (bool(read.refused), read.ours) == (True, False)
    assert levels(judge_port(read, guard_runs=False)) == [CRITICAL]
    assert levels(judge_port(read_port(f"127.0.0.1:{port}"), guard_runs=False)) == [OK]


def test_a_port_that_a_guard_answers_on_is_ours_only_with_our_journal():
    """A Lockstep of another journal has taken it from us."""
    read = PortRead("127.0.0.1:1", refused="Address already in use", ours=True)

    assert levels(judge_port(read, guard_runs=True)) == [OK]
    assert levels(judge_port(read, guard_runs=False)) == [CRITICAL]


# --- budget, sleep, ring, process -------------------------------------------------------


@pytest.mark.parametrize(
    ("accounts", "start_s", "closed_s", "proven_s"),
    [
        (1, 0, 0, 0),
        (25, 0, 0, 0),
        (26, 0, 0, 61),
        (37, 0, 0, 61),
        (38, 61, 0, 61),
        (147, 183, 61, 305),
    ],
)
def test_the_budget_says_how_long_everything_takes(accounts, start_s, closed_s, proven_s):
    """150 reads a window at a start; 147 requests beside the steady reconciling in a fall."""
    times = times_of(BudgetRead(LOGIN, accounts), accounts)

    assert (times.start_s, times.closed_s, times.proven_s) == (start_s, closed_s, proven_s)


@pytest.mark.parametrize(
    ("accounts", "expected"), [(0, OK), (146, OK), (148, WARNING), (None, UNKNOWN)]
)
def test_a_login_whose_accounts_cannot_all_be_closed_at_once_is_warned_of(accounts, expected):
    """How many it has must be known."""
    assert levels(judge_budget(BudgetRead(LOGIN, accounts))) == [expected]


def machine(folder: Path, *, states="freeze mem disk\n", masked=TARGETS, logind="") -> Path:
    """Return the files of a machine as systemd keeps them."""
    (folder / "run/systemd/system").mkdir(parents=True)
    (folder / "sys/power").mkdir(parents=True)
    (folder / "sys/power/state").write_text(states)
    units = folder / "etc/systemd/system"
    units.mkdir(parents=True)
    for each in masked:
        (units / f"{each}.target").symlink_to("/dev/null")
    (folder / "etc/systemd/logind.conf").write_text("[Login]\n#IdleAction=ignore\n")
    if logind:
        drop_ins = folder / "etc/systemd/logind.conf.d"
        drop_ins.mkdir()
        (drop_ins / "x.conf").write_text(f"[Login]\n{logind}\n")
    return folder


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({}, OK),
        ({"masked": (), "states": "\n"}, OK),
        ({"masked": ()}, WARNING),
        ({"masked": TARGETS[1:]}, WARNING),
        ({"masked": (), "logind": "IdleAction=suspend"}, CRITICAL),
        ({"logind": "IdleAction=suspend"}, OK),
        ({"masked": (), "logind": "not an ini file"}, UNKNOWN),
    ],
    ids=["masked", "cannot", "can", "one left", "idle", "idle but masked", "unreadable"],
)
def test_sleep_is_read_where_systemd_keeps_it(tmp_path, how, expected):
    """Drop-ins count over the file."""
    assert levels(judge_sleep(read_sleep(machine(tmp_path, **how), "linux"))) == [expected]


@pytest.mark.parametrize(
    ("accept", "expected"), [("", (CRITICAL, exits.MACHINE)), ('"sleep"', (WARNING, 0))]
)
def test_a_machine_that_falls_asleep_is_let_pass_only_knowingly(
    tmp_path, monkeypatch, accept, expected
):
    """One documented way to go on; it is told all the same."""
    read = read_sleep(machine(tmp_path / "root", masked=(), logind="IdleAction=suspend"), "linux")
    monkeypatch.setattr("actors.ops.doctor.ground.read_sleep", lambda: read)
    path = tmp_path / "lockstep.toml"
    path.write_text(f'{HEAD}[journal]\npath = "{tmp_path}/x.db"\n[doctor]\naccept = [{accept}]\n')
    config = load(path, now=NOW, environment={})

    (found,) = [each for each in judge_ground(config, SystemClock()) if each.check == "sleep"]

    assert (found.level, found.code) == expected
    assert ("accepted" in found.what) == bool(accept)
    assert "systemctl mask sleep.target" in found.fix


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_sleep_that_cannot_be_read_is_unknown(tmp_path, platform):
    """A container, a Mac, Windows: somebody has to look."""
    (found,) = judge_sleep(read_sleep(tmp_path, platform))

    assert found.level is UNKNOWN
    assert "look yourself" in found.fix


@pytest.mark.parametrize(
    ("confirmed", "expected"),
    [
        (None, WARNING),
        (date(2026, 11, 23), OK),
        (date(2026, 8, 25), OK),
        (date(2026, 8, 24), WARNING),
        (date(2026, 11, 24), WARNING),
    ],
    ids=str,
)
def test_the_outer_ring_is_confirmed_again_every_ninety_days(confirmed, expected):
    """A day that is still to come confirms nothing."""
    assert levels(judge_ring((RingRead("one", confirmed),), NOW)) == [expected]


@pytest.mark.parametrize(("limit", "expected"), [(64, CRITICAL), (256, WARNING), (1024, OK)])
def test_file_descriptors_must_do_for_every_login(limit, expected):
    """One login here; more need more."""
    assert levels(judge_files(limit, 1)) == [expected]
    assert levels(judge_files(1024, 5)) == [WARNING]


@pytest.mark.parametrize(
    ("version", "expected"),
    [((3, 11), CRITICAL), ((3, 12), OK), ((3, 14), OK), ((3, 15), CRITICAL)],
)
def test_python_is_one_that_was_tested(version, expected):
    """As pyproject.toml says."""
    assert levels(judge_python(version)) == [expected]


SDK, OTHER = PackageRead("project-x-py", "4.4.1", "4.4.1"), PackageRead("rich", "15.0", "15.0")


@pytest.mark.parametrize(
    ("reads", "expected"),
    [
        ((SDK, OTHER), OK),
        ((SDK, replace(OTHER, installed=None)), OK),
        ((SDK, replace(OTHER, installed="14.0")), WARNING),
        ((replace(SDK, installed="4.4.2"), OTHER), CRITICAL),
        (None, UNKNOWN),
        ((), UNKNOWN),
    ],
    ids=["pinned", "not installed", "another", "another SDK", "no lock file", "empty"],
)
def test_packages_are_those_of_the_lock_file(reads, expected):
    """The SDK's private parts are used, so another one is not a detail."""
    assert levels(judge_packages(reads)) == [expected]


def test_the_lock_file_is_read(tmp_path):
    """The real one names the SDK; one that is not there says nothing."""
    assert any(each.name == "project-x-py" for each in read_packages())
    assert read_packages(tmp_path / "gone") is None
    lock = tmp_path / "lock"
    shutil.copy(Path(__file__).parents[2] / "requirements.lock", lock)
    assert read_packages(lock) == read_packages()
