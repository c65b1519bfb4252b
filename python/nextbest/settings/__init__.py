"""Environment variables -> settings of a server and of commands."""

from nextbest.settings.environment import DRAIN_GRACE_S, Settings, quiet_libraries, read
from nextbest.settings.table import ON_DECISION_PORT
from nextbest.settings.variables import SettingError

__all__ = ["DRAIN_GRACE_S", "ON_DECISION_PORT", "SettingError", "Settings", "quiet_libraries", "read"]
