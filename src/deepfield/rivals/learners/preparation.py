"""Preparation: a table as learners want it: no gaps, comparable columns, not too many."""

from typing import Literal

import numpy as np
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, QuantileTransformer, StandardScaler

from deepfield.rivals.examples import Examples

Scaling = Literal["standard", "ranks"]
SCALINGS: tuple[Scaling, ...] = ("standard", "ranks")
FARTHEST = {"standard": 5.0, "ranks": 2.5}
"""sigma beyond which a number is drawn in: one wild value shall not decide"""


def preparation(
    scaling: Scaling, *, objects: int, columns: int, components: int | None = None
) -> Pipeline:
    """An unfitted pipeline from a table with gaps to columns of about unit variance.

    Gaps take the column's median. Columns are standardised, or spread to a normal distribution by
    their ranks, so that skewed ones need no logarithm. Principal components keep their own
    variances.

    Args:
        scaling: which of the two.
        objects: that it will be fitted to.
        columns: of the table.
        components: principal components to keep, at most as many as there can be; None = all
            columns, unturned.

    Raises:
        ValueError: fewer than one component.

    Example:
        >>> table = np.random.default_rng(0).normal(size=(50, 8))
        >>> steps = preparation("ranks", objects=50, columns=8, components=3)
        >>> steps.fit_transform(table).shape
        (50, 3)
    """
    if components is not None and components < 1:
        raise ValueError(f"{components} components; expected at least 1, or None for all columns")
    far = FARTHEST[scaling]
    scale = (
        StandardScaler()
        if scaling == "standard"
        else QuantileTransformer(
            n_quantiles=min(objects, 200), output_distribution="normal", random_state=0
        )
    )
    steps = [
        SimpleImputer(strategy="median", keep_empty_features=True),
        scale,
        FunctionTransformer(np.clip, kw_args={"a_min": -far, "a_max": far}),
    ]
    if components is not None:
        steps.append(PCA(min(components, objects - 1, columns), random_state=0))
    return make_pipeline(*steps)


def prepared(steps: Pipeline, examples: Examples, *, fit: bool = False) -> Examples:
    """Examples with their features prepared.

    Args:
        steps: a fitted preparation, or one to fit to these examples.
        examples: with the features as measured.
        fit: fit the steps first.

    Example:
        >>> few = Examples(np.array([[1.0], [np.nan], [3.0]]), np.zeros(3), np.ones(3))
        >>> steps = preparation("standard", objects=3, columns=1)
        >>> prepared(steps, few, fit=True).features.round(2).tolist()
        [[-1.22], [0.0], [1.22]]
    """
    table = (steps.fit_transform if fit else steps.transform)(examples.features)
    return Examples(table, examples.labels, examples.weights)
