"""Open the bank of a job, and check what it was made from."""

from pathlib import Path

from lfb.bank.store import Bank
from lfb.files.digests import digest


def open_bank(
    path: str | Path | None,
    *,
    data: str,
    published: str | Path | None = None,
    baseline: str | Path | None = None,
) -> Bank | None:
    """Return the bank in a folder; None if there is no folder, as for the baseline.

    Args:
        path: Folder of the bank.
        data: Digest of the manifest of the frames that the bank was built from.
        published: The file that the bank was imported from, if it was. ``data`` and ``baseline``
            then do not matter.
        baseline: Checkpoint that the bank was built with; None skips this check.

    Raises:
        UserError: The bank was made from something else.
    """
    if not path:
        return None
    if published:
        return Bank.open(path, source=Path(published).name)
    if baseline:
        return Bank.open(path, data=data, checkpoint=digest(baseline))
    return Bank.open(path, data=data)
