"""A notebook with other parameters: one variant, or a sweep over the rows of a grid, here or on a cluster."""
