"""The detected people of a split that has no proposals, and the recall of proposals.

in    a detector's csv (config: data.SPLIT.detections), or the frames and a detector's weights
      (config: detector)
out   <results>/data/{split}-proposals.pkl    a pickle of boxes and scores, as AVA's
      <results>/data/{split}-recall.json      the share of annotated people among the proposals

steps convert a csv, or detect people in pieces of some of the videos and join them; measure recall
"""


rule convert_detections:
    """Convert the csv of a person detector, with boxes in fractions or pixels, to proposals."""
    input:
        unpack(users(detections, rule="convert_detections")),
        manifest="<results>/data/manifest.json",
    output:
        "<results>/data/{split}-proposals.pkl",
    log:
        "<logs>/convert_detections-{split}.log",
    wildcard_constraints:
        split=one_of(inputs.splits_from(config, "detections")),
    localrule: True
    conda:
        "../environment.yml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        *code("convert_detections"),
        program=program("convert_detections"),
    message:
        "{rule}: split {wildcards.split}"
    shell:
        "python {params.program} --log {log} --detections {input.detections:q}"
        " --manifest {input.manifest} --output {output}"


rule detect_people:
    """Detect people in the keyframes of some of a split's videos."""
    input:
        unpack(users(split_files, rule="gather_people")),
        manifest="<results>/data/manifest.json",
        weights=lambda wildcards: required(config["detector"]["weights"]),
    output:
        temp("<results>/data/people/{split}-{scatteritem}.pkl"),
    log:
        "<logs>/people/{split}-{scatteritem}.log",
    benchmark:
        "<benchmarks>/people/{split}-{scatteritem}.tsv"
    wildcard_constraints:
        split=one_of(inputs.splits_from(config, "detector")),
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
        *code("detect_people"),
        program=program("detect_people"),
        settings=settings_file(
            "detect_people", lambda wildcards: settings.detection_settings(config)
        ),
    message:
        "{rule}: split {wildcards.split}, piece {wildcards.scatteritem}"
    shell:
        "python {params.program} --log {log} --settings {params.settings:q}"
        " --labels {input.labels:q} --annotations {input.annotations:q}"
        " --manifest {input.manifest} --weights {input.weights:q}"
        " --device {resources.device} --threads {threads} --workers {resources.workers}"
        " --piece {wildcards.scatteritem} --output {output}"


rule gather_people:
    """Join the detected people of a split's videos."""
    input:
        pieces=gather.people("<results>/data/people/{{split}}-{scatteritem}.pkl"),
    output:
        "<results>/data/{split}-proposals.pkl",
    log:
        "<logs>/people/{split}.log",
    wildcard_constraints:
        split=one_of(inputs.splits_from(config, "detector")),
    localrule: True
    conda:
        "../environment.yml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        *code("gather_people"),
        program=program("gather_people"),
    message:
        "{rule}: split {wildcards.split}"
    shell:
        "python {params.program} --log {log} {input.pieces} --output {output}"


rule measure_proposals:
    """Measure the share of annotated people among the proposals."""
    input:
        unpack(users(selection_files, rule="measure_proposals")),
        check="<results>/data/check.json",
    output:
        "<results>/data/{split}-recall.json",
    log:
        "<logs>/measure_proposals-{split}.log",
    localrule: True
    conda:
        "../environment.yml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        *code("measure_proposals"),
        program=program("measure_proposals"),
        settings=settings_file(
            "measure_proposals",
            lambda wildcards: settings.recall_settings(config, wildcards.split),
        ),
    message:
        "{rule}: split {wildcards.split}"
    shell:
        "python {params.program} --log {log} --settings {params.settings:q}"
        " --labels {input.labels:q} --annotations {input.annotations:q}"
        " --excluded {input.excluded:q} --proposals {input.proposals:q}"
        " --split {wildcards.split} --output {output}"
