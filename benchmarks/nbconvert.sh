#!/usr/bin/env bash
# nbconvert alone, one call for all notebooks: that spares it eight starts of the command line. nbconvert.sh OUTPUT_FOLDER
set -euo pipefail
jupyter nbconvert --execute --to html --output-dir "$1" notebooks/[0-9]*.ipynb
