"""From annotations and videos (or folders of frames) to checked keyframes and frames.

in    the files that the config's `data` names
out   <results>/data/check.json       what the data set holds, and warnings
      <results>/data/manifest.json    the frames of each video: all later jobs depend on it
      <results>/data/{split}-{purpose}.npz    keyframes and people of one stage
      <resources>/frames/*.zip        on the way: one packed file a video, kept between runs and
                                      shared by configs with the same `resources`

Every fault of the data is listed at once, before anything is trained.
"""

CHECKED = ["annotations", "excluded", "proposals", "detections"]


rule check_data:
    """Reads every annotation file and looks into every video."""
    input:
        unpack(users(data_files(*CHECKED), rule="check_data")),
        code=code("scripts/check_data.py"),
    output:
        "<results>/data/check.json",
    log:
        "<logs>/check_data.log",
    conda:
        "../environment.yml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        settings=as_json(settings.data_settings(config)),
        files=as_json(files_by_split(*CHECKED)),
    shell:
        "python -m scripts.check_data --log {log} --settings {params.settings:q}"
        " --labels {input.labels:q} --files {params.files:q} --output {output}"


rule extract_frames:
    """Packs the frames of each video, or checks those that are there."""
    input:
        unpack(users(data_files("annotations"), rule="extract_frames")),
        check="<results>/data/check.json",
        code=code("scripts/extract_frames.py"),
    output:
        "<results>/data/manifest.json",
    log:
        "<logs>/extract_frames.log",
    benchmark:
        "<benchmarks>/extract_frames.tsv"
    conda:
        "../environment.yml"
    threads: 64
    resources:
        mem_mb=lambda wildcards, threads: 2000 + 500 * threads,
        runtime=720,
    params:
        settings=as_json(settings.data_settings(config)),
        files=as_json(files_by_split("annotations")),
        folder=frames_folder,
    shell:
        "python -m scripts.extract_frames --log {log} --settings {params.settings:q}"
        " --labels {input.labels:q} --files {params.files:q} --folder {params.folder:q}"
        " --processes {threads} --output {output}"


rule select_keyframes:
    """Chooses the keyframes and people that training, testing or the bank works on."""
    input:
        unpack(users(selection_files, rule="select_keyframes")),
        check="<results>/data/check.json",
        code=code("scripts/select_keyframes.py"),
    output:
        "<results>/data/{split}-{purpose}.npz",
    log:
        "<logs>/select_keyframes-{split}-{purpose}.log",
    wildcard_constraints:
        purpose="training|testing|bank",
    conda:
        "../environment.yml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        settings=lambda wildcards: as_json(
            settings.selection_settings(config, wildcards.purpose)
        ),
    shell:
        "python -m scripts.select_keyframes --log {log} --settings {params.settings:q}"
        " --labels {input.labels:q} --annotations {input.annotations:q}"
        " --excluded {input.excluded:q} --proposals {input.proposals:q}"
        " --purpose {wildcards.purpose} --output {output}"
