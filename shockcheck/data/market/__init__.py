"""Where prices come from, the embedded tables or Yahoo, and how embedded ones are refreshed."""
