"""Import trained models and published banks instead of training and building.

in    a model's `checkpoint` and the `published` banks that the config names
out   <results>/seed-{seed}/{model}/checkpoint.safetensors
      <results>/seed-{seed}/bank/{split}.zarr

step  import each file that the config names
"""


rule import_checkpoint:
    """Import a trained model instead of training one."""
    input:
        source=lambda wildcards: required(
            config["models"][wildcards.model]["checkpoint"]
        ),
        labels=lambda wildcards: required(config["data"]["labels"]),
    output:
        "<results>/seed-{seed}/{model}/checkpoint.safetensors",
    log:
        "<logs>/seed-{seed}/{model}/import.log",
    wildcard_constraints:
        model=one_of(model for model in MODELS if model not in TRAINED),
    localrule: True
    conda:
        "../environment.yml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        *code("import_checkpoint"),
        program=program("import_checkpoint"),
        model_code=model_code("import_checkpoint"),
        settings=settings_file(
            "import_checkpoint",
            lambda wildcards: settings.model_settings(config, wildcards.model),
        ),
    message:
        "{rule}: seed {wildcards.seed}, model {wildcards.model}"
    shell:
        "python {params.program} --log {log} --settings {params.settings:q}"
        " --source {input.source:q} --labels {input.labels:q} --output {output}"


rule import_bank:
    """Import a bank that MMAction2 wrote instead of building one."""
    input:
        unpack(users(published_bank, rule="import_bank")),
        keyframes=lambda wildcards: (
            "<results>/data/train-training.npz"
            if wildcards.split == "train"
            else "<results>/data/val-testing.npz"
        ),
    output:
        directory("<results>/seed-{seed}/bank/{split}.zarr"),
    log:
        "<logs>/seed-{seed}/bank/import-{split}.log",
    wildcard_constraints:
        split=one_of(PUBLISHED_BANKS),
    localrule: True
    conda:
        "../environment.yml"
    resources:
        mem_mb=6000,
        runtime=60,
    params:
        *code("import_bank"),
        program=program("import_bank"),
    message:
        "{rule}: seed {wildcards.seed}, split {wildcards.split}"
    shell:
        "python {params.program} --log {log} --split {wildcards.split}"
        " --source {input.source:q} --keyframes {input.keyframes} --output {output}"
