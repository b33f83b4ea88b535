"""What people read of a status: the table, the notes below it, and the same kept up to date."""

import io
import os
import pty
import re
import signal
import subprocess
import sys
from datetime import date, timedelta
from decimal import Decimal

import pytest
from msgspec import structs

from actors.ops.console import Console
from actors.ops.picture import Picture
from actors.ops.status_table import lines_of, print_status
from messages.queries import AccountStatus, EnforcementStatus
from messages.values import Duty, FlatAccount, Health, LimitUse, Lockout, Phase, Position, ReleaseOn
from tests.cli import MAIN, WITHIN_S, environment, lockstep, one_error
from tests.rig import A, B
from tests.security.doors import NOW, STATUS, Door

OPEN = AccountStatus(
    account=A,
    name="[50K]",
    login="desk",
    phase=Phase.OPEN,
    health=Health.LIVE,
    health_reason="",
    trading_date=date(2025, 10, 29).isoformat(),
    realised_usd=Decimal("-1234.5"),
    open_usd=Decimal("12.25"),
    positions=(Position(contract="CON.F.US.MNQ.Z25", size=-2, average_price=Decimal(21000)),),
    working_orders=1,
    lockouts=(),
    enforcement=None,
    queued=(),
    starting=None,
)


def lockout(until):
    return Lockout(
        rule="SELF",
        scope="account",
        duty=Duty.FLAT,
        until=until,
        release_on=ReleaseOn.TIME,
        reason="[enough]",
        breach_id="self/1",
        locked_at=NOW,
    )


def of(*accounts, **fields):
    return structs.replace(STATUS, accounts=accounts, **fields)


def printed(capsys, status):
    print_status(status)
    return capsys.readouterr().out


def test_the_table_shows_each_account_with_its_money_and_what_it_holds(capsys):
    """Within 80 columns; a name with brackets is no markup."""
    text = printed(capsys, of(OPEN))

    row = next(line for line in text.splitlines() if line.startswith(str(A)))
    assert row.split("  ")[0] == str(A)
    for said in ("[50K]", "open", "live", "$-1,234.50", "$12.25", "-2 MNQ, 1 order"):
        assert said in row
    assert max(map(len, text.splitlines())) <= 80
    assert "1 open" in text.splitlines()[0]


@pytest.mark.parametrize(
    ("left", "says"),
    [
        (timedelta(seconds=-1), "0m 00s"),
        (timedelta(seconds=59), "0m 59s"),
        (timedelta(minutes=60), "1h 00m"),
        (timedelta(hours=24), "1d 00h"),
        (timedelta(days=2, hours=5, minutes=59), "2d 05h"),
    ],
)
def test_a_lockout_counts_down(capsys, left, says):
    """When it ends, how long that is from now, and why."""
    text = printed(capsys, of(structs.replace(OPEN, lockouts=(lockout(NOW + left),))))

    assert (
        f"{A} locked by SELF until {NOW + left:%Y-%m-%d %H:%M:%S} UTC, {says} left: [enough]"
        in text
    )


def test_what_is_wrong_is_said_below_it(capsys):
    """Health, start, enforcement, what waits, who does not answer, what is not on disk."""
    enforcing = EnforcementStatus(
        since=NOW, targets=(FlatAccount(),), deadline_at=NOW, flat_confirmed=False
    )
    ill = structs.replace(
        OPEN,
        open_usd=None,
        health=Health.UNKNOWN,
        health_reason="a read failed",
        starting="waiting for the first snapshot",
        enforcement=enforcing,
        lockouts=(structs.replace(lockout(None), release_on=ReleaseOn.CAN_TRADE),),
        queued=("RULE-003 off at the reset",),
    )

    text = printed(capsys, of(ill, unanswered=(B,), unrecorded=3))

    for said in (
        "unknown",
        f"{A} is unknown: a read failed",
        f"{A} starting: waiting for the first snapshot",
        f"{A} enforcing since 17:00:00 UTC: closing",
        f"{A} locked by SELF until the firm lets it trade again: [enough]",
        f"{A} queued: RULE-003 off at the reset",
        f"{B} DOES NOT ANSWER",
        "JOURNAL: events that are not on disk: 3",
    ):
        assert said in text


