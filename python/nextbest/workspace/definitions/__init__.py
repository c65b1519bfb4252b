"""Definitions of the files of a workspace: they check the files, and become JSON Schema."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from nextbest.workspace.definitions.actions import (
    ActionDefinition,
    GroupFile,
    IssueDefinition,
    IssuesFile,
    PropensityDefinition,
    TreatmentDefinition,
)
from nextbest.workspace.definitions.delivery import (
    ArbitrationFile,
    BindingFile,
    CardFile,
    ChannelsFile,
    ColumnDefinition,
    ContactFile,
    ContextWeightDefinition,
    ModelFile,
)
from nextbest.workspace.definitions.personas import PersonaDefinition, PersonaFile, PersonaTestDefinition
from nextbest.workspace.definitions.settings import AttributeDefinition, SchemaFile, WorkspaceFile
from nextbest.workspace.definitions.vocabulary import (
    ConditionDefinition,
    Definition,
    Policies,
    end_us,
    moment_us,
    span_us,
)

__all__ = [
    "FILES",
    "ActionDefinition",
    "ArbitrationFile",
    "AttributeDefinition",
    "BindingFile",
    "CardFile",
    "ChannelsFile",
    "ColumnDefinition",
    "ConditionDefinition",
    "ContactFile",
    "ContextWeightDefinition",
    "Definition",
    "GroupFile",
    "IssueDefinition",
    "IssuesFile",
    "Kind",
    "ModelFile",
    "PersonaDefinition",
    "PersonaFile",
    "PersonaTestDefinition",
    "Policies",
    "PropensityDefinition",
    "SchemaFile",
    "TreatmentDefinition",
    "WorkspaceFile",
    "end_us",
    "moment_us",
    "span_us",
]


class Kind(StrEnum):
    """A kind of file: those of a workspace in the order in which they are read, and those of a push."""

    WORKSPACE = "workspace"
    SCHEMA = "schema"
    CHANNELS = "channels"
    ISSUES = "issues"
    ACTIONS = "actions"
    ARBITRATION = "arbitration"
    MODEL = "model"
    CONTACT_POLICIES = "contact-policies"
    TESTS = "tests"
    BINDING = "binding"
    CARD = "card"


FILES: Mapping[Kind, type[Definition]] = MappingProxyType(
    {
        Kind.WORKSPACE: WorkspaceFile,
        Kind.SCHEMA: SchemaFile,
        Kind.CHANNELS: ChannelsFile,
        Kind.ISSUES: IssuesFile,
        Kind.ACTIONS: GroupFile,
        Kind.ARBITRATION: ArbitrationFile,
        Kind.MODEL: ModelFile,
        Kind.CONTACT_POLICIES: ContactFile,
        Kind.TESTS: PersonaFile,
        Kind.BINDING: BindingFile,
        Kind.CARD: CardFile,
    }
)
"""The contents of each kind of file."""
