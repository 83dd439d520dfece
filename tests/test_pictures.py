"""Pictures of the pages against those that were looked at and kept: a broken layout shows in a picture alone.

`pytest tests/test_pictures.py --refresh-pictures` takes them anew, the README's included; look at them before committing.
"""

import base64
import io
from pathlib import Path

import matplotlib as mpl
import pytest
from conftest import NOTEBOOKS, ROOT
from PIL import Image, ImageChops, ImageFilter
from playwright.sync_api import Browser

KEPT = Path(__file__).parent / "pictures"
TALL = 2400  # pixels from the top: cards, what-if and the first charts of a page
SHRUNK = 2  # a picture is kept at half its size
COARSE, DIFFERENT, SHARE = 2, 24, 0.01  # blur in pixels; a shade this far off is another one; as many pixels may differ
# A reader's own font would make pictures differ from machine to machine; this one comes with matplotlib.
FONT = (Path(mpl.get_data_path()) / "fonts/ttf/DejaVuSans.ttf").read_bytes()
FACE = f"@font-face {{ font-family: Kept; src: url(data:font/ttf;base64,{base64.b64encode(FONT).decode()}) }}"
STYLE = f"{FACE} *, svg {{ font-family: Kept !important }} footer {{ display: none }}"


def taken(browser: Browser, path: Path, width: int, scheme: str) -> Image.Image:
    page = browser.new_page(bypass_csp=True, viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.goto(path.as_uri())
    page.add_style_tag(content=STYLE)
    page.evaluate("document.fonts.ready")
    whole = page.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": width, "height": TALL}, animations="disabled")
    page.close()
    picture = Image.open(io.BytesIO(whole)).convert("RGB")
    return picture.resize((picture.width // SHRUNK, picture.height // SHRUNK), Image.Resampling.LANCZOS)


def differing(one: Image.Image, other: Image.Image) -> float:
    """The share of pixels in which two pictures differ to an eye that does not see how a letter's edge is drawn."""
    blurred = (picture.filter(ImageFilter.GaussianBlur(COARSE)) for picture in (one, other))
    red, green, blue = ImageChops.difference(*blurred).split()
    histogram = ImageChops.lighter(ImageChops.lighter(red, green), blue).histogram()
    return sum(histogram[DIFFERENT:]) / sum(histogram)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("name", ["index", NOTEBOOKS[0]])
def test_a_page_looks_as_it_did(browser, built, pytestconfig, tmp_path, name, width, scheme):
    picture = taken(browser, built.root / f"reports/{name}.html", width, scheme)
    kept = KEPT / f"{name}-{width}-{scheme}.png"
    if pytestconfig.getoption("refresh_pictures"):
        KEPT.mkdir(exist_ok=True)
        picture.quantize(128, kmeans=2).save(kept, optimize=True)
        if (name, width, scheme) == (NOTEBOOKS[0], 1280, "light"):
            picture.crop((0, 0, picture.width, 700)).quantize(128, kmeans=2).save(ROOT / "docs/page.png", optimize=True)
        return
    known = Image.open(kept).convert("RGB")
    assert picture.size == known.size
    picture.save(tmp_path / kept.name)
    share = differing(picture, known)
    assert share <= SHARE, f"{share:.1%} of the page differ from {kept}; see {tmp_path / kept.name}"


def test_a_broken_layout_is_seen(browser, built, tmp_path):
    """The same page without its grid of cards, and with the colours of the other theme."""
    path = built.root / f"reports/{NOTEBOOKS[0]}.html"
    html = path.read_text(encoding="utf-8")
    whole = taken(browser, path, 1280, "light")
    assert differing(whole, taken(browser, path, 1280, "light")) == 0
    assert differing(whole, taken(browser, path, 1280, "dark")) > SHARE
    for old, new in [(".score { display: grid;", ".score { display: block;"), ("max-width: 46rem", "max-width: 40rem")]:
        assert old in html
        (tmp_path / "broken.html").write_text(html.replace(old, new), encoding="utf-8")
        assert differing(whole, taken(browser, tmp_path / "broken.html", 1280, "light")) > SHARE
