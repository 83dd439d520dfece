"""Running the project's notebooks under papermill, and what came out of a run."""