def test_what_is_only_watched_is_not_counted_as_locked(capsys):
    """The head of the table is what is read first."""
    locked = structs.replace(OPEN, phase=Phase.LOCKED)
    text = printed(capsys, of(OPEN, locked, structs.replace(locked, account=B, shadow=True)))

    assert text.splitlines()[0].endswith(": 1 open, 1 locked, 1 SHADOW locked")


def test_the_limit_it_is_nearest_to_is_shown(capsys):
    """A target only where no other limit is nearer: reaching it is wanted."""
    uses = (_use("RULE-003", "day's loss", "430"), _use("RULE-013", "day's profit", "430"))
    uses = (structs.replace(uses[1], target=True), uses[0], _use("RULE-001", "contracts", "2"))

    text = printed(capsys, of(structs.replace(OPEN, limits=uses, positions=(), working_orders=0)))

    assert "nearest limit" in text.splitlines()[1]
    assert "86 % day's loss" in text.splitlines()[2]


def _use(rule, what, value):
    return LimitUse(rule=rule, what=what, unit="usd", value=Decimal(value), limit=Decimal(500))


@pytest.mark.parametrize("columns", [80, 60, 45])
def test_a_narrow_terminal_leaves_columns_out_and_cuts_no_number(capsys, monkeypatch, columns):
    """Half of an amount is another amount; what is held and where it is stand there to the last."""
    monkeypatch.setenv("COLUMNS", str(columns))
    wide = structs.replace(OPEN, name="50K-EXPRESS-FUNDED-0001", limits=(_use("R", "loss", "430"),))

    text = printed(capsys, of(wide))

    rows = text.splitlines()[1:3]
    assert max(map(len, rows)) <= columns
    for said in (str(A), "open", "$-1,234.50", "-2 MNQ"):
        assert said in rows[1]
    assert "\u2026" not in text


def test_the_picture_that_is_watched_fits_and_shows_the_worst_first():
    """Sixty accounts in twenty lines: what is wrong is never what does not fit."""
    many = [structs.replace(OPEN, account=number, name=f"fine-{number}") for number in range(60)]
    many[50] = structs.replace(
        many[50], name="ill", health=Health.STALE, health_reason="stream lost"
    )
    many[40] = structs.replace(many[40], name="close", limits=(_use("RULE-003", "loss", "490"),))
    screen = Console(width=100, height=20, file=io.StringIO(), force_terminal=True, no_color=True)

    with screen.capture() as drawn:
        screen.print(Picture(of(*many)))
    lines = drawn.get().splitlines()

    assert len(lines) <= 20
    assert "50 is stale: stream lost" in drawn.get()
    names = [name for line in lines for name in ("ill ", "close", "fine-0 ") if name in line]
    assert names == ["ill ", "close", "fine-0 "]
    assert "more accounts" in drawn.get()


def test_who_is_not_flat_in_time_is_seen_however_many_others_are_not_well():
    """Forty that are stale stand before it in the list, and may cost nobody anything."""
    many = [
        structs.replace(OPEN, account=number, health=Health.STALE, health_reason="stream lost")
        for number in range(40)
    ]
    way = EnforcementStatus(
        since=NOW - timedelta(seconds=60),
        targets=(FlatAccount(),),
        deadline_at=NOW - timedelta(seconds=55),
        flat_confirmed=False,
    )
    late = structs.replace(OPEN, account=99, name="late", phase=Phase.ENFORCING, enforcement=way)
    screen = Console(width=100, height=20, file=io.StringIO(), force_terminal=True, no_color=True)

    with screen.capture() as drawn:
        screen.print(Picture(of(*many, late)))
    lines = re.sub("\x1b\\[[0-9;]*m", "", drawn.get()).splitlines()

    assert len(lines) <= 20
    said = [line for line in lines if line.startswith("99 ") or "is stale" in line]
    assert said[0].startswith("99 ")
    assert any("late" in line for line in lines)


