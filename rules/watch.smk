"""Films that have no annotations, on request: `snakemake --cores all watch --config watch=my.mp4`.

in    films that the config's `watch` names, the label list, the models' checkpoints, and a person
      detector or a file of boxes
out   <results>/watch/{video}.mp4     the film with boxes, numbers of people, actions and scores
      <results>/watch/{video}.csv     all scores
      <results>/watch/{video}.html    a page: the film beside a timeline
      <results>/watch/work/           what lies between; the frames need the most space

steps for each film: extract frames; find people; build a bank with the baseline of the first seed;
      score the people with every model; write the film and the page
"""


include: "watch_inputs.smk"


wildcard_constraints:
    video="(?!work/).+",


rule watch:
    """The films that the config's `watch` names, with a page and a table for each."""
    input:
        lambda wildcards: expand(
            "<results>/watch/{video}.{kind}",
            video=watched(watch.films),
            kind=["mp4", "csv", "html"],
        ),
    message:
        "{rule}: ready"


rule watch_frames:
    """Pack the frames of a film."""
    input:
        video=film,
    output:
        "<results>/watch/work/{video}/manifest.json",
    log:
        "<logs>/watch/{video}/frames.log",
    conda:
        "../environment.yml"
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        *code("watch_frames"),
        program=program("watch_frames"),
        settings=settings_file("watch_frames", {"fps": config["data"]["fps"]}),
        folder=FILM_FRAMES,
    message:
        "{rule}: video {wildcards.video}"
    shell:
        "python {params.program} --log {log:q} --settings {params.settings:q}"
        " --name={wildcards.video:q} --video {input.video:q} --folder {params.folder:q}"
        " --output {output:q}"


rule watch_people:
    """Find the people of a film, and choose whom to score and who enters the bank."""
    input:
        unpack(film_boxes),
        labels=lambda wildcards: required(config["data"]["labels"]),
        manifest="<results>/watch/work/{video}/manifest.json",
    output:
        testing="<results>/watch/work/{video}/testing.npz",
        bank="<results>/watch/work/{video}/bank.npz",
    log:
        "<logs>/watch/{video}/people.log",
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
        *code("watch_people"),
        program=program("watch_people"),
        settings=settings_file(
            "watch_people", lambda wildcards: watched(watch.people_settings)
        ),
        boxes=lambda wildcards, input: " ".join(
            f"--{kind} {shlex.quote(input[kind])}" for kind in film_boxes(wildcards)
        ),
    message:
        "{rule}: video {wildcards.video}"
    shell:
        "python {params.program} --log {log:q} --settings {params.settings:q}"
        " --labels {input.labels:q} --name={wildcards.video:q} --manifest {input.manifest:q}"
        " {params.boxes} --device {resources.device} --threads {threads}"
        " --workers {resources.workers} --testing {output.testing:q} --bank {output.bank:q}"


rule watch_bank:
    """Compute the features of the people of a film."""
    input:
        keyframes="<results>/watch/work/{video}/bank.npz",
        manifest="<results>/watch/work/{video}/manifest.json",
        checkpoint=film_checkpoint("baseline"),
    output:
        directory("<results>/watch/work/{video}/bank.zarr"),
    log:
        "<logs>/watch/{video}/bank.log",
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
        *code("build_bank", ["baseline"]),
        program=program("build_bank"),
        settings=settings_file("build_bank", settings.bank_settings(config)),
    message:
        "{rule}: video {wildcards.video}"
    shell:
        "python {params.program} --log {log:q} --settings {params.settings:q}"
        " --keyframes {input.keyframes:q} --manifest {input.manifest:q}"
        " --checkpoint {input.checkpoint} --device {resources.device} --threads {threads}"
        " --workers {resources.workers} --split watch --output {output:q}"


