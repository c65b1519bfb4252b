#!/bin/sh
# Generates nextbest/v1 from the protocol: ./generate.sh ../../../proto
# PROTOC is the compiler, if it is another than protoc; its plug-ins are tools of go.mod, which pins their versions.
set -eu
module=nextbest.example/recipe
access=nextbest/v1/access.proto
customer=nextbest/v1/customer.proto
decision=nextbest/v1/decision.proto
options="module=$module,M$access=$module/nextbest/v1,M$customer=$module/nextbest/v1,M$decision=$module/nextbest/v1"
${PROTOC:-protoc} -I "$1" \
	--plugin=protoc-gen-go="$(go tool -n protoc-gen-go)" --go_out="$options:." \
	--plugin=protoc-gen-go-grpc="$(go tool -n protoc-gen-go-grpc)" --go-grpc_out="$options:." \
	$access $customer $decision
