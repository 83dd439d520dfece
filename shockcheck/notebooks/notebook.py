"""The project's notebooks: the parameters of each, the claims it checks, and whether these fit the ledger."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from nbformat import NotebookNode

from shockcheck.errors import BuildError, LedgerError, ParameterError
from shockcheck.ledger import Ledger, load
from shockcheck.notebook_files import cells, parameters
from shockcheck.notebook_files.parameters import Parameter
from shockcheck.project.paths import current_project, shown

if TYPE_CHECKING:
    pass


TIMEOUT = "SHOCKCHECK_TIMEOUT"  # names the seconds for one cell
USUAL_TIMEOUT, LONGEST_TIMEOUT = 300, 10_000_000  # seconds


def cell_timeout() -> int:
    """Return the seconds that a cell may take; raises ParameterError where the environment names no such number."""
    text = os.environ.get(TIMEOUT) or str(USUAL_TIMEOUT)
    if not re.fullmatch(r"[0-9]{1,8}", text) or not 0 < int(text) <= LONGEST_TIMEOUT:
        raise ParameterError(f"{TIMEOUT} must be a whole number of seconds from 1 to {LONGEST_TIMEOUT}, not {text!r}")
    return int(text)


@dataclass(frozen=True)
class Notebook:
    """One notebook of the project, by its file."""

    path: Path

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem

    @cached_property
    def content(self) -> dict[str, Any]:
        """What the file holds, as `cells.read` gives it; raises BuildError where it is no notebook in Python."""
        return cells.read(self.path)

    @cached_property
    def node(self) -> NotebookNode:
        """The same as papermill and nbconvert take it."""
        node: NotebookNode = nbformat.v4.to_notebook_json(self.content)
        return node

    @property
    def title(self) -> str:
        """The first heading; of a notebook without one its name in words."""
        return cells.title(self.content) or self.name.lstrip("0123456789-").replace("-", " ").capitalize() or self.name

    @cached_property
    def declared(self) -> dict[str, Parameter]:
        """The parameters by name; raises BuildError unless a cell tagged `parameters` sets each to a constant."""
        return parameters.of_notebook(self.content, shown(self.path))

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters' defaults by name; raises as `declared`."""
        return {name: parameter.default for name, parameter in self.declared.items()}

    @cached_property
    def checks(self) -> list[tuple[str, str]]:
        """The claims that the code cells check, in order, each with the id of its cell.

        Raises BuildError, naming cell and line, for code that cannot be read and for an id that is not literal.
        """
        return cells.checks(cells.code(self.content, shown(self.path)))

    @property
    def claims(self) -> list[str]:
        """The ids of the claims that the code cells check, in order; raises as `checks`."""
        return [claim_id for claim_id, _ in self.checks]

    def with_types(self, texts: Mapping[str, str]) -> dict[str, Any]:
        """Return the parameters that `texts` set, each in the type that it is declared with.

        Raises ParameterError for an unknown name and for a text that is no value of the type.
        """
        typed = {}
        for name, text in texts.items():
            if name not in self.declared:
                raise ParameterError(f"{self.name} has no parameter {name!r}; it has {', '.join(self.declared) or 'none'}")
            if not text.isascii() and text != text.encode(errors="replace").decode():
                raise ParameterError(f"{name} holds bytes that are not UTF-8; write {text!r} in UTF-8")
            typed[name] = self.declared[name].read(text)
        return typed


def numbered_notebooks() -> list[Notebook]:
    """Return the project's numbered notebooks in reading order, of which there may be none."""
    return [Notebook(path) for path in current_project().numbered_notebook_files()]


def require_notebooks() -> list[Notebook]:
    """Return the project's numbered notebooks in reading order; raises BuildError where there are none."""
    notebooks = numbered_notebooks()
    if not notebooks:
        raise BuildError(f"{shown(current_project().notebooks)} holds no notebook named like 01-subject.ipynb")
    return notebooks


def unnumbered_notebooks() -> list[Notebook]:
    """Return the project's notebooks without a number, which check no claim and make no page."""
    numbered = {notebook.path for notebook in require_notebooks()}
    return [Notebook(path) for path in current_project().notebook_files() if path not in numbered]


def notebook_named(name: str) -> Notebook:
    """Return the notebook of that name; raises ParameterError, naming those there are, for an unknown one."""
    known = {notebook.name: notebook for notebook in require_notebooks()}
    if name not in known:
        raise ParameterError(f"no notebook {name!r} in {shown(current_project().notebooks)}; there are {', '.join(known)}")
    return known[name]


def check_against(ledger: Ledger, notebooks: list[Notebook], all_claims: bool = True) -> None:
    """Raise LedgerError unless every claim of the ledger is checked by exactly one of the notebooks, and no other is.

    Without `all_claims` some may be checked by none.
    """
    checked: dict[str, str] = {}
    for notebook in notebooks:
        for claim_id in notebook.claims:
            if claim_id not in ledger.by_id:
                raise LedgerError(
                    f"{notebook.name} checks {claim_id!r}, which the ledger has not; "
                    "add the claim, correct the id, or remove the cell"
                )
            if claim_id in checked:
                raise LedgerError(f"{claim_id} is checked in {checked[claim_id]} and again in {notebook.name}; keep one")
            checked[claim_id] = notebook.name
    unchecked = [claim.id for claim in ledger.claims if claim.id not in checked]
    if unchecked and all_claims:
        raise LedgerError(unchecked_sentence(unchecked))


def unchecked_sentence(claims: list[str]) -> str:
    """Return the sentence for claims, by their ids, that no notebook checks."""
    named = f"{', '.join(claims[:-1])} and {claims[-1]}" if len(claims) > 1 else claims[0]
    return (
        f"no notebook checks {named}; add a cell with check({claims[0]!r}, ...), which "
        f"`shockcheck claims check` writes for you, or remove the claim{'s' if len(claims) > 1 else ''}"
    )


def checked_project() -> tuple[Ledger, list[Notebook]]:
    """Return ledger and notebooks, having seen that each claim a notebook checks stands in the ledger.

    The ledger may have claims that no notebook checks.

    Raises ShockcheckError with the first fault.
    """
    book, notebooks = load(), require_notebooks()
    check_against(book, notebooks, all_claims=False)
    for notebook in notebooks:
        notebook.parameters  # noqa: B018  which raises what is wrong with them
    cell_timeout()
    return book, notebooks
