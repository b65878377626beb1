"""The features of a bank on the computing device, and windows of them as tensors."""

import torch
from torch import Tensor

from lfb.bank.store import Bank
from lfb.errors import UserError


class BankFeatures:
    """All features of a bank on one device, looked up there by row number.

    Args:
        bank: The bank. Its features are read once.
        channels: Channels of the features that the model takes.
        device: The device that keeps them.

    Raises:
        UserError: The bank is empty or its features have another number of channels.
    """

    def __init__(self, bank: Bank, channels: int, device: torch.device) -> None:
        if bank.channels != channels:
            raise UserError(
                f"{bank.path}: its features have {bank.channels} channels, the model's have "
                f"{channels}: another backbone made this bank. Build it with the model's, or point "
                "bank.published to one that fits."
            )
        if not len(bank):
            raise UserError(
                f"{bank.path}: the bank is empty: no proposal reaches the score boxes.bank_score. "
                "Lower that key, or check the proposals."
            )
        self.features = torch.from_numpy(bank.feature()).to(device)

    def __call__(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return the features of rows.

        Args:
            rows: (B, M) row numbers, -1 for an empty slot.

        Returns:
            (B, M, C) features, zero in empty slots, and (B, M) bool, True for slots with a row.
        """
        real = rows >= 0
        found = self.features[rows.clamp(min=0)].float()
        return found.masked_fill_(~real[..., None], 0), real
