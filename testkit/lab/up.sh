#!/bin/bash
# up.sh [capi|status]: starts a real one-node Kubernetes (etcd, kube-apiserver, controller manager, scheduler, containerd, kubelet,
# kube-proxy) and an image registry; with capi also the Cluster API managers and the two ClusterClasses. Prints the path of
# lab.json, which says where everything is. A healthy lab is left as it is; the rest of a broken one is cleared away first. With
# status it starts nothing and prints up or down.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=lab.sh
. "$here/lab.sh"
wanted=${1:-}
base_processes="etcd kube-apiserver kube-controller-manager kube-scheduler registry containerd kubelet kube-proxy"

typescript() { # FILE ARGUMENTS...: runs one of our own, with the Node that can
  local file=$1
  shift
  node "$here/../../tools/bootstrap.mjs" "testkit/lab/$file" "$@"
}

check_machine() {
  local command port
  [ "$(id -u)" = 0 ] || fail "must be run as root: the kubelet and containerd make namespaces, mounts and firewall rules"
  for command in node containerd ctr runc docker-registry iptables conntrack ip openssl curl flock; do
    command -v "$command" >/dev/null || fail "$command is missing; run $here/install-packages.sh"
  done
  [ -x /usr/lib/cni/bridge ] || fail "/usr/lib/cni/bridge is missing; run $here/install-packages.sh"
  [ -f "$BUILT" ] && [ -x "$BIN/pause" ] || fail "the programs are not built; run $here/build.sh"
  for port in $API_PORT $ETCD_PORT $((ETCD_PORT + 1)) $REGISTRY_PORT 10248 10250 10257 10259; do
    ! (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || fail "port $port of this machine is taken by a program that is not ours"
  done
}

all_alive() { for name in "$@"; do pid_of "$name" >/dev/null || return 1; done; }
node_is_ready() { [ "$(kubectl get node $NODE --request-timeout=5s -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}' 2>/dev/null)" = True ]; }
# At what lab.json says, not the settings: a running lab keeps the port that it was started with.
registry_answers() { curl -fsS --max-time 5 "$(sed -n 's/.*"pushUrl": "\([^"]*\)".*/\1/p' "$RUN/lab.json")/v2/" >/dev/null 2>&1; }
base_answers() { kubectl get --raw /readyz --request-timeout=5s >/dev/null 2>&1 && node_is_ready && registry_answers; }
manager_is_ready() { curl -fsS --max-time 5 "http://127.0.0.1:$((HEALTH_PORT_BASE + $1))/readyz" >/dev/null 2>&1; }
managers_answer() {
  local index=0 manager
  for manager in $CLUSTER_API_MANAGERS; do
    manager_is_ready $index || return 1
    index=$((index + 1))
  done
}
# A dead process condemns a lab at once; a slow one does not: on a busy machine somebody may be testing on it.
soon() {
  local deadline=$((SECONDS + 30))
  until "$@"; do
    [ $SECONDS -lt $deadline ] || return 1
    sleep 1
  done
}
# shellcheck disable=SC2086 # lists of names
base_is_healthy() {
  [ -f "$RUN/versions" ] && [ "$(cat "$RUN/versions")" = "$(basename "$BUILT")" ] && all_alive $base_processes && soon base_answers
}
# shellcheck disable=SC2086 # lists of names
cluster_api_is_healthy() { [ -f "$RUN/cluster-api-ready" ] && all_alive $CLUSTER_API_MANAGERS && soon managers_answer; }

write_facts() {
  cat >lab.json <<J
{
  "kubeconfigPath": "$ADMIN_KUBECONFIG",
  "auditLogPath": "$RUN/logs/audit.log",
  "caPath": "$RUN/pki/ca.crt",
  "hostAddressFromPods": "$HOST_ADDRESS",
  "registry": { "pushUrl": "http://127.0.0.1:$REGISTRY_PORT", "pullPrefix": "$REGISTRY_NAME" }
}
J
}

write_kubeconfig() { # FILE USER, the user being the name of a certificate in pki/
  cat >"$1" <<Y
apiVersion: v1
kind: Config
clusters: [{name: lab, cluster: {server: "https://127.0.0.1:$API_PORT", certificate-authority-data: "$(base64 -w0 pki/ca.crt)"}}]
users: [{name: lab, user: {client-certificate-data: "$(base64 -w0 "pki/$2.crt")", client-key-data: "$(base64 -w0 "pki/$2.key")"}}]
contexts: [{name: lab, context: {cluster: lab, user: lab}}]
current-context: lab
Y
}

make_keys() {
  (
    umask 077
    mkdir -p pki
    openssl ecparam -name prime256v1 -genkey -noout -out pki/sa.key
    openssl ec -in pki/sa.key -pubout -out pki/sa.pub 2>/dev/null
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout pki/ca.key -out pki/ca.crt -subj /CN=lab-ca -days 30 2>/dev/null
    local names="IP:127.0.0.1,IP:$HOST_ADDRESS,IP:${SERVICE_RANGE%.0.0/16}.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc"
    sign_certificate pki/apiserver /CN=kube-apiserver "$names"
    sign_certificate pki/admin /O=system:masters/CN=admin DNS:admin
    sign_certificate pki/kubelet "/O=system:nodes/CN=system:node:$NODE" "DNS:$NODE"
    write_kubeconfig "$ADMIN_KUBECONFIG" admin
    write_kubeconfig kubelet.kubeconfig kubelet
  )
}

make_bridge() {
  ip link add $BRIDGE type bridge
  ip address add "$HOST_ADDRESS/${POD_RANGE#*/}" dev $BRIDGE
  ip link set $BRIDGE up
}

start_control_plane() {
  start etcd "$BIN/etcd" --data-dir "$RUN/etcd" --listen-client-urls "http://127.0.0.1:$ETCD_PORT" --advertise-client-urls "http://127.0.0.1:$ETCD_PORT" \
    --listen-peer-urls "http://127.0.0.1:$((ETCD_PORT + 1))" \
    --unsafe-no-fsync # this cluster is thrown away; never for anything else
  start kube-apiserver "$BIN/kube-apiserver" --etcd-servers="http://127.0.0.1:$ETCD_PORT" --secure-port="$API_PORT" --advertise-address=$HOST_ADDRESS \
    --tls-cert-file=pki/apiserver.crt --tls-private-key-file=pki/apiserver.key --client-ca-file=pki/ca.crt \
    --service-account-key-file=pki/sa.pub --service-account-signing-key-file=pki/sa.key --service-account-issuer=https://kubernetes.default.svc \
    --service-cluster-ip-range=$SERVICE_RANGE --authorization-mode=Node,RBAC --allow-privileged=true \
    --kubelet-client-certificate=pki/admin.crt --kubelet-client-key=pki/admin.key --kubelet-preferred-address-types=InternalIP \
    --audit-policy-file="$here/audit-policy.yaml" --audit-log-path="$RUN/logs/audit.log"
  wait_for 90 "the API server is ready" kube-apiserver kubectl get --raw /readyz
  start kube-controller-manager "$BIN/kube-controller-manager" --kubeconfig admin.kubeconfig --service-account-private-key-file=pki/sa.key \
    --root-ca-file=pki/ca.crt --cluster-signing-cert-file=pki/ca.crt --cluster-signing-key-file=pki/ca.key --use-service-account-credentials --leader-elect=false \
    --flex-volume-plugin-dir="$RUN/volume-plugins"
  start kube-scheduler "$BIN/kube-scheduler" --kubeconfig admin.kubeconfig --leader-elect=false
}

start_registry() {
  cat >registry.yaml <<Y
version: 0.1
log: {level: info, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: $RUN/registry}, delete: {enabled: true}}
http: {addr: "127.0.0.1:$REGISTRY_PORT"}
Y
  start registry docker-registry serve registry.yaml
  wait_for 30 "the registry answers" registry registry_answers
}

start_containerd() {
  # hosts.toml is what lets an image under a made-up name be pulled over plain HTTP; with "server" set to the same address
  # an unknown digest is answered by our registry at once instead of being looked for elsewhere.
  mkdir -p "certs.d/$REGISTRY_NAME" cni
  cat >"certs.d/$REGISTRY_NAME/hosts.toml" <<Y
server = "http://127.0.0.1:$REGISTRY_PORT"
[host."http://127.0.0.1:$REGISTRY_PORT"]
  capabilities = ["pull", "resolve"]
Y
  # restrict_oom_score_adj: without CAP_SYS_RESOURCE a pod's sandbox cannot start otherwise.
  # netns_mounts_under_state_dir: everything mounted lies under $RUN, where down.sh finds it.
  cat >containerd.toml <<Y
version = 2
root = "$RUN/containerd/root"
state = "$RUN/containerd/state"
[grpc]
  address = "$CONTAINERD_SOCKET"
[plugins."io.containerd.internal.v1.opt"]
  path = "$RUN/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  sandbox_image = "lab.invalid/pause:1"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "$RUN/certs.d"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$RUN/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
Y
  cat >cni/10-lab.conflist <<Y
{"cniVersion": "0.4.0", "name": "gatehouse-lab", "plugins": [
  {"type": "bridge", "bridge": "$BRIDGE", "isGateway": true, "ipMasq": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "$RUN/cni/addresses", "ranges": [[{"subnet": "$POD_RANGE"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
Y
  start containerd containerd -c containerd.toml
  wait_for 30 "containerd answers" containerd ctr_lab version
  typescript pause-image.ts "$BIN/pause" lab.invalid/pause:1 pause.tar
  ctr_lab images import pause.tar >/dev/null
}

start_kubelet() {
  # failCgroupV1, cgroupDriver, cgroupsPerQOS: the machine may have cgroup v1 and no systemd.
  # makeIPTablesUtilChains: nothing needs these chains, and nobody would take them away afterwards.
  # evictionHard, imageGCHighThresholdPercent: a nearly full disk of a developer's machine is no reason to evict test pods.
  cat >kubelet.yaml <<Y
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failCgroupV1: false
cgroupDriver: cgroupfs
cgroupsPerQOS: false
enforceNodeAllocatable: []
failSwapOn: false
containerRuntimeEndpoint: unix://$CONTAINERD_SOCKET
podLogsDir: $RUN/pod-logs
volumePluginDir: $RUN/volume-plugins
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $RUN/pki/ca.crt}}
authorization: {mode: Webhook}
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%}
imageGCHighThresholdPercent: 100
serializeImagePulls: false
makeIPTablesUtilChains: false
Y
  start kubelet "$BIN/kubelet" --config kubelet.yaml --kubeconfig kubelet.kubeconfig --hostname-override $NODE --node-ip $HOST_ADDRESS \
    --root-dir "$RUN/kubelet" --cert-dir "$RUN/kubelet/pki"
  # kube-proxy carries service addresses: pods reach the API server at 10.96.0.1. The conntrack limit may not be ours to set.
  start kube-proxy "$BIN/kube-proxy" --kubeconfig admin.kubeconfig --hostname-override $NODE --cluster-cidr $POD_RANGE --proxy-mode iptables \
    --conntrack-max-per-core 0 --healthz-bind-address 127.0.0.1:10256 --metrics-bind-address 127.0.0.1:10249
  wait_for 120 "the node is ready" kubelet node_is_ready
}

start_cluster_api() { # the managers run on the host as admin; their webhooks are reached by URL
  local index=0 manager flags
  mkdir -p webhook-certificate
  sign_certificate webhook-certificate/tls /CN=cluster-api-webhooks "IP:127.0.0.1"
  for manager in $CLUSTER_API_MANAGERS; do
    typescript webhooks-to-url.ts "https://127.0.0.1:$((WEBHOOK_PORT_BASE + index))" pki/ca.crt <"$LAB/$manager.yaml" |
      kubectl apply --server-side --force-conflicts -f - >/dev/null
    # A manager whose kinds are not served yet exits.
    kubectl wait --for=condition=Established crd --all --timeout=60s >/dev/null
    flags=()
    [ "$manager" = capi-bootstrap ] || flags+=(--feature-gates=ClusterTopology=true)
    # When an in-memory machine goes, a connection to the etcd beside it can hang for the whole of this time (10 and 15 s by default).
    [ "$manager" != capi-control-plane ] || flags+=(--etcd-dial-timeout-duration=4s --etcd-call-timeout-duration=4s)
    # POD_IP is the address at which the in-memory API servers of all Clusters listen, each on a port of its own from 20000.
    KUBECONFIG=$ADMIN_KUBECONFIG POD_IP=$HOST_ADDRESS POD_NAMESPACE=default POD_NAME=$manager POD_UID=$manager \
      start "$manager" "$BIN/$manager" --webhook-port=$((WEBHOOK_PORT_BASE + index)) --webhook-cert-dir="$RUN/webhook-certificate" \
      --health-addr=127.0.0.1:$((HEALTH_PORT_BASE + index)) --diagnostics-address=127.0.0.1:$((DIAGNOSTICS_PORT_BASE + index)) --insecure-diagnostics \
      --leader-elect=false "${flags[@]}"
    index=$((index + 1))
  done
  index=0
  for manager in $CLUSTER_API_MANAGERS; do
    wait_for 60 "$manager is ready" "$manager" manager_is_ready $index
    index=$((index + 1))
  done
  # A manager is ready a moment before its webhooks are served.
  wait_for 30 "the ClusterClasses are taken" capi-core kubectl apply -f "$LAB/clusterclass-in-memory.yaml" -f "$here/cluster-class.yaml"
  kubectl wait --for=condition=VariablesReady clusterclass/in-memory clusterclass/gatehouse-gateway --timeout=60s >/dev/null
  touch cluster-api-ready
}

if [ "$wanted" = status ]; then
  if base_is_healthy; then echo up; else echo down; fi
  exit 0
fi
lock_lab
if ! base_is_healthy; then
  "$here/down.sh" --locked
  check_machine
  mkdir -p "$RUN"/logs
  cd "$RUN"
  write_facts
  make_keys
  make_bridge
  start_registry
  start_control_plane
  start_containerd
  start_kubelet
  basename "$BUILT" >versions # the last to be written: without it the lab counts as broken
fi
if [ "$wanted" = capi ] && ! cluster_api_is_healthy; then
  cd "$RUN"
  # shellcheck disable=SC2086 # a list of names
  stop 10 $CLUSTER_API_MANAGERS
  start_cluster_api
fi
echo "$RUN/lab.json"
