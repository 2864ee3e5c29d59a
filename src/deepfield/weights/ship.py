"""Ship: a judged run of the mock sky becomes the weights that come with the package.

``python -m deepfield.weights.ship RUN`` takes RUN/model.safetensors and RUN/judged/scores.json.
"""

import json
import sys
from pathlib import Path

from deepfield.train.checkpoint import load_weights, save_weights


def ship(run: Path) -> Path:
    """Put a run's weights into the package, with the scores in their card.

    Args:
        run: directory of ``deepfield train`` with ``deepfield evaluate --run`` in ``judged``.

    Returns:
        the weights file.

    Raises:
        ValueError: the run has not been judged.

    Example:
        >>> ship(Path("nowhere"))
        Traceback (most recent call last):
        ...
        ValueError: nowhere/judged/scores.json is missing; run `deepfield evaluate` on it first
    """
    judged = run / "judged" / "scores.json"
    if not judged.exists():
        raise ValueError(f"{judged} is missing; run `deepfield evaluate` on it first")
    scores = json.loads(judged.read_text())
    tensors, card = load_weights(run / "model.safetensors")
    kept = {"objects": scores["objects"], "seed": scores["seed"], **scores["scores"]}
    path = Path(__file__).parent / f"{card['recipe']}.safetensors"
    save_weights(path, tensors, {**card, "scores": kept})
    return path


if __name__ == "__main__":
    print(f"wrote {ship(Path(sys.argv[1]))}")
