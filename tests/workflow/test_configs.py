"""Config files that build on each other, as Snakemake reads them."""

import re

from tests.workflow.runs import CONFIG, Workflow

MINE = "pathvars: {results: results/mine}\ntraining: {epochs: 3}\n"
NEW = "base: mine.yaml\nmodels: {lfb_new: {operator: {name: avg}}, lfb_max: null}\n"


def checkpoints(workflow: Workflow, options: str) -> list[str]:
    """Return the folders of the checkpoints that a run would write."""
    result = workflow.shell(f"snakemake --summary {options}")
    assert result.code == 0, result.output
    return sorted(re.findall(r"^(\S+)/checkpoint\.safetensors\t", result.output, re.MULTILINE))


def test_a_config_loads_all_its_bases(fresh: Workflow) -> None:
    fresh.path("my").mkdir()
    fresh.path("my/mine.yaml").write_text(f"base: ../{CONFIG}\n{MINE}")
    fresh.path("my/new.yaml").write_text(NEW)
    models = "baseline", "lfb_new", "lfb_nl"
    # In any order, with the path variables of a base.
    for files in "my/new.yaml", f"my/new.yaml my/mine.yaml {CONFIG}":
        expected = [f"results/mine/seed-0/{model}" for model in models]
        assert checkpoints(fresh, f"--configfile {files}") == expected
    options = "--configfile my/new.yaml --config 'pathvars={results: b}'"
    assert checkpoints(fresh, options) == [f"b/seed-0/{model}" for model in models]


def test_a_config_that_only_adds_a_model_is_laid_over_the_default(fresh: Workflow) -> None:
    fresh.path("mine.yaml").write_text("models: {lfb_mine: {operator: {name: max}}}\n")
    models = "baseline", "lfb_avg", "lfb_max", "lfb_mine", "lfb_nl"
    expected = [f"results/seed-0/{model}" for model in models]
    assert checkpoints(fresh, "--configfile mine.yaml") == expected


def test_wrong_bases_are_errors_before_any_work(fresh: Workflow) -> None:
    fresh.path("a.yaml").write_text("base: b.yaml\n")
    result = fresh.shell("snakemake --configfile a.yaml")
    assert result.code == 1
    assert "b.yaml: no such file. Config files build on it: a.yaml -> b.yaml. " in result.output
    fresh.path("b.yaml").write_text("base: a.yaml\n")
    result = fresh.shell("snakemake --configfile a.yaml")
    assert result.code == 1
    assert "build on each other in a circle: a.yaml -> b.yaml -> a.yaml" in result.output
    assert "Traceback" not in result.output
