"""The descriptor of the data package: read as JSON, and refused where the tables could not be read by it.

It is a Frictionless Data Package in a restricted form: CSV in UTF-8 with commas, and an empty cell for a missing value.
"""

import json
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from shockcheck.formats import yaml_models
from shockcheck.formats.yaml_models import Text

Loc = tuple[str | int, ...]
REQUIRED_TABLES = ("facts", "sources")  # no ledger can be read without them
# The columns that modules read by name, with the type that they compute with; a table may have more.
BAR_COLUMNS = dict.fromkeys(("open", "high", "low", "close"), "number") | {"source": "string"}
REQUIRED_COLUMNS = {
    "facts": dict.fromkeys(("id", "quantity", "value", "unit", "source", "status"), "string") | {"as_of": "date"},
    "sources": dict.fromkeys(("id", "publisher", "title", "url", "terms"), "string") | {"published": "date"},
    "listings": dict.fromkeys(("symbol", "company", "exchange", "currency"), "string"),
    "prices": {"symbol": "string", "date": "date"} | BAR_COLUMNS,
    "intraday": {"symbol": "string", "start": "datetime"} | BAR_COLUMNS,
    "closes": {"symbol": "string", "date": "date", "close": "number"},
    "shares_outstanding": {"symbol": "string", "as_of": "date", "shares": "number", "source": "string"},
}
# Properties with their only values: any other value would matter where a table is checked and not where it is loaded.
FIXED_PROPERTIES = {
    "encoding": ("utf-8", "utf8"),
    "format": ("csv",),
    "compression": (),
    "dialect": (),
    "missingValues": ([""],),
}


class DescriptorError(Exception):
    """The descriptor cannot be used; the message follows its file's name."""


class _Part(BaseModel):
    """A part of the descriptor; what it has beyond the fields named here is for readers."""

    model_config = ConfigDict(extra="allow", strict=True)


class _Column(_Part):
    name: Text
    type: Text
    format: str = "default"
    constraints: dict[str, Any] = {}


class _Reference(_Part):
    resource: str
    fields: Annotated[list[Text], Field(min_length=1)]


class _ForeignKey(_Part):
    fields: Annotated[list[Text], Field(min_length=1)]
    reference: _Reference


class _Schema(_Part):
    fields: Annotated[list[_Column], Field(min_length=1)]
    primary_key: Annotated[list[Text], Field(min_length=1, alias="primaryKey")]
    foreign_keys: Annotated[list[_ForeignKey], Field(alias="foreignKeys")] = []


class _Resource(_Part):
    name: Text
    path: Text
    title: Text
    mediatype: Text
    table_schema: Annotated[_Schema, Field(alias="schema")]
    hash: str | None = None
    rules: Annotated[dict[str, str], Field(alias="rowConstraints")] = {}


class _Licence(_Part):
    path: Text


class _Package(_Part):
    title: Text
    description: Text
    version: Text
    licenses: Annotated[list[_Licence], Field(min_length=1)]
    resources: Annotated[list[_Resource], Field(min_length=1)]


@lru_cache(maxsize=2)
def read(raw: bytes) -> dict[str, Any]:
    """Return the descriptor in `raw`, which is JSON; it must not be changed. Raises DescriptorError with the first fault."""
    try:
        descriptor = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise DescriptorError(f" cannot be read ({error}); restore it from version control") from error
    if not isinstance(descriptor, dict):
        raise DescriptorError(" must hold names with values; restore it from version control")
    for fault in yaml_models.faults(_Package, descriptor):
        raise DescriptorError(_sentence(descriptor, fault.loc, fault.message))
    for loc, message in _broken_rules(descriptor):
        raise DescriptorError(_sentence(descriptor, loc, message))
    return descriptor


