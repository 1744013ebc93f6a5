# What build.sh, up.sh, down.sh and cert.sh share: versions, places, ports, and the handling of processes. Sourced, never run.

KUBERNETES_VERSION=${KUBERNETES_VERSION:-1.35.4}
CLUSTER_API_VERSION=${CLUSTER_API_VERSION:-1.12.1}
ETCD_VERSION=${ETCD_VERSION:-3.6.8}

LAB=${LAB:-${XDG_CACHE_HOME:-$HOME/.cache}/gatehouse-lab}
BIN=$LAB/bin # survives down.sh
RUN=$LAB/run # everything a running lab writes; down.sh removes it
BUILT=$BIN/.built-$KUBERNETES_VERSION-$CLUSTER_API_VERSION-$ETCD_VERSION

# The bridge is made by up.sh, not by the first pod, so that the host has this address from the start: a program on the
# host can listen on it, pods reach it, and it stays the same whatever network the machine is in, or none.
BRIDGE=gatehouse0
HOST_ADDRESS=10.85.0.1
POD_RANGE=10.85.0.0/16
SERVICE_RANGE=10.96.0.0/16
NODE=node1

API_PORT=${API_PORT:-6443}
ETCD_PORT=${ETCD_PORT:-2379}
REGISTRY_PORT=${REGISTRY_PORT:-5010} # not 5000: on a machine with systemd the distribution's package has started a registry there
REGISTRY_NAME=registry.lab.invalid # exists only in containerd's configuration

CLUSTER_API_MANAGERS="capi-core capi-bootstrap capi-control-plane capi-dev"
WEBHOOK_PORT_BASE=9501 # the managers take consecutive ports from each base, in the order above
HEALTH_PORT_BASE=9601
DIAGNOSTICS_PORT_BASE=9701

CONTAINERD_SOCKET=$RUN/containerd.sock
ADMIN_KUBECONFIG=$RUN/admin.kubeconfig

fail() {
  echo "kubernetes lab: $*" >&2
  exit 1
}

kubectl() { "$BIN/kubectl" --kubeconfig "$ADMIN_KUBECONFIG" "$@"; }
ctr_lab() { ctr -a "$CONTAINERD_SOCKET" -n k8s.io "$@"; }

# lock_lab [SECONDS]: one lab at a time is built, started or stopped. The lock is on descriptor 9, which no started process may inherit.
lock_lab() {
  mkdir -p "$LAB"
  exec 9>"$LAB/lock"
  flock -w "${1:-300}" 9 || fail "another build.sh, up.sh or down.sh has held $LAB/lock for ${1:-300} s"
}

# A pid alone does not name a process: after a crash or a reboot somebody else may have it. Its start time with it does.
# Prints nothing for a process that is gone, or is dead and only not yet collected by its parent.
process_start() {
  local stat fields
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
  read -ra fields <<<"${stat##*) }" # the name before it may hold spaces
  [ "${fields[0]}" = Z ] || echo "${fields[19]}"
}

# start NAME COMMAND...: runs it apart from this shell, log in logs/NAME.log, identity in NAME.pid. Proxy settings of the
# machine are taken away: everything the lab talks to is on this machine.
start() {
  local name=$1 pid
  shift
  setsid env -u HTTP_PROXY -u HTTPS_PROXY -u http_proxy -u https_proxy -u ALL_PROXY -u all_proxy \
    "$@" >>"$RUN/logs/$name.log" 2>&1 </dev/null 9>&- &
  pid=$!
  echo "$pid $(process_start "$pid")" >"$RUN/$name.pid"
}

# Prints the pid of NAME if the process that start() made is still that one and alive.
pid_of() {
  local pid started
  read -r pid started 2>/dev/null <"$RUN/$1.pid" || return 1
  [ -n "$started" ] && [ "$(process_start "$pid")" = "$started" ] && echo "$pid"
}

# stop SECONDS NAME...: asks all of them, waits for all of them, then insists.
stop() {
  local patience=$1 name pid deadline
  shift
  for name in "$@"; do pid=$(pid_of "$name") && kill "$pid" 2>/dev/null; done
  deadline=$((SECONDS + patience))
  for name in "$@"; do
    while pid_of "$name" >/dev/null && [ $SECONDS -lt $deadline ]; do sleep 0.2; done
    pid=$(pid_of "$name") && kill -KILL "$pid" 2>/dev/null
    rm -f "$RUN/$name.pid"
  done
  return 0
}

# wait_for SECONDS WHAT LOG COMMAND...: until the command succeeds; then, or when LOG's process has died, says why not.
wait_for() {
  local patience=$1 what=$2 log=$3 deadline=$((SECONDS + $1))
  shift 3
  until "$@" >/dev/null 2>&1; do
    if [ $SECONDS -ge $deadline ] || ! pid_of "$log" >/dev/null; then
      echo "--- last lines of $RUN/logs/$log.log" >&2
      tail -n 15 "$RUN/logs/$log.log" >&2
      fail "$what: not so after ${patience} s, or $log has stopped"
    fi
    sleep 0.3
  done
}

# sign_certificate PATH SUBJECT NAMES: PATH.key and PATH.crt, signed by the lab's CA. EC keys, because RSA ones take seconds
# on a busy machine. No serial file: two calls at once must not share one.
sign_certificate() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -subj "$2" 2>/dev/null |
    openssl x509 -req -CA "$RUN/pki/ca.crt" -CAkey "$RUN/pki/ca.key" -set_serial "0x$(openssl rand -hex 16)" -days 30 -out "$1.crt" \
      -extfile <(printf 'subjectAltName=%s\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth,clientAuth\n' "$3") 2>/dev/null ||
    fail "could not sign a certificate for $3"
}
