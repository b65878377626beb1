"""Makes a feature bank of one that MMAction2 wrote."""

import logging

from lfb.program import program
from scripts.arguments import parser

log = logging.getLogger("lfb")


def main() -> None:
    made = parser(__doc__)
    made.add_argument("--source", required=True, help="lfb_{train,val}.pkl")
    made.add_argument("--split", required=True)
    made.add_argument("--keyframes", required=True, help="keyframes whose windows are looked up")
    made.add_argument("--output", required=True, help="folder of the bank")
    arguments = made.parse_args()
    with program(arguments.log):
        from lfb.bank.mmaction2 import import_bank
        from lfb.bank.store import Bank
        from lfb.data.keyframes import Keyframes

        wanted = {keyframe.video for keyframe in Keyframes.load(arguments.keyframes).keyframes}
        import_bank(arguments.source, arguments.output, split=arguments.split, wanted=wanted)
        bank = Bank.open(arguments.output)
        log.info("%d features of %d videos, as %s", len(bank), len(bank.videos), bank.dtype)


if __name__ == "__main__":
    main()
