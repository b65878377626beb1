"""What all stages share: the checked configuration, wildcards and named input functions."""

import json
import shlex
import subprocess
import sys
from itertools import chain
from pathlib import Path

ROOT = Path(workflow.current_basedir.get_path_or_uri(secret_free=False)).parent
sys.path.insert(0, str(ROOT))

from lfb.config import settings, user_files
from lfb.config.checks import check_config
from lfb.config.layers import read_file, read_layers
from lfb.errors import UserError
from lfb.models.signatures import arguments
from lfb.code_digest import sources
from snakemake.exceptions import WorkflowError
from snakemake.pathvars import Pathvars

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
        config, read_file(ROOT / "config/schema.yaml"), arguments("operators")
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


wildcard_constraints:
    seed=r"\d+",
    model="|".join(MODELS),
    split="|".join(SPLITS),


def one_of(names):
    """What constrains a wildcard to some names; where there are none, nothing fits."""
    return "|".join(names) or "(?!)"


def split_files(split):
    """The annotation files of a split, as named inputs; without `excluded` it has none."""
    files = config["data"][split]
    return {
        "labels": config["data"]["labels"],
        "annotations": files["annotations"],
        "excluded": files.get("excluded", []),
    }


def validation_files(wildcards):
    """Those of the validation split."""
    return split_files("val")


def splits_from(*origins):
    """The splits whose people come from there; see ``settings.origin_of_people``."""
    return [
        split for split in SPLITS if settings.origin_of_people(config, split) in origins
    ]


def selection_files(wildcards):
    """Those of a split, with its detected people, or none where the ground truth stands for them."""
    split = wildcards.split
    proposals = config["data"][split].get("proposals", [])
    if split in splits_from("detections", "detector"):
        proposals = f"<results>/data/{split}-proposals.pkl"
    return split_files(split) | {"proposals": proposals}


def split_input(wildcards):
    """The annotation files of a rule's split."""
    return split_files(wildcards.split)


def detections(wildcards):
    """What a detector has written of a split."""
    return {"detections": config["data"][wildcards.split]["detections"]}


def files_by_split(*kinds):
    """The files of each split that are of such kinds, as far as the config names them."""
    return {
        split: {
            kind: path for kind, path in config["data"][split].items() if kind in kinds
        }
        for split in SPLITS
    }


def data_files(*kinds):
    """An input function: the same, the label list and the folder of videos or frames."""
    data = config["data"]
    folder = data.get("videos") or data["frames"]["folder"]
    files = {
        f"{split}_{kind}": path
        for split, named in files_by_split(*kinds).items()
        for kind, path in named.items()
    }
    return lambda wildcards: {"folder": folder, "labels": data["labels"], **files}


def require(paths):
    """Ends the run if one of the user's own files is not there, and names all that are not.

    Not with an exception: Snakemake would take the job for one that cannot run and, where it has
    run before, silently go on with what it made then.
    """
    missing = user_files.missing_files(config)
    if not set(missing.values()).isdisjoint(paths):
        raise SystemExit(f"Error: {user_files.explain_missing(config, missing)}")


def required(path):
    """One of the user's own files, which has to be there."""
    require([path])
    return path


def users(files, rule):
    """An input function: the user's own files, which have to be there.

    Not where the output of ``rule`` is there: who has the frames may delete the videos.
    """

    def present(wildcards):
        made = [path.format(**wildcards) for path in getattr(rules, rule).output]
        if not all(Path(path).exists() for path in made):
            require(filter(None, files(wildcards).values()))
        return files(wildcards)

    return present


def frames_folder(wildcards):
    """Where packed frames lie. Snakemake replaces <resources> in files only, not in params."""
    resources = config.get("pathvars", {}).get("resources", "resources")
    return f"{resources}/frames"


def tell_disk_need():
    """Says what a run will need on disk, while frames of the user's own data are to be extracted."""
    lacking = [
        key for key in user_files.missing_files(config) if key.startswith("data.")
    ]
    manifest, table = rules.extract_frames.output[0], rules.map_table.output[0]
    if "demo" in config or lacking or Path(manifest).exists():
        return
    arguments = {
        "--settings": json.dumps(settings.disk_settings(config)),
        "--labels": config["data"]["labels"],
        "--files": json.dumps(files_by_split("annotations", "proposals")),
        "--frames": frames_folder(None),
        "--results": str(Path(table).parent),
    }
    command = ["python", "-m", "scripts.disk_need", *chain(*arguments.items())]
    subprocess.run(command, check=False)  # an estimate that fails stops no run


def has_bank(model):
    """Whether a model looks up the bank."""
    return config["models"][model]["operator"] is not None


def bank_of(split):
    """An input function: the bank a model looks up, if it has an operator."""
    return lambda wildcards: (
        f"<results>/seed-{wildcards.seed}/bank/{split}.zarr"
        if has_bank(wildcards.model)
        else []
    )


def published_bank(wildcards):
    """The file that the bank of a split is imported from."""
    return {"source": PUBLISHED_BANKS[wildcards.split]}


def bank_options(split):
    """A function for params: the options that name the bank and the file it is imported from."""
    source = PUBLISHED_BANKS.get(split)
    published = f" --published {shlex.quote(source)}" if source else ""
    return lambda wildcards, input: (
        f"--bank {input.bank}{published}" if input.bank else ""
    )


def baseline_of_bank(split):
    """An input function: the checkpoint that built the bank a model looks up."""
    return lambda wildcards: (
        f"<results>/seed-{wildcards.seed}/baseline/checkpoint.safetensors"
        if has_bank(wildcards.model) and split not in PUBLISHED_BANKS
        else []
    )


def initial_weights(model):
    """The file that a model's backbone starts from, if there is one."""
    return required(settings.training_settings(config, model)["weights"]) or []


def of_models(file, seeds, models=MODELS):
    """A file of each model and seed, model by model."""
    return expand(
        "<results>/seed-{seed}/{model}/{file}",
        model=models,
        seed=seeds,
        file=file,
    )


def code(program, models=()):
    """Return the files that a program runs for some models; a change of one reruns its jobs."""
    used = [settings.model_settings(config, model) for model in models]
    return sources(
        program,
        backbones={model["backbone"]["name"] for model in used},
        operators={model["operator"]["name"] for model in used if model["operator"]},
    )


def as_json(value):
    """How a rule hands its part of the configuration to its program.

    As a function, so that Snakemake takes no {video} of a frame pattern for a wildcard.
    """
    text = json.dumps(value, sort_keys=True)
    return lambda wildcards, **given: text
