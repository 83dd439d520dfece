"""Findings: a claim with the value recomputed for it, its verdict, and how a notebook shows it."""

from shockcheck.findings.checks import allowed, check
from shockcheck.findings.finding import Finding

__all__ = ["Finding", "allowed", "check"]
