"""Writes a feature bank as MMAction2 reads it."""

from lfb.program import program
from scripts.arguments import parser


def main() -> None:
    made = parser(__doc__)
    made.add_argument("--bank", required=True, help="folder of the bank")
    made.add_argument("--output", required=True, help="lfb_{train,val}.pkl to write")
    arguments = made.parse_args()
    with program(arguments.log):
        from lfb.bank.mmaction2 import export_bank
        from lfb.bank.store import Bank

        export_bank(Bank.open(arguments.bank), arguments.output)


if __name__ == "__main__":
    main()
