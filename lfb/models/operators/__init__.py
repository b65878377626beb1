"""Feature bank operators: what a person's RoI reads from the bank (Wu et al., section 3.3).

Each operator has one file. The config names an operator by its file: ``name: avg`` is the
subclass of ``Operator`` in ``avg.py``, and the other keys are its arguments. To add an operator,
add a file. Nothing else has to change.
"""

from typing import Any, Literal

from torch import Tensor, nn

from lfb.models.by_name import class_in

Empty = Literal["zero", "mask"]


class Operator(nn.Module):
    """The contract of every operator, which is built as ``Subclass(channels, **arguments)``.

    Args:
        channels: C, the channels of the RoI features and of the bank.
        empty: What an empty slot of a window means. ``zero``: it takes part as a row of zeros, as
            in the published models. ``mask``: it is left out.

    Attributes:
        out_channels: Channels of the output; C unless the subclass sets another number.
        empty: See above.
    """

    def __init__(self, channels: int, empty: Empty = "zero") -> None:
        super().__init__()
        self.out_channels = channels
        self.empty = empty

    def forward(self, roi: Tensor, rows: Tensor, real: Tensor, clip: Tensor) -> Tensor:
        """Return (R, ``out_channels``), which the model appends to ``roi`` for its classifier.

        Args:
            roi: (R, C) pooled features of the RoIs.
            rows: (B, M, C) bank rows in the window of each clip; empty slots are zero.
            real: (B, M) which slots hold a feature.
            clip: (R,) the clip of each RoI.
        """
        raise NotImplementedError

    def project(self, rows: Tensor) -> Tensor:
        """Return (..., C'), what the operator computes of each bank row (..., C) by itself.

        Heads compute it once for each row of a batch. Here it is the row itself.
        """
        return rows

    def read(self, roi: Tensor, projected: Tensor, real: Tensor, clip: Tensor) -> Tensor:
        """Return what ``forward`` does, from (B, M, C') rows of ``project``."""
        return self(roi, projected, real, clip)


def build_operator(name: str, channels: int, **arguments: Any) -> Operator:
    """Return the operator that a config names, for features of ``channels`` channels.

    Raises:
        UserError: No file of this folder has that name.
    """
    return class_in("lfb.models.operators", name, Operator)(channels, **arguments)
