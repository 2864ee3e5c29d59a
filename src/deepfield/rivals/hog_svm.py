"""HoG + SVM: gradient histograms and a support vector machine, crop and scale tuned."""

from collections.abc import Sequence
from copy import copy
from itertools import product
from typing import Self

import numpy as np
import torch
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from deepfield.nouns.batch import Batch
from deepfield.nouns.prediction import Prediction
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Source
from deepfield.rivals import hog
from deepfield.rivals.examples import Examples, answer, collect
from deepfield.rivals.hog import Setting
from deepfield.rivals.square_views import square_views
from deepfield.rivals.stamps import prepare
from deepfield.rivals.support_vectors import SupportVectors, learn, tune

COMPONENTS = 120


class HogSvm:
    """Classes from histograms of oriented gradients (Dalal & Triggs 2005) and an RBF machine.

    Crop, cell and blur are chosen on ``tuning`` training and ``held_out`` validation objects,
    then the machine's own settings; then it learns on up to ``limit`` objects. The sky
    has no up and no left, but a histogram of oriented gradients has: few objects are shown in up
    to eight views, turned by quarters and mirrored, until there are ``rows``. Soft labels count as
    their largest class, weighted by its fraction.

    Args:
        name: of the quantity to learn.
        limit: most training objects.
        tuning: training objects for choosing settings.
        held_out: most validation objects.
        rows: views to learn from, if the objects alone are fewer.
        crops: central fractions of the stamp to try.
        cells: sides of a cell to try, pixels.
        blurs: sigmas before the gradient to try, pixels.

    Example:
        >>> HogSvm("kind").limit
        6000
    """

    quantity: Quantity
    setting: Setting
    machine: SupportVectors

    def __init__(
        self,
        name: str,
        *,
        limit: int | None = 6000,
        tuning: int = 1500,
        held_out: int = 1000,
        rows: int = 10000,
        crops: Sequence[float] = (0.5, 0.75, 1.0),
        cells: Sequence[int] = (6, 8),
        blurs: Sequence[float] = (0.0, 1.0),
    ) -> None:
        self.name = name
        self.limit = limit
        self.tuning = tuning
        self.held_out = held_out
        self.rows = rows
        self.settings = tuple(Setting(*each) for each in product(crops, cells, blurs))

    def fit(self, source: Source) -> Self:
        """Choose the settings and learn.

        Raises:
            ValueError: no labelled objects, or of one class only.
        """
        fitted = copy(self)
        fitted.quantity = source.quantity(self.name)
        classes = len(fitted.quantity.classes)
        train = collect(source.part("train"), self.name, self.limit, _images)
        held_out = collect(source.part("validation"), self.name, self.held_out, _images)
        few = _views(train.first(self.tuning), 2 * self.tuning)
        tried = []
        for setting in self.settings:
            x, y = _histograms(few, setting), _histograms(held_out, setting)
            tried.append((tune(x, y, _scaling(x), (10.0,), (1.0,))[2], setting))
        fitted.setting = max(tried, key=lambda t: t[0])[1]
        x, y = _histograms(few, fitted.setting), _histograms(held_out, fitted.setting)
        penalty, width, _ = tune(x, y, _scaling(x))
        every = _histograms(_views(train, self.rows), fitted.setting)
        fitted.machine = learn(every, y, _scaling(every), classes, penalty, width)
        return fitted

    def predict(self, batch: Batch) -> Prediction:
        """Class probabilities; NaN for objects without pixels."""
        stamps = prepare(batch)
        found = self.machine.probabilities(hog.features(stamps.image, self.setting))
        return answer(self.quantity, found, stamps.measured)


def _images(batch: Batch) -> np.ndarray:
    stamps = prepare(batch)
    return stamps.image.masked_fill(~stamps.measured[:, None, None], torch.nan).numpy()


def _views(examples: Examples, rows: int) -> Examples:
    """The objects in as many of the square's eight views as ``rows`` allows, one at least."""
    views = square_views(examples.features, rows // len(examples))
    return Examples(
        np.concatenate(views),
        np.tile(examples.labels, len(views)),
        np.tile(examples.weights, len(views)),
    )


def _histograms(examples: Examples, setting: Setting) -> Examples:
    features = hog.features(torch.from_numpy(examples.features), setting)
    return Examples(features, examples.labels, examples.weights)


def _scaling(examples: Examples) -> Pipeline:
    count, width = examples.features.shape
    return make_pipeline(StandardScaler(), PCA(min(COMPONENTS, count - 1, width), random_state=0))
