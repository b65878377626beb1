"""The models with a long-term feature bank: the entries of the config's `models` with an operator.

in    the training split, the manifest and the training bank; those of validation to watch the mAP
out   <results>/seed-{seed}/{model}/checkpoint.safetensors
      <results>/seed-{seed}/{model}/history.jsonl    metrics of each epoch, as they come

step  train one model for each entry
"""


rule train_lfb:
    """Train a model whose operator reads the bank."""
    input:
        keyframes="<results>/data/train-training.npz",
        manifest="<results>/data/manifest.json",
        bank="<results>/seed-{seed}/bank/train.zarr",
        weights=lambda wildcards: initial_weights(wildcards.model),
        validation=for_validation(
            "<results>/data/val-testing.npz", lambda wildcards: wildcards.model
        ),
        validation_bank=for_validation(
            "<results>/seed-{seed}/bank/val.zarr", lambda wildcards: wildcards.model
        ),
    output:
        checkpoint="<results>/seed-{seed}/{model}/checkpoint.safetensors",
        history="<results>/seed-{seed}/{model}/history.jsonl",
    log:
        "<logs>/seed-{seed}/{model}/train.log",
    benchmark:
        "<benchmarks>/seed-{seed}/{model}/train.tsv"
    wildcard_constraints:
        model=one_of(
            model for model in TRAINED if has_bank(model) and model not in HEADS
        ),
    conda:
        "../environment.yml"
    threads: 1 + config["workers"]
    resources:
        **on_each_node("train_lfb"),
        gpu=1,
        nodes=1,
        device=config["device"],
        workers=config["workers"],
        mem_mb=12000,
        runtime=1440,
    params:
        *code("train"),
        program=program("train"),
        model_code=model_code("train"),
        settings=settings_file(
            "train",
            lambda wildcards: settings.training_settings(config, wildcards.model),
        ),
        bank=bank_options("train"),
        saving=saving(lambda wildcards: wildcards.model),
        monitoring=monitoring(lambda wildcards: wildcards.model),
    message:
        "{rule}: seed {wildcards.seed}, model {wildcards.model}"
    shell:
        # Without exec, SIGTERM ends the shell, and Snakemake does not wait until the training has saved.
        "exec python {params.program} --log {log} --settings {params.settings:q}"
        " --seed {wildcards.seed}"
        " --keyframes {input.keyframes} --manifest {input.manifest} {params.bank}"
        " --device {resources.device} --processes {resources.gpu} --nodes {resources.nodes}"
        " --threads {threads} --workers {resources.workers}{params.monitoring}{params.saving}"
        " --checkpoint {output.checkpoint} --history {output.history}"
