"""Days written YYYY-MM-DD."""

import re
from datetime import date

from shockcheck.errors import ParameterError


def parse_day(text: str, name: str = "date") -> date:
    """Return the date written as 'YYYY-MM-DD'; raises ParameterError, naming the parameter `name`, for anything else."""
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return date.fromisoformat(text)
    except (TypeError, ValueError):
        pass
    raise ParameterError(f"{name} must be a date written as text, 'YYYY-MM-DD', not {text!r}")
