"""What a training reports while it runs."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from lfb.models.action_model import ActionModel


class Watcher:
    """Hears of each step of a training, and changes none. This one does nothing.

    Every process of a training calls the methods of its own watcher.
    """

    def start(self, history: Sequence[dict[str, Any]], model: ActionModel, iteration: int) -> None:
        """Hear that a training begins or continues.

        Args:
            history: Metrics of each epoch done.
            model: The model, as it is after them and after ``iteration``.
            iteration: Iterations done in the next epoch.
        """

    def iteration(self, number: int, rate: float, loss: Tensor) -> None:
        """Hear of one iteration, its number from 1 over all epochs, learning rate and loss."""

    def epoch(self, history: Sequence[dict[str, Any]], model: ActionModel) -> None:
        """Hear that an epoch is done and its state is saved.

        Args:
            history: Metrics of each epoch done.
            model: The model, as it is now.
        """
