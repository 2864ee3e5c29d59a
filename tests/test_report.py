"""Pages that need nothing else, and figures that show what they were given."""

import base64
import io
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from matplotlib import image as png
from matplotlib.collections import EllipseCollection
from matplotlib.figure import Figure as Drawing

from deepfield.nouns.batch import Batch
from deepfield.nouns.prediction import Classes
from deepfield.nouns.quantity import Quantity
from deepfield.report import parts
from deepfield.report.best_and_worst import best_and_worst
from deepfield.report.colour import asinh_rgb
from deepfield.report.confusion import confusion_matrices
from deepfield.report.counts import number_counts
from deepfield.report.domain import domain_histogram
from deepfield.report.evaluation import evaluation_parts
from deepfield.report.field import field_with_detections
from deepfield.report.figures import inline_png, new_figure
from deepfield.report.page import page, write_page
from deepfield.report.parts import Figure, Highlight, Table, Text
from deepfield.report.stamps import stamp_wall


def pixels(figure: Drawing) -> np.ndarray:
    """What a reader would see."""
    address = inline_png(figure, dpi=50)
    return png.imread(io.BytesIO(base64.b64decode(address.split(",", 1)[1])))


def galaxies(objects: int, channels: int) -> np.ndarray:
    generator = np.random.default_rng(0)
    y, x = np.mgrid[:20, :20] - 9.5
    light = 40 * np.exp(-np.hypot(x, y) / 2)
    return light + generator.normal(size=(objects, channels, 20, 20))


def scores() -> dict[str, object]:
    gap = {"value": 0.1, "low": 0.05, "high": 0.15}
    return {
        "recipe": "toy",
        "objects": 1234,
        "seed": 0,
        "weights": "0a",
        "scores": {
            "net": {
                "accuracy": 0.95,
                "auroc": None,
                "tpr0": 0.2,
                "negatives": 900,
                "unmeasured": 0,
            },
            "hog_svm": {"objects": 1234, "accuracy": 0.85, "auroc": 0.9, "unmeasured": 7},
        },
        "intervals": {"net": {"accuracy": [0.93, 0.97], "auroc": [None, None]}, "hog_svm": {}},
        "gaps": {"hog_svm": {"accuracy": gap}},
        "seconds_per_object": {"net": 0.001, "hog_svm": 0.003},
        "claims": [
            {
                "metric": "accuracy",
                "at_least": 0.97,
                "at_most": None,
                "paper": 0.98,
                "rival_paper": None,
                "source": "<the paper>",
                "net": 0.95,
                "rival": 0.85,
                "holds": False,
            }
        ],
    }


def evaluation() -> list[parts.Part]:
    line = np.array([0.4, 0.9])
    points = SimpleNamespace(confidence=line, accuracy=line, low=line - 0.1, high=line + 0.05)
    by_method = {"net": line, "hog_svm": line}
    trend = SimpleNamespace(
        quantity=Quantity("magnitude", "mag"),
        centre=np.array([18.0, 22.0]),
        accuracy=by_method,
        low=by_method,
        high=by_method,
    )
    return evaluation_parts(
        scores(),
        verdict="Use <b>it</b>.",
        measured_on="1,234 objects & more",
        confusions={"net": np.eye(2, dtype=int), "hog_svm": np.ones((2, 2), int)},
        classes=("smooth", "spiral"),
        reliabilities={"net": points, "hog_svm": points},
        trends=[trend],
    )


def test_a_page_asks_the_network_for_nothing() -> None:
    html = page("Evaluation", evaluation(), subtitle="seed 0")
    assert not re.search(r"(https?:)?//", re.sub(r"base64,[A-Za-z0-9+/=]+", "", html))
    sources = re.findall(r"(?:src|href)=\"([^\"]*)\"", html)
    assert sources
    assert all(source.startswith("data:") for source in sources)
    assert "<script" not in html
    assert "@import" not in html
    assert "url(" not in html


def test_a_page_escapes_every_text_that_it_is_given() -> None:
    evil = "<script>alert('x')</script> & \"quoted\""
    figure = Figure(new_figure(1, 1), evil, title=evil, alt=evil)
    table = Table([evil], [[evil]], title=evil, caption=evil)
    shown = [Text(evil, title=evil), Highlight(evil, title=evil), table, figure]
    html = page(evil, shown, subtitle=evil)
    assert "<script" not in html
    assert 'alt="<' not in html
    assert html.count("&lt;script&gt;") == 14
    assert '"quoted"' not in html


