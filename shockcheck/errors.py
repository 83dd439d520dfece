"""What can go wrong, as a small family: each message is one sentence that names the place and says what to do."""

import re

# What steers a terminal: escape sequences and control characters.
STEERING = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\|$)|\x1b[ -/]*[0-~]?"
    "|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)


def plain(text: str) -> str:
    """Return the text without what steers a terminal; line breaks and tabs stay."""
    return STEERING.sub("", text)


class ShockcheckError(Exception):
    """Any fault that the user can mend; the command line prints it without a traceback."""


class ProjectError(ShockcheckError):
    """There is no project where one is looked for, or none can be made where one is asked for."""


class DataError(ShockcheckError):
    """A table in `data/` is missing, damaged, or not the one that the data package describes."""


class LedgerError(ShockcheckError):
    """The ledger, or a notebook's checks against it, cannot be right."""


class ParameterError(ShockcheckError):
    """A parameter asks for something that does not exist: a name, a type, a share, a day."""


class BuildError(ShockcheckError):
    """The report could not be built or written."""


class SourceError(ShockcheckError):
    """A live source of prices cannot be asked, or what it gives cannot be computed with."""


class NoBarsError(SourceError):
    """A live source answers, but keeps no bars of that day."""
