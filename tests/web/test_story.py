"""What the page tells of an account's day and its incidents: read from the journal, beside its writer."""

import io
import sqlite3
import threading
import zipfile
from contextlib import closing, suppress
from pathlib import Path

import httpx
import pytest

from actors.journal import Store, StoreError
from actors.locking import LockRequest
from actors.ops.web import incidents, reading, story
from messages.events import EnforcementStarted
from tests.rig import A, B, config_of
from tests.security.doors import PATIENCE_S
from tests.web.boards import Window, board, wait_for

LOSS = config_of(
    daily_realized_loss={"max_loss_usd": 100, "include_open_loss": False},
    max_contracts={"limit": 5},
)


def get(run, path, *, status=200):
    """Ask the running server."""
    answer = httpx.get(run.system.http.url + path, timeout=PATIENCE_S, trust_env=False)
    assert answer.status_code == status, answer.text
    return answer


def ask_in_vain(url):
    """Ask a server that stops meanwhile."""
    with suppress(httpx.HTTPError):
        httpx.get(url, timeout=PATIENCE_S, trust_env=False)


def day_of(run, account=A):
    return get(run, f"/api/accounts/{account}").json()["day"]


def seq_of(run, account=A):
    """Return the seq of the account's first intent."""
    return next(
        each.seq for each in run.stored(account) if isinstance(each.event, EnforcementStarted)
    )


def test_the_day_is_told_with_every_step_of_its_pnl(rig):
    """As the guard itself counts it; asked again, it is read on from there."""
    run = rig(LOSS)
    run.fill(A, "-30")
    first = day_of(run)
    run.fill(A, "12.5", fees="1.5")
    run.fill(A, None)

    day = day_of(run)

    assert [usd for _, usd in first["points"]] == ["0", "-30"]
    assert [usd for _, usd in day["points"]] == ["0", "-30", "-19.0"]
    assert (day["trading_date"], day["truncated"]) == ("2025-10-29", False)


def test_decisions_come_with_their_arithmetic_and_breaches_are_marked(rig):
    """The newest first; what was judged clean is one too."""
    run = rig(LOSS)
    run.fill(A, "-150")

    day = day_of(run)

    kinds = [each["kind"] for each in day["decisions"]]
    assert kinds[:3] == ["account_locked", "enforcement_started", "rule_breached"]
    assert "account_opened" in kinds
    assert "Daily P&L: $-150.00, Limit: $-100.00" in day["decisions"][2]["text"]
    assert day["decisions"][2]["payload"]["breach"]["value"] == "-150"
    assert [each["kind"] for each in day["marks"]] == ["rule_breached", "account_locked"]
    assert day_of(run, B)["marks"] == []


def test_an_incident_is_told_from_the_fact_to_the_lock(rig):
    """Event, decision, command, answer, flat, locked, each with its instant."""
    run = rig(LOSS)
    run.order(A, "MNQ", 2)
    run.advance(60)
    run.fill(A, "-150")

    (incident,) = day_of(run)["incidents"]

    kinds = [each["kind"] for each in incident["steps"]]
    story_of = ("trade_executed", "rule_breached", "enforcement_started", "broker_command_sent")
    assert tuple(kinds[:4]) == story_of
    assert kinds[-3:] == ["flat_confirmed", "account_locked", "enforcement_finished"]
    assert (incident["rules"], incident["finished"]) == (["RULE-003"], True)
    assert incident["why"] == "Daily loss limit exceeded: $-150.00 (limit: $-100.00)"
    latency = incident["latency"]
    stages = ("event_at", "decided_at", "sent_at", "flat_at", "locked_at")
    assert all(latency[each].startswith("2025-10-29T17:01:00") for each in stages)


def test_what_the_clock_found_has_no_event_that_it_was_late_for(rig):
    """The position that was opened a minute ago is what led to it, but no latency."""
    run = rig(config_of(no_stop_loss_grace={"grace_s": 60}))
    run.order(A, "MNQ", 2)
    run.advance(70)

    (incident,) = day_of(run)["incidents"]

    assert incident["rules"] == ["RULE-008"]
    assert incident["latency"]["event_at"] is None
    assert incident["latency"]["flat_at"]


def test_an_enforcement_under_way_is_told_as_far_as_it_is(rig):
    """A broker that hangs: the command is out, nothing is flat; then the deadline."""
    run = rig(LOSS)
    run.order(A, "MNQ", 2)
    run.broker.hanging[A] = False
    run.fill(A, "-150")
    (before,) = day_of(run)["incidents"]
    run.advance(6)

    (incident,) = day_of(run)["incidents"]

    assert (before["finished"], before["deadline_passed"]) == (False, False)
    assert before["latency"]["sent_at"]
    assert before["latency"]["flat_at"] is None
    assert (incident["finished"], incident["deadline_passed"]) == (False, True)
    assert incident["latency"]["locked_at"]


