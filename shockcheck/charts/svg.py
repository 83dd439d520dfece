"""Slim, deterministic SVG: what matplotlib draws, with the same bytes in every run and nothing that no browser needs.

Text stays text. Colours are CSS variables that a page may set anew, for a dark theme, with the drawn colour as the default.
"""

import hashlib
import io
import re
from collections.abc import Mapping
from xml.etree import ElementTree

from matplotlib.figure import Figure

NAMESPACE, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
TAG = re.compile(r"<[^>]+>")
# A hundredth of a point is finer than any screen shows.
EXCESS_DECIMALS = re.compile(r"(\d\.\d\d)\d+")
ID_OR_REFERENCE = re.compile(r'(\bid="|url\(#|\bhref="#)')
REFERENCE = re.compile(r"#([^)\"]+)")
FONT_FAMILY = re.compile(r"font-family: [^;]+;? ?")


def from_figure(figure: Figure, colours: Mapping[str, str]) -> str:
    """Return a figure as SVG; `colours` gives each colour, '#1f2328', the name of its CSS variable, `--chart-NAME`.

    Ids begin with a digest of the drawing: several drawings share a page, so their ids must differ, and be the same in
    every run.
    """
    file = io.StringIO()
    figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = _slim(ElementTree.fromstring(file.getvalue()))
    svg = TAG.sub(lambda tag: EXCESS_DECIMALS.sub(r"\1", tag[0]), svg)  # not in the text between the tags
    prefix = f"c{hashlib.sha256(svg.encode()).hexdigest()[:8]}-"
    svg = ID_OR_REFERENCE.sub(rf"\g<1>{prefix}", svg)
    for colour, name in colours.items():
        svg = svg.replace(colour, f"var(--chart-{name}, {colour})")
    return svg


def _slim(svg: ElementTree.Element) -> str:
    """Return the drawing without empty groups, unused ids, and a font named at every word."""
    for node in svg.iter():
        _slim_node(node)
    _prune(svg, used=set(REFERENCE.findall(ElementTree.tostring(svg, encoding="unicode"))))
    svg.attrib = {
        "viewBox": svg.attrib["viewBox"],
        "xmlns": NAMESPACE,
        "font-family": "system-ui, 'DejaVu Sans', sans-serif",
        "stroke-linejoin": "round",
        "stroke-linecap": "butt",
    }
    return ElementTree.tostring(svg, encoding="unicode")


def _slim_node(node: ElementTree.Element) -> None:
    node.tag = node.tag.removeprefix(f"{{{NAMESPACE}}}")
    attributes = node.attrib
    if f"{{{XLINK}}}href" in attributes:
        node.set("href", attributes.pop(f"{{{XLINK}}}href"))
    if "style" in attributes:
        node.set("style", FONT_FAMILY.sub("", attributes["style"]).strip().rstrip(";"))
    if "d" in attributes:
        node.set("d", " ".join(attributes["d"].split()))
    if attributes.get("transform", "").startswith("rotate(-0 "):
        del attributes["transform"]
    node.tail = None


def _prune(node: ElementTree.Element, used: set[str]) -> None:
    """Drop what cannot be seen below `node`, and replace each group without attributes by its content."""
    kept: list[ElementTree.Element] = []
    for child in node:
        if child.get("id") not in used:
            child.attrib.pop("id", None)
        _prune(child, used)
        if child.tag in ("metadata", "style") or (child.tag == "path" and child.get("style") == "fill: none"):
            continue
        if child.tag in ("g", "defs") and not (len(child) and (child.attrib or child.tag == "defs")):
            kept += child
        else:
            kept.append(child)
    node[:] = kept
    if len(node):
        node.text = None
