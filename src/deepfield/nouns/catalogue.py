"""Catalogue: answers as a table that any astronomer's tools can open."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from astropy.table import QTable, Table

from deepfield.nouns.batch import Batch
from deepfield.nouns.flags import Flag
from deepfield.nouns.prediction import Prediction

UNUSUAL = 0.99
"""out_of_domain above which an object is flagged"""


def catalogue(
    batch: Batch,
    prediction: Prediction,
    *,
    known: Table | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> QTable:
    """One row an object, in the batch's order: what was known, the answers, and flags.

    Args:
        batch: the objects; its flags are kept.
        prediction: for the same objects.
        known: columns to keep in front, one row an object; without ``object_id`` the batch's ids
            are put before them.
        provenance: for the metadata: weights' hash, training prior, version.

    Raises:
        ValueError: ``known`` has another number of rows.

    Example:
        >>> import torch
        >>> from deepfield.nouns.prediction import Classes
        >>> from deepfield.nouns.quantity import Quantity
        >>> batch = Batch(np.array(["a"]), torch.zeros(1, 1, 4, 4), ("r",))
        >>> kind = Quantity("kind", classes=("smooth", "spiral"))
        >>> answers = Prediction({"kind": Classes(kind, torch.tensor([[0.2, 0.8]]))})
        >>> catalogue(batch, answers).colnames
        ['object_id', 'kind', 'kind_smooth', 'kind_spiral', 'flags']
    """
    if known is not None and len(known) != len(batch):
        raise ValueError(f"{len(known)} known rows for {len(batch)} objects; expected one each")
    table = QTable() if known is None else QTable(known, copy=True)
    if "object_id" not in table.colnames:
        table.add_column(np.asarray(batch.ids, dtype=str), name="object_id", index=0)
        table["object_id"].info.description = "as in the input"
    answers = prediction.columns()
    for name in answers.colnames:
        table[name] = answers[name]
    count = len(batch)
    flags = np.zeros(count, np.int64) if batch.flags is None else batch.flags.cpu().numpy()
    if "out_of_domain" in answers.colnames:
        unusual = np.nan_to_num(np.asarray(answers["out_of_domain"])) > UNUSUAL
        flags = flags | unusual * int(Flag.OUT_OF_DOMAIN)
    table["flags"] = flags
    table["flags"].info.description = "; ".join(
        f"{flag.value} {(flag.name or '').lower()}" for flag in Flag
    )
    table.meta.update(provenance or {})
    return table
