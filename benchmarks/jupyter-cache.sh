#!/usr/bin/env bash
# jupyter-cache on all cores, then its executed notebooks as HTML in one call. jupyter-cache.sh OUTPUT_FOLDER
set -euo pipefail
echo y | jcache notebook --cache-path "$1/cache" add notebooks/[0-9]*.ipynb
jcache project --cache-path "$1/cache" execute --executor local-parallel --timeout 300
for notebook in notebooks/[0-9]*.ipynb; do
    jcache notebook --cache-path "$1/cache" merge "$notebook" "$1/$(basename "$notebook")"
done
jupyter nbconvert --to html --output-dir "$1" "$1"/*.ipynb
