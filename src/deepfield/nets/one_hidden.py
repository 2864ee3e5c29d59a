"""One hidden layer: the network that was used when tables were small."""

import torch
from torch import Tensor, nn

from deepfield.nouns.batch import Batch, missing


class OneHidden(nn.Module):
    """Columns of a table, standardised, a hidden layer of tanh, and a linear one.

    Missing entries (NaN, infinite variance) take the column's mean.

    Args:
        columns: of the table.
        outputs: numbers that the task asks for per object.
        hidden: neurons.

    Source: the architecture of Teimoorinia et al. 2016, MNRAS 457, 2086.

    Example:
        >>> import numpy as np
        >>> table = Batch(np.array(["a"]), torch.tensor([[torch.nan, 1.0]]), ("x", "y"), grid=())
        >>> OneHidden(2, outputs=2).eval()(table).isfinite().all()
        tensor(True)
    """

    def __init__(self, columns: int, *, outputs: int, hidden: int = 16) -> None:
        super().__init__()
        self.columns = columns
        # The mean over all steps: few of them already tell where a column lies.
        self.standard = nn.BatchNorm1d(columns, affine=False, momentum=None)
        self.trunk = nn.Sequential(nn.Linear(columns, hidden), nn.Tanh())
        self.head = nn.Linear(hidden, outputs)

    def forward(self, batch: Batch) -> Tensor:
        """[object, outputs].

        Raises:
            ValueError: another number of columns.
        """
        if batch.values.shape[1:] != (self.columns,):
            raise ValueError(
                f"the table has shape {tuple(batch.values.shape)}; expected [object, "
                f"{self.columns} columns]"
            )
        usual = self.standard.running_mean
        assert usual is not None
        values = torch.where(missing(batch), usual.to(batch.values), batch.values)
        return self.head(self.trunk(self.standard(values)))
