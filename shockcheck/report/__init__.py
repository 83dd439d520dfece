"""The article's report: pages, index and findings.json, from notebooks that have run."""
