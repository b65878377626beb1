"""The average over the bank rows of a window (Wu et al., section 3.3: LFB Avg)."""

from torch import Tensor

from lfb.models.operators import Operator


class Average(Operator):
    """The mean over the rows, channel by channel; zero if a masked window is empty."""

    def forward(self, roi: Tensor, rows: Tensor, real: Tensor, clip: Tensor) -> Tensor:
        if self.empty == "zero":
            return rows.mean(1)[clip]
        count = real.sum(1, keepdim=True).clamp(min=1)
        return (rows.sum(1) / count)[clip]
