#!/bin/bash
# Brings schemathesis, which npm does not have, into an environment of its own. Where it is already, it does nothing.
# Prints one line: the path of the program. SCHEMATHESIS names one that you have.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tools=${SCHEMATHESIS_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/gatehouse-schemathesis}

fail() {
  echo "schemathesis: $*" >&2
  exit 1
}

mkdir -p "$tools"
exec 9>"$tools/lock"
flock -w 600 9 || fail "another run has held $tools/lock for 600 s"
command -v python3 >/dev/null || fail 'python3 is missing (apt-get install python3 python3-venv)'

# Named by what is in it, so that other requirements make another one.
folder=$tools/python-$(cksum <"$here/requirements.txt" | cut -d' ' -f1)
program=${SCHEMATHESIS:-$folder/bin/schemathesis}
if [ ! -x "$program" ]; then
  [ -z "${SCHEMATHESIS:-}" ] || fail "SCHEMATHESIS names $SCHEMATHESIS, and that is no program"
  echo 'schemathesis: installing it' >&2
  rm -rf "$folder"
  python3 -m venv "$folder" >&2 || fail 'python3 has no venv (apt-get install python3-venv)'
  # An environment cannot be moved, so one that is not complete is taken away.
  "$folder/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt" >&2 || {
    rm -rf "$folder"
    fail 'pip could not install schemathesis'
  }
fi
"$program" --version >/dev/null || fail "$program does not start"

echo "$program"
