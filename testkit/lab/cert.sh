#!/bin/bash
# cert.sh FOLDER [NAME...]: makes FOLDER/tls.crt and FOLDER/tls.key, a server certificate signed by the running lab's CA, for
# a program on the host that pods talk to. Names are IP:… or DNS:…; 10.85.0.1, 127.0.0.1 and localhost are always among them.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=lab.sh
. "$here/lab.sh"

[ $# -ge 1 ] || fail "usage: cert.sh FOLDER [IP:address|DNS:name]..."
folder=$1
shift
[ -f "$RUN/pki/ca.key" ] || fail "there is no lab CA in $RUN; start the lab first with $here/up.sh"
mkdir -p "$folder"
names="IP:$HOST_ADDRESS,IP:127.0.0.1,DNS:localhost"
for name in "$@"; do names+=",$name"; done
umask 077
sign_certificate "$folder/tls" /CN=lab-server "$names"
