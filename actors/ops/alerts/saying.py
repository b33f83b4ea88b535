"""What the parts of the alert core hand it: a notice, or something lesser for the digest. Pure."""

from typing import NamedTuple

from messages.alerts import Notice


class Lesser(NamedTuple):
    """Something that is told with others of its kind, in a while."""

    kind: str
    """What it is, for people; equal ones are counted."""
    text: str
    """The latest in words; empty = the kind says it all."""
    account: int | None = None
    """Account id; None when it concerns more than one."""


type Said = Notice | Lesser
