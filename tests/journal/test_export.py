"""The export is what other programs read: its keys, their order and their forms are fixed."""

import json
from datetime import UTC, date, datetime

import msgspec
import pytest

from actors.journal import Store, StoreError, export_lines
from actors.journal.chain import Row, row_of
from messages.events import AlarmRaised, SystemStarted
from messages.values import AlarmCode
from tests.journal.conftest import NOW, moved, opened


def test_a_line_is_seq_at_account_kind_cause_then_its_own_fields_then_hash(store: Store):
    """Money and prices are text, sizes signed numbers, times ISO 8601 UTC."""
    store.append([moved(13298777, -2)])

    (line,) = export_lines(store)

    (record,) = store.records()
    assert line == (
        b'{"seq":1,"at":"2025-10-31T16:43:00Z","account":13298777,"kind":"position_changed",'
        b'"cause":"stream/1","position":{"contract":"CON.F.US.MNQ.Z25","size":-2,'
        b'"average_price":"26178.25"},"hash":"' + record.hash.encode() + b'"}'
    )


def test_an_event_of_no_account_has_a_null_account_in_the_same_place(store: Store):
    """Whoever reads by position finds every key in every line."""
    alarm = AlarmRaised(at=NOW, cause="x", account=None, code=AlarmCode.QUOTE_STALE, text="old")
    start = SystemStarted(at=NOW, cause="start", version="1", config="00", rules=())
    store.append([start, alarm])

    for line in map(json.loads, export_lines(store)):
        assert list(line)[:5] == ["seq", "at", "account", "kind", "cause"]
        assert line["account"] is None
        assert list(line)[-1] == "hash"


def test_the_export_can_be_limited_to_an_account(store: Store):
    """Other accounts' events stay out, and so do those of none."""
    store.append([opened(1), opened(2), opened(1)])

    assert [json.loads(line)["seq"] for line in export_lines(store, account=1)] == [1, 3]


@pytest.mark.parametrize(
    ("since", "until", "seqs"),
    [
        (None, None, [1, 2, 3]),
        (date(2025, 10, 31), None, [2, 3]),
        (None, date(2025, 10, 31), [1, 2]),
        (date(2025, 10, 31), date(2025, 10, 31), [2]),
    ],
)
def test_the_export_can_be_limited_to_dates(store: Store, since, until, seqs):
    """Both ends are included; the dates are UTC."""
    instants = [datetime(2025, 10, day, 23, 59, tzinfo=UTC) for day in (30, 31)]
    instants.append(datetime(2025, 11, 1, tzinfo=UTC))
    store.append([msgspec.structs.replace(opened(1), at=each) for each in instants])

    lines = export_lines(store, since=since, until=until)

    assert seqs == [json.loads(line)["seq"] for line in lines]


def test_an_exported_line_can_be_read_back_as_its_event(store: Store):
    """Without seq and hash it is the event's JSON."""
    store.append([moved(1, 3)])

    (line,) = map(json.loads, export_lines(store))
    del line["seq"], line["hash"]

    assert moved(1, 3) == msgspec.convert(line, type(moved(1, 3)))


def test_an_event_this_build_does_not_know_is_named(store: Store):
    """A newer build's event is not skipped: the export says which and stops."""
    known = row_of(opened(1))
    store.append_rows([known, Row(1, "moon_rose", known.at, b"\x81\xa4kind\xa9moon_rose")])

    lines = export_lines(store)
    next(lines)
    with pytest.raises(StoreError, match=r"seq 2 \(moon_rose\)"):
        next(lines)
