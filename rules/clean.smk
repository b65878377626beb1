"""Room on the disk, on request: `snakemake --cores all clean`.

in    the trainings that are kept in <results>, and the frames in <resources>/frames
out   nothing

step  remove those that are not in use and can be made again; say what and how much
"""

CLEAN_TRAININGS = f"--results {shlex.quote(RESULTS)}"
CLEAN_FRAMES = f"--frames {shlex.quote(FRAMES)}"


# A target for both and one for each: `snakemake --cores all clean_frames`.
for name, options in {
    "clean": f"{CLEAN_TRAININGS} {CLEAN_FRAMES}",
    "clean_trainings": CLEAN_TRAININGS,
    "clean_frames": CLEAN_FRAMES,
}.items():

    rule:
        name:
            name
        log:
            f"<logs>/{name}.log",
        localrule: True
        conda:
            "../environment.yml"
        params:
            program=program("clean"),
            settings=settings_file("clean", settings.clean_settings(config)),
            options=options,
        message:
            "{rule}: remove what is not in use"
        shell:
            "python {params.program} --log {log} --settings {params.settings:q} {params.options}"
