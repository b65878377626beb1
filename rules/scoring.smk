"""From a checkpoint to numbers.

in    a model's checkpoint, the validation split and, for an operator, its bank
out   <results>/seed-{seed}/{model}/predictions.npz    a score for every box and action
      <results>/seed-{seed}/{model}/metrics.json       mAP and AP under three protocols
      <results>/seed-{seed}/{model}/thresholds.json    on request, a threshold for each class
      <results>/seed-{seed}/{model}/submission.csv     on request, for AVA's own script
      <results>/map_table.csv                          a row for each model
      <results>/map_table.json                         the code, settings and metrics it is made of

steps predict each model's scores, in pieces (config: inference.pieces) of some of the videos, and join
      the pieces; evaluate them; compare the models. A single piece is the whole file
"""

PREDICTION_PIECES = config["inference"]["pieces"]
TABLE = settings.table_settings(config)


rule predict:
    """Score the people in the keyframes of some of the validation videos."""
    input:
        keyframes="<results>/data/val-testing.npz",
        manifest="<results>/data/manifest.json",
        checkpoint="<results>/seed-{seed}/{model}/checkpoint.safetensors",
        bank=bank_of("val"),
        baseline=baseline_of_bank("val"),
    output:
        piece_of(
            "<results>/seed-{seed}/{model}/predictions{piece}.npz", PREDICTION_PIECES
        ),
    log:
        "<logs>/seed-{seed}/{model}/predict{piece}.log",
    benchmark:
        "<benchmarks>/seed-{seed}/{model}/predict{piece}.tsv"
    wildcard_constraints:
        model=one_of(model for model in MODELS if model not in SCORED_AS_HEADS),
    conda:
        "../environment.yml"
    threads: 1 + config["workers"]
    resources:
        gpu=1,
        device=config["device"],
        workers=config["workers"],
        mem_mb=8000,
        runtime=240,
    params:
        *code("predict"),
        program=program("predict"),
        model_code=model_code("predict"),
        settings=settings_file(
            "predict",
            lambda wildcards: settings.prediction_settings(config, wildcards.model),
        ),
        bank=bank_options("val"),
        baseline=lambda wildcards, input: (
            f"--baseline {input.baseline}" if input.baseline else ""
        ),
        piece=piece_name,
    message:
        "{rule}: seed {wildcards.seed}, model {wildcards.model}, piece {params.piece}"
    shell:
        "python {params.program} --log {log} --settings {params.settings:q} --seed {wildcards.seed}"
        " --keyframes {input.keyframes} --manifest {input.manifest} --checkpoint {input.checkpoint}"
        " {params.bank} {params.baseline}"
        " --device {resources.device} --threads {threads} --workers {resources.workers}"
        " --piece {params.piece} --output {output}"


if PREDICTION_PIECES > 1:

    rule gather_predictions:
        """Join the pieces of a model's predictions."""
        input:
            pieces=gather.predictions(
                "<results>/seed-{{seed}}/{{model}}/predictions-{scatteritem}.npz"
            ),
        output:
            "<results>/seed-{seed}/{model}/predictions.npz",
        log:
            "<logs>/seed-{seed}/{model}/gather_predictions.log",
        localrule: True
        conda:
            "../environment.yml"
        params:
            *code("gather_predictions"),
            program=program("gather_predictions"),
        message:
            "{rule}: seed {wildcards.seed}, model {wildcards.model}"
        shell:
            "python {params.program} --log {log} {input.pieces} --output {output}"


rule evaluate:
    """Measure a model's predictions under the three public protocols."""
    input:
        unpack(users(validation_files, rule="evaluate")),
        predictions="<results>/seed-{seed}/{model}/predictions.npz",
    output:
        "<results>/seed-{seed}/{model}/metrics.json",
    log:
        "<logs>/seed-{seed}/{model}/evaluate.log",
    localrule: True
    conda:
        "../environment.yml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        *code("evaluate"),
        program=program("evaluate"),
        settings=settings_file("evaluate", {"unscored": config["data"]["unscored"]}),
    message:
        "{rule}: seed {wildcards.seed}, model {wildcards.model}"
    shell:
        "python {params.program} --log {log} --settings {params.settings:q}"
        " --labels {input.labels:q} --annotations {input.annotations:q}"
        " --excluded {input.excluded:q} --predictions {input.predictions} --output {output}"


rule choose_thresholds:
    """Choose the threshold of each class with the best F1, if you ask for the file."""
    input:
        unpack(users(validation_files, rule="choose_thresholds")),
        predictions="<results>/seed-{seed}/{model}/predictions.npz",
    output:
        "<results>/seed-{seed}/{model}/thresholds.json",
    log:
        "<logs>/seed-{seed}/{model}/choose_thresholds.log",
    localrule: True
    conda:
        "../environment.yml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        *code("choose_thresholds"),
        program=program("choose_thresholds"),
        settings=settings_file("choose_thresholds", settings.threshold_settings(config)),
    message:
        "{rule}: seed {wildcards.seed}, model {wildcards.model}"
    shell:
        "python {params.program} --log {log} --settings {params.settings:q}"
        " --labels {input.labels:q} --annotations {input.annotations:q}"
        " --excluded {input.excluded:q} --predictions {input.predictions} --output {output}"


rule submission:
    """Write predictions as an AVA submission, if you ask for the file."""
    input:
        predictions="<results>/seed-{seed}/{model}/predictions.npz",
    output:
        "<results>/seed-{seed}/{model}/submission.csv",
    log:
        "<logs>/seed-{seed}/{model}/submission.log",
    localrule: True
    conda:
        "../environment.yml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        *code("write_submission"),
        program=program("write_submission"),
    message:
        "{rule}: seed {wildcards.seed}, model {wildcards.model}"
    shell:
        "python {params.program} --log {log}"
        " --predictions {input.predictions} --output {output}"


rule map_table:
    """Compare the mAP of all models."""
    input:
        metrics=of_models("metrics.json", SEEDS, TABLE["models"]),
    output:
        table="<results>/map_table.csv",
        origin="<results>/map_table.json",
    log:
        "<logs>/map_table.log",
    localrule: True
    conda:
        "../environment.yml"
    params:
        *code("map_table"),
        program=program("map_table"),
        settings=settings_file("map_table", TABLE),
        models=list(TABLE["models"]),
    message:
        "{rule}: compare the models"
    shell:
        "python {params.program} --log {log} --settings {params.settings:q}"
        " --models {params.models} --metrics {input.metrics} --output {output.table} --origin {output.origin}"
