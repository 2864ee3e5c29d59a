"""Votes: which share of volunteers gives each answer of a decision tree."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from deepfield.losses.votes import dirichlet_multinomial, multinomial
from deepfield.nouns.batch import Batch, Truth
from deepfield.nouns.decision_tree import DecisionTree
from deepfield.nouns.prediction import Prediction
from deepfield.nouns.quantity import Quantity
from deepfield.nouns.source import Source
from deepfield.nouns.votes import Votes
from deepfield.scores import votes as scores

VOTES = "votes"
CLEAR = 2 / 3
"""of the votes, above which an object counts as clear"""
LEAST, MOST = -3.0, 9.0
"""of the log of the concentration: between votes that tell nothing and certainty"""


@dataclass(frozen=True)
class VoteFractions:
    """Vote fractions with their uncertainty, by a Dirichlet-multinomial likelihood.

    The network gives a number for each answer, whose softmax over a question's answers are the
    expected fractions, and a number for each question, the log of the Dirichlet's concentration:
    it says how far the fractions may be off. Dieleman+15 rectify and divide by the sum instead:
    there an answer at 0 has no gradient, and one vote for it is infinitely unlikely.

    The truth holds counts, a column for every answer; the first question's are all volunteers. A
    question that nobody was asked, or with a count that is negative or NaN, counts nothing.

    Args:
        tree: the questions.

    Example:
        >>> from deepfield.nouns.galaxy_zoo import CANDELS
        >>> task = VoteFractions(CANDELS)
        >>> task.outputs, [quantity.name for quantity in task.quantities][:2]
        (6, ['main_class_spheroid', 'main_class_disc'])
    """

    tree: DecisionTree
    players: tuple[str, ...] = ()

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """The votes for every answer."""
        return self.tree.quantities

    @property
    def outputs(self) -> int:
        """Numbers that the network gives for an object."""
        return len(self.tree.columns) + len(self.tree.questions)

    def losses(self, net: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Mean over objects of minus log likelihood, a question of the tree.

        Raises:
            ValueError: the batch lacks the votes for an answer.
        """
        votes = self._votes(batch.truth)
        logs, concentration = self._split(net(batch))
        each = [
            # Differences of large logarithms of gamma functions want double precision.
            dirichlet_multinomial(
                logs[:, at].double().exp(), concentration[:, i].double(), votes[:, at].double()
            )
            for i, at in enumerate(self.tree.slices)
        ]
        return {"dirichlet_multinomial": _mean(each, logs)}

    def calibrate(self, net: nn.Module, source: Source) -> None:
        """Nothing: the concentration is learnt."""

    def predict(self, net: nn.Module, batch: Batch) -> Prediction:
        """Fractions and concentrations."""
        logs, concentration = self._split(net(batch))
        return Prediction({VOTES: Votes(self.tree, logs.exp(), concentration)})

    def score(self, prediction: Prediction, truth: Truth) -> dict[str, float]:
        """Errors of the fractions, the least that can be had, accuracy and calibration.

        ``rmse_fractions`` is over all answers, as shares of all volunteers: multiplied down the
        tree; ``rmse_irreducible`` is what the true probabilities would get. ``accuracy_agreed``
        counts questions where 80 % of the volunteers agree, ``dominant_error`` is the share of
        objects whose first question's most frequent answer is another than the likeliest;
        ``dominant_error_clear`` counts those where more than two thirds of the volunteers agree;
        ``completeness_<answer>`` and ``purity_<answer>`` are of these.
        """
        answer = prediction[VOTES]
        assert isinstance(answer, Votes)
        votes = self._votes(truth)
        first = self.tree.slices[0]
        volunteers = votes[:, first].sum(1)
        use = answer.fractions.isfinite().all(1).cpu() & (volunteers > 0).cpu()
        answer, votes, volunteers = answer[use], votes[use].cpu(), volunteers[use].cpu()
        if not len(votes):
            return {"rmse_fractions": torch.nan}
        fractions, joint = answer.fractions.float().cpu(), answer.joint().float().cpu()
        observed = votes / volunteers[:, None]
        asked = self.tree.spread(self.tree.total(votes))
        sure = self.tree.spread(answer.concentration.float().cpu())
        ranks = scores.vote_ranks(fractions, sure, votes, asked)
        said, seen = fractions[:, first].argmax(1), votes[:, first].argmax(1)
        wrong, clear = said != seen, observed[:, first].amax(1) > CLEAR
        error = scores.rmse(joint, observed)
        least = scores.rmse_irreducible(observed, volunteers)
        return {
            "rmse_fractions": error,
            "rmse_irreducible": least,
            "rmse_over_irreducible": error / least if least > 0 else torch.nan,
            "bias_fractions": scores.bias(joint, observed),
            "scatter_fractions": scores.scatter(joint, observed),
            "accuracy_agreed": scores.accuracy_agreed(fractions, votes, self.tree.slices),
            "dominant_error": float(wrong.float().mean()),
            "dominant_error_clear": float(wrong[clear].float().mean()),
            **_by_answer(self.tree.questions[0].answers, said, seen),
            "calibration_error": scores.calibration_error(fractions, votes, asked),
            "pit_ks_votes": scores.pit_ks(ranks),
            "coverage_68_votes": float(ranks[84] - ranks[16]),
        }

    def _votes(self, truth: Truth | None) -> Tensor:
        """[object, answer] counts; 0 for questions whose counts are not known."""
        if truth is None:
            raise ValueError(
                f"the batch has no truth; training needs counts such as {self.tree.columns[0]}"
            )
        votes = self.tree.stacked(dict(truth))
        known = self.tree.total((votes >= 0).float()) == self.tree.total(torch.ones_like(votes))
        return votes.nan_to_num().masked_fill(~self.tree.spread(known), 0)

    def _split(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Log fractions [object, answer] and concentrations [object, question]."""
        answers = len(self.tree.columns)
        numbers = numbers.float()
        logs = [numbers[:, at].log_softmax(1) for at in self.tree.slices]
        middle, half = (LEAST + MOST) / 2, (MOST - LEAST) / 2
        scale = middle + half * torch.tanh(numbers[:, answers:] / half)
        return torch.cat(logs, 1), scale.exp()


@dataclass(frozen=True)
class CertainFractions(VoteFractions):
    """The same by a multinomial likelihood: fractions without an uncertainty of their own.

    Example:
        >>> from deepfield.nouns.galaxy_zoo import CANDELS
        >>> CertainFractions(CANDELS).outputs
        5
    """

    @property
    def outputs(self) -> int:
        """Numbers that the network gives for an object."""
        return len(self.tree.columns)

    def losses(self, net: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Mean over objects of minus log likelihood, a question of the tree."""
        votes = self._votes(batch.truth)
        logs, _ = self._split(net(batch))
        each = [multinomial(logs[:, at], votes[:, at]) for at in self.tree.slices]
        return {"multinomial": _mean(each, logs)}

    def _split(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        numbers = numbers.float()
        logs = torch.cat([numbers[:, at].log_softmax(1) for at in self.tree.slices], 1)
        endless = numbers.new_full((len(numbers), len(self.tree.questions)), torch.inf)
        return logs, endless


def _by_answer(answers: tuple[str, ...], said: Tensor, seen: Tensor) -> dict[str, float]:
    """Of each answer: share of those who are it that are said to be, and the other way round."""
    found = {}
    for i, answer in enumerate(answers):
        right = float(((said == i) & (seen == i)).sum())
        for name, among in (("completeness", seen == i), ("purity", said == i)):
            count = float(among.sum())
            found[f"{name}_{answer}"] = right / count if count else torch.nan
    return found


def _mean(each: list[Tensor], like: Tensor) -> Tensor:
    return torch.stack(each, 1).mean().to(like.dtype)
