"""Windows of a bank's features as tensors on the computing device."""

import torch
from torch import Tensor

from lfb.bank.store import Bank
from lfb.errors import UserError


class BankFeatures:
    """The features of a bank, looked up by row number.

    A GPU keeps all of them. On the CPU they stay in the bank's files, mapped into memory, so that
    all processes of a node share one copy.

    Args:
        bank: The bank.
        channels: Channels of the features that the model takes.
        device: The device that computes.

    Raises:
        UserError: The bank is empty or damaged, or its features have another number of channels.
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
        self._bank = bank
        self._on_device = None if device.type == "cpu" else _load(bank, device)

    def __call__(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return the features of rows.

        Args:
            rows: (B, M) row numbers, -1 for an empty slot.

        Returns:
            (B, M, C) features, zero in empty slots, and (B, M) bool, True for slots with a row.

        Raises:
            UserError: The features are damaged.
        """
        real = rows >= 0
        if self._on_device is not None:
            return self.take(rows.clamp(min=0)).masked_fill_(~real[..., None], 0), real
        found = torch.zeros(*rows.shape, self._bank.channels)
        found[real] = self.take(rows[real])
        return found, real

    def take(self, rows: Tensor) -> Tensor:
        """Return the features (n, C) of row numbers (n,), none of an empty slot.

        Raises:
            UserError: The features are damaged.
        """
        if self._on_device is not None:
            return self._on_device[rows].float()
        return torch.from_numpy(self._bank.take(rows.numpy())).float()


def _load(bank: Bank, device: torch.device) -> Tensor:
    """Copy all features to a device, one chunk after the other."""
    whole = None
    start = 0
    for block in bank.blocks(0, len(bank)):
        part = torch.from_numpy(block.copy())  # a map is read-only, which tensors cannot be
        if whole is None:
            whole = torch.empty(len(bank), bank.channels, dtype=part.dtype, device=device)
        whole[start : start + len(part)] = part
        start += len(part)
    assert whole is not None
    return whole
