"""YAML files of a project: read into checked models, each fault with its file and line."""

from pathlib import Path
from typing import TypeVar

from ruamel.yaml.comments import CommentedMap

from shockcheck.errors import ShockcheckError
from shockcheck.formats import yaml_models
from shockcheck.formats.yaml_models import StrictModel, UnreadableError
from shockcheck.project.files import read_bytes
from shockcheck.project.paths import shown

Model = TypeVar("Model", bound=StrictModel)


def parse(path: Path) -> CommentedMap:
    """Return the document in `path`, its lines known; raises UnreadableError where it is no mapping or cannot be read."""
    try:
        raw = read_bytes(path)
    except OSError as error:
        raise UnreadableError(f"cannot be read ({error.strerror}); restore it from version control") from error
    return yaml_models.parse(raw)


def load(path: Path, fault: type[ShockcheckError]) -> CommentedMap:
    """Return the document in `path`; raises `fault`, with file and line, where it is no mapping or cannot be read."""
    try:
        return parse(path)
    except UnreadableError as error:
        line = f", line {error.line}" if error.line else ""
        raise fault(f"{shown(path)}{line}{':' if line else ''} {error.message}") from error


def load_model(path: Path, model: type[Model], fault: type[ShockcheckError]) -> Model:
    """Return the document in `path` as a `model`; raises `fault` with file, line and entry for the first thing wrong."""
    document = load(path, fault)
    for first in yaml_models.faults(model, document):
        raise fault(yaml_models.fault_sentence(shown(path), document, first))
    return model.model_validate(document)
