"""Files and folders that are their user's alone, whatever the umask, and places nobody else can exchange.

Used for everything Lockstep writes, and for what it trusts enough to read: the configuration says where
the API key goes, the journal which account is locked.
"""

import os
import stat
from pathlib import Path

FILE_MODE, FOLDER_MODE = 0o600, 0o700
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class NotAFileError(OSError):
    """Something else stands where a file should."""


def make_folder(folder: Path) -> None:
    """Make a folder and those above it where they are missing, open to their user only."""
    for each in [above for above in (*reversed(folder.parents), folder) if not above.exists()]:
        each.mkdir(mode=FOLDER_MODE, exist_ok=True)
        each.chmod(FOLDER_MODE)


def make_file(path: Path) -> None:
    """Make an empty file that must not exist yet, open to its user only."""
    os.close(_created(path))


def write_file(path: Path, content: bytes, *, replace: bool) -> None:
    """Write a file of our user's own to the disk, whole or not at all; over another only to replace it.

    Whoever reads sees the old one or the new one, after a power cut too.

    Raises:
        FileExistsError: it is there, and is not to be replaced.
        OSError: it cannot be written.
    """
    place = path.with_name(f"{path.name}.new")
    place.unlink(missing_ok=True)  # what a crash has left
    file = _created(place)
    try:
        with os.fdopen(file, "wb") as writing:
            writing.write(content)
            writing.flush()
            os.fsync(file)
        if replace:
            place.replace(path)
        else:
            _appear(place, path)
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    except BaseException:
        place.unlink(missing_ok=True)
        raise


def read_file(path: Path, largest: int) -> bytes:
    """Return the bytes of a regular file; anything else is refused, never waited for.

    Raises:
        NotAFileError: it is something else, or larger than `largest` bytes.
        OSError: it cannot be read.
    """
    with os.fdopen(os.open(path, _READ), "rb") as reading:
        if kind := kind_of(os.fstat(reading.fileno()).st_mode):
            raise NotAFileError(0, f"it is {kind}")
        content = reading.read(largest + 1)
    if len(content) > largest:
        raise NotAFileError(0, f"it is larger than {largest} bytes")
    return content


def kind_of(mode: int) -> str:
    """Return in words what something is; empty for a regular file."""
    return next((name for is_kind, name in _KINDS if is_kind(mode)), "")


def is_open_folder(folder: Path) -> bool:
    """Tell whether everybody may exchange the files of a folder (in /tmp only their owners may)."""
    mode = folder.stat().st_mode
    return bool(mode & stat.S_IWOTH) and not mode & stat.S_ISVTX


def _appear(place: Path, path: Path) -> None:
    """Give a whole file its name, unless something has that name already."""
    try:
        path.hardlink_to(place)
    except FileExistsError:
        raise
    except OSError:  # a disk without links, e.g. a USB stick: then the name is taken first
        os.close(_created(path))
        place.replace(path)
    else:
        place.unlink()


def _created(path: Path) -> int:
    file = os.open(path, _NEW, FILE_MODE)
    os.fchmod(file, FILE_MODE)  # whatever the umask left of it
    return file
