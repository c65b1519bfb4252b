"""Stands where an OpenTelemetry collector would: takes every span, counts bytes, keeps nothing.

    python bench/otlp_sink.py ADDRESS

It does not decode what it takes: its own cost is not what is measured.
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

SERVICE = "opentelemetry.proto.collector.trace.v1.TraceService"


def main() -> None:
    """Serves until killed."""
    # Beside the load, which spins: it may take a tenth of that core, not half.
    os.nice(10)
    server = grpc.server(
        ThreadPoolExecutor(2), options=[("grpc.max_receive_message_length", 64 * 1024 * 1024)]
    )
    handler = grpc.unary_unary_rpc_method_handler(_accept)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"Export": handler}),))
    if server.add_insecure_port(sys.argv[1]) == 0:
        raise SystemExit(f"{sys.argv[1]} is in use")
    server.start()
    print("ready", flush=True)
    server.wait_for_termination()


def _accept(request: bytes, context: Any) -> bytes:  # noqa: ARG001 - gRPC's form
    # An empty ExportTraceServiceResponse: all spans accepted.
    return b""


if __name__ == "__main__":
    main()
