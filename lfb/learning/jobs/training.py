"""The job that trains a model."""

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from lfb.bank.opening import open_bank
from lfb.code_digest import MONITORING, digest_of_code
from lfb.data.keyframes import Keyframes
from lfb.files.digests import digest
from lfb.interruption import Interruption, SlurmJob, Stopped
from lfb.learning.clips import Clips, Input, Shuffled, Window
from lfb.learning.continuing import adopt, begin_training
from lfb.learning.kept import CHECKPOINT, HISTORY, STATE, Trainings, link
from lfb.learning.monitoring import validation_digests, watch
from lfb.learning.team import Team
from lfb.learning.training import Training, train
from lfb.models.action_model import build_model
from lfb.models.checkpoints import save_checkpoint
from lfb.models.published import load_backbone
from lfb.randomness import seed_of
from lfb.video.frames import Manifest

log = logging.getLogger("lfb")
File = str | Path


def train_model(
    settings: Mapping[str, Any],
    *,
    name: str,
    seed: int,
    keyframes: File,
    manifest: File,
    bank: File | None,
    published: File | None,
    checkpoint: File,
    history: File,
    team: Team,
    monitoring: Mapping[str, Any],
    save_minutes: float | None,
    keep: int,
    workers: int,
) -> None:
    """Train one model and write its checkpoint and the metrics of each epoch.

    The training is kept beside these outputs, see ``lfb.learning.kept``. If there is a finished one
    with the same code, settings, data and seed, nothing is trained.

    When a signal or the time limit of its Slurm job stops the training, the process ends with exit
    code 1, and the job goes back into Slurm's queue.

    Args:
        settings: From ``lfb.config.settings.training_settings``.
        name: Name of the model in the log.
        seed: Seed of the initial weights and of all draws.
        keyframes: Training keyframes, ``.npz``.
        manifest: Manifest of the frames.
        bank: Bank of the training split; None for the baseline.
        published: See ``open_bank``.
        checkpoint: The checkpoint to write.
        history: JSON lines to write.
        team: The processes that train together; the first one writes.
        monitoring: See ``lfb.learning.monitoring.watch``.
        save_minutes: Minutes between two saves within an epoch; None for none.
        keep: Finished trainings that stay, with this one.
        workers: Data-loading processes of each training process.
    """
    chosen, frames = Keyframes.load(keyframes), Manifest(manifest)
    rows = open_bank(bank, data=frames.digest, published=published)
    clips = Clips(
        chosen.keyframes,
        frames.open,
        Input(**settings["input"]),
        rows,
        Window(**settings["window"]) if rows else None,
        seed,
    )
    weights = settings["weights"]
    takes_best = "validation" in settings
    without = None if takes_best else MONITORING
    identity = {
        "code": digest_of_code("scripts/train.py", [settings], without),
        "settings": settings,
        "seed": seed,
        "data": frames.digest,
        "keyframes": digest(keyframes),
        "bank": rows.origin if rows else None,
        "rows": rows.identity() if rows else None,
        "weights": digest(weights) if weights else None,
        "processes": team.size,
    }
    if takes_best:
        identity["validation"] = validation_digests(monitoring)
    trainings = Trainings(Path(checkpoint).with_name("trainings"))
    folder = trainings.folder(identity)
    if any(team.gather(team.leads and trainings.is_finished(identity))):
        log.info("%s: trained already, in %s", name, folder)
    else:
        recipe = Training(**settings["training"])
        length = len(Shuffled(len(clips), recipe.batch, seed, 0, team.size, recipe.epoch_clips))
        if team.leads:
            adopt(trainings, Path(checkpoint).with_name(STATE))
            begin_training(trainings, identity, length, name)
        team.gather(None)  # the others wait for the folder
        described = {
            "backbone": settings["backbone"],
            "head": settings["head"],
            "operator": settings["operator"],
            "outputs": chosen.outputs,
        }
        torch.manual_seed(seed_of("weights", seed))
        model = build_model(**described)
        if weights:
            unused = load_backbone(model, weights)
            log.info(
                "%s: backbone from %s; not used: %s", name, weights, ", ".join(unused) or "nothing"
            )
        job = SlurmJob.current() if team.leads else None
        with Interruption(job) as interruption, requeued(job, team):
            monitor = watch(
                monitoring,
                folder=folder,
                publish=lambda: link(folder / HISTORY, Path(history)),
                length=length,
                clips=length * recipe.batch * team.size,
                frames=frames,
                described=described,
                keep_best=takes_best,
                name=name,
                seed=seed,
                team=team,
                stop=interruption.reason,
                workers=workers,
            )
            metrics = train(
                model,
                clips,
                recipe,
                name=name,
                seed=seed,
                team=team,
                folder=folder,
                save_minutes=save_minutes,
                stop=interruption.reason,
                watcher=monitor,
                workers=workers,
            )
        if team.leads:
            epoch = monitor.load_best(model) if takes_best else len(metrics)
            about = {"model": described, "epoch": epoch, **identity}
            save_checkpoint(folder / CHECKPOINT, model, about)
            trainings.finish(identity)
    if team.leads:
        trainings.place(identity, Path(checkpoint), Path(history))
        trainings.keep(keep, identity)


@contextmanager
def requeued(job: SlurmJob | None, team: Team) -> Iterator[None]:
    """Put a stopped training's Slurm job back into the queue, and end all its processes."""
    try:
        yield
    except Stopped as stopped:
        ending = job.requeue() if job else "run the same command to continue"
        team.gather(None)  # the others wait, because torchrun ends all when one ends
        if team.leads and not job:
            raise Stopped(f"{stopped}; {ending}") from None
        log.info("%s; %s", stopped, ending)  # only the leader's log shows it
        sys.exit(1)
