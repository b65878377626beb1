"""The keyframes and people of each stage.

in    the annotations and proposals of a split, and <results>/data/check.json
out   <results>/data/{split}-{purpose}.npz    for training, for testing, or for the bank

step  select keyframes and boxes by score
"""


rule select_keyframes:
    """Select the keyframes and boxes for training, for testing or for the bank."""
    input:
        unpack(users(selection_files, rule="select_keyframes")),
        check="<results>/data/check.json",
    output:
        "<results>/data/{split}-{purpose}.npz",
    log:
        "<logs>/select_keyframes-{split}-{purpose}.log",
    wildcard_constraints:
        purpose="training|testing|bank",
    localrule: True
    conda:
        "../environment.yml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        *code("select_keyframes"),
        program=program("select_keyframes"),
        settings=settings_file(
            "select_keyframes",
            lambda wildcards: settings.selection_settings(config, wildcards.purpose),
        ),
    message:
        "{rule}: split {wildcards.split}, purpose {wildcards.purpose}"
    shell:
        "python {params.program} --log {log} --settings {params.settings:q}"
        " --labels {input.labels:q} --annotations {input.annotations:q}"
        " --excluded {input.excluded:q} --proposals {input.proposals:q}"
        " --check {input.check} --split {wildcards.split} --purpose {wildcards.purpose}"
        " --output {output}"
