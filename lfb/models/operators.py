"""Feature bank operators: what an RoI takes from the long-term bank (Wu et al., section 3.3).

An operator is a module built as ``Operator(channels, **arguments)``. It is called with

    roi   (R, C)      the RoIs' own pooled features,
    rows  (B, M, C)   the bank rows in each clip's window; empty slots are zero,
    real  (B, M)      which of them hold a feature,
    clip  (R,)        which clip each RoI belongs to,

and returns (R, ``out_channels``), which the detector appends to ``roi`` before it classifies.
A new operator is one class here, one entry in ``OPERATORS`` and one in the configuration.

``empty`` decides what an empty slot means: ``zero`` lets it take part as a row of zeros, as in the
published models; ``mask`` leaves it out.
"""

import math
from typing import Literal

import torch
from torch import Tensor, nn

Empty = Literal["zero", "mask"]


class Average(nn.Module):
    """Mean over the rows of the window."""

    def __init__(self, channels: int, empty: Empty = "zero") -> None:
        super().__init__()
        self.out_channels = channels
        self.empty = empty

    def forward(self, roi: Tensor, rows: Tensor, real: Tensor, clip: Tensor) -> Tensor:
        if self.empty == "zero":
            return rows.mean(1)[clip]
        count = real.sum(1, keepdim=True).clamp(min=1)
        return (rows.sum(1) / count)[clip]


class Maximum(nn.Module):
    """Maximum over the rows of the window, channel by channel."""

    def __init__(self, channels: int, empty: Empty = "zero") -> None:
        super().__init__()
        self.out_channels = channels
        self.empty = empty

    def forward(self, roi: Tensor, rows: Tensor, real: Tensor, clip: Tensor) -> Tensor:
        if self.empty == "mask":
            rows = rows.masked_fill(~real[..., None], -math.inf)
            rows = rows.masked_fill(~real.any(1)[:, None, None], 0)  # a window with nothing in it
        return rows.amax(1)[clip]


class NonLocalLayer(nn.Module):
    """One attention step of an RoI over the bank rows (Wu et al., section 3.3, figure 4)."""

    def __init__(self, width: int, dropout: float, norm_affine: bool) -> None:
        super().__init__()
        self.theta = nn.Linear(width, width)
        self.phi = nn.Linear(width, width)
        self.g = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width, elementwise_affine=norm_affine)
        self.out = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def attention(self, query: Tensor, rows: Tensor, mask: Tensor | None) -> Tensor:
        """(B, P, M) weights over the rows, each person's summing to 1.

        Args:
            query: (B, P, width) what the people of each clip have gathered so far.
            rows: (B, M, width) projected bank rows.
            mask: (B, M) rows that take part; None for all.
        """
        theta = self.theta(query) / math.sqrt(query.shape[-1])
        logits = theta @ self.phi(rows).mT
        if mask is not None:
            logits = logits.masked_fill(~mask[:, None], -math.inf)
        return logits.softmax(-1)

    def forward(self, query: Tensor, rows: Tensor, mask: Tensor | None) -> Tensor:
        found = self.attention(query, rows, mask) @ self.g(rows)
        return self.dropout(self.out(torch.relu(self.norm(found))))


class NonLocal(nn.Module):
    """Stacked attention of the RoI over the bank: the operator of the paper's best model.

    Args:
        channels: C of the RoI features and the bank.
        width: Channels inside (512 in the paper).
        layers: Attention steps (2 in MMAction2 and the paper's main tables).
        dropout: After each projection and each step (0.2 in both).
        norm_affine: Whether layer norms have a scale and shift (MMAction2) or not (the authors).
        init_std: Deviation of the initial weights; biases and the last weights of each step begin
            at zero (the authors, 0.01). None takes PyTorch's initial weights.
    """

    def __init__(
        self,
        channels: int,
        width: int = 512,
        layers: int = 2,
        dropout: float = 0.2,
        empty: Empty = "zero",
        norm_affine: bool = True,
        init_std: float | None = None,
    ) -> None:
        super().__init__()
        self.out_channels = width
        self.empty = empty
        self.project_roi = nn.Linear(channels, width)
        self.project_bank = nn.Linear(channels, width)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(
            NonLocalLayer(width, dropout, norm_affine) for _ in range(layers)
        )
        if init_std is not None:
            self._initialise(init_std)

    def forward(self, roi: Tensor, rows: Tensor, real: Tensor, clip: Tensor) -> Tensor:
        place = _place(clip, len(rows))
        query, rows, mask = self._project(roi, rows, real, clip, place)
        for layer in self.layers:
            query = query + layer(query, rows, mask)
        return query[clip, place]

    def attention(self, roi: Tensor, rows: Tensor, real: Tensor, clip: Tensor) -> Tensor:
        """(R, layers, M): what each step attends to, for a look inside."""
        place = _place(clip, len(rows))
        query, rows, mask = self._project(roi, rows, real, clip, place)
        weights = []
        for layer in self.layers:
            assert isinstance(layer, NonLocalLayer)
            weights.append(layer.attention(query, rows, mask)[clip, place])
            query = query + layer(query, rows, mask)
        return torch.stack(weights, 1)

    def _initialise(self, std: float) -> None:
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=std)
                nn.init.zeros_(module.bias)
        for layer in self.layers:
            assert isinstance(layer, NonLocalLayer)
            nn.init.zeros_(layer.out.weight)

    def _project(
        self, roi: Tensor, rows: Tensor, real: Tensor, clip: Tensor, place: Tensor
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """People side by side by clip (B, P, width), rows (B, M, width), and the mask (B, M)."""
        own = self.dropout(self.project_roi(roi))
        most = int(place.max()) + 1 if len(place) else 0
        query = own.new_zeros(len(rows), most, own.shape[1])
        query[clip, place] = own
        projected = self.dropout(self.project_bank(rows))
        if self.empty == "zero":
            return query, projected, None
        # A window with nothing in it has nothing to mask: it attends to its empty slots alike.
        return query, projected * real[..., None], real | ~real.any(1, keepdim=True)


def _place(clip: Tensor, clips: int) -> Tensor:
    """(R,) the number of each RoI among those of its clip."""
    counted = nn.functional.one_hot(clip, clips).cumsum(0)
    return counted.gather(1, clip[:, None])[:, 0] - 1


OPERATORS: dict[str, type[nn.Module]] = {
    "avg": Average,
    "max": Maximum,
    "non_local": NonLocal,
}
