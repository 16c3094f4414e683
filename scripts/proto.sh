#!/bin/sh
# Regenerates src/alerting/core/alertmanager_pb.ts from proto/alertmanager.proto.
# Needs protoc (Debian: apt-get install protobuf-compiler) and `npm ci` for the generator plugin.
set -eu
cd "$(dirname "$0")/.."
PATH="$PWD/node_modules/.bin:$PATH"
protoc --proto_path=proto --es_out=src/alerting/core --es_opt=target=ts alertmanager.proto
