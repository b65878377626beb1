"""Attention over the bank: the operator of the paper's best model (Wu et al., section 3.3)."""

import math

import torch
from torch import Tensor, nn

from lfb.models.operators import Empty, Operator


class NonLocalLayer(nn.Module):
    """One attention layer (Wu et al., section 3.3, figure 4)."""

    def __init__(self, width: int, dropout: float, norm_affine: bool, fold: bool) -> None:
        super().__init__()
        self.fold = fold
        self.theta = nn.Linear(width, width)
        self.phi = nn.Linear(width, width)
        self.g = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width, elementwise_affine=norm_affine)
        self.out = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def attention(self, query: Tensor, rows: Tensor, mask: Tensor | None) -> Tensor:
        """Return the attention weights (B, P, M); those of a person sum to 1.

        Args:
            query: (B, P, width) state of the P people of each clip.
            rows: (B, M, width) projected bank rows.
            mask: (B, M) rows that take part; None for all.
        """
        theta = self.theta(query) / math.sqrt(query.shape[-1])
        if self.fold:
            logits = theta @ self.phi.weight @ rows.mT + (theta @ self.phi.bias)[..., None]
        else:
            logits = theta @ self.phi(rows).mT
        if mask is not None:
            logits = logits.masked_fill(~mask[:, None], -math.inf)
        return logits.softmax(-1)

    def forward(self, query: Tensor, rows: Tensor, mask: Tensor | None) -> Tensor:
        weights = self.attention(query, rows, mask)
        found = self.g(weights @ rows) if self.fold else weights @ self.g(rows)
        return self.dropout(self.out(torch.relu(self.norm(found))))


class NonLocal(Operator):
    """Stacked attention of each RoI over the bank rows of its clip.

    Args:
        channels: C, the channels of the RoI features and of the bank.
        width: Channels of the attention and of the output (512 in the paper).
        layers: Number of attention layers (2 in MMAction2 and in the paper's main tables).
        dropout: Dropout after each projection and each layer (0.2 in both).
        empty: See ``Operator``.
        norm_affine: Whether layer norms have a scale and shift (MMAction2) or not (the authors).
        init_std: Standard deviation of the initial weights. Biases and the last weights of each
            layer start at zero (the authors, with 0.01). None keeps PyTorch's initial weights.
        fold: Whether the layers multiply their key and value weights with the few people of a clip
            instead of with its many rows. This is the same function with other rounding, and far
            less work: the weights of a person sum to 1, so the products can change places.
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
        fold: bool = False,
    ) -> None:
        super().__init__(channels, empty)
        self.out_channels = width
        self.project_roi = nn.Linear(channels, width)
        self.project_bank = nn.Linear(channels, width)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(
            NonLocalLayer(width, dropout, norm_affine, fold) for _ in range(layers)
        )
        if init_std is not None:
            self._initialise(init_std)

    def forward(self, roi: Tensor, rows: Tensor, real: Tensor, clip: Tensor) -> Tensor:
        return self.read(roi, self.project(rows), real, clip)

    def project(self, rows: Tensor) -> Tensor:
        return self.project_bank(rows)

    def read(self, roi: Tensor, projected: Tensor, real: Tensor, clip: Tensor) -> Tensor:
        place = _place(clip, len(projected))
        query, rows, mask = self._inputs(roi, projected, real, clip, place)
        for layer in self.layers:
            query = query + layer(query, rows, mask)
        return query[clip, place]

    def attention(self, roi: Tensor, rows: Tensor, real: Tensor, clip: Tensor) -> Tensor:
        """Return the attention weights (R, layers, M), which the report draws."""
        place = _place(clip, len(rows))
        query, rows, mask = self._inputs(roi, self.project(rows), real, clip, place)
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

    def _inputs(
        self, roi: Tensor, projected: Tensor, real: Tensor, clip: Tensor, place: Tensor
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return the projected RoIs by clip (B, P, width), the rows (B, M, width), the mask (B, M).

        P is the largest number of RoIs of a clip. The mask is None if all rows take part.
        """
        own = self.dropout(self.project_roi(roi))
        most = int(place.max()) + 1 if len(place) else 0
        query = own.new_zeros(len(projected), most, own.shape[1])
        query[clip, place] = own
        projected = self.dropout(projected)
        if self.empty == "zero":
            return query, projected, None
        # A window without features keeps all its slots: the softmax of no values is undefined.
        return query, projected * real[..., None], real | ~real.any(1, keepdim=True)


def _place(clip: Tensor, clips: int) -> Tensor:
    """Return the number (R,) of each RoI among the RoIs of its clip."""
    counted = nn.functional.one_hot(clip, clips).cumsum(0)
    return counted.gather(1, clip[:, None])[:, 0] - 1
