"""Import a feature bank that MMAction2 wrote."""

import argparse
import logging

log = logging.getLogger("lfb")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--source", required=True, help="lfb_{train,val}.pkl")
    parser.add_argument("--split", required=True)
    parser.add_argument("--keyframes", required=True, help="keyframes that look up the bank, .npz")
    parser.add_argument("--output", required=True, help="folder of the bank")


def run(arguments: argparse.Namespace) -> None:
    from lfb.bank.mmaction2 import import_bank
    from lfb.bank.store import Bank
    from lfb.code_digest import digest_of_code
    from lfb.data.keyframes import Keyframes

    videos = {keyframe.video for keyframe in Keyframes.load(arguments.keyframes).keyframes}
    import_bank(
        arguments.source,
        arguments.output,
        split=arguments.split,
        videos=videos,
        attributes={"code": digest_of_code("scripts/import_bank.py")},
    )
    bank = Bank.open(arguments.output)
    log.info("%d features of %d videos, as %s", len(bank), len(bank.videos), bank.dtype)
