"""CEL text -> its typed tree and findings; texts of one shape are type-checked once."""

from dataclasses import dataclass

from nextbest.expression.build import build
from nextbest.expression.environment import CheckError, Environment
from nextbest.expression.evaluation import Evaluator
from nextbest.expression.finding import Finding
from nextbest.expression.repair import plain, repair
from nextbest.expression.schema import Schema
from nextbest.expression.specialise import Specialiser
from nextbest.expression.tokens import Tokens
from nextbest.expression.tree import Attr, Has, Node, children
from nextbest.expression.wording import Reworder

TEXT_LENGTH_MAX = 4_096
# The number of proposed texts that are compiled per environment; each usually takes less than a millisecond.
# After that, remedies are sentences.
TRIES_MAX = 20_000


@dataclass(frozen=True, slots=True)
class Template:
    """The tree of all texts of one shape.

    Attributes:
        node: With plain literals left open.
        references: The attributes that it names, in the order of the text.
    """

    node: Node
    references: tuple[str, ...]


class Parser:
    """Parses and type-checks texts of one environment."""

    def __init__(self, schema: Schema, environment: Environment, *, formula: bool = False) -> None:
        self._environment = environment
        self._evaluator = Evaluator()
        self._tried = 0
        self._time_zone = schema.time_zone
        self._reworder = Reworder(schema, environment, formula=formula)
        self._templates: dict[str, Template] = {}

    def parse(self, text: str) -> tuple[Tokens, Template | None, list[Finding]]:
        """Parses a text.

        Returns:
            Its tokens, its template, and the findings; there is a template exactly if there are no findings.
        """
        tokens = Tokens(text)
        template = self._templates.get(tokens.shape)
        if template is not None and len(text) <= TEXT_LENGTH_MAX:
            return tokens, template, []
        if len(text) > TEXT_LENGTH_MAX:
            message = f"the expression has {len(text):,} characters, at most {TEXT_LENGTH_MAX:,} are allowed"
            return tokens, None, [Finding("NB410", message, (0, 1), "move parts of it to derived attributes")]
        if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
            return (
                tokens,
                None,
                [Finding("NB401", "the text is not valid Unicode", (0, 1), "type it again")],
            )
        node, findings = self._read(tokens)
        if node is None:
            return tokens, None, self._repaired(text, findings)
        template = Template(node, tuple(dict.fromkeys(_references(node))))
        self._templates[tokens.shape] = template
        return tokens, template, []

    def _read(self, tokens: Tokens) -> tuple[Node | None, list[Finding]]:
        try:
            checked = self._environment.check(tokens.text)
        except CheckError as error:
            return None, self._reworder.reword(str(error), tokens)
        node, findings = build(checked, tokens)
        return (None if findings else node), findings

    def _repaired(self, text: str, findings: list[Finding]) -> list[Finding]:
        if self._tried > TRIES_MAX:
            return [plain(finding) for finding in findings]
        return repair(text, findings, self._diagnose)

    def _diagnose(self, tokens: Tokens) -> list[Finding]:
        """The findings about a text, including constants without a result."""
        self._tried += 1
        node, findings = self._read(tokens)
        if node is not None:
            specialiser = Specialiser(tokens, {}, self._evaluator, self._time_zone)
            specialiser.specialise(node, {})
            findings = specialiser.findings
        return findings


def _references(node: Node) -> list[str]:
    if isinstance(node, Attr | Has):
        return [node.reference]
    return [reference for child in children(node) for reference in _references(child)]
