"""One of the processes that train together; ``python -m tests.teamwork FOLDER``."""

import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import torch

from lfb.interruption import Stopped
from lfb.learning.clips import Clips, Window
from lfb.learning.team import join_team
from lfb.learning.training import Training, train
from lfb.models.action_model import ActionModel
from tests.pictures import INPUT, Film, make_bank, make_keyframes, make_model

TRAINING = Training(
    epochs=3,
    batch=3,
    learning_rate=0.05,
    learning_rate_batch=4,
    steps=(2,),
    warmup_epochs=1,
    warmup_from=0.1,
    momentum=0.9,
    weight_decay=1e-5,
    clip_norm=40,
    bfloat16=False,
    channels_last=True,
    compile=False,
)
NON_LOCAL = {"name": "non_local", "width": 4, "layers": 1, "dropout": 0.2}


def main(folder: Path) -> None:
    with join_team("cpu", 1) as workers:
        bank = make_bank(folder / f"rank-{workers.rank}")
        clips = Clips(make_keyframes(), Film, INPUT, bank, Window(6, 2), 0)

        def start(
            name: str, stop: Callable[[], str | None] = lambda: None
        ) -> tuple[ActionModel, list[dict[str, float]]]:
            torch.manual_seed(workers.rank)  # training makes the weights equal
            model = make_model(NON_LOCAL)
            history = train(
                model,
                clips,
                TRAINING,
                name="lfb_test",
                seed=0,
                team=workers,
                folder=folder / name,
                stop=stop,
            )
            return model, history

        model, history = start(f"process-{workers.rank}")
        dropout_seed = torch.initial_seed()
        asked = iter([None, None])  # the third iteration is within the second epoch
        with suppress(Stopped):
            start("stopped", lambda: next(asked, "a reason") if workers.rank else None)
        workers.gather(None)  # until the first process has saved
        again, resumed = start("stopped")
        result = {
            "losses": [metrics["loss"] for metrics in history],
            "rates": [metrics["learning_rate"] for metrics in history],
            "weights": {name: value.detach() for name, value in model.named_parameters()},
            "mean": workers.mean(1.0 + workers.rank),
            "dropout seed": dropout_seed,
            "resumed losses": [metrics["loss"] for metrics in resumed],
            "resumed weights": {name: value.detach() for name, value in again.named_parameters()},
        }
        torch.save(result, folder / f"rank-{workers.rank}.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
