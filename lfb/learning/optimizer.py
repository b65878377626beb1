"""SGD with momentum: PyTorch's function ``torch.optim.sgd.sgd``, without the class around it.

The constructor of ``torch.optim.SGD`` imports ``torch._dynamo``, which nothing else in a training
needs. That adds 1.1 s of CPU time to the start of each training (median of 7 runs, torch 2.14.1;
``import torch`` takes 1.3 s). A test compares each step with ``torch.optim.SGD``, bit for bit.
Another optimizer needs the same three methods.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim.sgd import sgd


class SGD:
    """Stochastic gradient descent with momentum and weight decay.

    Args:
        parameters: The parameters to train, on their device.
        momentum: Factor of the running sum of gradients in each step.
        weight_decay: Factor of the parameter that is added to its gradient.
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
        """Change the parameters that have a gradient, then clear the gradients."""
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
        """Return the running sums, in the order of the parameters."""
        return self.buffers

    def load_state_dict(self, state: list[Tensor | None]) -> None:
        """Continue from the running sums that ``state_dict`` returned."""
        self.buffers = [
            None if buffer is None else torch.empty_like(parameter).copy_(buffer)
            for parameter, buffer in zip(self.parameters, state, strict=True)
        ]
