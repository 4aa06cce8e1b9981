#!/usr/bin/env bash
# Which variable sends a client of etcd by a proxy, and which keeps it from that, is another one for
# each client: etcdctl takes HTTPS_PROXY for http:// too, Python's clients take http_proxy.
#
# Version   etcdctl 3.5.35, 3.7.3, python3-etcd3 0.12.0 with grpc 1.51.1, python3-etcd3gw 2.0.0
#           (Debian 12)
# Behaviour an endpoint http://member.invalid, and one variable with the address of a proxy: below,
#           "proxy" is who asked it. python3-etcd3 does not read HTTPS_PROXY and NO_PROXY in capitals,
#           knows no networks in no_proxy, and asks the proxy for 127.0.0.1
# Seen      the table at the end
#
# With HTTP_PROXY and HTTPS_PROXY in an environment, one program reaches a member and the other does not.
# Exits 1 once this is no longer so.
set -euo pipefail

cache=${FINDINGS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/findings}
work=$(mktemp -d)
trap 'kill -KILL $(jobs -p) 2>/dev/null || true; wait; rm -rf "$work"' EXIT

# expect WHAT WANT GOT fails where the behaviour is another than stated above.
expect() {
  [ "$2" = "$3" ] || { printf 'changed: %s\nstated:  %s\nseen:    %s\n' "$1" "$2" "$3" >&2; exit 1; }
  echo "as stated: $1: $3"
}

# install VERSION builds etcd, etcdctl and etcdutl of a release, once.
install() {
  [ -x "$cache/etcd-$1/etcd" ] && return
  mkdir -p "$work/build-$1" "$cache/etcd-$1"
  (cd "$work/build-$1"
   export CGO_ENABLED=0
   go mod init finding
   go get "go.etcd.io/etcd/server/v3@v$1" "go.etcd.io/etcd/etcdctl/v3@v$1" "go.etcd.io/etcd/etcdutl/v3@v$1"
   for program in etcdctl etcdutl; do
     go build -trimpath -o "$cache/etcd-$1/$program" "go.etcd.io/etcd/$program/v3"
   done
   go build -trimpath -o "$cache/etcd-$1/etcd" go.etcd.io/etcd/server/v3) >"$work/install" 2>&1 ||
    { cat "$work/install" >&2; exit 1; }
}

