"""What all stages share: the checked config, wildcards and named input functions."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.pathvars import Pathvars

ROOT = Path(workflow.current_basedir.get_path_or_uri(secret_free=False)).parent
if not (ROOT / "lfb").is_dir():
    raise WorkflowError(
        "This workflow runs from a clone on disk, not from an address. Clone its repository, and "
        "set `snakefile:` to the path of the Snakefile in the clone."
    )
sys.path.insert(0, str(ROOT))

from lfb.code_digest import digests
from lfb.config import inputs, settings, user_files
from lfb.config.checks import check_config
from lfb.config.job_settings import write_settings
from lfb.config.layers import read_file, read_layers
from lfb.errors import UserError
from lfb.files.digests import digest
from lfb.models.signatures import arguments
from lfb.program import describe_failure

# Snakemake merges config files in the order of the command line and knows nothing of their `base`.
# A module has only what the workflow that uses it hands over.
if workflow.modifier.is_main_snakefile():
    config_files = workflow.overwrite_configfiles
    overrides = workflow.config_settings.config
else:
    config_files, overrides = [], config

try:
    config, config_files = read_layers(
        config_files, overrides, ROOT / "config/config.yaml"
    )
    config = check_config(
        config,
        read_file(ROOT / "config/schema.yaml"),
        arguments("operators"),
        arguments("backbones"),
    )
except UserError as error:
    raise WorkflowError(str(error)) from None

workflow.pathvars.update(Pathvars.from_config(config))
workflow.configfiles += [
    file for file in config_files if file not in workflow.configfiles
]

MODELS = list(config["models"])
SEEDS = config["seeds"]
SPLITS = settings.splits(config)
TRAINED = settings.trained(config)
PUBLISHED_BANKS = settings.published_banks(config)
# Snakemake replaces <name> in files only, not in params.
FRAMES = workflow.pathvars.apply("<resources>/frames")
JOB_SETTINGS = workflow.pathvars.apply("<logs>/settings")


wildcard_constraints:
    seed=r"\d+",
    model="|".join(MODELS),
    split="|".join(SPLITS),


def one_of(names):
    """Return a wildcard constraint that matches these names alone."""
    return "|".join(names) or "(?!)"  # no name: nothing matches


def program(name):
    """Return a params function: what `python` runs, from any working directory.

    Its argument `input` has Snakemake leave the result out when it compares params. Otherwise all
    jobs would run again after you move the project.
    """
    return lambda wildcards, input: command(name)


def command(name):
    """Return what `python` runs, quoted for the shell."""
    folder = "scripts" if Path.cwd() == ROOT else str(ROOT / "scripts")
    return f"{shlex.quote(folder)} {name}"


def settings_file(rule, content):
    """Return a params function: the settings file of a job.

    `content` is the job's part of the config, or a function that gets the wildcards and returns it.
    """
    return lambda wildcards: write_settings(
        JOB_SETTINGS, rule, content(wildcards) if callable(content) else content
    )


def code(program, models=()):
    """Return params: every file that a program runs for some models, with a digest of its code.

    A job runs again when one of them changes, and Snakemake's reason names those that changed.
    """
    built = [settings.model_settings(config, model) for model in models]
    found = digests(f"scripts/{program}.py", built)
    return [f"{file} {value[:12]}" for file, value in found.items()]


def model_code(program):
    """Return a params function: the files that a program runs for the rule's model alone."""
    common = code(program)
    return lambda wildcards: [
        file for file in code(program, [wildcards.model]) if file not in common
    ]


def templates(folder):
    """Return params: the templates and styles of a package, with a digest of their content."""
    files = [
        path for kind in ("j2", "css") for path in (ROOT / folder).glob(f"*.{kind}")
    ]
    return [f"{path.relative_to(ROOT)} {digest(path)[:12]}" for path in sorted(files)]


def require(paths):
    """Stop the run if any of the user's own files is missing, and list all missing files.

    This does not raise an exception. Snakemake would only skip the job and, where the job has run
    before, silently continue with its old output.
    """
    missing = user_files.missing_files(config)
    if not set(missing.values()).isdisjoint(paths):
        raise SystemExit(f"Error: {user_files.explain_missing(config, missing)}")


def required(path):
    """Return one of the user's own files, which must exist."""
    require([path])
    return path


