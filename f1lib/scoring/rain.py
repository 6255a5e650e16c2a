"""Rain in a forecast: a mixture of the race in the wet and the race in the dry.

With p the chance that the race is run in the wet, the position matrix is p times the matrix of a wet race plus 1 - p
times that of a dry one. In the wet the latents are wider and retirements more likely; the order of the scores is the
same. Both are centred: over races of which a share `Rain.wet_share` is wet, the mean variance and the mean hazard are
those of a forecast that knows nothing of the weather.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from f1lib.scoring.positions import Shape, position_matrix

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

SUREST = 0.99  # no forecast is taken to be surer than this, either way
_HIGHEST_HAZARD = 0.95


@dataclass(frozen=True)
class Rain:
    """What a model knows of rain.

    ``wet_share`` of the races were wet; there the variance of a latent is ``width`` times that in the dry, and the
    hazard of retiring ``hazard`` times. A forecast's chance f is taken as expit(``intercept`` + ``slope`` * logit(f)).
    ``supposed`` replaces the forecast.
    """

    wet_share: float
    width: float
    hazard: float
    intercept: float
    slope: float
    supposed: float | None = None

    @classmethod
    def of(cls, numbers: Mapping[str, Any]) -> Rain:
        """Return the rain of a model from its metadata, whose other entries are left out."""
        return cls(**{name: numbers[name] for name in cls.__dataclass_fields__ if name in numbers})

    def chance(self, percent: ArrayLike) -> Floats:
        """Return the chance of a wet race by the forecast's chance of rain in per cent; NaN where it is not known."""
        from scipy.special import expit

        forecast = np.asarray(percent, dtype="float64")
        if self.supposed is not None:
            return np.full(forecast.shape, self.supposed)
        return np.asarray(expit(self.intercept + self.slope * log_odds(forecast / 100)), dtype="float64")

    def factors(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return the factors on a latent's standard deviation and on the hazard, of a dry and of a wet race."""
        variance = 1 / (1 + self.wet_share * (self.width - 1))
        hazard = 1 / (1 + self.wet_share * (self.hazard - 1))
        return (variance**0.5, hazard), ((variance * self.width) ** 0.5, hazard * self.hazard)

    def mixture(
        self,
        mu: ArrayLike,
        sigma: ArrayLike,
        p_dnf: ArrayLike,
        shape: Shape,
        p: float,
        matrix: Callable[..., Floats] = position_matrix,
    ) -> tuple[Floats, Floats]:
        """Return the position matrix and the hazards when the chance of a wet race is ``p``.

        Parameters
        ----------
        mu, sigma, p_dnf, shape
            As in `f1lib.scoring.positions.position_matrix`, of a race whose weather is not known.
        p : float
            Chance of a wet race, 0 to 1.
        matrix : callable
            What is computed of the dry and of the wet race at once: of the first four arguments, with sigma and p_dnf
            as [2, n], a matrix of each.

        Returns
        -------
        matrix : NDArray[np.float64]
            As ``matrix`` returns it.
        p_dnf : NDArray[np.float64]
            Chance of each driver to retire.
        """
        width, hazard = np.array(self.factors()).T[..., None]
        out = np.minimum(hazard * np.asarray(p_dnf, dtype="float64"), _HIGHEST_HAZARD)
        dry, wet = matrix(mu, width * np.asarray(sigma, dtype="float64"), out, shape)
        return p * wet + (1 - p) * dry, p * out[1] + (1 - p) * out[0]


def log_odds(chance: ArrayLike) -> Floats:
    """Return the log-odds of forecast chances, of those surer than `SUREST` at that."""
    clipped = np.clip(np.asarray(chance, dtype="float64"), 1 - SUREST, SUREST)
    return np.asarray(np.log(clipped / (1 - clipped)), dtype="float64")
