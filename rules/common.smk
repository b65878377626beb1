"""What all stages share: the checked config, wildcards and named input functions."""

import shlex
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

from lfb.config import inputs, settings, user_files, watch
from lfb.config.checks import check_config
from lfb.config.layers import read_file, read_layers
from lfb.errors import UserError
from lfb.models.signatures import arguments

# Snakemake merges config files in the order of the command line and ignores their `base`.
# A module gets its config from the workflow that uses it.
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
    # Not a WorkflowError, which would point to this line instead of the config.
    raise SystemExit(f"Error: {error}") from None

workflow.pathvars.update(Pathvars.from_config(config))
workflow.configfiles += [
    file for file in config_files if file not in workflow.configfiles
]

MODELS = list(config["models"])
SEEDS = config["seeds"]
SPLITS = settings.splits(config)
TRAINED = settings.trained(config)
HEADS = settings.heads(config)
SCORED_AS_HEADS = settings.scored_as_heads(config)
PUBLISHED_BANKS = settings.published_banks(config)


wildcard_constraints:
    seed=r"\d+",
    model="|".join(MODELS),
    split="|".join(SPLITS),


def one_of(names):
    """Return a wildcard constraint that matches only these names."""
    return "|".join(names) or "(?!)"  # no name: nothing matches


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

    They need not exist if the output of `rule` exists: you may delete the videos once you have their
    frames.
    """

    def present(wildcards):
        outputs = [path.format(**wildcards) for path in getattr(rules, rule).output]
        if not all(Path(path).exists() for path in outputs):
            require(filter(None, files(wildcards).values()))
        return files(wildcards)

    return present


def piece_of(file, count):
    """Return the output of a job that makes one of `count` pieces of a file.

    `{piece}` in its name becomes `-1-of-4`. The pieces are temporary: another job gathers them. A
    single piece is the file itself, with an empty `{piece}`.
    """
    if count == 1:
        return file.replace("{piece}", "{piece,(?:)}")
    return temp(file.replace("{piece}", r"{piece,-\d+-of-\d+}"))


def piece_name(wildcards):
    """Return the piece that a job makes, such as `1-of-4`."""
    return wildcards.piece.removeprefix("-") or "1-of-1"


def split_files(wildcards):
    """Return the annotation files of the rule's split."""
    return inputs.split_files(config, wildcards.split)


def validation_files(wildcards):
    """Return the annotation files of the validation split."""
    return inputs.split_files(config, "val")


def selection_files(wildcards):
    """Return the annotation files of the rule's split, and its proposals if it has any."""
    made = f"<results>/data/{wildcards.split}-proposals.pkl"
    return inputs.selection_files(config, wildcards.split, made)


def shown_files(wildcards):
    """Return the files that a film of a split's ground truth or proposals needs."""
    if wildcards.shown == "ground_truth":
        return {**split_files(wildcards), "proposals": []}
    return selection_files(wildcards)


def data_files(*kinds):
    """Return an input function: the files of these kinds, of all splits."""
    return lambda wildcards: inputs.data_files(config, kinds)


def file_of_kind(wildcards):
    """Return the user's file of the rule's split and kind."""
    return {"source": config["data"][wildcards.split][wildcards.kind]}


def detections(wildcards):
    """Return the csv of a person detector for the rule's split."""
    files = inputs.checked_files(config, wildcards.split)
    return {"detections": files["detections"]}


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


def for_validation(file, model):
    """Return an input function: a file with which the training of a model is validated.

    It is ancient unless the model takes its best epoch: a new one trains nothing again. It is an
    input in any case, because Snakemake trains again when the set of inputs changes.
    """
    return lambda wildcards: (
        file if settings.takes_best(config, model(wildcards)) else ancient(file)
    )


def bank_options(split):
    """Return a params function: the options that name the bank and its published file."""
    source = PUBLISHED_BANKS.get(split)
    published = f" --published {shlex.quote(source)}" if source else ""
    return lambda wildcards, input: (
        f"--bank {input.bank}{published}" if input.bank else ""
    )


def saving(model):
    """Return a params function: options of a training that change no result.

    They say how often it saves within an epoch, and how many trainings to keep. Snakemake ignores the
    result when it compares params, because the function takes `input`.
    """

    def options(wildcards, input):
        chosen = settings.saving_settings(config, model(wildcards))
        minutes = chosen["save_minutes"]
        within = "" if minutes is None else f" --save-minutes {minutes}"
        return f"{within} --keep {chosen['keep']}"

    return options


def on_each_node(rule):
    """Return resources: what Slurm needs if the profile sets `nodes` above 1 for a training rule.

    Each node gets one task and its share of the GPUs. With `mpi`, the plugin starts the command on the
    first node, with all nodes at hand; the program starts the processes there.
    """

    def asked(name, wildcards):
        resource = getattr(rules, rule).rule.resources.get(name)
        known = dict(input=[], attempt=1, threads=1, rulename=rule, async_run=None)
        return resource and resource.evaluate(wildcards, **known).value

    def with_several(value):
        def evaluate(wildcards):
            nodes = asked("nodes", wildcards) or 1
            return value(wildcards, nodes) if nodes > 1 else None

        return evaluate

    def gpus(wildcards, nodes):
        model = asked("gpu_model", wildcards)
        share = asked("gpu", wildcards) // nodes
        return f"gpu:{model}:{share}" if model else f"gpu:{share}"

    return {
        "mpi": with_several(lambda wildcards, nodes: "srun"),
        "tasks": with_several(lambda wildcards, nodes: nodes),
        "tasks_per_gpu": with_several(lambda wildcards, nodes: 0),
        "gres": with_several(gpus),
    }


def baseline_of_bank(split):
    """Return an input function: the checkpoint that built the bank of the rule's model."""
    return lambda wildcards: (
        f"<results>/seed-{wildcards.seed}/baseline/checkpoint.safetensors"
        if has_bank(wildcards.model) and split not in PUBLISHED_BANKS
        else []
    )


def keyframes_of_heads(split):
    """Return the keyframes of a split that heads train on, or score."""
    purpose = "training" if split == "train" else "testing"
    return f"<results>/data/{split}-{purpose}.npz"


def files_of_head(split):
    """Return inputs: the keyframes of a split, the features of their people, and their origin."""
    return dict(
        keyframes=keyframes_of_heads(split),
        people=f"<results>/seed-{{seed}}/people/{split}.zarr",
        baseline="<results>/seed-{seed}/baseline/checkpoint.safetensors",
        bank=bank_of(split),
    )


def of_models(file, seeds, models=MODELS):
    """Return this file of each model and seed, model by model."""
    return expand(
        "<results>/seed-{seed}/{model}/{file}",
        model=models,
        seed=seeds,
        file=file,
    )
