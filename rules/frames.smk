"""The frames of the videos, packed; folders of frames that you have are used in place.

in    the videos (or folders of frames) that the config's `data` names, and <results>/data/check.json
out   <results>/data/manifest.json    the frames of each video: all later jobs depend on it
      <resources>/frames/*.zip        one zip per video. They are not outputs: they are kept
                                      between runs, and configs with the same `resources` share them

step  extract and pack missing frames, and check all frames
"""


rule extract_frames:
    """Pack the frames of each video, or check the frames that you have."""
    input:
        unpack(users(data_files("annotations"), rule="extract_frames")),
        check="<results>/data/check.json",
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
        *code("extract_frames"),
        program=program("extract_frames"),
        settings=settings_file(
            "extract_frames",
            {
                **settings.data_settings(config),
                "files": inputs.files_by_split(config, ["annotations"]),
            },
        ),
        folder=FRAMES,
    message:
        "{rule}: pack or check the frames of all videos"
    shell:
        "python {params.program} --log {log} --settings {params.settings:q}"
        " --labels {input.labels:q} --folder {params.folder:q}"
        " --processes {threads} --output {output}"
