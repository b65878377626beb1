"""Random windows in testing follow MMAction2's rule: its look-up compared with ours."""

import numpy as np
import torch

from lfb.bank.store import Bank
from lfb.bank.writing import write_bank
from lfb.data.boxes import Keyframe
from lfb.learning.clips import Clips, Draws, Window
from tests.peers import PER_SECOND, WINDOW
from tests.pictures import INPUT, Film

SECOND = 930
DRAWS, PEOPLE = 300, 2


def test_drawn_windows_take_rows_of_each_second_as_the_peer_does(peer, tmp_path):
    """Take all rows of a second if they fit, else as many as fit: none twice, all equally often."""
    counts = dict(zip(range(895, 965, 2), [1, 5, 6, 9, 4, 20, 12] * 5, strict=True))
    seconds = np.repeat(list(counts), list(counts.values()))
    # A feature is its row number, from 1 on.
    feature = np.repeat(np.arange(1, len(seconds) + 1, dtype=np.float32)[:, None], 4, 1)
    of_second = {s: torch.from_numpy(feature[seconds == s]) for s in counts}
    torch.save({"a": {s: list(rows) for s, rows in of_second.items()}}, tmp_path / "lfb_val.pkl")
    theirs = peer.LFB(str(tmp_path), PER_SECOND, WINDOW, 4, "val", "cpu")
    write_bank(
        tmp_path / "val.zarr",
        split="val",
        video=["a"] * len(seconds),
        second=seconds,
        features=[feature],
        channels=4,
        box=np.tile([0, 0, 1, 1], (len(seconds), 1)),
        score=np.ones(len(seconds)),
        attributes={},
        dtype=np.float32,
    )
    bank = Bank.open(tmp_path / "val.zarr")
    boxes = np.tile(np.float32([0, 0, 1, 1]), (PEOPLE, 1))
    keyframe = Keyframe("a", SECOND, boxes, np.ones(PEOPLE, np.float32))
    film, window = Film("a", frames=1000), Window(WINDOW, PER_SECOND)
    clips = Clips([keyframe], lambda _: film, INPUT, bank, window, draws=Draws(DRAWS, seed=0))
    ours = np.append(bank.feature()[:, 0], 0)[clips[0, 0].rows.flatten(0, 1)]
    torch.manual_seed(0)
    drawn = torch.stack([theirs[f"a,{SECOND:04d}"][:, 0] for _ in range(DRAWS * PEOPLE)])

    for column, second in enumerate(range(SECOND - WINDOW // 2, SECOND + WINDOW // 2)):
        slots = slice(column * PER_SECOND, (column + 1) * PER_SECOND)
        own = of_second[second][:, 0].tolist() if second in of_second else []
        kept = min(len(own), PER_SECOND)
        for found in ours[:, slots], drawn.numpy()[:, slots]:
            assert (found[:, kept:] == 0).all()
            rows = np.sort(found[:, :kept], 1)
            assert np.isin(rows, own).all()
            assert (np.diff(rows, axis=1) > 0).all()
            chance = kept / max(len(own), 1)
            spread = (chance * (1 - chance) / len(rows)) ** 0.5
            often = [(rows == row).any(1).mean() for row in own]
            assert all(abs(part - chance) <= 5 * spread for part in often)
