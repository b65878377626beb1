"""An epoch in progress, and the pauses in which a training saves it."""

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from lfb.interruption import Stopped
from lfb.learning.team import Team


class Epoch:
    """The part of an epoch that one process has trained.

    Args:
        device: Device of the process.
        state: What ``state`` returned at a pause of this epoch; None at its beginning.
    """

    def __init__(self, device: torch.device, state: Mapping[str, Any] | None = None) -> None:
        state = state or {"iteration": 0, "seconds": 0.0, "loss": 0.0, "norm": 0.0, "random": None}
        self.iteration: int = state["iteration"]
        self.loss = torch.tensor(state["loss"], device=device)
        self.norm = torch.tensor(state["norm"], device=device)
        self._random: list[Tensor] | None = state["random"]
        self._begin = time.monotonic() - state["seconds"]

    @property
    def seconds(self) -> float:
        """Seconds of training so far."""
        return time.monotonic() - self._begin

    def restore_random(self) -> None:
        """Continue the draws of dropout where the pause interrupted them."""
        if self._random:
            processor, *gpu = (part.cpu() for part in self._random)
            torch.set_rng_state(processor)
            for part in gpu:
                torch.cuda.set_rng_state(part, self.loss.device)

    def add(self, loss: Tensor, norm: Tensor) -> None:
        """Count one more iteration, with its loss and gradient norm."""
        self.iteration += 1
        self.loss += loss
        self.norm += norm

    def state(self) -> dict[str, Any]:
        """Return what a new process needs to continue the epoch."""
        random = [torch.get_rng_state()]
        if self.loss.is_cuda:
            random.append(torch.cuda.get_rng_state(self.loss.device))
        return {
            "iteration": self.iteration,
            "seconds": self.seconds,
            "loss": self.loss.item(),
            "norm": self.norm.item(),
            "random": random,
        }


class Pauses:
    """Saves within an epoch: every few minutes, and before the training stops.

    Args:
        save: Saves the state of each process's epoch; only the leader calls it.
        minutes: Minutes between two saves; None for none.
        stop: Returns why the training has to stop; None to go on.
        team: The processes that train together. They pause after the same iteration.
    """

    def __init__(
        self,
        save: Callable[[list[dict[str, Any]]], None],
        minutes: float | None,
        stop: Callable[[], str | None],
        team: Team,
    ) -> None:
        self._save, self._stop, self._team = save, stop, team
        self._seconds = math.inf if minutes is None else 60 * minutes
        self._next = time.monotonic() + self._seconds

    def after(self, epoch: Epoch, what: str) -> None:
        """Save if any process has to, after an iteration that all of them have done.

        Args:
            epoch: The epoch in progress.
            what: Names the model and the epoch in the message.

        Raises:
            Stopped: The training has to stop.
        """
        reason = self._stop()
        stop, save = self._team.most(reason is not None, time.monotonic() >= self._next)
        if not stop and not save:
            return
        states = self._team.gather(epoch.state())
        if self._team.leads:
            self._save(states)
        self._next = time.monotonic() + self._seconds
        if stop:
            raise Stopped(
                f"{what}: saved and stopped after iteration {epoch.iteration} "
                f"({reason or 'a signal to another process'})"
            )
