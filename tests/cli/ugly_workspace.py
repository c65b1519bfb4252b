"""A workspace that strains tables: long names, wide characters, many placements, negative values."""

from pathlib import Path

LONG = "an-action-whose-name-takes-most-of-a-narrow-terminal.and-then-goes-on"
PLACEMENTS = [f"placement-{index:02}-of-the-long-page" for index in range(1, 13)]

FILES = {
    "workspace.yaml": "name: ugly\ncurrency: JPY\ntime_zone: Asia/Tokyo\n",
    "schema.yaml": """
customer:
  age: {type: int, label: 年齢}
  balance: {type: double, label: "Kontostand über alle Konten, auch gemeinsame, in der Währung des Kunden"}
  since: {type: timestamp, label: お客様になった日}
  an_attribute_whose_name_takes_most_of_a_narrow_terminal: {type: string}
context: {}
action: {}
""",
    "issues.yaml": "issues:\n  sales-with-a-rather-long-name: {}\n",
    "channels.yaml": "channels:\n  web:\n    placements:\n"
    + "".join(f"      {name}: {{count: 2}}\n" for name in PLACEMENTS),
    "actions/all.yaml": f"""
issue: sales-with-a-rather-long-name
group: a-group-whose-name-is-long-as-well
actions:
  {LONG}:
    label: ゴールドカード・プラチナカード・その他すべてのカード
    value: customer.balance * 0.001
    propensity: 0.000042
    treatments:
      - {{channel: web, content: {{}}}}
  loses-money:
    label: Kredit mit Verlust
    value: 0.0 - 12.5
    propensity: 0.5
    treatments:
      - {{channel: web, content: {{}}}}
  worth-a-fortune:
    label: 🏦 Vermögen
    value: 123456789012.5
    propensity: 0.0000001
    treatments:
      - {{channel: web, content: {{}}}}
  needs-what-is-missing:
    label: 期限
    value: 10
    propensity: 1.0
    eligibility:
      - when: customer.since < now - duration("720h") && customer.age >= 18
        reason: お客様になってから三十日が経っていません。もうしばらくお待ちください
    treatments:
      - {{channel: web, content: {{}}}}
  over:
    value: 1
    propensity: 0.1
    active: {{until: 2020-01-01}}
    treatments:
      - {{channel: web, content: {{}}}}
""",
}


def write(folder: Path) -> Path:
    """Writes the workspace."""
    for name, content in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder
