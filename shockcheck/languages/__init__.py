"""Labels, numbers and dates in the language of an article."""
