"""Layer methods by name: the ways of `explain` to show what a layer holds."""

from collections.abc import Callable
from dataclasses import dataclass

from astropy.table import Table

from deepfield.report.parts import Part
from deepfield.verbs._atlas import show_atlas
from deepfield.verbs._dreams import show_dream
from deepfield.verbs._features import show_feature_maps, show_strongest_patches
from deepfield.verbs._looked import Looked


@dataclass(frozen=True)
class LayerMethod:
    """A way to look at a layer.

    Args:
        show: what was found, as a table and as parts of a page.
        one_by_one: it looks at each object; otherwise for what is common to many.
    """

    show: Callable[[Looked], tuple[Table, list[Part]]]
    one_by_one: bool


LAYER_METHODS = {
    "feature_maps": LayerMethod(show_feature_maps, one_by_one=True),
    "strongest_patches": LayerMethod(show_strongest_patches, one_by_one=False),
    "atlas": LayerMethod(show_atlas, one_by_one=False),
    "dream": LayerMethod(show_dream, one_by_one=True),
}
