"""Input functions of the rules in watch.smk."""

FILM_SEED = SEEDS[0]
FILM_FRAMES = workflow.pathvars.apply("<results>/watch/work/frames")


def watched(function):
    """Return what a function of `watch` says about the config, or stop the run with its error."""
    try:
        return function(config)
    except UserError as error:
        raise SystemExit(f"Error: {error}") from None


FILM_MODEL = watched(watch.shown_model)


def film(wildcards):
    """Return the film of the rule."""
    return watched(watch.films)[wildcards.video]


def film_boxes(wildcards):
    """Return the file of the people of the films, by its kind."""
    return watched(watch.boxes_file)


def film_settings():
    """Return the model that films show, and its thresholds."""
    return watch.film_settings(config, Path(RESULTS, f"seed-{FILM_SEED}"))


def film_files(name):
    """Return this file of every model, for the film of the rule."""
    return expand(
        "<results>/watch/work/{{video}}/{model}/{name}", model=MODELS, name=name
    )


def film_checkpoint(model):
    """Return the checkpoint of a model."""
    return f"<results>/seed-{FILM_SEED}/{model}/checkpoint.safetensors"
