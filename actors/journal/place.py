"""Where a journal may stand: a file of its own, in a folder only its user can change, under one name.

Looked at before anything is made or opened. A link would give one journal two names, and with them two
locks: two runs would guard the same accounts. A pipe or a device would keep a start waiting for ever.
"""

import stat
from pathlib import Path

from actors import private
from actors.journal.errors import StoreError


def check_place(path: Path) -> None:
    """Refuse a place a journal cannot be trusted in, and close an existing one to everybody else.

    Raises:
        StoreError: something else stands there, or everybody may exchange what stands there.
    """
    for each in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm", ".lock"))):
        _check_file(each)
    folder = next(each for each in path.absolute().parents if each.exists())
    if folder.is_dir() and private.is_open_folder(folder):
        raise StoreError(
            f"everybody may exchange the files of {folder}",
            where=path,
            fix="`chmod o-w` that folder, or set [journal] path elsewhere",
        )


def _check_file(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if kind := private.kind_of(mode):
        raise StoreError(
            f"{path.name} is {kind}", where=path, fix="set [journal] path to a file of its own"
        )
    if stat.S_IMODE(mode) & ~private.FILE_MODE:
        path.chmod(private.FILE_MODE)
