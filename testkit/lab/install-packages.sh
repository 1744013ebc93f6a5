#!/bin/bash
# Installs what the lab takes from the distribution (Debian, Ubuntu), if any of it is missing. Go is not among it: theirs is
# too old.
set -euo pipefail
if [ "$(command -v containerd runc docker-registry iptables ip conntrack openssl curl gcc pgrep | wc -l)" = 10 ] && [ -x /usr/lib/cni/bridge ]; then
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends \
  containerd runc containernetworking-plugins iptables iproute2 conntrack docker-registry openssl curl gcc libc6-dev procps
