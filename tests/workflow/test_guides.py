"""The guides of CONTRIBUTING.md, followed exactly in a copy of the project."""

import re
import textwrap

from tests.workflow.runs import CONFIG, ROOT, Workflow

GUIDES = dict(
    re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", (ROOT / "CONTRIBUTING.md").read_text(), re.M | re.S)
)


def blocks(guide: str) -> list[tuple[str, str, str]]:
    """Return the code blocks of a guide: the first file that the step names, language, code."""
    found = []
    for step in re.split(r"^(?=\d\. )", GUIDES[guide], flags=re.M)[1:]:
        names = re.findall(r"`([\w/]+\.(?:py|yaml|smk))`", step)
        for language, code in re.findall(r"^   ```(\w*)\n(.*?)^   ```$", step, re.M | re.S):
            code = re.sub(r"^ {3}", "", code, flags=re.M)  # indentation of the list
            found.append((names[0] if names else "", language, code))
    return found


def write_files(workflow: Workflow, guide: str, *, skip: tuple[str, ...] = ()) -> None:
    """Write the files that a guide shows, except those that it only changes."""
    for name, language, code in blocks(guide):
        if language and name not in skip:
            assert not workflow.path(name).exists(), name
            workflow.path(name).write_text(code)


def code_of(guide: str, name: str) -> str:
    """Return the only code block that a guide shows for a file."""
    (code,) = (code for file, language, code in blocks(guide) if file == name and language)
    return code


def run_pytest(workflow: Workflow, *files: str) -> None:
    result = workflow.shell(f"python -m pytest -n 0 -p no:cacheprovider {' '.join(files)}")
    assert result.code == 0, result.output


def test_an_operator_is_a_file_and_a_config_entry(copy: Workflow) -> None:
    write_files(copy, "Add an operator")
    assert set(copy.jobs()) == set(), "a new file runs nothing again"
    assert (
        "snakemake --cores all --configfile median.yaml -- lfb_median\n"
        in GUIDES["Add an operator"]
    )
    config = ["--configfile", CONFIG, "median.yaml", "--", "lfb_median"]
    jobs = {f"{rule} 0 lfb_median" for rule in ("train_lfb", "predict", "evaluate")}
    assert set(copy.jobs(*config)) == jobs
    result = copy.run(*config)
    assert result.code == 0, result.output
    copy.replace("tests/operator_cases.py", '= {"avg": {}, ', '= {"median": {}, "avg": {}, ')
    run_pytest(copy, "tests/models/operators")


def test_a_backbone_is_a_file_and_a_config_entry(copy: Workflow) -> None:
    write_files(copy, "Add a backbone", skip=("config/schema.yaml",))
    assert set(copy.jobs()) == set(), "a new file runs nothing again"
    copy.append(CONFIG, "bank: {pieces: 1}\n")  # fewer jobs
    result = copy.run("--configfile", CONFIG, "small_backbone.yaml")
    assert result.code == 0, result.output
    table = copy.path("results/small/map_table.csv").read_text()
    assert re.findall(r"^(\w+),\w+,small,", table, re.M) == ["baseline", "lfb_max", "lfb_nl"]
    copy.replace(
        "tests/models/backbones/test_contract.py",
        '    "slowonly": {',
        '    "small": {"width": 2},\n    "slowonly": {',
    )
    run_pytest(copy, "tests/models/backbones")


def test_a_stage_is_a_function_a_program_a_rule_and_a_config_key(copy: Workflow) -> None:
    guide = "Add a stage"
    write_files(copy, guide, skip=("config/schema.yaml",))
    key = code_of(guide, "config/schema.yaml")
    copy.replace("config/schema.yaml", "\n$defs:", f"\n{key}\n$defs:")
    copy.replace(
        "Snakefile",
        'include: "rules/scoring.smk"\n',
        'include: "rules/scoring.smk"\ninclude: "rules/uncertain.smk"\n',
    )
    assert copy.shell("python -m scripts.document_config").code == 0
    target = "results/seed-0/lfb_nl/uncertain.csv"
    assert set(copy.jobs(target)) == {"uncertain 0 lfb_nl"}
    result = copy.run(target)
    assert result.code == 0, result.output
    assert len(copy.path(target).read_text().splitlines()) == 21  # a header and 20 boxes
    run_pytest(copy, "tests/scoring/test_uncertain.py", "tests/test_layers.py", "tests/config")
    for command in "snakefmt --check Snakefile rules", "ruff check lfb scripts tests":
        result = copy.shell(command)
        assert result.code == 0, result.output


def test_a_data_set_format_is_a_reader_and_its_test(copy: Workflow) -> None:
    guide, annotations = "Add a data set format", "lfb/data/annotations.py"
    write_files(copy, guide, skip=(annotations,))
    (choice,) = (
        code
        for name, language, code in blocks(guide)
        if language and code.startswith("if Path(path).suffix")
    )
    copy.replace(
        annotations,
        "    labels: dict[int, str] = {}\n",
        f"{textwrap.indent(choice, '    ')}    labels: dict[int, str] = {{}}\n",
    )
    copy.replace(
        annotations,
        "from lfb.files.atomic import",
        "from lfb.data.labels_json import read_labels_json\nfrom lfb.files.atomic import",
    )
    run_pytest(copy, "tests/data/test_labels_json.py", "tests/data/test_annotations.py")