def test_with_nothing_running_it_says_so(capsys):
    """The first thing that is read."""
    assert "is NOT RUNNING" in printed(capsys, of(OPEN, live=False)).splitlines()[0]


def test_a_line_stays_the_same_while_only_time_passes():
    """Or a log of them would never be quiet."""
    later = of(OPEN, at=NOW + timedelta(seconds=1))

    assert lines_of(of(OPEN)) == lines_of(later)
    assert lines_of(of(structs.replace(OPEN, positions=(), working_orders=0)))[A].endswith("flat")
    assert lines_of(of(unanswered=(B,))) == {B: "DOES NOT ANSWER"}


# --- watched, as a process ----------------------------------------------------------------------


class Desk(Door):
    """A server that says what it is told to say."""

    shown = of(OPEN)

    def _status(self):
        return self.shown


@pytest.fixture
def desk(written):
    """Serve a status; return the server and a configuration that names it."""
    desk = Desk()
    desk.server.start()
    yield desk, written(listen=desk.host)
    desk.server.stop()


def test_without_a_terminal_it_is_a_line_for_each_change(desk, started):
    """At once in the pipe; it goes on while nothing answers; Ctrl-C ends it with 130."""
    server, config = desk
    watching = started("status", "--watch", "--config", config)
    watching.wait_line(str(A), "open", "-2 MNQ")

    server.shown = of(structs.replace(OPEN, phase=Phase.LOCKED, lockouts=(lockout(NOW),)))
    watching.wait_line(str(A), "locked", "SELF until 2025-10-29 17:00:00 UTC")
    server.server.stop()
    watching.wait_line("NO ANSWER")

    assert watching.stop(signal.SIGINT) == 130
    assert len([line for line in watching.out if str(A) in line]) == 2
    assert "\x1b" not in "".join(watching.out)
    assert watching.err == []


def on_terminal(config, **env):
    """Watch on a terminal until two pictures were drawn, then Ctrl-C; return exit code and output."""
    ours, theirs = pty.openpty()
    given = environment(TERM="xterm-256color", **env)
    if not env:
        del given["NO_COLOR"]
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, str(MAIN), "status", "--watch", "--config", str(config)],
        env=given,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    drawn = b""
    while drawn.count(str(A).encode()) < 2:
        drawn += os.read(ours, 65536)
    process.send_signal(signal.SIGINT)
    while True:
        try:
            more = os.read(ours, 65536)
        except OSError:  # the terminal has gone with its process
            break
        if not more:
            break
        drawn += more
    os.close(ours)
    return process.wait(WITHIN_S), drawn.decode()


def test_on_a_terminal_it_is_drawn_anew_in_colour_unless_that_is_not_wanted(desk):
    """130 after Ctrl-C, no traceback, and the cursor is back; NO_COLOR leaves no colour."""
    _, config = desk
    coloured = re.compile(r"\x1b\[[0-9;]*3[0-7]m")

    code, drawn = on_terminal(config)
    plain_code, plain = on_terminal(config, NO_COLOR="1")

    assert (code, plain_code) == (130, 130)
    assert "Traceback" not in drawn + plain
    assert coloured.search(drawn)
    assert not coloured.search(plain)
    assert drawn.rindex("\x1b[?25h") > drawn.rindex("\x1b[?25l")


def test_in_a_pipe_nothing_is_cut(desk):
    """There is no width there: who greps for an amount finds it."""
    server, config = desk
    server.shown = of(
        structs.replace(OPEN, name="50K-EXPRESS-FUNDED-0001", realised_usd=Decimal(-(10**6)))
    )

    done = lockstep("status", "--config", config, COLUMNS="")

    for said in ("50K-EXPRESS-FUNDED-0001", "$-1,000,000.00", "$12.25", "-2 MNQ, 1 order"):
        assert said in done.stdout


def test_it_is_either_watched_or_json(written):
    """Exit 2."""
    done = lockstep("status", "--watch", "--json", "--config", written())

    assert "--json prints once" in one_error(done, 2)
