#!/bin/bash
# Stops what up.sh started, each process by its identity, and removes what it left; the binaries stay. Also clears away what
# a lab left behind that was killed. Run as root.
set -uo pipefail # not -e: whatever cannot be removed must not keep the rest
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=lab.sh
. "$here/lab.sh"
[ "${1:-}" = --locked ] || lock_lab # up.sh holds the lock already
[ -d "$RUN" ] || exit 0
[ "$(id -u)" = 0 ] || fail "must be run as root, as up.sh was"

# Shims outlive containerd on purpose; the socket in their command line says that they are ours.
shims() { pgrep -f -- "containerd-shim-runc-v2 .*-address $CONTAINERD_SOCKET" || true; }

# shellcheck disable=SC2086 # a list of names
stop 10 $CLUSTER_API_MANAGERS kube-scheduler kube-controller-manager kubelet kube-proxy
containers=$(ls "$RUN/containerd/state/io.containerd.runtime.v2.task/k8s.io" 2>/dev/null)
for shim in $(shims); do pkill -KILL -P "$shim" 2>/dev/null; done
for _ in $(seq 20); do
  [ -n "$(shims)" ] || break
  for container in $(timeout 5 ctr -a "$CONTAINERD_SOCKET" -n k8s.io task ls -q 2>/dev/null); do
    timeout 5 ctr -a "$CONTAINERD_SOCKET" -n k8s.io task delete -f "$container" >/dev/null 2>&1
  done
  sleep 0.2
done
for shim in $(shims); do kill -KILL "$shim" 2>/dev/null; done
# One after the other: an API server that loses its etcd first can hang for minutes.
for name in containerd kube-apiserver etcd registry; do stop 10 $name; done

# Firewall rules: kube-proxy knows its own but for one chain that it shares with old kubelets; the network plugin's carry the name of our network.
[ -x "$BIN/kube-proxy" ] && timeout 20 "$BIN/kube-proxy" --cleanup >/dev/null 2>&1
for from in INPUT OUTPUT; do iptables -D $from -j KUBE-FIREWALL 2>/dev/null; done
iptables -F KUBE-FIREWALL 2>/dev/null && iptables -X KUBE-FIREWALL 2>/dev/null
iptables -t nat -S POSTROUTING 2>/dev/null | grep 'name: \\"gatehouse-lab\\"' | while read -r _ rule; do
  eval "iptables -t nat -D $rule" # the rule is printed quoted for a shell
done
for chain in $(iptables -t nat -S 2>/dev/null | grep 'name: \\"gatehouse-lab\\"' | awk '$2 ~ /^CNI-[0-9a-f]+$/ {print $2}' | sort -u); do
  iptables -t nat -F "$chain"
  iptables -t nat -X "$chain"
done 2>/dev/null
ip link delete $BRIDGE 2>/dev/null # and with it the pods' halves of its pairs

for container in $containers; do rmdir /sys/fs/cgroup/*/k8s.io/"$container" /sys/fs/cgroup/k8s.io/"$container" 2>/dev/null; done
rmdir /sys/fs/cgroup/*/k8s.io /sys/fs/cgroup/k8s.io 2>/dev/null
for result in /var/lib/cni/results/gatehouse-lab-*-eth0; do # where the network plugins remember each sandbox
  sandbox=${result#*/gatehouse-lab-}
  rm -f "$result" "/var/lib/cni/results/cni-loopback-${sandbox%-eth0}-lo"
done
find /var/log/containers -lname "$RUN/*" -delete 2>/dev/null # the kubelet's links to logs of pods
awk -v run="$RUN/" 'index($2, run) == 1 {print $2}' /proc/mounts | sort -r | while read -r mount; do umount -l "$mount" 2>/dev/null; done
rm -rf "$RUN"
[ ! -e "$RUN" ] || fail "could not remove $RUN"
