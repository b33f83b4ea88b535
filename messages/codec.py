"""One codec for the journal, its export, replay and HTTP: JSON outside, MessagePack inside.

Unknown fields, unknown kinds and wrong types are refused with `msgspec.ValidationError`.
"""

from typing import Any

import msgspec

from messages.base import Message
from messages.events import Event

_pack = msgspec.msgpack.Encoder(decimal_format="string")
_unpack: msgspec.msgpack.Decoder[Event] = msgspec.msgpack.Decoder(Event)
_json = msgspec.json.Encoder(decimal_format="string")
_unjson: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


def pack(event: Event) -> bytes:
    """Encode an event as MessagePack, as the journal stores it."""
    return _pack.encode(event)


def unpack(stored: bytes) -> Event:
    """Decode what `pack` made.

    Raises:
        msgspec.ValidationError: the bytes are no event of this schema version.
    """
    return _unpack.decode(stored)


def to_json(value: object) -> bytes:
    """Encode any message or value as JSON: Decimals as strings, times as ISO 8601 UTC."""
    return _json.encode(value)


def event_from_json(text: bytes | str) -> Event:
    """Decode one event from JSON.

    Raises:
        msgspec.ValidationError: the text is no event of this schema version.
    """
    return _unjson.decode(text)


def kind(message: Message) -> str:
    """Return a message's kind, e.g. `trade_executed`."""
    return str(message.__struct_config__.tag)


def builtins(value: object) -> Any:
    """Return a message as plain dicts, lists and strings, as its JSON would show it."""
    return msgspec.to_builtins(value, str_keys=True)
