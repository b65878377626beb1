"""Write a feature bank as MMAction2 reads it."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--bank", required=True, help="folder of the bank")
    parser.add_argument("--output", required=True, help="lfb_{train,val}.pkl to write")


def run(arguments: argparse.Namespace) -> None:
    from lfb.bank.mmaction2 import export_bank
    from lfb.bank.store import Bank

    export_bank(Bank.open(arguments.bank), arguments.output)
