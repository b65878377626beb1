"""The lock, the conda environment, CI and the README agree."""

import re
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.version import Version

from scripts.conda_environment import environment

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = (ROOT / "requirements.txt").read_text()


def locked() -> dict[str, list[Version]]:
    """Return the versions of each package in the lock; some depend on the Python version."""
    found: dict[str, list[Version]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^\s;\\]+)", LOCK, re.MULTILINE):
        found.setdefault(name, []).append(Version(version))
    return found


def test_the_lock_pins_every_requirement_of_the_project():
    requirements = [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["dev"]]
    for text in requirements:
        requirement = Requirement(text)
        versions = locked().get(requirement.name)
        assert versions, f"{requirement.name} is not in the lock"
        assert all(version in requirement.specifier for version in versions), text


def test_every_pin_has_a_hash_and_no_address():
    pins = re.split(r"^(?=[\w.-]+==)", LOCK, flags=re.MULTILINE)[1:]
    assert all("--hash=sha256:" in pin for pin in pins)
    assert "://" not in LOCK


def test_conda_users_get_the_same_pins():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    *others, pip = environment["dependencies"]
    pins: dict[str, list[Version]] = {}
    for pin in map(Requirement, pip["pip"]):
        (specifier,) = pin.specifier
        assert specifier.operator == "=="
        pins.setdefault(pin.name, []).append(Version(specifier.version))
    assert pins == locked(), "run: python -m scripts.conda_environment"
    (python,) = (item.removeprefix("python=") for item in others if item.startswith("python="))
    assert Requirement(f"x{PROJECT['project']['requires-python']}").specifier.contains(python)


def test_the_conda_environment_names_no_other_file():
    # Snakemake copies environment.yml to another folder before conda reads it.
    *_, pip = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    assert not [line for line in pip["pip"] if line.startswith("-")]
    assert (ROOT / "environment.yml").read_text() == environment(LOCK)


def test_the_readme_begins_with_the_two_commands():
    blocks = re.findall(r"^```bash\n(.*?)^```$", (ROOT / "README.md").read_text(), re.M | re.S)
    install = "pip install -r requirements.txt && "
    assert blocks[0].strip() == f"{install}snakemake --cores all results/map_table.csv"
    assert blocks[1].strip() == f"{install}pytest"


def test_the_linked_files_of_the_readme_exist():
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text())
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_pages_have_no_placeholder_and_link_to_files_that_exist():
    for page in sorted((ROOT / "docs").glob("*.md")):
        text = page.read_text()
        assert not re.search(r"\b[A-Z]+_EXAMPLE\b", text), page
        links = re.findall(r"\]\(([^)#:]+)\)", text)
        assert [link for link in links if not (page.parent / link).exists()] == [], page
