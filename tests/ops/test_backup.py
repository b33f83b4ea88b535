"""The backup that `config/deploy/README.md` describes: taken while it runs, and good to start from."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from messages.values import Phase
from tests.cli import lockstep
from tests.rig import A, B, config_of

OPERATIONS = Path(__file__).parents[2] / "config" / "OPERATIONS.md"
README = Path(__file__).parents[2] / "config" / "deploy" / "README.md"
RULES = config_of(daily_realized_loss={"max_loss_usd": 500, "include_open_loss": False})


def test_a_backup_of_a_running_journal_verifies_and_keeps_what_is_locked(rig, tmp_path):
    """Anchor first, then SQLite's own copy, while events come in; restored, the lock is in force."""
    said = re.search(r'-m sqlite3 lockstep\.db "(VACUUM INTO \'[^\']+\')"', README.read_text())
    assert said is not None
    backup = tmp_path / "backup"
    backup.mkdir(mode=0o700)
    run = rig(RULES)
    run.fill(A, "-500")

    shutil.copy(tmp_path / "lockstep.db.anchor", backup)
    run.fill(B, "-500")  # the journal goes on between the two
    command = said[1].replace("/backup/$(date +%F)", str(backup))
    subprocess.run(  # noqa: S603 - as the page says
        [sys.executable, "-m", "sqlite3", str(tmp_path / "lockstep.db"), command],
        check=True,
        timeout=30,
    )
    run.stop()

    assert lockstep("journal", "verify", "--path", backup / "lockstep.db").returncode == 0
    restored = rig(RULES, folder=backup)
    assert restored.status(A).phase is Phase.LOCKED
    assert restored.status(B).phase is Phase.LOCKED


def test_the_plain_copy_of_a_journal_whose_guard_was_killed_is_whole(rig, tmp_path):
    """What was decided last is in its log (-wal) then, and no archive need be there."""
    said = re.search(r"^    (cp .*) BACKUP/", OPERATIONS.read_text(), re.MULTILINE)
    assert said is not None
    killed, backup = tmp_path / "killed", tmp_path / "backup"
    for each in (killed, backup):
        each.mkdir(mode=0o700)
    run = rig(RULES)
    run.fill(A, "-500")
    for each in tmp_path.glob("lockstep.db*"):  # as they lie there when the process is gone
        shutil.copy(each, killed)
    run.stop()

    command = f"{said[1]} {backup}/"
    subprocess.run(["/bin/sh", "-c", command], cwd=killed, check=True, timeout=30)  # noqa: S603

    assert lockstep("journal", "verify", "--path", backup / "lockstep.db").returncode == 0
    assert rig(RULES, folder=backup).status(A).phase is Phase.LOCKED


def test_a_copy_that_is_older_than_its_anchor_is_refused(rig, tmp_path):
    """The other way round it is what a roll-back looks like: exit 70, until a person accepts it."""
    backup = tmp_path / "backup"
    backup.mkdir(mode=0o700)
    run = rig(RULES)
    command = f"VACUUM INTO '{backup / 'lockstep.db'}'"
    subprocess.run(  # noqa: S603 - as the page says
        [sys.executable, "-m", "sqlite3", str(tmp_path / "lockstep.db"), command],
        check=True,
        timeout=30,
    )
    run.fill(A, "-500")
    run.stop()
    shutil.copy(tmp_path / "lockstep.db.anchor", backup)

    assert lockstep("journal", "verify", "--path", backup / "lockstep.db").returncode != 0
