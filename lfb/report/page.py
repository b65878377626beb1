"""The report: what the models reached, where they differ, and what they saw, in one HTML file."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import jinja2

from lfb.files.whole import atomic
from lfb.report import charts
from lfb.report.cards import Data, Model, example_cards
from lfb.report.examples import IOU

TEMPLATE = Path(__file__).with_name("page.html.j2")


def write_report(
    path: str | Path,
    *,
    models: Sequence[Model],
    seeds: Sequence[int],
    data: Data,
    table: Sequence[Mapping[str, str]],
    protocol: str,
    sampling: str,
) -> None:
    """Writes a page that needs nothing beside it.

    Args:
        path: HTML file to write.
        models: Each has the same colour throughout.
        seeds: Of the runs; the pictures are of the first.
        data: What was scored.
        table: Rows of the mAP table.
        protocol: Whose mAP the table shows.
        sampling: How windows of the bank were looked up, ``highest`` or ``random``.
    """
    models = sorted(models, key=lambda model: model.name != "baseline")
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": _percent,
        "signed": _signed,
        "count": "{:,}".format,
        "json": _json,
    }
    palette = [charts.PALETTE[i % len(charts.PALETTE)] for i in range(len(models) - 1)]
    colours = dict(zip((m.name for m in models), [charts.BASELINE, *palette], strict=True))
    others = [model for model in models if model.name != "baseline"]
    best = max(others, key=lambda model: model.mean_map(protocol), default=None)
    page = environment.from_string(TEMPLATE.read_text()).render(
        protocol=protocol,
        drawn=sampling == "random",
        seeds=seeds,
        colours=colours,
        best=best,
        baseline=models[0],
        table=table,
        protocols=_protocols(models),
        classes=_classes(models, best, protocol, list(colours.values())),
        curves=_curves(models, colours),
        examples=example_cards(models, colours, best, data),
        iou=IOU,
        models=models,
        training=_training(models),
        check=data.check,
    )
    with atomic(path) as scratch:
        scratch.write_text(page, encoding="utf-8")


def _protocols(models: Sequence[Model]) -> dict[str, dict[str, tuple[float, float | None]]]:
    """Mean and deviation of the mAP, by model and protocol."""
    found: dict[str, dict[str, tuple[float, float | None]]] = {}
    for model in models:
        found[model.name] = {}
        for protocol in model.metrics[0]:
            values = [measured[protocol]["mAP"] for measured in model.metrics]
            found[model.name][protocol] = mean(values), stdev(values) if values[1:] else None
    return found


def _classes(
    models: Sequence[Model], best: Model | None, protocol: str, colours: Sequence[str]
) -> dict[str, Any]:
    """The chart of AP by class, and the classes that are not in it."""
    groups, without_truth, without_ap = [], [], []
    for place, about in enumerate(models[0].metrics[0][protocol]["classes"]):
        values, spans = [], []
        for model in models:
            aps = [measured[protocol]["classes"][place]["AP"] for measured in model.metrics]
            known = [ap for ap in aps if ap is not None]
            values.append(mean(known) if known else math.nan)
            spans.append((min(known), max(known)) if known else (math.nan, math.nan))
        if not about["ground_truth"]:
            without_truth.append(about["name"])
        elif all(map(math.isnan, values)):
            without_ap.append(about["name"])
        else:
            gain = values[models.index(best)] - values[0] if best else values[0]
            note = "" if math.isnan(gain) else _signed(gain) if best else _percent(gain)
            bars = charts.Bars(about["name"], about["ground_truth"], values, spans, note)
            groups.append((-math.inf if math.isnan(gain) else gain, bars))
    groups.sort(key=lambda group: -group[0])
    heading = f"gain of {best.name}" if best else "AP, %"
    return {
        "chart": charts.group_bars([bars for _, bars in groups], colours, heading),
        "without_truth": without_truth,
        "without_ap": without_ap,
    }


def _curves(models: Sequence[Model], colours: Mapping[str, str]) -> dict[str, Any]:
    """Charts of the training; nothing where every model was imported."""
    if not any(model.histories for model in models):
        return {}

    def curves(key: str) -> list[charts.Curve]:
        return [
            charts.Curve(
                colours[model.name],
                [line["epoch"] for line in history],
                [line[key] for line in history],
                faint=number > 0,
            )
            for model in models
            for number, history in enumerate(model.histories)
        ]

    rates = [curve for curve in curves("learning_rate") if not curve.faint]
    return {
        "loss": charts.draw_curves(curves("loss"), "loss"),
        "rate": charts.draw_curves(rates, "learning rate at the end of the epoch", stripes=True),
        "last": {model.name: model.histories[0][-1]["loss"] for model in models if model.histories},
    }


def _training(models: Sequence[Model]) -> dict[str, dict[str, Any]]:
    """What each model was made with, as its checkpoint says."""
    facts = {}
    for model in models:
        about = model.checkpoint.about
        training = about.get("settings", {}).get("training", {})
        operator = dict(about["model"]["operator"] or {"name": "none"})
        facts[model.name] = {
            "operator": operator.pop("name"),
            "its arguments": ", ".join(f"{key} {value}" for key, value in operator.items()),
            "imported from": about.get("source", ""),
            "epochs": about.get("epoch", ""),
            "batch": f"{training['batch']} x {about['processes']}" if training else "",
            "learning rate": f"{training['learning_rate']:g}" if training else "",
            "packages": ", ".join(f"{name} {v}" for name, v in about["versions"].items()),
            "commit": about["commit"] or "not a git checkout",
            "data": about.get("data", ""),
        }
    return facts


def _percent(value: float) -> str:
    return f"{value:.1f}"


def _signed(value: float) -> str:
    return charts.minus(f"{round(value, 1) or 0:+.1f}")


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, sort_keys=True)
