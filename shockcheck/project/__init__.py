"""A project and its files, and what both sides of the process boundary share."""
