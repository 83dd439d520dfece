"""What every project is held to: tables, ledger, checks, pages and README. Add tests of your own below."""

from shockcheck.testing import *  # noqa: F403
