"""Writing a project: a new one, drafts of claims and cells, and pages built again as files are saved."""
