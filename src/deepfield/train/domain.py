"""Domain: is an object like those that the network learnt from?"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

REFERENCES = 2000
NEIGHBOURS = 10


@dataclass(frozen=True)
class Domain:
    """Distance to the nearest training objects in what the trunk sees, as a rank among objects.

    The distance is that to the tenth nearest of 2000 training objects in the space of normalised
    features (Sun+22, ICML, "deep nearest neighbours"); its rank is the share of held-out objects
    that lie closer. 0.5 is typical, 1 is farther than every held-out object.

    Args:
        references: [reference, feature] unit vectors.
        distances: [held out] sorted distances of objects that training did not see.
    """

    references: Tensor
    distances: Tensor

    @classmethod
    def fit(cls, training: Tensor, held_out: Tensor) -> "Domain":
        """From the features of training objects and of held-out ones, [object, feature].

        Raises:
            ValueError: no objects on either side.

        Example:
            >>> near, far = torch.tensor([[1.0, 0.1]]), torch.tensor([[-1.0, 0.5]])
            >>> angles = torch.linspace(0, 0.5, 50)
            >>> line = torch.stack([angles.cos(), angles.sin()], 1)
            >>> domain = Domain.fit(line[::2], line[1::2])
            >>> float(domain.rank(near)) < 1.0, float(domain.rank(far))
            (True, 1.0)
        """
        if not len(training) or not len(held_out):
            raise ValueError(
                f"{len(training)} training and {len(held_out)} held-out objects; the domain "
                "needs some of both"
            )
        # Half precision keeps the shipped file small; ranks do not notice.
        references = F.normalize(training[:REFERENCES].float()).half().float()
        distances = cls(references, torch.empty(0)).distance(held_out)
        return cls(references, distances.sort().values)

    def distance(self, features: Tensor) -> Tensor:
        """[object] distance to the tenth nearest reference."""
        nearest = min(NEIGHBOURS, len(self.references))
        gaps = torch.cdist(F.normalize(features.float()), self.references)
        return gaps.kthvalue(nearest, 1).values

    def rank(self, features: Tensor) -> Tensor:
        """[object] share of held-out objects that lie closer to the training data."""
        below = torch.searchsorted(self.distances, self.distance(features).contiguous())
        return below.float() / len(self.distances)

    def tensors(self) -> dict[str, Tensor]:
        """What a weights file keeps."""
        return {
            "domain.references": self.references.half(),
            "domain.distances": self.distances,
        }

    @classmethod
    def from_tensors(cls, tensors: dict[str, Tensor]) -> "Domain":
        """The inverse of ``tensors``."""
        return cls(tensors["domain.references"].float(), tensors["domain.distances"])
