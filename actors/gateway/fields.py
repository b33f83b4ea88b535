"""Typed reading of one JSON object from the broker: the only place where its numbers come in.

Every reader returns a value that is safe to book and to store, or raises `DecodeError` naming the
field and the value. Floats become `Decimal` once, from their shortest text; NaN and infinities are
refused; `None` and an absent field are the same, because live payloads omit nulls; a field is found
under its camelCase name or under its PascalCase one.
"""

from datetime import UTC, datetime
from decimal import Decimal

from actors.gateway.errors import DecodeError

_YEARS = range(2000, 2200)
# Others are no times of trades, such as the year 1 that .NET writes where it has none.
LARGEST_ID = 2**63 - 1
# What the journal's MessagePack can hold.
LARGEST_SIZE = 2**31 - 1
_LARGEST_EXPONENT = 15
# No price or balance has more digits before the point; more is corruption.


class Fields:
    """One JSON object, read field by field."""

    __slots__ = ("raw",)

    def __init__(self, raw: object, what: str) -> None:
        if not isinstance(raw, dict):
            raise DecodeError(what, raw, "an object")
        self.raw = raw

    def get(self, name: str) -> object:
        """Return the field as it came; None where it is null or absent."""
        value: object = self.raw.get(name)
        if value is None:
            value = self.raw.get(name[0].upper() + name[1:])
        return value

    def integer(self, name: str, largest: int = LARGEST_ID) -> int:
        """Return a whole number from 0 to `largest`."""
        value = self.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= largest:
            raise DecodeError(name, value, "a whole number, not negative")
        return value

    def integer_or(self, name: str, default: int) -> int:
        """Return a whole number, or the default where there is none."""
        return default if self.get(name) is None else self.integer(name)

    def size(self, name: str) -> int:
        """Return a number of contracts, unsigned."""
        return self.integer(name, LARGEST_SIZE)

    def size_or_zero(self, name: str) -> int:
        """Return a number of contracts; 0 where there is none."""
        return 0 if self.get(name) is None else self.size(name)

    def decimal(self, name: str) -> Decimal:
        """Return a finite number."""
        value = self.get(name)
        number = number_of(value)
        if number is None:
            raise DecodeError(name, value, "a finite number")
        return number

    def decimal_or_none(self, name: str) -> Decimal | None:
        """Return a finite number, or None where there is none."""
        return None if self.get(name) is None else self.decimal(name)

    def decimal_or_zero(self, name: str) -> Decimal:
        """Return a finite number; 0 where there is none."""
        return Decimal(0) if self.get(name) is None else self.decimal(name)

    def price_or_none(self, name: str) -> Decimal | None:
        """Return a price, or None where there is none; 0 is no price."""
        price = self.decimal_or_none(name)
        if price is not None and not price:
            raise DecodeError(name, self.get(name), "a price other than 0")
        return price

    def flag(self, name: str) -> bool:
        """Return true or false."""
        value = self.get(name)
        if not isinstance(value, bool):
            raise DecodeError(name, value, "true or false")
        return value

    def flag_or_none(self, name: str) -> bool | None:
        """Return true or false, or None where there is neither."""
        return None if self.get(name) is None else self.flag(name)

    def text(self, name: str) -> str:
        """Return a text that is not empty."""
        value = self.get(name)
        if not isinstance(value, str) or not value or not _storable(value):
            raise DecodeError(name, value, "a text")
        return value

    def text_or_none(self, name: str) -> str | None:
        """Return a text, or None where there is none or an empty one."""
        return None if self.get(name) in (None, "") else self.text(name)

    def instant(self, name: str) -> datetime:
        """Return a time, UTC; digits beyond the microsecond are cut off."""
        value = self.get(name)
        found = instant_of(value)
        if found is None:
            raise DecodeError(name, value, "an ISO 8601 time with its offset")
        return found


def instant_of(value: object) -> datetime | None:
    """Return a time, UTC; None if it is none."""
    try:
        parsed = datetime.fromisoformat(value) if isinstance(value, str) else None
        if parsed is not None and parsed.tzinfo is not None and parsed.year in _YEARS:
            return parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # like every other value that is no time
    return None


def number_of(value: object) -> Decimal | None:
    """Return a number of JSON as a Decimal; None if it is none, not finite or absurdly large."""
    match value:
        case bool():
            return None
        case Decimal():
            number = value
        case int():
            number = Decimal(value)
        case float():
            number = Decimal(repr(value))
        case _:
            return None
    if not number.is_finite() or number.adjusted() > _LARGEST_EXPONENT:
        return None
    return number


def _storable(text: str) -> bool:
    """Say whether a text can be written as UTF-8 (a lone surrogate cannot)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