def users(files, rule):
    """Return an input function: the user's own files, which must exist.

    They need not exist where the output of `rule` does. You may delete the videos once you have
    their frames.
    """

    def present(wildcards):
        outputs = [path.format(**wildcards) for path in getattr(rules, rule).output]
        if not all(Path(path).exists() for path in outputs):
            require(filter(None, files(wildcards).values()))
        return files(wildcards)

    return present


def split_files(wildcards):
    """Return the annotation files of the rule's split."""
    return inputs.split_files(config, wildcards.split)


def validation_files(wildcards):
    """Return the annotation files of the validation split."""
    return inputs.split_files(config, "val")


def selection_files(wildcards):
    """Return the annotation files of the rule's split, and its proposals if it has any."""
    split = wildcards.split
    proposals = config["data"][split].get("proposals", [])
    if split in inputs.splits_from(config, "detections", "detector"):
        proposals = f"<results>/data/{split}-proposals.pkl"
    return split_files(wildcards) | {"proposals": proposals}


def data_files(*kinds):
    """Return an input function: the files of these kinds, of all splits."""
    return lambda wildcards: inputs.data_files(config, kinds)


def detections(wildcards):
    """Return the csv of a person detector for the rule's split."""
    return {"detections": config["data"][wildcards.split]["detections"]}


def published_bank(wildcards):
    """Return the file that the bank of the rule's split is imported from."""
    return {"source": PUBLISHED_BANKS[wildcards.split]}


def initial_weights(model):
    """Return the file that a model's backbone starts from, if there is one."""
    return required(settings.training_settings(config, model)["weights"]) or []


def has_bank(model):
    """Return whether a model looks up the bank."""
    return config["models"][model]["operator"] is not None


def bank_of(split):
    """Return an input function: the bank that the rule's model looks up, if it does."""
    return lambda wildcards: (
        f"<results>/seed-{wildcards.seed}/bank/{split}.zarr"
        if has_bank(wildcards.model)
        else []
    )


def bank_options(split):
    """Return a params function: the options that name the bank and its published file."""
    source = PUBLISHED_BANKS.get(split)
    published = f" --published {shlex.quote(source)}" if source else ""
    return lambda wildcards, input: (
        f"--bank {input.bank}{published}" if input.bank else ""
    )


def baseline_of_bank(split):
    """Return an input function: the checkpoint that built the bank of the rule's model."""
    return lambda wildcards: (
        f"<results>/seed-{wildcards.seed}/baseline/checkpoint.safetensors"
        if has_bank(wildcards.model) and split not in PUBLISHED_BANKS
        else []
    )


def of_models(file, seeds, models=MODELS):
    """Return this file of each model and seed, model by model."""
    return expand(
        "<results>/seed-{seed}/{model}/{file}",
        model=models,
        seed=seeds,
        file=file,
    )


def check_device():
    """Stop if the config asks for a GPU and this machine has none.

    Jobs on a cluster find their GPUs where they run.
    """
    if config["device"] == "cuda" and workflow.is_main_process and workflow.local_exec:
        shell(f"python {command('check_device')} --device cuda")


def estimate_disk_use():
    """Log what a run needs on disk, unless the frames exist already."""
    missing = [
        key for key in user_files.missing_files(config) if key.startswith("data.")
    ]
    manifest, table = rules.extract_frames.output[0], rules.map_table.output[0]
    if not workflow.is_main_process or "demo" in config or missing:
        return
    if not Path(manifest).exists():
        files = inputs.files_by_split(config, ["annotations", "proposals"])
        job = {**settings.disk_settings(config), "files": files}
        path = write_settings(JOB_SETTINGS, "estimate_disk_use", job)
        options = f"--settings {path} --labels {shlex.quote(config['data']['labels'])}"
        folders = f"--frames {FRAMES} --results {Path(table).parent}"
        # An estimate that fails stops no run.
        subprocess.run(
            f"python {command('estimate_disk_use')} {options} {folders}",
            shell=True,
            check=False,
        )


def repeat_errors(log):
    """Print the error of each failed job once more, below all that Snakemake prints about it."""
    text = "".join(Path(file).read_text() for file in log)
    failed = re.findall(
        r"^Error in rule (\w+):\n(?:    .*\n)*?    log: (.*) \(check",
        text,
        re.MULTILINE,
    )
    for rule_name, file in dict.fromkeys(failed):
        print(
            f"\n{rule_name} failed, {file}:\n{describe_failure(file)}", file=sys.stderr
        )
    print(file=sys.stderr)
