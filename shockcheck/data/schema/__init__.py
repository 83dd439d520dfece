"""What the CSV files in `data/` must look like, and whether they do."""
