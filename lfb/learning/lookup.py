"""Which rows of the bank a keyframe looks up."""

from dataclasses import dataclass

import numpy as np

from lfb.bank.store import Bank
from lfb.randomness import seed_of


@dataclass(frozen=True)
class Window:
    """What to look up in the bank: ``per_second`` rows of each of ``seconds`` seconds."""

    seconds: int
    per_second: int


@dataclass(frozen=True)
class Draws:
    """Random windows in testing: ``count`` draws for each RoI.

    The published models were tested with one draw (MMAction2's lfb.py). Here each draw is keyed by
    (seed, draw, video, second, number of the RoI), so it is reproducible.
    """

    count: int
    seed: int


@dataclass(frozen=True)
class Lookup:
    """Looks up the window of a keyframe.

    Attributes:
        bank: Bank to look windows up in.
        window: What to look up.
        seed: Seed of the draws from crowded seconds in training. None for testing, where a window
            takes the rows with the highest scores.
        draws: In testing, draw from crowded seconds instead.
    """

    bank: Bank
    window: Window
    seed: int | None = None
    draws: Draws | None = None

    def rows(self, video: str, second: int, people: int, epoch: int) -> np.ndarray:
        """Return (1, M) row numbers, -1 where a slot is empty; (N, D, M) with draws.

        Args:
            video: Video of the keyframe.
            second: Its second.
            people: N, the number of its people.
            epoch: Number of the pass over the keyframes, which keys the draws in training.
        """
        if self.draws is None:
            key = None if self.seed is None else seed_of("bank", self.seed, epoch, video, second)
            return self._rows(video, second, key)[None]
        count = self.draws.count
        found = np.empty((people, count, self.window.seconds * self.window.per_second), np.int64)
        for person, draw in np.ndindex(people, count):
            key = seed_of("test", self.draws.seed, draw, video, second, person)
            found[person, draw] = self._rows(video, second, key)
        return found

    def _rows(self, video: str, second: int, key: int | None) -> np.ndarray:
        return self.bank.rows(
            video,
            second,
            window=self.window.seconds,
            per_second=self.window.per_second,
            key=None if key is None else (key,),
        )