port() {
  local port
  while port=$((20000 + RANDOM % 20000)); (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  echo "$port"
}

await() { # await COMMAND...: until it succeeds, for a minute at most
  local tries=0
  until "$@" >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ $tries -lt 300 ] || { echo "never came true: $*" >&2; cat "$work"/*.log >&2; exit 1; }
    sleep 0.2
  done
}

# start VERSION FLAG... starts one member, which answers at $url; its process is $pid.
start() {
  local version=$1
  shift
  install "$version"
  client=$(port) peer=$(port)
  url=http://127.0.0.1:$client
  export PATH="$cache/etcd-$version:$PATH" ETCDCTL_ENDPOINTS=$url
  "$cache/etcd-$version/etcd" --name m --data-dir "$work/$version.etcd" --unsafe-no-fsync \
    --listen-client-urls "$url" --advertise-client-urls "$url" \
    --listen-peer-urls "http://127.0.0.1:$peer" --initial-advertise-peer-urls "http://127.0.0.1:$peer" \
    --initial-cluster "m=http://127.0.0.1:$peer" "$@" >"$work/$version.log" 2>&1 &
  pid=$!
  await etcdctl put started yes
}

stop() { kill "$pid"; wait "$pid" 2>/dev/null || true; }

# debian FOLDER PACKAGE...: unpacks Debian's packages there, once.
debian() {
  local folder=$1 package
  shift
  for package in "$@"; do
    [ -e "$folder/usr/share/doc/$package" ] && continue
    mkdir -p "$work/debian" "$folder"
    (cd "$work/debian" && apt-get download "$package" && dpkg -x "$package"_*.deb "$folder") >"$work/install" 2>&1 ||
      { cat "$work/install" >&2; exit 1; }
  done
}

packages=$cache/debian-tooz
debian "$packages" python3-etcd3gw python3-etcd3 python3-grpcio python3-protobuf libprotobuf32 libabsl20220623 libc-ares2 libre2-9 \
  python3-futurist python3-pbr python3-tenacity python3-requests python3-urllib3 python3-certifi python3-chardet \
  python3-charset-normalizer python3-idna python3-six python3-packaging

cat >"$work/proxy.py" <<'END'
# A proxy for which every host is the member. It writes down what it is asked.
import socket, sys, threading

def pump(source, to):
    while data := source.recv(65536):
        to.sendall(data)
    to.shutdown(socket.SHUT_WR)

def serve(client):
    head = client.recv(65536)
    print(head.split(b"\r\n")[0].decode(), flush=True)
    member = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
    if head.startswith(b"CONNECT "):
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    else:
        member.sendall(head)
    threading.Thread(target=pump, args=(member, client), daemon=True).start()
    pump(client, member)

listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    threading.Thread(target=serve, args=listener.accept()[:1], daemon=True).start()
END

python() {
  PYTHONPATH="$packages/usr/lib/python3/dist-packages" LD_LIBRARY_PATH="$packages/usr/lib/$(uname -m)-linux-gnu" \
    timeout 20 /usr/bin/python3 -W ignore -c "$1"
}
etcdctl_3_5() { "$cache/etcd-3.5.35/etcdctl" --endpoints "http://$host:$client" --dial-timeout 1s --command-timeout 1s get k; }
etcdctl_3_7() { "$cache/etcd-3.7.3/etcdctl" --endpoints "http://$host:$client" --dial-timeout 1s --command-timeout 1s get k; }
etcd3() { python "import etcd3; etcd3.client('$host', $client, timeout=2).get('k')"; }
etcd3gw() { python "import etcd3gw; etcd3gw.Etcd3Client('$host', $client, timeout=2, api_path='/v3/').get('k')"; }

# who HOST VARIABLE=VALUE... says which clients ask the proxy.
who() {
  local asked='' host=$1 program
  for program in etcdctl_3_5 etcdctl_3_7 etcd3 etcd3gw; do
    : >"$work/asked"
    (export "${@:2}"; $program >"$work/said" 2>&1 || true)
    if [ -s "$work/asked" ]; then asked+=" $program"; fi
  done
  echo "${asked# }"
}

install 3.5.35
start 3.7.3
unset ETCDCTL_ENDPOINTS HTTP_PROXY http_proxy HTTPS_PROXY https_proxy ALL_PROXY all_proxy NO_PROXY no_proxy grpc_proxy no_grpc_proxy
proxy=$(port)
python3 "$work/proxy.py" "$proxy" "$client" >>"$work/asked" 2>"$work/proxy.log" &
await curl -sf -x "http://127.0.0.1:$proxy" http://member.invalid/health
by=http://127.0.0.1:$proxy
expect HTTP_PROXY etcd3gw "$(who member.invalid HTTP_PROXY=$by)"
expect http_proxy 'etcd3 etcd3gw' "$(who member.invalid http_proxy=$by)"
expect HTTPS_PROXY 'etcdctl_3_5 etcdctl_3_7' "$(who member.invalid HTTPS_PROXY=$by)"
expect https_proxy 'etcdctl_3_5 etcdctl_3_7 etcd3' "$(who member.invalid https_proxy=$by)"
expect 'https_proxy and http_proxy, NO_PROXY=.invalid' etcd3 "$(who member.invalid https_proxy=$by http_proxy=$by NO_PROXY=.invalid)"
expect 'the same with no_proxy' '' "$(who member.invalid https_proxy=$by http_proxy=$by no_proxy=.invalid)"
expect 'the same, 127.0.0.1, and no_proxy=127.0.0.0/8' etcd3 "$(who 127.0.0.1 https_proxy=$by http_proxy=$by no_proxy=127.0.0.0/8)"
stop
