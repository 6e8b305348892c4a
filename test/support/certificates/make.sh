#!/bin/sh
# Makes the certificates that the tests of TLS use: one key for all of them, and a CA whose own key
# is thrown away. Valid from 2000 to 2126 whatever the clock says, but for the one that expired.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir issued
: >index.txt
cat >ca.conf <<'CONF'
[ca]
default_ca = test
[test]
database = index.txt
new_certs_dir = issued
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
copy_extensions = copy
[any]
commonName = supplied
CONF
openssl ecparam -name prime256v1 -genkey -noout -out ca-key.pem
openssl ecparam -name prime256v1 -genkey -noout -out key.pem

signed() { # file, extension, end, and how to sign
  file=$1 extension=$2 end=$3
  shift 3
  key=key.pem
  [ "$file" != ca ] || key=ca-key.pem
  openssl req -new -key "$key" -subj "/CN=$file" -addext "$extension" -out "$file.csr"
  openssl ca -batch -notext -config ca.conf -in "$file.csr" -out "$file.pem" \
    -startdate 20000101000000Z -enddate "$end" "$@"
}
names="subjectAltName=DNS:localhost,IP:127.0.0.1"
late=21260101000000Z
signed ca "basicConstraints=critical,CA:TRUE" $late -selfsign -keyfile ca-key.pem
signed server "$names" $late -cert ca.pem -keyfile ca-key.pem
signed wrong-name "subjectAltName=DNS:other.example" $late -cert ca.pem -keyfile ca-key.pem
signed client "subjectAltName=DNS:client.example" $late -cert ca.pem -keyfile ca-key.pem
signed expired "$names" 20010101000000Z -cert ca.pem -keyfile ca-key.pem
signed self-signed "$names" $late -selfsign -keyfile key.pem
cp ca.pem server.pem wrong-name.pem client.pem expired.pem self-signed.pem key.pem "$here"