def test_every_figure_has_its_words_for_those_who_cannot_see_it() -> None:
    html = page(
        "x", [Figure(new_figure(1, 1), "A caption."), Figure(new_figure(1, 1), "B", alt="C")]
    )
    assert re.findall(r"alt=\"([^\"]*)\"", html) == ["A caption.", "C"]


def test_a_table_shows_dashes_for_what_was_not_measured_and_aligns_numbers() -> None:
    table = Table(
        ["method", "accuracy", "objects", "holds"],
        [["net", 0.91234, 12_000, True], ["svm", float("nan"), None, False]],
    )
    assert table.text == [["net", "0.912", "12,000", "yes"], ["svm", "–", "–", "no"]]
    assert table.numeric == [False, True, True, False]
    with pytest.raises(ValueError, match="1 cells for 2 columns"):
        Table(["a", "b"], [["only one"]])
    assert "<tbody>" in page("empty", [Table(["a", "b"], [])])


def test_the_evaluation_page_shows_scores_gaps_claims_and_what_was_left_out() -> None:
    html = page("Evaluation", evaluation())
    for shown in (
        "Use &lt;b&gt;it&lt;/b&gt;.",
        "0.950\n0.930–0.970",
        "+0.100\n+0.050 to +0.150",
        "≥ 0.97",
        "&lt;the paper&gt;",
        "1,234 objects &amp; more",
        "hog svm 7",
        "900 negatives",
    ):
        assert shown in html
    assert html.count("<img") == 3


def test_a_page_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = write_page(tmp_path / "report.html", "One", [Text("first")])
    assert "first" in path.read_text(encoding="utf-8")

    class Broken(Text):
        @property
        def paragraphs(self) -> list[str]:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_page(path, "Two", [Broken("second")])
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError):
        write_page(tmp_path / "taken", "Two", [Text("second")])
    (tmp_path / "taken").rmdir()
    assert "first" in path.read_text(encoding="utf-8")
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_stamps_render_for_any_number_of_channels(channels: int) -> None:
    wall = stamp_wall(galaxies(7, channels), ["spiral 0.9\ntrue: smooth"] * 7)
    shown = [axes for axes in wall.axes if axes.images]
    assert len(shown) == 7
    seen = pixels(wall)
    assert seen[..., :3].min() < 0.1 < 0.9 < seen[..., :3].max()
    with pytest.raises(ValueError, match="2 captions for 7 stamps"):
        stamp_wall(galaxies(7, channels), ["a", "b"])


def test_red_light_is_red_and_grey_light_is_grey() -> None:
    images = galaxies(1, 5)
    sigma = np.ones((1, 5))
    noise = images - images.mean(1, keepdims=True)
    light = images.mean((0, 1))
    for tint, order in ((np.arange(1, 6), "bgr"), (np.arange(5, 0, -1), "rgb")):
        centre = asinh_rgb(noise + light * tint[:, None, None], sigma=sigma)[0, 9:11, 9:11]
        faint, middle, bright = (centre[..., "rgb".index(c)].mean() for c in order)
        assert faint < middle < bright
    grey = asinh_rgb(images[:, :1])[0]
    assert np.ptp(grey, axis=-1).max() == 0


def test_the_stretch_is_asinh_keeps_colours_and_bears_holes() -> None:
    light = np.zeros((1, 3, 9, 9))
    light[0, :, 4, 4] = (10, 20, 30)
    light[0, :, 4, 5] = (100, 200, 300)
    rgb = asinh_rgb(light, sigma=np.ones((1, 3)), softening=3)[0]
    assert rgb[4, 4] / rgb[4, 4].max() == pytest.approx([1, 2 / 3, 1 / 3])
    assert rgb[4, 5] / rgb[4, 5].max() == pytest.approx([1, 2 / 3, 1 / 3])
    # Below white, brightness follows asinh(intensity / 3), wherever white is.
    faint = light.copy()
    faint[0, :, 4, 4], faint[0, :, 3, 3] = (4, 4, 4), (8, 8, 8)
    dim = asinh_rgb(faint, sigma=np.ones((1, 3)), softening=3)[0]
    assert dim[3, 3, 0] / dim[4, 4, 0] == pytest.approx(np.arcsinh(8 / 3) / np.arcsinh(4 / 3))
    light[0, 0] = np.nan
    holed = asinh_rgb(light, sigma=np.array([[np.inf, 1, 1]]))
    assert np.isfinite(holed).all()
    assert holed.min() >= 0
    assert holed.max() <= 1
    with pytest.raises(ValueError, match="expected \\[object, channel, y, x\\]"):
        asinh_rgb(light[0])


