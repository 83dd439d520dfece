"""The five colours of the pages: told apart with any colour vision, and legible, in both themes."""

import itertools
import re

import numpy as np
import pytest

from shockcheck.charts import drawings
from shockcheck.report.pages import TEMPLATES

# Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency", 2009,
# table 1 at severity 1.0: matrices on linear RGB.
VISION = {
    "full": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
APART = 10  # CIE76 distance; about 2.3 is just noticeable, and no colour stands without its sign or label


def theme(dark: bool) -> dict[str, str]:
    light, other = re.findall(r":root \{(.*?)\n *\}", (TEMPLATES / "style.css").read_text(encoding="utf-8"), re.DOTALL)[:2]
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", light))
    return colours | (dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", other)) if dark else {})


def linear(colour: str) -> np.ndarray:
    channels = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    scaled = to_xyz @ np.clip(rgb, 0, 1) / np.array([0.9505, 1.0, 1.089])
    root = np.where(scaled > (6 / 29) ** 3, np.cbrt(scaled), scaled / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])])


def contrast(one: str, other: str) -> float:
    light, dark = sorted(
        (float(np.array([0.2126, 0.7152, 0.0722]) @ linear(colour)) for colour in (one, other)), reverse=True
    )
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("vision", VISION)
def test_the_colours_keep_apart(vision, dark):
    colours = theme(dark)
    seen = {
        name: lab(np.array(VISION[vision]) @ linear(colours[name])) for name in ("good", "partly", "bad", "plain", "band")
    }
    for one, other in itertools.combinations(seen, 2):
        assert np.linalg.norm(seen[one] - seen[other]) > APART, (one, other)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_text_is_legible(dark):
    colours = theme(dark)
    for name in ("ink", "muted", "good", "partly", "bad", "plain"):
        assert contrast(colours[name], colours["paper"]) >= 4.5, name
        assert contrast(colours[name], colours["raised"]) >= 4.5, name


def test_charts_have_the_same_colours_where_no_page_sets_them():
    colours = theme(dark=False)
    drawn = (drawings.BAND, drawings.PLAIN, drawings.FALL, drawings.RISE, drawings.INK, drawings.MUTED, drawings.RULE)
    assert drawn == tuple(colours[name] for name in ("band", "plain", "bad", "good", "ink", "muted", "rule"))


def test_a_known_contrast_and_distance():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert lab(linear("#ffffff")) == pytest.approx([100, 0, 0], abs=0.1)
