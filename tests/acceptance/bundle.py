"""The evidence of an acceptance run as one zip: verdicts, everything that was said, and their hashes."""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

from actors import private

_README = """\
Acceptance of Lockstep on a practice account.

report.json   which assumption held, with what was seen; report.txt is the same for people
wire.jsonl    every request, answer and hub frame, in order, with seconds since the start; username, API
              key and tokens are blotted out
journal.jsonl what Lockstep itself journaled while it guarded the account (if that step was taken)
hashes.json   SHA-256 of each of these files
"""


def write(path: Path, files: Mapping[str, str]) -> None:
    """Write the zip, 0600; never over another file.

    Raises:
        FileExistsError: it is there already.
    """
    whole = {"README.txt": _README, **files}
    hashes = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in whole.items()}
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, text in {**whole, "hashes.json": json.dumps(hashes, indent=1)}.items():
            bundle.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), text)
    private.write_file(path, memory.getvalue(), replace=False)


def check(path: Path) -> list[str]:
    """Return what of a bundle is not as its hashes say; empty = all of it is."""
    with zipfile.ZipFile(path) as bundle:
        hashes = json.loads(bundle.read("hashes.json"))
        names = set(bundle.namelist()) - {"hashes.json"}
        wrong = [
            name
            for name in sorted(names & hashes.keys())
            if hashlib.sha256(bundle.read(name)).hexdigest() != hashes[name]
        ]
    return wrong + sorted(names ^ hashes.keys())
