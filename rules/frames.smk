"""From videos (or folders of frames) to checked frames.

in    the files that the config's `data` names
out   <results>/data/check.json       what the data set holds, and warnings
      <resources>/frames/manifest.json    the frames of each video: all later jobs depend on it
      <resources>/frames/*.zip        beside it: one packed file a video, kept between runs

Every fault of the data is listed at once, before anything is trained.
"""


rule check_data:
    """Reads every annotation file and looks into every video."""
    input:
        unpack(all_data_files),
        code=code("scripts/check_data.py"),
    output:
        "<results>/data/check.json",
    log:
        "<logs>/check_data.log",
    params:
        settings=as_json(settings.data_settings(config)),
        files=as_json({split: split_files(split) for split in ("train", "val")}),
    resources:
        mem_mb=4000,
        runtime=60,
    conda:
        "../environment.yml"
    shell:
        "python -m scripts.check_data --log {log} --settings {params.settings:q}"
        " --files {params.files:q} --output {output}"


rule extract_frames:
    """Packs the frames of each video, or checks those that are there."""
    input:
        unpack(all_data_files),
        check="<results>/data/check.json",
        code=code("scripts/extract_frames.py"),
    output:
        "<resources>/frames/manifest.json",
    log:
        "<logs>/extract_frames.log",
    benchmark:
        "<benchmarks>/extract_frames.tsv"
    params:
        settings=as_json(settings.data_settings(config)),
        files=as_json({split: split_files(split) for split in ("train", "val")}),
    threads: 64
    resources:
        mem_mb=lambda wildcards, threads: 2000 + 500 * threads,
        runtime=720,
    conda:
        "../environment.yml"
    shell:
        "python -m scripts.extract_frames --log {log} --settings {params.settings:q}"
        " --files {params.files:q} --processes {threads}"
        " --output {output}"
