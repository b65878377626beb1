"""Takes the weights of a trained detector in place of training one."""

import logging
from pathlib import Path

from lfb.program import program
from scripts.arguments import parser

log = logging.getLogger("lfb")


def main() -> None:
    made = parser(__doc__)
    made.add_argument("--source", required=True, help=".pth of MMAction2, or .safetensors of ours")
    made.add_argument("--keyframes", required=True, help="chosen keyframes to score, .npz")
    made.add_argument("--output", required=True, help="checkpoint to write")
    arguments = made.parse_args()
    with program(arguments.log):
        from lfb.data.keyframes import Keyframes
        from lfb.files.digests import digest
        from lfb.models.checkpoints import save_checkpoint
        from lfb.models.published import import_model

        settings, source = arguments.settings, arguments.source
        outputs = max(Keyframes.load(arguments.keyframes).actions) + 1
        model, described, unused = import_model(source, settings, outputs)
        log.info("weights from %s; not used: %s", source, ", ".join(unused) or "nothing")
        about = {"source": Path(source).name, "source_digest": digest(source)}
        save_checkpoint(arguments.output, model, {"model": described, **about})


if __name__ == "__main__":
    main()
