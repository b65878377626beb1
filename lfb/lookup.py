"""A bank's features on the device that computes, where windows of rows become tensors."""

import torch
from torch import Tensor

from lfb.bank import Bank
from lfb.errors import UserError


class BankFeatures:
    """All features of a bank on one device, gathered there by row number.

    Args:
        bank: Read once.
        device: Where the features are to lie.

    Raises:
        UserError: The bank holds nothing.
    """

    def __init__(self, bank: Bank, device: torch.device) -> None:
        if not len(bank):
            raise UserError(
                f"{bank.path}: the bank is empty: no proposal has a score of boxes.bank_score or "
                "more. Lower that key, or check the proposals."
            )
        self.features = torch.from_numpy(bank.feature()).to(device)

    def __call__(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """(B, M) row numbers, -1 where empty -> (B, M, C) rows, zero where empty, and the mask."""
        real = rows >= 0
        found = self.features[rows.clamp(min=0)].float()
        return found.masked_fill_(~real[..., None], 0), real