rule watch_predict:
    """Score the people of a film with a model."""
    input:
        keyframes="<results>/watch/work/{video}/testing.npz",
        manifest="<results>/watch/work/{video}/manifest.json",
        checkpoint=lambda wildcards: film_checkpoint(wildcards.model),
        bank=lambda wildcards: (
            "<results>/watch/work/{video}/bank.zarr"
            if has_bank(wildcards.model)
            else []
        ),
        baseline=lambda wildcards: (
            film_checkpoint("baseline") if has_bank(wildcards.model) else []
        ),
    output:
        predictions="<results>/watch/work/{video}/{model}/predictions.npz",
        attention="<results>/watch/work/{video}/{model}/attention.npz",
    log:
        "<logs>/watch/{video}/{model}.log",
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
        *code("watch_predict"),
        program=program("watch_predict"),
        model_code=model_code("watch_predict"),
        settings=settings_file(
            "predict",
            lambda wildcards: settings.prediction_settings(config, wildcards.model),
        ),
        seed=FILM_SEED,
        bank=lambda wildcards, input: (
            f"--bank {shlex.quote(input.bank)} --baseline {shlex.quote(input.baseline)}"
            if input.bank
            else ""
        ),
    message:
        "{rule}: video {wildcards.video}, model {wildcards.model}"
    shell:
        "python {params.program} --log {log:q} --settings {params.settings:q} --seed {params.seed}"
        " --keyframes {input.keyframes:q} --manifest {input.manifest:q}"
        " --checkpoint {input.checkpoint} {params.bank} --device {resources.device}"
        " --threads {threads} --workers {resources.workers}"
        " --output {output.predictions:q} --attention {output.attention:q}"


rule watch_film:
    """Draw boxes and actions into a film, and write the table of all scores."""
    input:
        video=film,
        labels=lambda wildcards: required(config["data"]["labels"]),
        predictions=f"<results>/watch/work/{{video}}/{FILM_MODEL}/predictions.npz",
    output:
        film="<results>/watch/{video}.mp4",
        table="<results>/watch/{video}.csv",
    log:
        "<logs>/watch/{video}/film.log",
    conda:
        "../environment.yml"
    threads: 2
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        *code("watch_film"),
        program=program("watch_film"),
        settings=settings_file("watch_film", lambda wildcards: film_settings()),
    message:
        "{rule}: video {wildcards.video}"
    shell:
        "python {params.program} --log {log:q} --settings {params.settings:q}"
        " --labels {input.labels:q} --name={wildcards.video:q} --video {input.video:q}"
        " --predictions {input.predictions:q} --threads {threads}"
        " --film {output.film:q} --table {output.table:q}"


rule watch_page:
    """Write the page beside a film."""
    input:
        labels=lambda wildcards: required(config["data"]["labels"]),
        manifest="<results>/watch/work/{video}/manifest.json",
        bank=(
            "<results>/watch/work/{video}/bank.zarr"
            if any(map(has_bank, MODELS))
            else []
        ),
        predictions=film_files("predictions.npz"),
        attention=film_files("attention.npz"),
    output:
        "<results>/watch/{video}.html",
    log:
        "<logs>/watch/{video}/page.log",
    conda:
        "../environment.yml"
    resources:
        mem_mb=6000,
        runtime=60,
    params:
        *code("watch_page"),
        *templates("lfb/report"),
        *templates("lfb/report/watch"),
        program=program("watch_page"),
        settings=settings_file(
            "watch_page", lambda wildcards: {**film_settings(), "models": MODELS}
        ),
        bank=lambda wildcards, input: (
            f"--bank {shlex.quote(input.bank)}" if input.bank else ""
        ),
        film=lambda wildcards: f"{wildcards.video}.mp4",
        table=lambda wildcards: f"{wildcards.video}.csv",
    message:
        "{rule}: video {wildcards.video}"
    shell:
        "python {params.program} --log {log:q} --settings {params.settings:q}"
        " --labels {input.labels:q} --name={wildcards.video:q} --manifest {input.manifest:q}"
        " {params.bank} --predictions {input.predictions:q} --attention {input.attention:q}"
        " --film {params.film:q} --table {params.table:q} --output {output:q}"
