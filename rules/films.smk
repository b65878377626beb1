"""Films and pages of stills with the boxes of one video, on request, to look at before a training.

in    the annotations or proposals of a split, or a model's predictions; the video or its frames
out   <results>/films/{split}/ground_truth/{video}.mp4    the annotated people and actions
      <results>/films/{split}/proposals/{video}.mp4       the detected people and their scores
      <results>/films/val/{model}/{video}.mp4             the actions that a model finds
      with .html in place of .mp4: a page with a still of each second

step  draw the boxes into the frames. Frames that are missing are extracted, of this video alone
"""


# A name may begin with a dash, as in AVA, so `--video=` it is.
rule show_data:
    """Show the ground truth or the proposals of one video."""
    input:
        unpack(users(shown_files, rule="show_data")),
    output:
        "<results>/films/{split}/{shown}/{video}.{kind}",
    log:
        "<logs>/films/{split}/{shown}/{video}.{kind}.log",
    wildcard_constraints:
        shown="ground_truth|proposals",
        kind="mp4|html",
    conda:
        "../environment.yml"
    threads: 2
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        *code("show_boxes"),
        *templates("lfb/report"),
        program=program("show_boxes"),
        settings=settings_file(
            "show_boxes",
            lambda wildcards: settings.film_settings(config, wildcards.split),
        ),
        folder=FRAMES,
    message:
        "{rule}: split {wildcards.split}, {wildcards.shown} of {wildcards.video}"
    shell:
        "python {params.program} --log {log:q} --settings {params.settings:q}"
        " --split {wildcards.split} --shown {wildcards.shown} --video={wildcards.video:q}"
        " --labels {input.labels:q} --annotations {input.annotations:q}"
        " --excluded {input.excluded:q} --proposals {input.proposals:q}"
        " --folder {params.folder:q} --threads {threads} --output {output:q}"


rule show_predictions:
    """Show the actions that a model finds in one video of the validation split."""
    input:
        unpack(users(validation_files, rule="show_predictions")),
        predictions=f"<results>/seed-{SEEDS[0]}/{{model}}/predictions.npz",
        thresholds=f"<results>/seed-{SEEDS[0]}/{{model}}/thresholds.json",
    output:
        "<results>/films/val/{model}/{video}.{kind}",
    log:
        "<logs>/films/val/{model}/{video}.{kind}.log",
    wildcard_constraints:
        kind="mp4|html",
    conda:
        "../environment.yml"
    threads: 2
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        *code("show_boxes"),
        *templates("lfb/report"),
        program=program("show_boxes"),
        settings=settings_file("show_boxes", settings.film_settings(config, "val")),
        folder=FRAMES,
    message:
        "{rule}: model {wildcards.model}, predictions of {wildcards.video}"
    shell:
        "python {params.program} --log {log:q} --settings {params.settings:q}"
        " --split val --shown {wildcards.model} --video={wildcards.video:q}"
        " --labels {input.labels:q} --annotations {input.annotations:q}"
        " --excluded {input.excluded:q} --predictions {input.predictions}"
        " --thresholds {input.thresholds}"
        " --folder {params.folder:q} --threads {threads} --output {output:q}"
