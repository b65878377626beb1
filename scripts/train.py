"""Trains one model, on as many processes as asked for."""

import argparse
import json
import logging
from pathlib import Path

from lfb.program import program
from scripts.arguments import add_device, computing_threads, parser
from scripts.bank_arguments import add_bank, open_bank

log = logging.getLogger("lfb")


def main() -> None:
    made = parser(__doc__)
    add_device(made)
    made.add_argument("--processes", type=int, default=1)
    made.add_argument("--seed", type=int, required=True)
    add_bank(made)
    made.add_argument("--checkpoint", required=True, help="checkpoint to write")
    made.add_argument("--history", required=True, help="metrics of each epoch to write")
    arguments = made.parse_args()
    with program(arguments.log):
        run(arguments)


def run(arguments: argparse.Namespace) -> None:
    from lfb.learning.devices import relaunch, team

    relaunch(arguments.processes, arguments.device)
    threads = computing_threads(arguments, arguments.processes)
    with team(arguments.device, threads) as processes:
        import torch

        from lfb.code_digest import digest_of_sources
        from lfb.data.keyframes import Keyframes
        from lfb.files.atomic import atomic
        from lfb.files.digests import digest
        from lfb.learning.clips import Clips, Input, Window
        from lfb.learning.training import Training, train
        from lfb.models.action_model import build_model
        from lfb.models.checkpoints import save_checkpoint
        from lfb.models.published import load_backbone
        from lfb.randomness import seed_of
        from lfb.video.frames import Manifest

        settings, seed = arguments.settings, arguments.seed
        chosen, manifest = Keyframes.load(arguments.keyframes), Manifest(arguments.manifest)
        bank = open_bank(arguments, manifest.digest)
        clips = Clips(
            chosen.keyframes,
            manifest.open,
            Input(**settings["input"]),
            bank,
            Window(**settings["window"]) if bank else None,
            seed,
        )
        described = {
            "backbone": settings["backbone"],
            "head": settings["head"],
            "operator": settings["operator"],
            "outputs": chosen.outputs,
        }
        torch.manual_seed(seed_of("weights", seed))
        model = build_model(**described)
        weights = settings["weights"]
        if weights:
            unused = load_backbone(model, weights)
            log.info("backbone from %s; not used: %s", weights, ", ".join(unused) or "nothing")
        identity = {
            "code": digest_of_sources(
                "scripts/train.py",
                backbones=[settings["backbone"]["name"]],
                operators=[settings["operator"]["name"]] if settings["operator"] else [],
            ),
            "settings": settings,
            "seed": seed,
            "data": manifest.digest,
            "keyframes": digest(arguments.keyframes),
            "bank": bank.origin if bank else None,
            "weights": digest(weights) if weights else None,
            "processes": processes.size,
        }
        # Not an output: Snakemake would delete it before it starts this program again. Nor deleted
        # in the end: who is interrupted before Snakemake has noted the outputs loses those.
        state_file = Path(arguments.checkpoint).with_name("resume.pt")
        history = train(
            model,
            clips,
            Training(**settings["training"]),
            seed=seed,
            team=processes,
            identity=identity,
            state_file=state_file,
            workers=arguments.workers,
        )
        if processes.leads:
            save_checkpoint(
                arguments.checkpoint,
                model,
                {"model": described, "epoch": len(history), **identity},
            )
            with atomic(arguments.history) as scratch:
                scratch.write_text("".join(json.dumps(line) + "\n" for line in history))


if __name__ == "__main__":
    main()
