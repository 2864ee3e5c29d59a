"""Redshift scan: how well templates fit a spectrum at every redshift, by FFT."""

from dataclasses import dataclass

import torch
from torch import Tensor

from deepfield.rivals.rest_frame import RestFrame, moved

PHASES = 2
"""redshifts for every point of the spectra"""


@dataclass(frozen=True)
class Scan:
    """Templates, and polynomials in the observed frame, at all shifts of one class.

    Args:
        rest: the templates.
        count: of them that are used.
        polynomials: of the continuum, 0 = none.
        points: of the spectra.

    Example:
        >>> rest = RestFrame(torch.eye(1, 120)[:, torch.arange(120) - 60], 50, 0.0, 50.0)
        >>> scan = Scan(rest, 1, 0, 70)
        >>> flux = torch.zeros(1, 70)
        >>> flux[0, 30] = 5.0  # rest point 60 at shift 30 - (60 - 50)
        >>> float(scan.shifts[scan.gain(flux, torch.ones(1, 70))[0].argmax()])
        20.0
    """

    rest: RestFrame
    count: int
    polynomials: int
    points: int

    @property
    def shifts(self) -> Tensor:
        """[shift] ln(1 + z) over the grid's step."""
        low, high = int(self.rest.lowest) - 3, int(self.rest.highest) + 4
        low, high = max(low, self._least), min(high, self.rest.origin)
        return torch.arange(low * PHASES, high * PHASES + 1) / PHASES

    @property
    def _least(self) -> int:
        return self.points + self.rest.origin - self.rest.spectra.shape[1]

    def gain(self, flux: Tensor, weight: Tensor) -> Tensor:
        """By how much the best fit lowers chi-square at every shift.

        Args:
            flux: [object, point], 0 where nothing was measured.
            weight: [object, point] inverse variances, 0 where nothing was measured.

        Returns:
            [object, shift].
        """
        out = torch.zeros(len(flux), len(self.shifts))
        level = weight.amax(1).clamp(min=1e-30)
        pattern = weight / level[:, None]
        _, groups = torch.unique(pattern, dim=0, return_inverse=True)
        for group in range(int(groups.max()) + 1):
            rows = (groups == group).nonzero()[:, 0]
            shared = pattern[rows[0]]
            # One factorisation for all spectra with the same gaps.
            for phase in range(PHASES):
                templates = self._templates(phase)
                root = self._root(templates, shared)
                for some in rows.split(64):
                    right = self._right(templates, flux[some] * shared)
                    solved = torch.einsum("skl,nks->nls", root, right)
                    gain = solved.square().sum(1) * level[some, None]
                    out[some, phase::PHASES] = gain[:, : out[some, phase::PHASES].shape[1]]
        return out

    def _templates(self, phase: int) -> Tensor:
        """[template, rest point] as the shift's fraction shows them."""
        used = self.rest.spectra[: self.count]
        return moved(used, torch.full((len(used),), -phase / PHASES)) if phase else used

    def _bases(self) -> Tensor:
        """[polynomial, point] Legendre polynomials."""
        x = torch.linspace(-1, 1, self.points)
        return torch.special.legendre_polynomial_p(x, torch.arange(self.polynomials)[:, None])

    def _lags(self, spectra: Tensor, templates: Tensor) -> Tensor:
        """[..., shift] sums of spectrum[p] template[p - shift + origin] at whole shifts."""
        size = 2 ** (self.points + templates.shape[-1] - 1).bit_length()
        product = torch.fft.rfft(spectra, size) * torch.fft.rfft(templates, size).conj()
        whole = self.shifts[::PHASES].long()
        lags: Tensor = torch.fft.irfft(product, size)[..., whole - self.rest.origin]
        return lags

    def _root(self, templates: Tensor, weight: Tensor) -> Tensor:
        """[shift, k, l] with root root^T the inverse of the normal matrix."""
        count, bases = len(templates), self._bases()
        every = count + len(bases)
        first, second = torch.triu_indices(count, count)
        matrix = torch.zeros(len(self.shifts[::PHASES]), every, every)
        both = self._lags(weight[None], templates[first] * templates[second])
        matrix[:, first, second] = both.T
        matrix[:, second, first] = both.T
        for i, base in enumerate(bases):
            cross = self._lags((weight * base)[None], templates).T
            matrix[:, count + i, :count], matrix[:, :count, count + i] = cross, cross
            matrix[:, count + i, count:] = (weight * base * bases).sum(1)
        matrix = matrix.double()
        scale = matrix.diagonal(dim1=1, dim2=2).clamp(min=1e-12).rsqrt()
        matrix = matrix * scale[:, None] * scale[:, :, None]
        lower = torch.linalg.cholesky(matrix + 1e-5 * torch.eye(every, dtype=torch.float64))
        identity = torch.eye(every, dtype=torch.float64).expand_as(lower)
        inverse = torch.linalg.solve_triangular(lower, identity, upper=False)
        return (inverse * scale[:, None]).transpose(1, 2).float()

    def _right(self, templates: Tensor, flux: Tensor) -> Tensor:
        """[object, k, shift] of weighted spectra against templates and polynomials."""
        against = self._lags(flux[:, None], templates)
        flat = (flux @ self._bases().T)[..., None].expand(-1, -1, against.shape[2])
        return torch.cat([against, flat], 1)
