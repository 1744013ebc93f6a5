#!/bin/bash
# Builds a real Kubernetes, etcd and the real Cluster API managers from their Go modules. Where the cache is complete it does
# nothing; cold it costs about 11 CPU-minutes. Prints the folder of the binaries.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=lab.sh
. "$here/lab.sh"

if [ ! -f "$BUILT" ]; then
  for tool in go gcc; do command -v "$tool" >/dev/null || fail "$tool is missing; install Go 1.25 or newer and gcc"; done
  lock_lab 3000
fi
if [ ! -f "$BUILT" ]; then # asked again: another build may have held the lock until now
  log=$LAB/build.log
  exec 3>&2 2>"$log" # Go names each of a thousand modules it downloads
  trap '[ -f "$BUILT" ] || { echo "kubernetes lab: the build failed; last lines of $log:"; tail -n 20 "$log"; } >&3' EXIT
  say() { echo "kubernetes lab: $*" >&3; }
  mkdir -p "$BIN" "$LAB"/src/{k8s,etcd,capi}
  # The stamp says that everything is there; without that, binaries of other versions must not pass for these.
  rm -f "$BIN"/.built-*
  # The checkout's version control has nothing to say about these modules.
  export GOFLAGS="${GOFLAGS:-} -buildvcs=false"

  say "building Kubernetes $KUBERNETES_VERSION from source; the first time this takes 10 minutes and more"
  # Kubernetes' staging modules are published under v0.<minor>.<patch>; its own go.mod points at folders instead, which mean
  # nothing to us, so each is mapped to its published version.
  cd "$LAB/src/k8s"
  rm -f go.mod go.sum
  go mod init lab/k8s
  staging=$(grep -oE '^\s*k8s.io/[a-z0-9-]+ => \./staging' "$(go mod download -json "k8s.io/kubernetes@v$KUBERNETES_VERSION" |
    sed -n 's/^\s*"GoMod": "\(.*\)",\{0,1\}$/\1/p')" | awk '{print $1}' | sort -u)
  [ -n "$staging" ] || fail "no staging modules found in the go.mod of Kubernetes $KUBERNETES_VERSION"
  for module in $staging; do go mod edit -replace="$module=$module@v0.${KUBERNETES_VERSION#1.}"; done
  go mod edit -require="k8s.io/kubernetes@v$KUBERNETES_VERSION"
  for program in kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl; do
    go get -tool "k8s.io/kubernetes/cmd/$program@v$KUBERNETES_VERSION"
  done
  minor=${KUBERNETES_VERSION#1.}
  version=k8s.io/component-base/version # without these flags the programs call themselves v0.0.0, and the kubelet's node too
  go build -o "$BIN/" -ldflags="-s -w -X $version.gitVersion=v$KUBERNETES_VERSION -X $version.gitMajor=1 -X $version.gitMinor=${minor%%.*}" tool

  say "building etcd $ETCD_VERSION ($SECONDS s so far)"
  cd "$LAB/src/etcd"
  rm -f go.mod go.sum
  go mod init lab/etcd
  go get -tool "go.etcd.io/etcd/server/v3@v$ETCD_VERSION"
  go build -ldflags="-s -w" -o "$BIN/etcd" go.etcd.io/etcd/server/v3

  say "building Cluster API $CLUSTER_API_VERSION ($SECONDS s so far)"
  # Cluster API: core, kubeadm bootstrap, kubeadm control plane, and the development provider with its in-memory machines.
  cd "$LAB/src/capi"
  rm -f go.mod go.sum
  go mod init lab/capi
  capi=sigs.k8s.io/cluster-api
  for package in $capi $capi/controlplane/kubeadm $capi/bootstrap/kubeadm; do go get -tool "$package@v$CLUSTER_API_VERSION"; done
  go mod edit -replace="$capi=$capi@v$CLUSTER_API_VERSION" # the provider's module points at the folder above it
  go get -tool "$capi/test/infrastructure/docker@v$CLUSTER_API_VERSION"
  go build -ldflags="-s -w" -o "$BIN/capi-core" $capi
  go build -ldflags="-s -w" -o "$BIN/capi-bootstrap" $capi/bootstrap/kubeadm
  go build -ldflags="-s -w" -o "$BIN/capi-control-plane" $capi/controlplane/kubeadm
  go build -ldflags="-s -w" -o "$BIN/capi-dev" $capi/test/infrastructure/docker

  core=$(go list -m -f '{{.Dir}}' $capi)
  provider=$(go list -m -f '{{.Dir}}' $capi/test)/infrastructure/docker
  "$BIN/kubectl" kustomize "$core/config/default" >"$LAB/capi-core.yaml"
  "$BIN/kubectl" kustomize "$core/bootstrap/kubeadm/config/default" >"$LAB/capi-bootstrap.yaml"
  "$BIN/kubectl" kustomize "$core/controlplane/kubeadm/config/default" >"$LAB/capi-control-plane.yaml"
  "$BIN/kubectl" kustomize "$provider/config/default" >"$LAB/capi-dev.yaml"
  cat "$provider/templates/clusterclass-in-memory.yaml" >"$LAB/clusterclass-in-memory.yaml" # cat: files of the module cache are read-only
  touch "$BUILT"
  say "built in $SECONDS s"
  exec 2>&3
fi

# What holds a pod's network namespace open: kubelet's programs name an image for it, which nobody here could pull.
[ "$BIN/pause" -nt "$here/pause.c" ] || gcc -static -O2 -o "$BIN/pause" "$here/pause.c"
echo "$BIN"
