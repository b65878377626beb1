"""Model checkpoints: safetensors with metadata that rebuild the model and record its origin.

The metadata contain a digest of the tensors and of all other metadata, which is checked when a
checkpoint is read. Earlier releases wrote none.
"""

import hashlib
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

FORMAT = "lfb-checkpoint"  # key of the metadata
_SHOWN = 5  # names that an error lists of each kind of mismatch


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint in memory.

    Attributes:
        path: The file.
        weights: Tensors by parameter name.
        about: The metadata: ``model`` (arguments of ``build_model``), ``settings``, ``data``
            (digest of the manifest), ``code`` (digest of the program), ``epoch``, ``versions``,
            ``commit``.
        checked: Whether the file has a digest.
    """

    path: Path
    weights: dict[str, Tensor]
    about: dict[str, Any]
    checked: bool

    def build(self) -> ActionModel:
        """Return the model that was saved, in evaluation mode.

        Raises:
            UserError: The tensors do not match the model of the metadata.
        """
        model = build_model(**self.about["model"])
        load_weights(model, self.weights, self.path)
        return model.eval()


def save_checkpoint(path: str | Path, model: ActionModel, about: Mapping[str, Any]) -> None:
    """Write the model's weights with ``about``, package versions, the git commit and a digest."""
    described = json.loads(json.dumps({**about, "versions": _versions(), "commit": _commit()}))
    weights = {name: tensor.contiguous().cpu() for name, tensor in model.state_dict().items()}
    described["digest"] = _digest(weights, described)
    with atomic(path) as scratch:
        # One key: safetensors writes several keys in random order, which changes the digest.
        scratch.write_bytes(save(weights, {FORMAT: json.dumps(described)}))


def load_checkpoint(path: str | Path) -> Checkpoint:
    """Read a checkpoint that this project wrote.

    Raises:
        UserError: The file is missing, damaged or of another format.
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
    except (SafetensorError, ValueError, OSError) as error:
        raise UserError(
            f"{path}: not a complete safetensors checkpoint ({error}). Delete it and train again."
        ) from error
    expected = about.pop("digest", None)
    if expected is not None and expected != _digest(weights, about):
        raise UserError(
            f"{path}: the checkpoint is damaged: it does not match its digest. Delete it and run "
            "the same command again."
        )
    return Checkpoint(path, weights, about, expected is not None)


def load_weights(model: torch.nn.Module, weights: Mapping[str, Tensor], path: str | Path) -> None:
    """Copy weights into a model: every tensor or none.

    Raises:
        UserError: Tensors are missing, not in the model or of another shape. The message counts
            each kind and lists the first of them.
    """
    expected = model.state_dict()
    mismatches = {
        "missing": [f"{name}: missing" for name in expected.keys() - weights.keys()],
        "not in the model": [
            f"{name}: not in the model" for name in weights.keys() - expected.keys()
        ],
        "of another shape": [
            f"{name}: shape {tuple(weights[name].shape)}, but {tuple(tensor.shape)} in the model"
            for name, tensor in expected.items()
            if name in weights and weights[name].shape != tensor.shape
        ],
    }
    if any(mismatches.values()):
        counts = ", ".join(f"{len(lines)} {kind}" for kind, lines in mismatches.items())
        message = [
            f"{path}: the checkpoint does not fit the model. "
            f"{_cause(mismatches, expected, weights)} "
            f"Name the right file, or describe its model in the config. Tensors: {counts}:"
        ]
        for kind, lines in mismatches.items():
            message += sorted(lines)[:_SHOWN]
            if len(lines) > _SHOWN:
                message.append(f"and {len(lines) - _SHOWN} more {kind}")
        raise UserError("\n  ".join(message))
    model.load_state_dict(weights)


def _cause(
    mismatches: Mapping[str, list[str]],
    expected: Mapping[str, Tensor],
    weights: Mapping[str, Tensor],
) -> str:
    """Return the likely reason why weights do not fit, in the words of the config."""
    learned = {n for n in expected if n.startswith("backbone.") and n.endswith(("weight", "bias"))}
    if not learned & weights.keys():
        return "It is of another network: no tensor name matches the backbone."
    parts = {line.partition(".")[0] for lines in mismatches.values() for line in lines}
    known = [part for part in ("backbone", "operator", "classifier") if part in parts]
    return f"Another kind, depth or width of: {', '.join(known) or 'model'}."


def _digest(weights: Mapping[str, Tensor], about: Mapping[str, Any]) -> str:
    """Return the SHA-256 of tensors and metadata, in hex."""
    found = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for name, tensor in sorted(weights.items()):
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        found.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()


def _versions() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": version("torchvision"),
    }


def _commit() -> str:
    """Return the commit of the code that runs; an empty text outside a git checkout."""
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return answer.stdout.strip()
