"""The frames of the videos, packed; folders of frames that you have are used in place.

in    the videos (or folders of frames) that the config's `data` names, and <results>/data/check.json
out   <results>/data/manifest.json    the frames of each video: all later jobs depend on it
      <resources>/frames/*.zip        one zip per video. They are not outputs: they are kept
                                      between runs, and configs with the same `resources` share them

steps extract and pack missing frames, and check all frames, in pieces (config: frames.pieces) of some
      of the videos; join the pieces of the manifest. A single piece is the manifest itself
"""

FRAME_PIECES = config["frames"]["pieces"]
MANIFEST_RULE = "extract_frames" if FRAME_PIECES == 1 else "gather_frames"


rule extract_frames:
    """Pack the frames of some of the videos, or check the frames that you have."""
    input:
        unpack(users(data_files("annotations"), rule=MANIFEST_RULE)),
        check="<results>/data/check.json",
    output:
        piece_of("<results>/data/manifest{piece}.json", FRAME_PIECES),
    log:
        "<logs>/extract_frames{piece}.log",
    benchmark:
        "<benchmarks>/extract_frames{piece}.tsv"
    conda:
        "../environment.yml"
    threads: 8
    resources:
        mem_mb=lambda wildcards, threads: 4000 + 500 * threads,
        runtime=240,
    params:
        *code("extract_frames"),
        program=program("extract_frames"),
        settings=settings_file(
            "extract_frames",
            settings.check_settings(config),
        ),
        folder=FRAMES,
        piece=piece_name,
    message:
        "{rule}: pack or check the frames, piece {params.piece}"
    shell:
        "python {params.program} --log {log} --settings {params.settings:q}"
        " --check {input.check} --folder {params.folder:q}"
        " --processes {threads} --piece {params.piece} --output {output}"


if FRAME_PIECES > 1:

    rule gather_frames:
        """Join the pieces of the manifest."""
        input:
            pieces=gather.frames("<results>/data/manifest-{scatteritem}.json"),
        output:
            "<results>/data/manifest.json",
        log:
            "<logs>/gather_frames.log",
        localrule: True
        conda:
            "../environment.yml"
        params:
            *code("gather_frames"),
            program=program("gather_frames"),
            settings=settings_file("gather_frames", config["data"].get("expected", {})),
        message:
            "{rule}: join the manifest of all videos"
        shell:
            "python {params.program} --log {log} --settings {params.settings:q}"
            " {input.pieces} --output {output}"
