"""Tests of lfb.code_digest."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from lfb.code_digest import (
    LAUNCHER,
    MONITORING,
    ROOT,
    digest_and_imports,
    digest_of_code,
    digests,
    sources,
)

PROGRAMS = sorted(
    f"scripts/{path.name}"
    for path in (ROOT / "scripts").glob("*.py")
    if "\ndef run(" in path.read_text()
)


def loaded_by(code: str) -> set[str]:
    """Return the files of the project that some code loads in a fresh Python process."""
    code += f"""
import json, sys
files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
print(json.dumps([file for file in files if file and file.startswith({f"{ROOT}/lfb"!r})]))
"""
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    files = json.loads(process.stdout.splitlines()[-1])
    return {file.removeprefix(f"{ROOT}/") for file in files}


# Run every import statement of each program's files, also those inside functions. Each program has
# its own process, forked from one that has already loaded the heavy packages.
EVERY_IMPORT = """
import ast, json, os, sys
from pathlib import Path
import pandas, torch.utils.data, torch.distributed, zarr
for program, files in json.loads(sys.argv[1]).items():
    if os.fork():
        assert os.wait()[1] == 0, program
        continue
    for file in files:
        for node in ast.walk(ast.parse(Path(file).read_text())):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                exec(ast.unparse(node), {})
    names = [name for name in sys.modules if name.split(".")[0] in ("lfb", "scripts")]
    files = [getattr(sys.modules[name], "__file__", None) for name in names]
    print(json.dumps([program, [os.path.relpath(file) for file in files if file]]), flush=True)
    os._exit(0)
"""


def test_sources_are_the_files_that_a_programs_imports_load():
    found = {program: sources(program) for program in PROGRAMS}
    assert all(program in files for program, files in found.items())
    process = subprocess.run(
        [sys.executable, "-c", EVERY_IMPORT, json.dumps(found)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        check=True,
    )
    loaded = {
        program: sorted({program, *files})
        for program, files in map(json.loads, process.stdout.splitlines())
    }
    assert loaded == {
        program: [file for file in files if file != LAUNCHER] for program, files in found.items()
    }


def test_sources_include_the_init_files_of_packages():
    assert {"lfb/__init__.py", "lfb/models/__init__.py"} <= set(sources("scripts/train.py"))


def test_a_model_loads_only_its_backbone_and_operator():
    code = (
        "import lfb.learning.training, lfb.learning.inference\n"
        "from tests.pictures import make_model\n"
    )
    for operator in None, "avg":
        loaded = loaded_by(f"{code}make_model({operator and {'name': operator}!r})")
        parts = {file for file in loaded if Path(file).parent.name in ("backbones", "operators")}
        assert parts == {
            "lfb/models/backbones/__init__.py",
            "lfb/models/backbones/blocks.py",
            "lfb/models/backbones/slowonly.py",
            "lfb/models/operators/__init__.py",
            *([f"lfb/models/operators/{operator}.py"] if operator else []),
        }


def test_sources_include_the_backbones_and_operators_of_the_models():
    for program in "scripts/train.py", "scripts/build_bank.py":
        bare = set(sources(program))
        assert "lfb/models/operators/__init__.py" in bare
        assert not {"lfb/models/operators/avg.py", "lfb/models/backbones/slowonly.py"} & bare
        model = {"backbone": {"name": "slowonly"}, "operator": {"name": "avg"}}
        assert set(sources(program, [model])) == bare | {
            "lfb/models/backbones/blocks.py",
            "lfb/models/backbones/slowonly.py",
            "lfb/models/operators/avg.py",
        }


CODE = '''
"""What this module is for."""

# A reason.
class Pair:
    """Two numbers."""

    def __init__(self, first, second=1):
        """Keep both."""
        self.values = [first, second]

    def total(self):
        return f"{sum(self.values)} in all"
'''


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# A reason.", "# Another one."),
        ("# A reason.\n", ""),
        ('"""What this module is for."""\n', ""),
        ('    """Two numbers."""\n', ""),
        ("Keep both.", "Keep the two."),
        ("[first, second]", "[\n            first,\n            second,\n        ]"),
        ('f"{sum(self.values)} in all"', "(f'{sum(self.values)} in all')"),
        ("    def total", "\n\n    def total"),
    ],
)
def test_comments_docstrings_and_formatting_change_no_digest(old, new):
    assert CODE.count(old) == 1
    edited = CODE.replace(old, new)
    assert digest_and_imports(ast.parse(edited))[0] == digest_and_imports(ast.parse(CODE))[0]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("second=1", "second=2"),
        ("second=1", "second=1.0"),
        ("second=1", "second=True"),
        ("second=1", "second"),
        ("second=1", "*, second=1"),
        ("first, second]", "second, first]"),
        ("sum(self", "max(self"),
        (" in all", " of all"),
        ("class Pair:", "@final\nclass Pair:"),
        ("return f", "yield f"),
        ("    def total(self):\n        return", "    async def total(self):\n        return"),
    ],
)
def test_any_other_edit_changes_the_digest(old, new):
    assert CODE.count(old) == 1
    edited = CODE.replace(old, new)
    assert digest_and_imports(ast.parse(edited))[0] != digest_and_imports(ast.parse(CODE))[0]


def test_a_statement_moved_into_the_block_above_changes_the_digest():
    inside = ast.parse("if a:\n    b()\n    c()\n")
    outside = ast.parse("if a:\n    b()\nc()\n")
    assert digest_and_imports(inside)[0] != digest_and_imports(outside)[0]


def test_each_file_has_a_digest_and_all_files_have_a_common_one():
    models = [{"backbone": {"name": "slowonly"}, "operator": None}]
    found = digests("scripts/train.py", models)
    assert list(found) == sources("scripts/train.py", models)
    assert (
        len(set(found.values()))
        == len(found)
        - sum(value == found["lfb/learning/__init__.py"] for value in found.values())
        + 1
    )  # packages that only have a docstring are the same
    assert digest_of_code("scripts/train.py", models) != digest_of_code("scripts/train.py")


def test_what_only_watches_a_training_can_be_left_out():
    everything = sources("scripts/train.py")
    watching = set(everything) - set(sources("scripts/train.py", without=MONITORING))
    assert {
        MONITORING,
        "lfb/learning/board.py",
        "lfb/learning/jobs/validation.py",
        "lfb/learning/inference.py",
        "lfb/scoring/evaluation.py",
    } <= watching
    assert "lfb/learning/training.py" not in watching
    with_it, without_it = (digest_of_code("scripts/train.py", (), w) for w in (None, MONITORING))
    assert with_it != without_it


def test_programs_that_need_no_network_do_not_depend_on_one():
    for program in "demo_data", "evaluate", "extract_frames", "map_table", "check_data":
        assert not [f for f in sources(f"scripts/{program}.py") if f.startswith("lfb/models/")]


def test_reading_the_source_loads_no_pytorch():
    code = "import sys, lfb.config.settings; from lfb.code_digest import sources\n"
    code += "sources('scripts/train.py')\n"
    code += "assert not {'torch', 'zarr', 'pandas', 'numpy'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
