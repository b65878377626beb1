"""Targets to ask for by name, such as ``snakemake --cores all frames``.

in    the outputs of the other stages
out   nothing
"""


rule frames:
    """The frames of all videos, checked."""
    input:
        "<results>/data/manifest.json",
    message:
        "{rule}: ready"


rule proposals:
    """The detected people of all splits, and the share of annotated people among them."""
    input:
        expand(
            "<results>/data/{split}-recall.json",
            split=inputs.splits_from(config, "proposals", "detections", "detector"),
        ),
    message:
        "{rule}: ready"


rule banks:
    """The feature banks of all splits."""
    input:
        expand(
            "<results>/seed-{seed}/bank/{split}.zarr",
            seed=SEEDS,
            split=SPLITS,
        ),
    message:
        "{rule}: ready"


rule thresholds:
    """The thresholds of all models, a threshold for each class."""
    input:
        of_models("thresholds.json", SEEDS),
    message:
        "{rule}: ready"


# A target for each model by its name: `snakemake --cores all lfb_max`.
for model in MODELS:

    rule:
        name:
            model
        input:
            expand(
                "<results>/seed-{seed}/{model}/metrics.json", seed=SEEDS, model=model
            ),
        message:
            "{rule}: ready"
