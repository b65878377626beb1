"""SGD with momentum: PyTorch's update, without the class around it.

The first use of ``torch.optim.SGD`` loads ``torch._dynamo``, which takes as long as
``import torch`` (1.5 s each). A test holds this to it, bit for bit.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim.sgd import sgd


class SGD:
    """Stochastic gradient descent with momentum and weight decay.

    Args:
        parameters: To be trained; they stay on their device.
        momentum: Of the running sum of gradients.
        weight_decay: Added to each gradient, times the parameter.
        nesterov: Whether the momentum is Nesterov's.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        momentum: float,
        weight_decay: float,
        nesterov: bool = False,
    ) -> None:
        self.parameters = list(parameters)
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.nesterov = nesterov
        self.buffers: list[Tensor | None] = [None] * len(self.parameters)

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Takes one step and forgets the gradients; a parameter without one stays as it is."""
        used = [i for i, parameter in enumerate(self.parameters) if parameter.grad is not None]
        parameters: list[Tensor] = [self.parameters[i] for i in used]
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        buffers = [self.buffers[i] for i in used]
        sgd(
            parameters,
            gradients,
            buffers,
            foreach=bool(parameters) and parameters[0].is_cuda,
            lr=learning_rate,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
            dampening=0,
            nesterov=self.nesterov,
            maximize=False,
        )
        for i, buffer in zip(used, buffers, strict=True):
            self.buffers[i] = buffer
            self.parameters[i].grad = None

    def state_dict(self) -> list[Tensor | None]:
        """The running sums, in the order of the parameters."""
        return self.buffers

    def load_state_dict(self, state: list[Tensor | None]) -> None:
        """Takes up what ``state_dict`` gave."""
        self.buffers = [
            None if buffer is None else torch.empty_like(parameter).copy_(buffer)
            for parameter, buffer in zip(self.parameters, state, strict=True)
        ]