def _sentence(descriptor: dict[str, Any], loc: Loc, message: str) -> str:
    """Return the fault with its table and column, by their names where they have one, and its field."""
    node: Any = descriptor  # a part of JSON
    location = ""
    for before, key in zip(("", *loc), loc, strict=False):
        node = node[key] if isinstance(key, int) or key in node else {}
        if isinstance(key, int) and (before == "resources" or (before == "fields" and "foreignKeys" not in loc)):
            name = node.get("name") if isinstance(node, dict) else None
            location += f", {'table' if before == 'resources' else 'column'} {name or f'number {key + 1}'}"
    names = [key for key in loc if isinstance(key, str)]
    field = f"`{names[-1]}`: " if names and names[-1] == loc[-1] else ""
    return f"{location}: {field}{message}"


def _broken_rules(descriptor: dict[str, Any]) -> Iterator[tuple[Loc, str]]:
    """Yield what is wrong between parts of the descriptor that are valid by themselves, each with its place."""
    tables = {entry["name"]: _types(entry) for entry in descriptor["resources"]}
    for name in REQUIRED_TABLES:
        if name not in tables:
            yield ("resources",), f"there is no table {name!r}; describe it as `shockcheck new` does"
    for field in ("name", "path"):
        times = Counter(entry[field] for entry in descriptor["resources"])
        for number, entry in enumerate(descriptor["resources"]):
            if times[entry[field]] > 1:
                yield (
                    ("resources", number, field),
                    f"{entry[field]!r} is given to {times[entry[field]]} tables; give each its own",
                )
    for number, entry in enumerate(descriptor["resources"]):
        faults = (*_file_faults(entry), *_column_faults(entry), *_key_faults(entry, tables))
        yield from ((("resources", number, *loc), message) for loc, message in faults)


def _types(entry: dict[str, Any]) -> dict[str, str]:
    return {column["name"]: column["type"] for column in entry["schema"]["fields"]}


def _file_faults(entry: dict[str, Any]) -> Iterator[tuple[Loc, str]]:
    path = entry["path"]
    if PurePosixPath(path).name != path or "\\" in path:
        yield ("path",), f"{path!r} must be the name of a file in data/, as prices.csv is"
    for loc, part in (((), entry), (("schema",), entry["schema"])):
        for field, values in FIXED_PROPERTIES.items():
            value = part.get(field)
            if value and (value.lower() if isinstance(value, str) else value) not in values:
                written = "CSV in UTF-8, with commas, and an empty cell where there is nothing"
                yield (*loc, field), f"a table is {written}; remove this and save the table so"


def _column_faults(entry: dict[str, Any]) -> Iterator[tuple[Loc, str]]:
    types = _types(entry)
    if len(types) < len(entry["schema"]["fields"]):
        yield ("schema", "fields"), "two columns have the same name; give each its own"
    for name, required in REQUIRED_COLUMNS.get(entry["name"], {}).items():
        kind = "number" if types.get(name) == "integer" else types.get(name)
        if kind != required:
            problem = f"must have the type {required!r}" if kind else f"is missing; add it, with the type {required!r}"
            yield ("schema", "fields"), f"the column {name!r} {problem}"


def _key_faults(entry: dict[str, Any], tables: dict[str, dict[str, str]]) -> Iterator[tuple[Loc, str]]:
    columns, schema = tables[entry["name"]], entry["schema"]
    for name in schema["primaryKey"]:
        if name not in columns:
            yield ("schema", "primaryKey"), f"the table has no column {name!r}; correct the name"
    for key in schema.get("foreignKeys", []):
        table = key["reference"]["resource"]
        other = tables.get(table) if table else columns
        missing = [f"no column {name!r}" for name in key["fields"] if name not in columns]
        if other is None:
            missing.append(f"no table {table!r} to look into")
        else:
            missing += [f"no column {name!r} in {table!r}" for name in key["reference"]["fields"] if name not in other]
        yield from ((("schema", "foreignKeys"), f"there is {thing}; correct the name") for thing in missing)
