"""SignalR's JSON protocol, version 1: framing and the few records we send. Pure.

Records end in 0x1e, which JSON cannot contain unescaped; a frame may carry several.
"""

from decimal import Decimal

import msgspec

from actors.gateway.errors import DecodeError, HubError

INVOCATION = 1
COMPLETION = 3
PING = 6
CLOSE = 7

HANDSHAKE = '{"protocol":"json","version":1}\x1e'
PING_RECORD = '{"type":6}\x1e'

_END = b"\x1e"
_LARGEST_RECORD = 4 * 1024 * 1024

_json = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder()


def parse(record: bytes) -> object:
    """Parse JSON; numbers with a point or an exponent become `Decimal`, never a float.

    Raises:
        DecodeError: it is not JSON, or nested too deeply.
    """
    try:
        return _json.decode(record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DecodeError("record", record, f"JSON ({error})") from None


def invocation(number: str, method: str, arguments: tuple[object, ...]) -> str:
    """Return the record that calls a hub method and asks for its completion."""
    call = {"type": INVOCATION, "invocationId": number, "target": method, "arguments": arguments}
    return _encoder.encode(call).decode() + "\x1e"


class RecordBuffer:
    """Cuts frames into records; a record may span frames."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, frame: bytes) -> list[bytes]:
        """Return the records that this frame completes.

        Raises:
            HubError: a record grows beyond 4 MiB without an end.
        """
        *records, self._rest = (self._rest + frame).split(_END)
        if len(self._rest) > _LARGEST_RECORD:
            raise HubError(f"a record of more than {_LARGEST_RECORD} bytes without an end")
        return records
