"""Heads: models whose backbone is the baseline's (`head_only` in the config). They read no frames.

in    the keyframes, the baseline's checkpoint and the banks
out   <results>/seed-{seed}/people/{split}.zarr    features of the people to train on (train) or to
                                                   score (val), in the format of the bank
      <results>/seed-{seed}/{model}/checkpoint.safetensors    the whole model
      <results>/seed-{seed}/{model}/history.jsonl             metrics of each epoch
      <results>/seed-{seed}/{model}/predictions.npz           a score for every box and action

steps compute the features of each split once, in as many pieces as its bank; train the operator and
      the classifier of each model on them; score the people
"""


use rule build_bank_piece as build_people_piece with:
    input:
        keyframes=lambda wildcards: keyframes_of_heads(wildcards.split),
        manifest="<results>/data/manifest.json",
        checkpoint="<results>/seed-{seed}/baseline/checkpoint.safetensors",
    output:
        temp(
            directory("<results>/seed-{seed}/people/pieces/{split}-{scatteritem}.zarr")
        ),
    log:
        "<logs>/seed-{seed}/people/{split}-{scatteritem}.log",
    benchmark:
        "<benchmarks>/seed-{seed}/people/{split}-{scatteritem}.tsv"


use rule gather_bank as gather_people_features with:
    input:
        pieces=gather.bank(
            "<results>/seed-{{seed}}/people/pieces/{{split}}-{scatteritem}.zarr"
        ),
    output:
        directory("<results>/seed-{seed}/people/{split}.zarr"),
    log:
        "<logs>/seed-{seed}/people/{split}.log",
    wildcard_constraints:
        split=one_of(SPLITS),


rule train_head:
    """Train the operator and the classifier of a model."""
    input:
        **files_of_head("train"),
    output:
        checkpoint="<results>/seed-{seed}/{model}/checkpoint.safetensors",
        history="<results>/seed-{seed}/{model}/history.jsonl",
    log:
        "<logs>/seed-{seed}/{model}/train.log",
    benchmark:
        "<benchmarks>/seed-{seed}/{model}/train.tsv"
    wildcard_constraints:
        model=one_of(HEADS),
    conda:
        "../environment.yml"
    resources:
        gpu=1,
        device=config["device"],
        mem_mb=12000,
        runtime=1440,
    params:
        *code("train_head", ["baseline"]),
        program=program("train_head"),
        model_code=model_code("train_head"),
        settings=settings_file(
            "train_head",
            lambda wildcards: settings.training_settings(config, wildcards.model),
        ),
        bank=bank_options("train"),
        saving=saving(lambda wildcards: wildcards.model),
        board=lambda wildcards, input: (
            " --tensorboard"
            if settings.monitoring_settings(config, wildcards.model)["tensorboard"]
            else ""
        ),
    message:
        "{rule}: seed {wildcards.seed}, model {wildcards.model}"
    shell:
        # Without exec, SIGTERM ends the shell, and Snakemake does not wait until the training has saved.
        "exec python {params.program} --log {log} --settings {params.settings:q}"
        " --seed {wildcards.seed} --keyframes {input.keyframes} --people {input.people}"
        " --baseline {input.baseline} {params.bank}"
        " --device {resources.device} --threads {threads}{params.saving}{params.board}"
        " --checkpoint {output.checkpoint} --history {output.history}"


rule predict_head:
    """Score the people in the keyframes of some of the validation videos, from their features."""
    input:
        **files_of_head("val"),
        checkpoint="<results>/seed-{seed}/{model}/checkpoint.safetensors",
    output:
        piece_of(
            "<results>/seed-{seed}/{model}/predictions{piece}.npz", PREDICTION_PIECES
        ),
    log:
        "<logs>/seed-{seed}/{model}/predict{piece}.log",
    benchmark:
        "<benchmarks>/seed-{seed}/{model}/predict{piece}.tsv"
    wildcard_constraints:
        model=one_of(SCORED_AS_HEADS),
    conda:
        "../environment.yml"
    resources:
        gpu=1,
        device=config["device"],
        mem_mb=8000,
        runtime=60,
    params:
        *code("predict_head", ["baseline"]),
        program=program("predict_head"),
        model_code=model_code("predict_head"),
        settings=settings_file(
            "predict_head",
            lambda wildcards: settings.head_prediction_settings(
                config, wildcards.model
            ),
        ),
        bank=bank_options("val"),
        piece=piece_name,
    message:
        "{rule}: seed {wildcards.seed}, model {wildcards.model}, piece {params.piece}"
    shell:
        "python {params.program} --log {log} --settings {params.settings:q} --seed {wildcards.seed}"
        " --keyframes {input.keyframes} --people {input.people} --baseline {input.baseline}"
        " --checkpoint {input.checkpoint} {params.bank}"
        " --device {resources.device} --threads {threads} --piece {params.piece} --output {output}"
