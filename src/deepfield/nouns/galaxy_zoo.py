"""The questions of Galaxy Zoo 2 and of CANDELS: decision trees that several folders speak of."""

from deepfield.nouns.decision_tree import DecisionTree, Question

GALAXY_ZOO_2 = DecisionTree(
    (
        Question("smooth_or_features", ("smooth", "features_or_disk", "star_or_artifact")),
        Question("edgeon", ("yes", "no"), after=("smooth_or_features_features_or_disk",)),
        Question("bar", ("bar", "no_bar"), after=("edgeon_no",)),
        Question("spiral", ("spiral", "no_spiral"), after=("edgeon_no",)),
        Question(
            "bulge_prominence",
            ("no_bulge", "just_noticeable", "obvious", "dominant"),
            after=("edgeon_no",),
        ),
        Question(
            "odd",
            ("yes", "no"),
            after=("smooth_or_features_smooth", "smooth_or_features_features_or_disk"),
        ),
        Question(
            "rounded",
            ("completely_round", "in_between", "cigar_shaped"),
            after=("smooth_or_features_smooth",),
        ),
        Question(
            "odd_feature",
            (
                *("ring", "lens_or_arc", "disturbed", "irregular", "other", "merger"),
                "dust_lane",
            ),
            after=("odd_yes",),
        ),
        Question("bulge_shape", ("rounded", "boxy", "no_bulge"), after=("edgeon_yes",)),
        Question("arms_winding", ("tight", "medium", "loose"), after=("spiral_spiral",)),
        Question(
            "arms_number",
            ("1", "2", "3", "4", "more_than_4", "cant_tell"),
            after=("spiral_spiral",),
        ),
    )
)
"""Willett et al. 2013, MNRAS 435, 2835, Table 2: 11 questions, 37 answers."""

CANDELS = DecisionTree(
    (
        Question(
            "main_class",
            ("spheroid", "disc", "irregular", "point_source", "unclassifiable"),
        ),
    )
)
"""Kartaltepe et al. 2015, ApJS 221, 11: the main morphology class."""
