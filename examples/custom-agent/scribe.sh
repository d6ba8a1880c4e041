#!/bin/sh
# An agent program as small as can be. Takes a first prompt as its last argument and later ones as lines.
# For each it writes a line to NOTES.md and commits it. `bye` ends it.
work() {
  echo "scribe: working on: $1"
  printf -- '- %s\n' "$1" >>NOTES.md
  git add NOTES.md
  git -c user.name=Scribe -c user.email=scribe@example.invalid -c commit.gpgsign=false commit -q -m "scribe: $1"
  echo "scribe: done"
}

[ $# -gt 0 ] && work "$1"
while printf 'scribe> ' && IFS= read -r line; do
  [ "$line" = bye ] && exit 0
  [ -n "$line" ] && work "$line"
done
