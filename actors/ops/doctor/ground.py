"""What this machine and the file alone tell, and a start does not meet by itself.

Asked by the doctor; before the first start of a journal, which a critical finding refuses; and again and
again while a guard runs (`actors/ops/arming.py`). It needs no broker, no lease, and no port; it writes
what the probe of the disk writes.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from actors.ops.doctor.calendars import judge_tables, read_tables
from actors.ops.doctor.clock import judge_zones, read_zones
from actors.ops.doctor.disk import judge_disk, read_disk
from actors.ops.doctor.finding import Finding
from actors.ops.doctor.process import (
    judge_files,
    judge_packages,
    judge_python,
    read_files,
    read_packages,
)
from actors.ops.doctor.sleep import SLEEP, judge_sleep, read_sleep
from actors.runtime import Clock
from config.loader import Config


def judge_ground(config: Config, clock: Clock) -> Iterator[Finding]:
    """Look at calendar, zones, disk, sleep, file descriptors, Python, packages; takes seconds at most."""
    file, now = config.file, clock.now()
    yield from judge_tables(read_tables(config), now)
    named = (config.context.trading_day.zone.key, config.context.calendar.zone.key)
    yield from judge_zones(read_zones(tuple(dict.fromkeys(named))), now)
    disk = read_disk(Path(file.journal.path), clock)
    yield from judge_disk(disk, file.enforcement.journal_deadline_s)
    yield from judge_sleep(read_sleep(), accepted=SLEEP.name in file.doctor.accept)
    yield from judge_files(read_files(), len(file.logins))
    yield from judge_python(sys.version_info[:2])
    yield from judge_packages(read_packages())
