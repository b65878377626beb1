"""From a checkpoint to numbers.

in    a model's checkpoint, the validation split and, for an operator, its bank
out   <results>/seed-{seed}/{model}/predictions.npz    a score for every box and action
      <results>/seed-{seed}/{model}/metrics.json       mAP and AP under three protocols
      <results>/seed-{seed}/{model}/submission.csv     on request, for AVA's own script
      <results>/map_table.csv                          a row for each model
"""


rule predict:
    """Scores the people in the validation keyframes."""
    input:
        keyframes="<results>/data/val-testing.npz",
        manifest="<results>/data/manifest.json",
        checkpoint="<results>/seed-{seed}/{model}/checkpoint.safetensors",
        bank=bank_of("val"),
        baseline=baseline_of_bank("val"),
        code=lambda wildcards: code("scripts/predict.py", [wildcards.model]),
    output:
        "<results>/seed-{seed}/{model}/predictions.npz",
    log:
        "<logs>/seed-{seed}/{model}/predict.log",
    benchmark:
        "<benchmarks>/seed-{seed}/{model}/predict.tsv"
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
        settings=lambda wildcards: as_json(
            settings.prediction_settings(config, wildcards.model)
        ),
        bank=bank_options("val"),
        baseline=lambda wildcards, input: (
            f"--baseline {input.baseline}" if input.baseline else ""
        ),
    shell:
        "python -m scripts.predict --log {log} --settings {params.settings:q} --seed {wildcards.seed}"
        " --keyframes {input.keyframes} --manifest {input.manifest} --checkpoint {input.checkpoint}"
        " {params.bank} {params.baseline}"
        " --device {resources.device} --threads {threads} --workers {resources.workers} --output {output}"


rule evaluate:
    """Measures a model's predictions under the three public protocols."""
    input:
        unpack(users(validation_files, rule="evaluate")),
        predictions="<results>/seed-{seed}/{model}/predictions.npz",
        code=code("scripts/evaluate.py"),
    output:
        "<results>/seed-{seed}/{model}/metrics.json",
    log:
        "<logs>/seed-{seed}/{model}/evaluate.log",
    conda:
        "../environment.yml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        settings=as_json({"unscored": config["data"]["unscored"]}),
    shell:
        "python -m scripts.evaluate --log {log} --settings {params.settings:q}"
        " --labels {input.labels:q} --annotations {input.annotations:q}"
        " --excluded {input.excluded:q} --predictions {input.predictions} --output {output}"


rule submission:
    """Writes predictions as an AVA submission, for those who ask for the file."""
    input:
        predictions="<results>/seed-{seed}/{model}/predictions.npz",
        code=code("scripts/write_submission.py"),
    output:
        "<results>/seed-{seed}/{model}/submission.csv",
    log:
        "<logs>/seed-{seed}/{model}/submission.log",
    conda:
        "../environment.yml"
    resources:
        mem_mb=4000,
        runtime=30,
    shell:
        "python -m scripts.write_submission --log {log}"
        " --predictions {input.predictions} --output {output}"


rule map_table:
    """Puts the models' mAP side by side."""
    input:
        **{
            model: expand(
                "<results>/seed-{seed}/{model}/metrics.json", seed=SEEDS, model=model
            )
            for model in MODELS
        },
        code=code("scripts/map_table.py"),
    output:
        "<results>/map_table.csv",
    log:
        "<logs>/map_table.log",
    conda:
        "../environment.yml"
    params:
        settings=as_json(settings.table_settings(config)),
        metrics=lambda wildcards, input: as_json(
            {model: input[model] for model in MODELS}
        ),
    shell:
        "python -m scripts.map_table --log {log} --settings {params.settings:q}"
        " --metrics {params.metrics:q} --output {output}"


# A target for each model by its name: `snakemake --cores all lfb_max`.
for model in MODELS:

    rule:
        name:
            model
        input:
            expand(
                "<results>/seed-{seed}/{model}/metrics.json", seed=SEEDS, model=model
            ),