def test_a_lockout_that_was_asked_for_and_one_that_is_guarded_are_incidents_too(rig):
    """With what led to them."""
    run = rig(LOSS)
    run.system.lock(LockRequest(account=A, for_s=600, reason="enough"))
    run.settle()
    run.order(A, "MNQ", 1)

    guarded, asked = day_of(run)["incidents"]

    assert asked["why"] == "its trader asked for it: enough"
    assert asked["rules"] == ["SELF"]
    assert "appeared under lock" in guarded["why"]
    assert guarded["rules"] == ["SELF"]


def test_an_incident_of_a_shadow_says_in_every_line_that_nothing_was_done(rig):
    """Who reads it must not believe that anything was closed: neither in the list nor in a step."""
    run = rig(LOSS, shadow=True)
    run.order(A, "MNQ", 2)
    run.fill(A, "-150")

    day = day_of(run)
    (listed,) = get(run, "/api/incidents").json()
    incident = get(run, f"/api/incidents/{A}/{seq_of(run)}").json()["incident"]

    assert (listed["shadow"], incident["shadow"], day["incidents"][0]["shadow"]) == (True,) * 3
    steps = [each["text"] for each in (*incident["steps"], *day["decisions"], *day["marks"])]
    assert any("WOULD ENFORCE RULE-003" in each for each in steps)
    assert any("would be closing" in each for each in steps)
    assert not [each for each in steps if "ENFORCING" in each or ": closing" in each]


def test_the_last_incidents_of_all_accounts_are_listed(rig):
    """Newest first, each with what led to it; and found again by its place."""
    run = rig(LOSS)
    run.fill(A, "-150")
    run.fill(B, "-160")

    listed = get(run, "/api/incidents").json()
    told = get(run, f"/api/incidents/{A}/{seq_of(run)}").json()

    assert [each["account"] for each in listed] == [B, A]
    assert listed[1]["why"] == "Daily loss limit exceeded: $-150.00 (limit: $-100.00)"
    assert listed[1]["seq"] == told["incident"]["seq"] == seq_of(run)
    assert told["incident"]["steps"][-1]["kind"] == "enforcement_finished"
    assert told["trading_date"] == "2025-10-29"


def test_what_is_no_incident_is_not_found(rig):
    """Another account's, another event's, a place beyond the journal or any number."""
    run = rig(LOSS)
    run.fill(A, "-150")
    seq = seq_of(run)

    for where in (f"{B}/{seq}", f"{A}/{seq + 1}", f"{A}/0", f"{A}/999999", f"{A}/{'9' * 30}"):
        get(run, f"/api/incidents/{where}", status=404)
        get(run, f"/api/incidents/{where}/bundle", status=404)
    get(run, f"/api/accounts/{'9' * 30}", status=503)
    get(run, "/api/accounts/-1", status=404)


def test_the_bundle_is_the_one_the_command_line_makes(rig):
    """Made by it, verified first, in a process of its own; nothing of it stays."""
    run = rig(LOSS)
    run.fill(A, "-150")

    answer = get(run, f"/api/incidents/{A}/{seq_of(run)}/bundle")

    assert f"incident-{A}-2025-10-29.zip" in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as bundle:
        assert "timeline.txt" in bundle.namelist()
        assert b"VIOLATION: RULE-003" in bundle.read("timeline.txt")


def test_a_bundle_that_cannot_be_made_says_why(rig, monkeypatch):
    """The command's own words; one that takes too long is left to the command line."""
    run = rig(LOSS)
    run.fill(A, "-150")
    path = f"/api/incidents/{A}/{seq_of(run)}/bundle"
    monkeypatch.setattr(incidents, "EXPORT_S", 0.0)
    late = get(run, path, status=503).text
    monkeypatch.undo()
    (run.folder / "lockstep.db.anchor").rename(run.folder / "elsewhere")

    assert "takes too long here" in late
    assert "anchor" in get(run, path, status=503).text


def test_a_bundle_under_way_keeps_no_stop_waiting(rig, monkeypatch, tmp_path):
    """Its process is ended with the server: else ours would wait for it with nothing guarded."""
    hangs, begun = tmp_path / "hangs.py", tmp_path / "begun"
    hangs.write_text(
        "import os, pathlib, signal\n"
        f"pathlib.Path({str(begun)!r}).write_text(f'{{os.getpid()}}.')\n"
        "signal.pause()\n"
    )
    monkeypatch.setattr(incidents, "_MAIN", hangs)
    monkeypatch.setattr(incidents, "EXPORT_S", 3600.0)
    run = rig(LOSS)
    run.fill(A, "-150")
    url = f"{run.system.http.url}/api/incidents/{A}/{seq_of(run)}/bundle"
    asking = threading.Thread(target=ask_in_vain, args=(url,), daemon=True)
    asking.start()
    wait_for(lambda: begun.exists() and begun.read_text().endswith("."))

    run.stop()

    own = Path("/proc", begun.read_text()[:-1])
    wait_for(lambda: not own.exists())


