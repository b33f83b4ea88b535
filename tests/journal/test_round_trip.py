"""Every event that can be said can be stored, read back as it was, and exported."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.journal import Store, export_lines
from messages import codec
from messages.base import kind_of
from tests.journal.strategies import event_classes, events


@pytest.mark.parametrize("cls", event_classes(), ids=lambda cls: cls.__name__)
@given(data=st.data())
@settings(max_examples=25)
def test_an_event_comes_out_of_the_codec_as_it_went_in(cls: type, data: Any):
    """MessagePack inside, JSON outside: nothing is rounded, renamed or left out."""
    event = data.draw(events(cls))

    assert event == codec.unpack(codec.pack(event))
    assert event == codec.event_from_json(codec.to_json(event))
    assert kind_of(cls.__name__) == codec.kind(event)


@given(st.lists(events(), max_size=5))
@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_store_gives_back_what_it_was_given(store: Store, batch: list[Any]):
    """Whatever the events are, and each line of the export is valid JSON with its seq."""
    before = sum(1 for _ in store.records())
    store.append(batch)

    assert batch == [each.event for each in store.records(after=before)]
    lines = [json.loads(line) for line in export_lines(store)]
    assert list(range(1, before + len(batch) + 1)) == [line["seq"] for line in lines]


@given(st.binary(max_size=200))
def test_bytes_that_are_no_event_are_refused_in_one_way(stored: bytes):
    """Damaged bytes end in one kind of error, never in a half-filled event."""
    with pytest.raises(msgspec.MsgspecError):
        codec.unpack(stored)
