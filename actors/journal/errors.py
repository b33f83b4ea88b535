"""What goes wrong with a journal: always what, where, and what to do about it."""

from pathlib import Path


class StoreError(Exception):
    """A store cannot be opened, or must not be trusted; it is left as it was found."""

    def __init__(self, what: str, *, where: Path, fix: str) -> None:
        super().__init__(f"journal {where}: {what}; {fix}")
        self.what = what
        self.where = where
        self.fix = fix


class LeaseHeldError(StoreError):
    """Another process holds the lease of the store; a second one must not act beside it."""


class NoSuchDayError(StoreError):
    """The store is sound, and holds no such trading day of an account."""


class LeaseLostError(Exception):
    """This process held the lease of the store and has lost it; nothing was written."""


class UnstorableEventError(Exception):
    """An event could be written but not read back, or not even written."""
