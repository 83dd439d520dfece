#!/usr/bin/env bash
# ploomber-engine, a call a notebook as it takes no more, then nbconvert in one call. ploomber-engine.sh OUTPUT_FOLDER
set -euo pipefail
export PLOOMBER_STATS_ENABLED=false # else it waits for a server that counts its runs
for notebook in notebooks/[0-9]*.ipynb; do
    ploomber-engine --no-progress-bar --cwd notebooks "$notebook" "$1/$(basename "$notebook")"
done
jupyter nbconvert --to html --output-dir "$1" "$1"/*.ipynb
