"""Is it still right: embedded prices against Yahoo's, the built report against a clean build, and what rests on a row."""
