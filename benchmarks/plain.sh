#!/usr/bin/env bash
# The plain loop: papermill and nbconvert from the command line, one notebook after another. plain.sh OUTPUT_FOLDER
set -euo pipefail
for notebook in notebooks/[0-9]*.ipynb; do
    executed=$1/$(basename "$notebook")
    papermill --no-progress-bar --cwd notebooks "$notebook" "$executed"
    jupyter nbconvert --to html --output-dir "$1" "$executed"
done
