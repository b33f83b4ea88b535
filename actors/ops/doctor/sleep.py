"""Does this machine go to sleep? Read where it can be read, which is systemd's Linux; never guessed.

A machine that sleeps guards nothing; when it wakes, everything due is done at once. Critical is only what
is certain: that somebody has told logind to let it sleep when idle, which no system does by itself. What
a desktop's own timers do cannot be read here, so a laptop as it comes is a warning.
"""

import configparser
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from actors.ops import exits
from actors.ops.doctor.finding import Check, Finding

SLEEP = Check("sleep", "a machine that sleeps guards nothing until it wakes", exits.MACHINE)
TARGETS = ("sleep", "suspend", "hibernate", "hybrid-sleep")
_UNITS = ("etc/systemd/system", "run/systemd/system", "usr/lib/systemd/system")
_LOGIND = "etc/systemd/logind.conf"
_FALLS_ASLEEP = frozenset({"suspend", "hibernate", "hybrid-sleep", "suspend-then-hibernate"})
_KNOWINGLY = 'write [doctor] accept = ["sleep"] if you always stay at it'
_ASK = "look yourself: the system's power settings, and those of a desktop; never on the lid or when idle"


@dataclass(frozen=True, slots=True)
class SleepRead:
    """What the system says of sleeping."""

    unreadable: str = ""
    """Why nothing can be said of it."""
    cannot: bool = False
    """The kernel has no way to sleep."""
    unmasked: tuple[str, ...] = ()
    """systemd's targets through which it may sleep."""
    idle: str = "ignore"
    """What logind does when nobody is at it."""
    lid: str = "suspend"
    """What it does when the lid is closed."""


def read_sleep(root: Path = Path("/"), platform: str = sys.platform) -> SleepRead:
    """Read the kernel's states, systemd's targets and logind's settings."""
    if platform != "linux":
        return SleepRead(unreadable=f"{platform} does not tell it in a file")
    if not (root / "run/systemd/system").is_dir():
        return SleepRead(
            unreadable="systemd does not run here (a container shares its host's sleep)"
        )
    try:
        states = (root / "sys/power/state").read_text().split()
        logind = _logind(root)
    except (OSError, configparser.Error, UnicodeDecodeError) as error:
        return SleepRead(unreadable=f"it cannot be read: {error}")
    return SleepRead(
        cannot=not states,
        unmasked=tuple(each for each in TARGETS if not _is_masked(root, each)),
        idle=logind.get("IdleAction", "ignore"),
        lid=logind.get("HandleLidSwitch", "suspend"),
    )


def _is_masked(root: Path, target: str) -> bool:
    for folder in _UNITS:
        unit = root / folder / f"{target}.target"
        if unit.is_symlink() or unit.exists():
            return unit.is_symlink() and unit.readlink() == Path("/dev/null")
    return False


def _logind(root: Path) -> dict[str, str]:
    """Return logind's settings, those of its drop-ins over those of the file."""
    file = root / _LOGIND
    folders = (root / "usr/lib/systemd/logind.conf.d", file.with_suffix(".conf.d"))
    parts = [each for folder in folders if folder.is_dir() for each in folder.glob("*.conf")]
    found = configparser.ConfigParser(strict=False, interpolation=None)
    found.optionxform = str  # type: ignore[assignment,method-assign]  # systemd's keys are exact
    found.read([file, *sorted(parts, key=lambda each: each.name)])
    return dict(found["Login"]) if "Login" in found else {}


def judge_sleep(read: SleepRead, *, accepted: bool = False) -> Iterator[Finding]:
    """Judge whether it may fall asleep by itself, or by somebody's hand.

    `accepted`: its user has written that it may, so it is only told.
    """
    mask = f"sudo systemctl mask {' '.join(f'{each}.target' for each in TARGETS)}"
    if read.unreadable:
        yield SLEEP.unknown(read.unreadable, fix=_ASK)
    elif read.cannot:
        yield SLEEP.ok("the kernel knows no way to sleep")
    elif not read.unmasked:
        yield SLEEP.ok("every sleep target is masked")
    elif read.idle in _FALLS_ASLEEP:
        what = f"it sleeps when nobody is at it (IdleAction={read.idle})"
        if accepted:
            yield SLEEP.warning(f"{what}; accepted in [doctor] accept", fix=mask)
        else:
            yield SLEEP.critical(what, fix=f"{mask}; or {_KNOWINGLY}")
    else:
        lid = f"IdleAction={read.idle}, HandleLidSwitch={read.lid}"
        what = f"it can sleep ({', '.join(read.unmasked)}; {lid}); desktops add timers of their own"
        yield SLEEP.warning(what, fix=mask)
