"""Files as people save them: text, CSV, YAML, days and links, each fault with its file and line."""
