"""Event files for TensorBoard."""

import time
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from lfb.errors import UserError

_SECONDS_BETWEEN_POINTS = 10  # within an epoch


class Board:
    """Writes the numbers of a training as curves over its iterations.

    Args:
        folder: Folder of the event files.
        length: Iterations of an epoch.
        clips: Clips of an epoch.
    """

    def __init__(self, folder: Path, length: int, clips: int) -> None:
        self._folder, self._length, self._clips = folder, length, clips
        self._losses: list[Tensor] = []
        self._due = time.monotonic() + _SECONDS_BETWEEN_POINTS

    def start(self, epochs: int, iteration: int) -> None:
        """Continue after some epochs, and some iterations of the next one.

        TensorBoard drops what a killed start wrote from this step on. Right after an epoch, that is
        the point of the epoch too: add it again.

        Raises:
            UserError: TensorBoard is not installed.
        """
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise UserError(
                f"config key training.tensorboard: cannot write event files: {error}. Run "
                "`pip install tensorboard`, or set the key to false."
            ) from None
        done = epochs * self._length + iteration
        self._writer = SummaryWriter(self._folder, purge_step=done)

    def iteration(self, number: int, rate: float, loss: Tensor) -> None:
        """Add a point for the iterations since the last one, every few seconds."""
        self._losses.append(loss)
        if time.monotonic() < self._due:
            return
        mean = sum(loss.item() for loss in self._losses) / len(self._losses)
        self._add("iterations", number - 1, {"loss": mean, "learning_rate": rate})

    def epoch(self, metrics: Mapping[str, float]) -> None:
        """Add a point for an epoch, with all its metrics."""
        values = {name: value for name, value in metrics.items() if name not in ("epoch", "best")}
        values["clips_per_second"] = self._clips / max(metrics["seconds"], 0.01)
        self._add("epochs", int(metrics["epoch"]) * self._length, values)

    def _add(self, group: str, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(f"{group}/{name}", value, step)
        self._writer.flush()
        self._losses.clear()
        self._due = time.monotonic() + _SECONDS_BETWEEN_POINTS
