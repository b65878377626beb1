"""Models whose backbone is the baseline's, beside whole ones."""

import csv

from tests.workflow.runs import CONFIG, TABLE, Workflow
from tests.workflow.test_reruns import END

HEADS = """
  head_baseline: {operator: null, head_only: true}
  head_nl:
    operator: {name: non_local, width: 8, layers: 1, dropout: 0, empty: mask, fold: true}
    head_only: true
"""


def chain(*heads: str) -> set[str]:
    """Return the jobs that train, predict with and evaluate some heads."""
    rules = "train_head", "predict_head", "evaluate"
    return {f"{rule} 0 {head}" for rule in rules for head in heads}


def test_heads_are_added_to_a_finished_run_without_another_training(copy: Workflow) -> None:
    copy.append(CONFIG, HEADS)
    pieces = {f"{split} {piece}-of-2" for split in ("train", "val") for piece in (1, 2)}
    people = {f"build_people_piece 0 {piece}" for piece in pieces}
    people |= {f"gather_people_features 0 {split}" for split in ("train", "val")}
    jobs = copy.jobs()
    assert set(jobs) == people | chain("head_baseline", "head_nl") | END
    assert not [name for name in jobs if "_head " in name and "manifest" in jobs[name]]

    result = copy.run(TABLE)
    assert result.code == 0, result.output
    with copy.path(TABLE).open() as file:
        rows = {row["model"]: row for row in csv.DictReader(file)}
    assert rows["lfb_nl"]["training"] == "whole"
    assert rows["head_nl"]["training"] == "head"
    for page in "report.html", "browse.html":  # of the table before
        copy.path(f"results/{page}").unlink()
    checked = copy.run("verify")  # scores some keyframes of each head from their frames
    assert checked.code == 0, checked.output

    copy.replace(CONFIG, "mask, fold: true", "mask, fold: false")
    assert set(copy.jobs()) == chain("head_nl") | END
    copy.append(CONFIG, "    training: {compile: true, channels_last: true}\n")
    assert set(copy.jobs()) == chain("head_nl") | END