def test_noise_alone_stays_dark() -> None:
    empty = np.random.default_rng(0).normal(size=(4, 3, 30, 30))
    assert np.median(asinh_rgb(empty)) < 0.1


def test_a_confusion_matrix_shows_its_counts_and_refuses_another_size() -> None:
    matrix = np.array([[90, 10], [2, 8]])
    figure = confusion_matrices({m: matrix for m in "abcd"}, ("smooth", "spiral"))
    words = [text.get_text() for text in figure.axes[0].texts]
    assert words == ["90 %\n90", "10 %\n10", "20 %\n2", "80 %\n8"]
    assert pixels(figure).std() > 0.05
    with pytest.raises(ValueError, match="expected 3 by 3"):
        confusion_matrices({"net": matrix}, ("a", "b", "c"))
    with pytest.raises(ValueError, match="no confusion matrices"):
        confusion_matrices({}, ("a", "b"))


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_ellipses_lie_along_the_position_angle(channels: int) -> None:
    # 30 degrees from +y towards -x: the major axis points to (-sin 30, cos 30).
    one = np.array([12.0])
    figure = field_with_detections(
        np.zeros((channels, 40, 30)),
        x=one,
        y=one + 8,
        semi_major=one / 2,
        semi_minor=one / 4,
        position_angle=np.array([30.0]),
        kinds=["spiral"],
        classes=("smooth", "spiral"),
    )
    pixels(figure)
    drawn = [c for c in figure.axes[0].collections if isinstance(c, EllipseCollection)]
    (path,) = [c for c in drawn if len(c.get_offsets())]
    axes_drawn, lengths, _ = np.linalg.svd(path.get_transforms()[0][:2, :2])
    assert abs(axes_drawn[:, 0] @ [-0.5, np.sqrt(0.75)]) == pytest.approx(1)
    assert lengths[0] / lengths[1] == pytest.approx(2)
    assert path.get_offsets().tolist() == [[12, 20]]
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["smooth (0)", "spiral (1)"]


def test_counts_and_domain_histograms_add_up() -> None:
    generator = np.random.default_rng(0)
    magnitudes = np.append(generator.normal(22, 1, 500), np.nan)
    kinds = ["smooth"] * 300 + ["spiral"] * 201
    figure = number_counts(magnitudes, kinds, ("smooth", "spiral"), width=0.25)
    axes = figure.axes[0]
    totals = [container.lines[0].get_ydata().sum() for container in axes.containers]
    assert totals == [500, 300, 200]
    assert axes.get_ylabel() == "objects per 0.25 mag"
    with pytest.raises(ValueError, match="0 finite magnitudes"):
        number_counts(np.full(2, np.nan), ["a", "b"], ("a", "b"))
    odd = generator.gamma(2, 1, 400)
    found = domain_histogram(odd, threshold=3.0, reference=odd / 2)
    words = [text.get_text() for text in found.axes[0].get_legend().get_texts()]
    assert f"flagged above 3 ({int((odd > 3).sum())} of 400)" in words
    pixels(figure)
    pixels(found)


def test_the_surest_stamps_are_sorted_by_confidence_and_by_truth() -> None:
    kind = Quantity("kind", classes=("smooth", "spiral"))
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [np.nan, np.nan], [0.7, 0.3]])
    labels = np.array([0, 0, 0, 0, -1])
    batch = Batch(
        np.array(list("abcde")),
        torch.from_numpy(galaxies(5, 3)),
        ("g", "r", "i"),
        variance=torch.ones(5, 3, 1, 1),
    )
    answer = Classes(kind, torch.from_numpy(probabilities))
    right, wrong = best_and_worst(batch, answer, labels)
    assert isinstance(right, Figure)
    assert isinstance(wrong, Figure)
    titles = [[axes.get_title() for axes in part.figure.axes] for part in (right, wrong)]
    assert titles == [["smooth 0.90", "smooth 0.60"], ["spiral 0.80\ntrue: smooth"]]
    two = torch.arange(2)
    _, none = best_and_worst(batch.take(two), answer[two], labels[:2])
    assert isinstance(none, Text)


def test_the_same_figure_is_the_same_bytes() -> None:
    walls = [inline_png(stamp_wall(galaxies(2, 3), ["a", "b"]), dpi=40) for _ in range(2)]
    assert walls[0] == walls[1]
