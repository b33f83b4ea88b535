"""The cycle collector's settings for a process that holds thousands of accounts for months.

Nearly everything here dies by its reference count; the collector only walks what lives, and stops every
thread as long as it does. Called once, when all that will live is there. Figures: `tests/load/README.md`.
"""

import gc

_YOUNG = 50_000
"""Objects made and not freed since the last look; the default of 2,000 is a busy minute's every 50 ms."""
_LOOKS = (20, 100)
"""Of them to one at what has survived some, and of those to one at everything."""


def settle() -> None:
    """Take what there is now out of the collector's sight, and have it look seldom at the rest."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, *_LOOKS)
