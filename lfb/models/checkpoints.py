"""Model checkpoints: safetensors whose metadata rebuild the model and say where it came from."""

import json
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from lfb.errors import UserError
from lfb.files.atomic import atomic
from lfb.models.action_model import ActionModel, build_model

FORMAT = "lfb-checkpoint"  # name of the entry with the metadata
_SHOWN = 5  # tensors of each kind that do not fit


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint in memory.

    Attributes:
        path: Where it was read.
        weights: Tensors by parameter name.
        about: The metadata: ``model`` (arguments of ``build_model``), ``settings``, ``data``
            (digest of the manifest), ``epoch``, ``versions``, ``commit``.
    """

    path: Path
    weights: dict[str, Tensor]
    about: dict[str, Any]

    def build(self) -> ActionModel:
        """The model it was saved from, in evaluation mode.

        Raises:
            UserError: Its tensors are not those of that model.
        """
        model = build_model(**self.about["model"])
        load_weights(model, self.weights, self.path)
        return model.eval()


def save_checkpoint(path: str | Path, model: ActionModel, about: Mapping[str, Any]) -> None:
    """Writes the model's weights with ``about``, and with package versions and the git commit."""
    about = {**about, "versions": _versions(), "commit": _commit()}
    weights = {name: tensor.contiguous().cpu() for name, tensor in model.state_dict().items()}
    with atomic(path) as scratch:
        # One entry: safetensors writes several in any order, and equal files have equal digests.
        scratch.write_bytes(save(weights, {FORMAT: json.dumps(about)}))


def load_checkpoint(path: str | Path) -> Checkpoint:
    """Reads a checkpoint that this project wrote.

    Raises:
        UserError: There is none, or the file is broken or something else.
    """
    path = Path(path)
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if FORMAT not in metadata:
                raise UserError(f"{path}: safetensors, but not a checkpoint of this workflow.")
            about = json.loads(metadata[FORMAT])
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError as error:
        raise UserError(f"{path}: there is no checkpoint here. Train the model first.") from error
    except (SafetensorError, json.JSONDecodeError) as error:
        raise UserError(
            f"{path}: not a whole safetensors checkpoint ({error}). Delete it and train again."
        ) from error
    return Checkpoint(path, weights, about)


def load_weights(model: torch.nn.Module, weights: Mapping[str, Tensor], path: str | Path) -> None:
    """Copies weights into a model, every tensor or none.

    Raises:
        UserError: Tensors are missing, left over or of another shape; all are counted, and the
            first of each kind named.
    """
    wanted = model.state_dict()
    faults = {
        "missing": [f"{name}: missing" for name in wanted.keys() - weights.keys()],
        "not in the model": [
            f"{name}: not in the model" for name in weights.keys() - wanted.keys()
        ],
        "of another shape": [
            f"{name}: shape {tuple(weights[name].shape)}, but {tuple(tensor.shape)} in the model"
            for name, tensor in wanted.items()
            if name in weights and weights[name].shape != tensor.shape
        ],
    }
    if any(faults.values()):
        counts = ", ".join(f"{len(told)} {kind}" for kind, told in faults.items())
        lines = [
            f"{path}: the checkpoint does not fit the model. {_cause(faults, wanted, weights)} "
            f"Point to the right file, or describe its model in the config. Tensors: {counts}:"
        ]
        for kind, told in faults.items():
            lines += sorted(told)[:_SHOWN]
            if len(told) > _SHOWN:
                lines.append(f"and {len(told) - _SHOWN} more {kind}")
        raise UserError("\n  ".join(lines))
    model.load_state_dict(weights)


def _cause(
    faults: Mapping[str, list[str]], wanted: Mapping[str, Tensor], weights: Mapping[str, Tensor]
) -> str:
    """What is most likely wrong with weights that do not fit, in the words of the config."""
    learned = {n for n in wanted if n.startswith("backbone.") and n.endswith(("weight", "bias"))}
    if not learned & weights.keys():
        return "It is of another network: no tensor of its has a name of the backbone's."
    parts = {fault.partition(".")[0] for told in faults.values() for fault in told}
    known = [part for part in ("backbone", "operator", "classifier") if part in parts]
    return f"Of another kind, depth or width: its {', '.join(known) or 'model'}."


def _versions() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": version("torchvision"),
    }


def _commit() -> str:
    """The commit of the code that runs; empty outside a git checkout."""
    try:
        asked = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return asked.stdout.strip()
