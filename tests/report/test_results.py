from pathlib import Path

import pytest

from lfb.report.results import load_models
from tests.report.finished_run import finished


def test_files_go_to_their_model_and_seed(tmp_path: Path) -> None:
    models = ("lfb_max", "baseline", "lfb_nl")
    arguments = finished(tmp_path, models, [3, 4], ("baseline",)).arguments

    def paths(option: str) -> list[str]:
        after = arguments[arguments.index(f"--{option}") + 1 :]
        return after[: next((i for i, a in enumerate(after) if a.startswith("--")), None)]

    files = {name: paths(name) for name in ("metrics", "histories", "predictions", "checkpoints")}
    Path(files["metrics"][3]).write_text('{"mmaction2": {"mAP": 10}}')  # baseline, seed 4
    Path(files["metrics"][2]).write_text('{"mmaction2": {"mAP": 20}}')
    Path(files["histories"][3]).write_text('{"epoch": 9}\n{"epoch": 10}\n')  # lfb_nl, seed 4
    first, baseline, last = load_models(models, ["lfb_max", "lfb_nl"], **files)
    assert (first.name, baseline.name, last.name) == models
    assert baseline.mean_map("mmaction2") == 15
    assert baseline.histories == []
    assert [len(history) for history in first.histories] == [3, 3]
    assert last.histories[1] == [{"epoch": 9}, {"epoch": 10}]
    operators = [model.checkpoint.about["model"]["operator"] for model in (first, baseline, last)]
    assert operators[1] is None
    assert [operator["name"] for operator in operators if operator] == ["max", "non_local"]

    files["predictions"].pop()
    with pytest.raises(ValueError, match="shorter"):
        load_models(models, ["lfb_max", "lfb_nl"], **files)
