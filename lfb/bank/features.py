"""A bank's features on the device that computes, where windows of rows become tensors."""

import torch
from torch import Tensor

from lfb.bank.store import Bank
from lfb.errors import UserError


class BankFeatures:
    """All features of a bank on one device, gathered there by row number.

    Args:
        bank: Read once.
        channels: Width of the features that the model works on.
        device: Where the features are to lie.

    Raises:
        UserError: The bank holds nothing, or features of another width.
    """

    def __init__(self, bank: Bank, channels: int, device: torch.device) -> None:
        if bank.channels != channels:
            raise UserError(
                f"{bank.path}: features of {bank.channels} channels, but the model's have "
                f"{channels}: the bank is of another backbone. Build it with the model's, or point "
                "bank.published to one that fits."
            )
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
