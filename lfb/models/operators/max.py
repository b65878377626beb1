"""The maximum over the bank rows of a window (Wu et al., section 3.3: LFB Max)."""

import math

from torch import Tensor

from lfb.models.operators import Operator


class Maximum(Operator):
    """The maximum over the rows, channel by channel; zero if a masked window is empty."""

    def forward(self, roi: Tensor, rows: Tensor, real: Tensor, clip: Tensor) -> Tensor:
        if self.empty == "mask":
            rows = rows.masked_fill(~real[..., None], -math.inf)
            rows = rows.masked_fill(~real.any(1)[:, None, None], 0)
        return rows.amax(1)[clip]
