"""The people detected in a split that comes without proposals, and how good proposals are.

in    a detector's csv (config: data.SPLIT.detections), or the frames and a detector's weights
      (config: detector)
out   <results>/data/{split}-proposals.pkl    a pickle of boxes and scores, as AVA's
      <results>/data/{split}-recall.json      how many of the annotated people the proposals are
"""


rule convert_detections:
    """Makes proposals of a detector's csv, its boxes in fractions of the frame or in pixels."""
    input:
        unpack(users(detections, rule="convert_detections")),
        manifest="<results>/data/manifest.json",
        code=code("scripts/convert_detections.py"),
    output:
        "<results>/data/{split}-proposals.pkl",
    log:
        "<logs>/convert_detections-{split}.log",
    wildcard_constraints:
        split=one_of(splits_from("detections")),
    conda:
        "../environment.yml"
    resources:
        mem_mb=4000,
        runtime=30,
    shell:
        "python -m scripts.convert_detections --log {log} --detections {input.detections:q}"
        " --manifest {input.manifest} --output {output}"


rule detect_people:
    """Looks for people in the keyframes of some of a split's videos."""
    input:
        unpack(users(split_input, rule="detect_people")),
        manifest="<results>/data/manifest.json",
        weights=lambda wildcards: required(config["detector"]["weights"]),
        code=code("scripts/detect_people.py"),
    output:
        "<results>/data/people/{split}-{scatteritem}.pkl",
    log:
        "<logs>/people/{split}-{scatteritem}.log",
    benchmark:
        "<benchmarks>/people/{split}-{scatteritem}.tsv"
    wildcard_constraints:
        split=one_of(splits_from("detector")),
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
        settings=lambda wildcards: as_json(settings.detection_settings(config)),
    shell:
        "python -m scripts.detect_people --log {log} --settings {params.settings:q}"
        " --labels {input.labels:q} --annotations {input.annotations:q}"
        " --manifest {input.manifest} --weights {input.weights:q}"
        " --device {resources.device} --threads {threads} --workers {resources.workers}"
        " --piece {wildcards.scatteritem} --output {output}"


rule gather_people:
    """Puts the people of all videos of a split together."""
    input:
        pieces=gather.people("<results>/data/people/{{split}}-{scatteritem}.pkl"),
        code=code("scripts/gather_people.py"),
    output:
        "<results>/data/{split}-proposals.pkl",
    log:
        "<logs>/people/{split}.log",
    wildcard_constraints:
        split=one_of(splits_from("detector")),
    conda:
        "../environment.yml"
    resources:
        mem_mb=4000,
        runtime=30,
    shell:
        "python -m scripts.gather_people --log {log} {input.pieces} --output {output}"


rule measure_proposals:
    """Counts the annotated people that the proposals show."""
    input:
        unpack(users(selection_files, rule="measure_proposals")),
        check="<results>/data/check.json",
        code=code("scripts/measure_proposals.py"),
    output:
        "<results>/data/{split}-recall.json",
    log:
        "<logs>/measure_proposals-{split}.log",
    conda:
        "../environment.yml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        settings=lambda wildcards: as_json(
            settings.recall_settings(config, wildcards.split)
        ),
    shell:
        "python -m scripts.measure_proposals --log {log} --settings {params.settings:q}"
        " --labels {input.labels:q} --annotations {input.annotations:q}"
        " --excluded {input.excluded:q} --proposals {input.proposals:q}"
        " --split {wildcards.split} --output {output}"
