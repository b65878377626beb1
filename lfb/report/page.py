"""The report: scores, training and example keyframes of all models, in one HTML file."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from lfb.files.atomic import atomic
from lfb.files.digests import digest_json
from lfb.report import charts, formats
from lfb.report.browse import write_browser
from lfb.report.calibration import LEAST, Calibration, calibration_line
from lfb.report.cards import example_cards
from lfb.report.confusion import SHOWN, Confusion, confusion_matrix
from lfb.report.examples import SECONDS_APART, Answers, People
from lfb.report.results import Data, Model
from lfb.report.seal import seal
from lfb.report.templates import templates
from lfb.scoring.evaluation import IOU

LARGEST_GAINS = 3  # classes named above the chart
SMALL = 10_000_000  # parameters; the published networks have about 30 million
COLUMNS = {  # of the mAP table, as the page explains them
    "model": "its key in the config",
    "operator": "how it reads the bank",
    "backbone": "its network",
    "training": "whole model, or head: only the operator and the classifier",
    "seeds": "number of runs",
    "draws": "random draws from the bank in testing",
    "mAP": "mean over classes and seeds, in percent",
    "mAP_std": "sample standard deviation over the seeds",
    "mAP_std_draws": "sample standard deviation over the draws of a seed",
    "gain": "mAP minus that of the baseline, in points",
    "published_mAP": "mAP that the config names as published",
    "difference": "mAP minus the published mAP, in points",
}


def write_report(
    path: str | Path,
    browser: str | Path,
    *,
    models: Sequence[Model],
    seeds: Sequence[int],
    data: Data,
    table: Sequence[Mapping[str, str]],
    protocol: str,
    sampling: str,
    date: str,
) -> None:
    """Write two pages that need no other file; the same results give the same bytes.

    Args:
        path: HTML file to write.
        browser: HTML file of all keyframes, in the same folder, to write.
        models: All models; each has the same colour throughout.
        seeds: Seeds of the runs; examples are of the first.
        data: What the models are scored on.
        table: Rows of the mAP table.
        protocol: The protocol of the table.
        sampling: How features of crowded seconds are chosen, ``highest`` or ``random``.
        date: Day on which the models were measured.
    """
    models = sorted(models, key=lambda model: model.name != "baseline")
    baseline, others = models[0], models[1:]
    best = max(others, key=lambda model: model.mean_map(protocol), default=None)
    palette = [charts.PALETTE[i % len(charts.PALETTE)] for i in range(len(others))]
    colours = dict(zip((m.name for m in models), [charts.BASELINE, *palette], strict=True))
    page = templates().get_template("page.html.j2")
    people = People.of(data.split)
    answers = {model.name: Answers.of(people, model.predictions) for model in models}
    small = baseline.parameters < SMALL
    html = page.render(
        data=data,
        date=date,
        small=small,
        comparable=not small and any(row["published_mAP"] for row in table),
        protocol=protocol,
        random_draws=sampling == "random",
        seeds=seeds,
        colours=colours,
        best=best,
        baseline=baseline,
        table=table,
        columns=_columns(table, draws=sampling == "random"),
        protocols=_map_by_protocol(models),
        classes=_classes(models, best, protocol),
        curves=_curves(models, colours),
        confusion=_confusion(people, answers, best, data),
        calibrations={
            model.name: calibration_line(Calibration.of(people, model.predictions))
            for model in models
        },
        shown=100 * SHOWN,
        least=LEAST,
        examples=example_cards(people, answers, models, best, data),
        iou=IOU,
        apart=SECONDS_APART,
        window=data.window,
        models=models,
        facts=_facts(models),
        check=data.check,
        browser=Path(browser).name,
    )
    origin = digest_json(table)
    write_browser(
        browser,
        people=people,
        answers=answers,
        predictions={model.name: model.predictions for model in models},
        best=best.name if best else baseline.name,
        colours=colours,
        names=[data.split.labels[int(action)] for action in people.classes],
        manifest=data.manifest,
        about={"name": data.name, "date": date, "seeds": seeds},
        origin=origin,
    )
    with atomic(path) as scratch:
        scratch.write_text(seal(f"{html}\n", origin), encoding="utf-8")


def _columns(table: Sequence[Mapping[str, str]], *, draws: bool) -> dict[str, str]:
    """Return the columns of the mAP table to show, with their meaning: those that are not empty."""
    of_draws = ("draws", "mAP_std_draws")
    return {
        column: meaning
        for column, meaning in COLUMNS.items()
        if any(row.get(column) for row in table) and (draws or column not in of_draws)
    }


def _map_by_protocol(models: Sequence[Model]) -> dict[str, dict[str, tuple[float, float | None]]]:
    """Return mean and sample standard deviation of the mAP, by model and protocol."""
    found: dict[str, dict[str, tuple[float, float | None]]] = {}
    for model in models:
        found[model.name] = {}
        for protocol in model.metrics[0]:
            values = [measured[protocol]["mAP"] for measured in model.metrics]
            found[model.name][protocol] = mean(values), stdev(values) if values[1:] else None
    return found


def _classes(models: Sequence[Model], best: Model | None, protocol: str) -> dict[str, Any]:
    """Return the AP of each class and model, highest gain first, and the classes without AP."""
    rows, without_truth, without_ap = [], [], []
    for number, about in enumerate(models[0].metrics[0][protocol]["classes"]):
        bars = {model.name: _bar(model, protocol, number) for model in models}
        if not about["ground_truth"]:
            without_truth.append(about["name"])
        elif not any(bars.values()):
            without_ap.append(about["name"])
        else:
            row = {"name": about["name"], "boxes": about["ground_truth"], "bars": bars}
            rows.append(row | _gain(bars, best))
    rows.sort(key=lambda row: -math.inf if row["gain"] is None else row["gain"], reverse=True)
    gains = [row for row in rows if row["gain"] is not None] if best else []
    return {
        "rows": rows,
        "compared": len(gains),
        "gaining": sum(row["gain"] >= 1 for row in gains),
        "losing": sum(row["gain"] <= -1 for row in gains),
        "largest_gains": [row for row in gains[:LARGEST_GAINS] if round(row["gain"], 1) > 0],
        "largest_loss": next((row for row in gains[-1:] if round(row["gain"], 1) < 0), None),
        "without_truth": without_truth,
        "without_ap": without_ap,
    }


def _bar(model: Model, protocol: str, number: int) -> dict[str, float] | None:
    """Return mean, lowest and highest AP of a class over the seeds; None if never measured."""
    aps = [measured[protocol]["classes"][number]["AP"] for measured in model.metrics]
    known = [ap for ap in aps if ap is not None]
    return {"value": mean(known), "lowest": min(known), "highest": max(known)} if known else None


def _gain(bars: Mapping[str, dict[str, float] | None], best: Model | None) -> dict[str, Any]:
    """Return the gain of the best model over the baseline in points of AP, and its text.

    For a lone baseline it is the AP itself; None and "" if it is unknown.
    """
    baseline = bars["baseline"]
    if best is None:
        assert baseline is not None
        return {"gain": baseline["value"], "note": formats.percent(baseline["value"])}
    bar = bars[best.name]
    if bar is None or baseline is None:
        return {"gain": None, "note": ""}
    gain = bar["value"] - baseline["value"]
    return {"gain": gain, "note": formats.signed(gain)}


def _confusion(
    people: People, answers: Mapping[str, Answers], best: Model | None, data: Data
) -> dict[str, Any]:
    """Return the confusion matrices of the best model and the baseline."""
    names = [data.split.labels[int(action)] for action in people.classes]
    shown = [best.name, "baseline"] if best else ["baseline"]
    return {name: confusion_matrix(Confusion.of(people, answers[name]), names) for name in shown}


def _curves(models: Sequence[Model], colours: Mapping[str, str]) -> dict[str, Any]:
    """Return charts of the training; empty if every model is imported."""
    if not any(model.histories for model in models):
        return {}

    def curves(key: str) -> list[charts.Curve]:
        return [
            charts.Curve(
                colours[model.name],
                [line["epoch"] for line in history if key in line],
                [line[key] for line in history if key in line],
                faint=number > 0,
            )
            for model in models
            for number, history in enumerate(model.histories)
            if any(key in line for line in history)
        ]

    def image(curves: Sequence[charts.Curve], label: str, nested: bool = False) -> dict[str, str]:
        svg = charts.draw_curves(curves, label, nested)
        return {"label": label, "image": formats.data_uri(svg, "image/svg+xml")}

    rates = [curve for curve in curves("learning_rate") if not curve.faint]
    validated = curves("validation_mAP")
    return {
        "charts": [
            image(curves("loss"), "loss"),
            *([image(validated, "validation mAP, in percent")] if validated else []),
            image(rates, "learning rate at the end of the epoch", nested=True),
        ],
        "validated": _validated(models),
        "last": {model.name: model.histories[0][-1]["loss"] for model in models if model.histories},
    }


def _validated(models: Sequence[Model]) -> list[int]:
    """Return on how many keyframes validations were measured, each number once."""
    lines = [line for model in models for history in model.histories for line in history]
    return sorted({int(line.get("validation_keyframes", 0)) for line in lines} - {0})


def _facts(models: Sequence[Model]) -> dict[str, dict[str, Any]]:
    """Return how each model was made, from the metadata of its checkpoint.

    What is empty for every model is left out.
    """
    facts: dict[str, dict[str, Any]] = {}
    for model in models:
        about = model.checkpoint.about
        training = about.get("settings", {}).get("training", {})
        operator = dict(about["model"]["operator"] or {"name": "none"})
        facts[model.name] = {
            "parameters": f"{formats.millions(model.parameters)} million",
            "operator": operator.pop("name"),
            "operator settings": ", ".join(f"{key} {value}" for key, value in operator.items()),
            "imported from": about.get("source", ""),
            "epochs": _epochs(about),
            "batch": f"{training['batch']} x {about['processes']}" if training else "",
            "learning rate": _learning_rate(training, about["processes"]) if training else "",
            "packages": ", ".join(f"{name} {v}" for name, v in about["versions"].items()),
            "commit": about["commit"] or "not a git checkout",
            "data": about.get("data", ""),
        }
    filled = {key for about in facts.values() for key, value in about.items() if value}
    return {
        name: {key: value for key, value in about.items() if key in filled}
        for name, about in facts.items()
    }


def _epochs(about: Mapping[str, Any]) -> str:
    """Return how many epochs the weights were trained, and of how many they are the best."""
    settings = about.get("settings", {})
    if "validation" in settings:
        return f"{about['epoch']}, the best of {settings['training']['epochs']}"
    return str(about.get("epoch", ""))


def _learning_rate(training: Mapping[str, Any], processes: int) -> str:
    """Return the learning rate that a training used, and how it follows from the config."""
    base, batch, meant_for = (
        training[key] for key in ("learning_rate", "batch", "learning_rate_batch")
    )
    used = base * batch * processes / meant_for
    if used == base:
        return f"{used:g}"
    return f"{used:g} = {base:g} x {batch} x {processes} / {meant_for}"
