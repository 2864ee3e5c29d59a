"""At signal: any sky, its objects made brighter or fainter until they stand out as asked."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from deepfield.nouns.batch import Truth
from deepfield.nouns.psf import Psf
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.sky import Light, Sky
from deepfield.nouns.survey import Survey
from deepfield.render.draws import uniforms
from deepfield.render.noise import sky_variance
from deepfield.sky.priors import Range, check_range, log_flat

SIGNAL = "signal_to_noise"


@dataclass(frozen=True)
class AtSignal:
    """The objects of a sky at signal-to-noise ratios that are flat in the logarithm.

    The ratio is that of all light in the stamp with the best weights, over the sky's noise in the
    middle band. Shapes and colours stay; magnitudes are shifted.

    Args:
        sky: has ``magnitude`` and ``signal_to_noise`` in its truth; nothing else in it may
            depend on brightness.
        signal_to_noise: lowest and highest.

    Raises:
        ValueError: a sky without these quantities, or a range that cannot be.

    Example:
        >>> from deepfield.render.psf import survey_psf
        >>> from deepfield.sky.bulge_disc import BulgeDisc
        >>> from deepfield.sky.surveys import hst
        >>> light = AtSignal(BulgeDisc(), (20.0, 20.1)).draw(
        ...     np.arange(3), hst(), seed=0, split="train", size=64, psf=survey_psf(hst())
        ... )
        >>> bool((light.truth["signal_to_noise"] - 20).abs().max() < 0.2)
        True
    """

    sky: Sky
    signal_to_noise: Range = (5.0, 400.0)

    def __post_init__(self) -> None:
        check_range(SIGNAL, self.signal_to_noise, at_least=1e-3)
        there = [quantity.name for quantity in self.sky.quantities]
        if not {SIGNAL, "magnitude"} <= set(there):
            raise ValueError(
                f"the sky has {', '.join(there)}; expected magnitude and {SIGNAL} among them"
            )

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """Those of the sky."""
        return self.sky.quantities

    @property
    def maps(self) -> tuple[Quantity, ...]:
        """Those of the sky."""
        return self.sky.maps

    def draw(
        self,
        indices: np.ndarray,
        survey: Survey,
        *,
        seed: int,
        split: str,
        size: int,
        psf: Psf,
        maps: tuple[str, ...] = (),
    ) -> Light:
        """The objects of these indices: see ``Sky.draw``."""
        light = self.sky.draw(
            indices, survey, seed=seed, split=split, size=size, psf=psf, maps=maps
        )
        middle = len(survey.bands) // 2
        u = uniforms(seed, f"{split} signal", indices, 1)[:, 0]
        wanted = torch.as_tensor(log_flat(u, self.signal_to_noise), dtype=torch.float32)
        noise = sky_variance(survey)[middle].sqrt()
        gain = wanted * noise / light.image[:, middle].norm(dim=(-2, -1))
        truth: dict[Quantity, Tensor] = {}
        for quantity, value in light.truth.items_by_quantity():
            if quantity.kind == "map" and quantity.unit == "nJy":
                value = value * gain[:, None, None]
            elif quantity.kind == "flux":
                value = value - 2.5 * gain.log10()
            truth[quantity] = wanted if quantity.name == SIGNAL else value
        return Light(light.image * gain[:, None, None, None], Truth(truth), light.flags)
