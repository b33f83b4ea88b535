"""Work that can be done in small steps, or all at once: a generator that returns its result."""

from collections.abc import Generator

type Steps[T] = Generator[None, None, T]


def at_once[T](steps: Steps[T]) -> T:
    """Do all steps and return what they came to."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            result: T = done.value
            return result
