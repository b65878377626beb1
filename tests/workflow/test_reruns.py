"""After a change, exactly the jobs that depend on it run again."""

import ast
import os
import re

import pytest

from tests.workflow.runs import Result, Workflow

LFB = ["lfb_max", "lfb_nl"]
MODELS = ["baseline", *LFB]
END = {"map_table", "report"}
DATA = {
    "check_data",
    "extract_frames",
    "select_keyframes train training",
    "select_keyframes train bank",
    "select_keyframes val bank",
    "select_keyframes val testing",
}


def training(model: str, seed: int = 0) -> str:
    """Return the job that trains a model."""
    return f"train_baseline {seed}" if model == "baseline" else f"train_lfb {seed} {model}"


def of_models(rule: str, models: list[str], seed: int = 0) -> set[str]:
    """Return the jobs of a rule for some models."""
    return {f"{rule} {seed} {model}" for model in models}


def chain(models: list[str], seed: int = 0) -> set[str]:
    """Return the jobs that train, predict with and evaluate some models."""
    trained = {training(model, seed) for model in models}
    return trained | of_models("predict", models, seed) | of_models("evaluate", models, seed)


def banks(seed: int = 0) -> set[str]:
    """Return the jobs that build the banks."""
    pieces = {
        f"build_bank_piece {seed} {split} {piece}-of-2"
        for split in ("train", "val")
        for piece in (1, 2)
    }
    return pieces | {f"gather_bank {seed} {split}" for split in ("train", "val")}


def edit(workflow: Workflow, file: str) -> None:
    """Change the code or text of a file."""
    workflow.append(file, "\nEDITED = True\n" if file.endswith(".py") else "\n<!-- edited -->\n")


def test_a_touched_file_runs_nothing_again(copy: Workflow) -> None:
    touched = 0
    for folder in "lfb", "scripts", "config", "resources", "rules":
        for path in copy.path(folder).rglob("*"):
            if path.is_file() and not path.name.startswith("."):  # not Snakemake's own
                os.utime(path)
                touched += 1
    assert touched > 50
    assert set(copy.jobs()) == set()


def test_one_key_of_a_model_runs_that_model_again(copy: Workflow) -> None:
    copy.replace(
        "tests/workflow/tiny.yaml",
        "    operator: {name: max}\n",
        "    operator: {name: max}\n    training: {epochs: 9}\n",
    )
    assert set(copy.jobs()) == chain(["lfb_max"]) | END


def test_another_test_score_trains_nothing_again(copy: Workflow) -> None:
    copy.append("tests/workflow/tiny.yaml", "\nboxes: {test_score: 0.8}\n")
    again = of_models("predict", MODELS) | of_models("evaluate", MODELS)
    assert set(copy.jobs()) == {"select_keyframes val testing"} | again | END


def test_a_training_runs_again_for_its_own_change_beside_one_of_the_validation(
    copy: Workflow,
) -> None:
    copy.append("tests/workflow/tiny.yaml", "\nboxes: {test_score: 0.8}\n")
    copy.replace("tests/workflow/tiny.yaml", "{name: max}", "{name: max, empty: mask}")
    again = of_models("predict", MODELS) | of_models("evaluate", MODELS)
    expected = {"select_keyframes val testing", training("lfb_max")} | again | END
    assert set(copy.jobs()) == expected


def test_how_a_training_is_watched_trains_nothing_again(copy: Workflow) -> None:
    keys = "  validation_share: 1\n  tensorboard: true\n"
    copy.replace("tests/workflow/tiny.yaml", "  compile: false\n", f"  compile: false\n{keys}")
    copy.append("lfb/learning/monitoring.py", "\nEDITED = True\n")
    copy.append("lfb/learning/jobs/validation.py", "\nEDITED = True\n")
    assert set(copy.jobs()) == set()
    copy.replace("tests/workflow/tiny.yaml", "  validation_share: 1\n", "  take: best\n")
    assert set(copy.jobs()) == chain(MODELS) | banks() | END


@pytest.mark.parametrize(
    ("file", "again"),
    [
        ("lfb/models/operators/max.py", chain(["lfb_max"]) | END),
        ("lfb/learning/training.py", chain(MODELS) | banks() | END),
        ("lfb/scoring/evaluation.py", of_models("evaluate", MODELS) | END),
        ("lfb/video/extraction.py", {"extract_frames"} | chain(MODELS) | banks() | END),
        ("lfb/video/decoding.py", DATA | chain(MODELS) | banks() | END),
    ],
)
def test_an_edited_file_reruns_the_jobs_that_use_it(
    copy: Workflow, file: str, again: set[str]
) -> None:
    edit(copy, file)
    assert set(copy.jobs()) == again


def test_comments_docstrings_and_formatting_run_nothing_again(copy: Workflow) -> None:
    edited = 0
    for folder in "lfb", "scripts":
        for path in copy.path(folder).rglob("*.py"):
            tree = ast.parse(path.read_text())
            body = tree.body[1:] if ast.get_docstring(tree) else tree.body
            code = ast.unparse(ast.Module(body, []))  # without comments, reformatted
            path.write_text(f'"""Another docstring."""\n\n# A comment.\n{code}\n')
            edited += 1
    assert edited > 50
    assert set(copy.jobs()) == set()


def test_the_reason_names_the_edited_file(copy: Workflow) -> None:
    edit(copy, "lfb/learning/training.py")
    result = copy.run("--dry-run", "baseline")
    assert reasons(result)["train_baseline"] == {"lfb/learning/training.py"}


def test_every_file_of_the_report_is_a_reason_to_write_it_again(copy: Workflow) -> None:
    names = "charts.py", "page.html.j2", "style.css", "browse.js"
    files = {f"lfb/report/{name}" for name in names}
    for file in files:
        edit(copy, file)
    assert reasons(copy.run("--dry-run")) == {"report": files, "all": set()}


def reasons(result: Result) -> dict[str, set[str]]:
    """Return the changed files that a dry run names as reasons, by rule."""
    found = re.findall(r"^Job \d+: (\w+): .*\nReason: (.*)$", result.output, re.MULTILINE)
    return {rule: set(re.findall(r"([\w/.]+) \w{12}'", reason)) for rule, reason in found}


def test_operators_and_backbones_that_no_model_uses_run_nothing_again(copy: Workflow) -> None:
    edit(copy, "lfb/models/operators/avg.py")
    edit(copy, "lfb/models/backbones/i3d_nl.py")
    text = copy.path("lfb/models/operators/max.py").read_text()
    copy.path("lfb/models/operators/mine.py").write_text(text)
    assert set(copy.jobs()) == set()


@pytest.mark.parametrize(
    ("keys", "models"),
    [
        ("scales: [32, 40], flip: true", MODELS),
        ("sampling: random, draws: 3", LFB),
    ],
)
def test_other_inference_settings_train_nothing_and_build_no_bank(
    copy: Workflow, keys: str, models: list[str]
) -> None:
    copy.append("tests/workflow/tiny.yaml", f"\ninference: {{{keys}}}\n")
    assert set(copy.jobs()) == of_models("predict", models) | of_models("evaluate", models) | END


def test_a_new_seed_adds_jobs_and_repeats_none(copy: Workflow) -> None:
    copy.append("tests/workflow/tiny.yaml", "\nseeds: [0, 1]\n")
    assert set(copy.jobs()) == chain(MODELS, seed=1) | banks(seed=1) | END
