"""Where a server listens, and where clients and commands look for it, unless an address is given."""

from typing import Final

DECISION_ADDRESS: Final = "127.0.0.1:50051"
CONTROL_ADDRESS: Final = "127.0.0.1:50052"
HEALTH_ADDRESS: Final = "127.0.0.1:50053"
