"""Import the weights of a trained model."""

import argparse
import logging
from pathlib import Path

from scripts.annotation_arguments import add_labels

log = logging.getLogger("lfb")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--source", required=True, help="trained weights to import")
    add_labels(parser)
    parser.add_argument("--output", required=True, help="checkpoint to write")


def run(arguments: argparse.Namespace) -> None:
    from lfb.code_digest import digest_of_code
    from lfb.data.annotations import read_labels
    from lfb.files.digests import digest
    from lfb.models.checkpoints import save_checkpoint
    from lfb.models.published import import_model

    settings, source = arguments.settings, arguments.source
    outputs = max(read_labels(arguments.labels)) + 1
    model, described, unused = import_model(source, settings, outputs)
    log.info("weights from %s; not used: %s", source, ", ".join(unused) or "nothing")
    about = {
        "model": described,
        "source": Path(source).name,
        "source_digest": digest(source),
        "code": digest_of_code("scripts/import_checkpoint.py", [settings]),
    }
    save_checkpoint(arguments.output, model, about)