def test_a_journal_that_cannot_be_read_is_said_and_the_picture_goes_on():
    """Nothing here guards; the page says that it does not know."""
    window = Window(board())
    window.server.start()
    try:
        for path in ("/api/accounts/1", "/api/incidents", "/api/incidents/1/1"):
            status, said = window.ask("GET", path)
            assert (status, b"journal cannot be read" in said) == (503, True)
        assert window.ask("GET", "/api/status")[0] == 200
    finally:
        window.server.stop()


@pytest.mark.parametrize("error", [sqlite3.OperationalError("disk I/O error"), OSError("gone")])
def test_a_disk_that_fails_is_an_answer_and_no_traceback(rig, monkeypatch, error):
    """And the next question is asked anew."""
    run = rig(LOSS)

    def fail(*_):
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(reading.Store, "last_reset", fail)
        assert "cannot be read" in get(run, f"/api/accounts/{A}", status=503).text
    assert day_of(run)["points"]


def test_a_new_trading_day_is_a_new_story(rig):
    """The P&L begins at nothing; the incidents of the day before are in the list."""
    run = rig(LOSS)
    run.fill(A, "-150")
    day_of(run)
    run.advance(6 * 3600)

    day = day_of(run)

    assert day["trading_date"] == "2025-10-30"
    assert ([usd for _, usd in day["points"]], day["incidents"]) == (["0"], [])


def test_an_enforcement_that_outlasts_its_day_is_told_in_the_next_one(rig):
    """It is under way still, whatever day it began in."""
    run = rig(LOSS)
    run.order(A, "MNQ", 2)
    run.broker.hanging[A] = False
    run.fill(A, "-150")
    run.advance(6 * 3600)

    day = day_of(run)

    (incident,) = day["incidents"]
    assert day["trading_date"] == "2025-10-30"
    assert (incident["enforcement_id"], incident["finished"]) == (f"{A}/e1", False)
    told = get(run, f"/api/incidents/{A}/{incident['seq']}").json()
    assert told["incident"]["enforcement_id"] == f"{A}/e1"


def test_a_long_day_is_thinned_and_a_longer_one_is_cut(rig, monkeypatch):
    """Bounded whatever an account does; the last value always stays."""
    run = rig(LOSS)
    monkeypatch.setattr(story, "MOST_POINTS", 4)
    monkeypatch.setattr(reading, "PAGE", 1)
    for _ in range(9):
        run.fill(A, "-1")
    points = day_of(run)["points"]
    monkeypatch.setattr(story, "MOST_EVENTS", 12)
    run.system.http._dashboard._stories._kept.clear()

    cut = day_of(run)

    assert len(points) <= 4
    assert points[-1][1] == "-9"
    assert cut["truncated"] is True


@pytest.mark.parametrize("page", [1, 2, 250])
def test_pages_leave_nothing_out(rig, monkeypatch, page):
    """However they are cut; and no more is read than may be."""
    run = rig(LOSS)
    run.fill(A, "-150")
    monkeypatch.setattr(reading, "PAGE", page)
    stored = [each.seq for each in run.stored(A)]
    with closing(Store.open_read_only(run.folder / "lockstep.db")) as store:
        read = [each.seq for each in reading.events_after(store, A, 0, most=1000)]
        few = [each.seq for each in reading.events_after(store, A, stored[2], most=3)]

    assert read == stored
    assert few == stored[3:6]


def test_only_the_last_accounts_asked_for_are_kept(rig, monkeypatch):
    """Memory does not grow with the accounts somebody once looked at."""
    run = rig(LOSS)
    monkeypatch.setattr(story, "KEPT_DAYS", 1)
    day_of(run, A)
    day_of(run, B)

    assert list(run.system.http._dashboard._stories._kept) == [B]
    assert day_of(run, A)["account"] == A


def test_a_story_that_failed_midway_is_read_anew(rig, monkeypatch):
    """Half a day that goes on from its middle would be a wrong P&L."""
    run = rig(LOSS)
    run.fill(A, "-30")
    day_of(run)
    run.fill(A, "-30")

    def fail(self, _store):
        self._points.clear()
        raise StoreError("damaged", where=run.folder, fix="look")

    with monkeypatch.context() as patched:
        patched.setattr(story.Story, "read_on", fail)
        get(run, f"/api/accounts/{A}", status=503)
    assert [usd for _, usd in day_of(run)["points"]] == ["0", "-30", "-60"]
