#!/bin/bash
# Installs what the lab takes from the distribution (Debian, Ubuntu). Go is not among it: theirs is too old.
set -euo pipefail
apt-get update -qq
apt-get install -y -qq --no-install-recommends \
  containerd runc containernetworking-plugins iptables iproute2 conntrack docker-registry openssl curl gcc libc6-dev
