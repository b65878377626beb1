"""Results do not depend on the number of pieces, and finished pieces are kept."""

import shutil

import pytest

from tests.workflow.runs import CONFIG, Running, Workflow
from tests.workflow.test_interruptions import contents

BANK = "results/seed-0/bank/val.zarr"
SCORES = "results/seed-0/lfb_nl/metrics.json"
RULES = ["predict", "gather_predictions", "evaluate"]


@pytest.mark.parametrize(
    ("section", "outputs", "arguments", "killed", "piece", "others"),
    [
        (
            "frames",
            ["results/data/manifest.json"],
            ["frames"],
            ("extract_frames", "--piece 2-of-3"),
            "extract_frames",
            ["gather_frames"],
        ),
        (
            "bank",
            [f"{BANK}/**/*"],
            [BANK],
            ("build_bank", "--piece 2-of-3"),
            "build_bank_piece 0 val",
            ["gather_bank 0 val"],
        ),
        (
            "inference",
            [SCORES, "results/seed-0/lfb_nl/predictions.npz"],
            ["--allowed-rules", *RULES, "--", SCORES],
            ("predict", "--piece 2-of-3"),
            "predict 0 lfb_nl",
            ["gather_predictions 0 lfb_nl", "evaluate 0 lfb_nl"],
        ),
    ],
)
def test_pieces_do_not_change_results_and_finished_ones_are_kept(
    copy: Workflow,
    section: str,
    outputs: list[str],
    arguments: list[str],
    killed: tuple[str, str],
    piece: str,
    others: list[str],
) -> None:
    expected = contents(copy, outputs)
    for pattern in outputs:
        for path in copy.folder.glob(pattern.removesuffix("/**/*")):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    copy.append(CONFIG, f"\n{section}: {{pieces: 3}}\n")

    run = Running(copy, *arguments)
    run.kill_job(*killed)
    done = run.done()
    run = Running(copy, *arguments)
    assert run.wait() == 0, copy.path("output.txt").read_text()
    done += run.done()

    assert sorted(done) == sorted([*(f"{piece} {number}-of-3" for number in (1, 2, 3)), *others])
    assert contents(copy, outputs) == expected
    left = {path.name for path in copy.path("results").rglob("*-of-*")}
    assert left == set()
