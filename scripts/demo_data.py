"""Makes the demo data set."""

from lfb.data.demo import write_demo
from lfb.program import program
from scripts.arguments import parser


def main() -> None:
    made = parser(__doc__)
    made.add_argument("--videos", required=True, help="folder to write")
    made.add_argument("--labels", required=True, help="label list to write")
    files = ("annotations", "excluded", "proposals")
    for split in ("train", "val"):
        made.add_argument(f"--{split}", nargs=3, required=True, metavar=files, help="to write")
    made.add_argument("--processes", type=int, default=1)
    arguments = made.parse_args()
    demo = arguments.settings["demo"]
    with program(arguments.log):
        write_demo(
            arguments.videos,
            arguments.labels,
            {
                "train": (demo["train_videos"], dict(zip(files, arguments.train, strict=True))),
                "val": (demo["val_videos"], dict(zip(files, arguments.val, strict=True))),
            },
            seconds=demo["seconds"],
            first_second=arguments.settings["first_second"],
            fps=arguments.settings["fps"],
            seed=demo["seed"],
            processes=arguments.processes,
        )


if __name__ == "__main__":
    main()
