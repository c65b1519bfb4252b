//! A small bundle to test with: a few attributes, and whatever clauses and actions a test adds.
//!
//! It makes messages and bytes, as the control plane does, and knows nothing of the engine's tables.

use nextbest_proto::v1::{self, literal, value::Kind};
use prost::Message as _;
use sha2::{Digest as _, Sha256};

/// 2026-06-01T12:00:00Z.
pub const NOW_US: i64 = 1_780_315_200_000_000;

/// Features, by their index: one for each customer and context attribute, then `now`.
pub const AGE: u32 = 0;
pub const BALANCE: u32 = 1;
pub const JOINED: u32 = 2;
pub const PRODUCTS: u32 = 3;
pub const SEGMENT: u32 = 4;
pub const VIP: u32 = 5;
pub const PAGE: u32 = 6;
pub const RECENT: u32 = 7;
pub const VISITS: u32 = 8;
pub const NOW: u32 = 9;

/// Channels and placements, by their index.
pub const WEB: u32 = 1;
pub const HERO: u32 = 0;
pub const SIDEBAR: u32 = 1;

/// A bundle that is being put together.
#[derive(Clone)]
pub struct TestBundle {
    pub message: v1::Bundle,
}

impl TestBundle {
    /// Two issues of one group each, and no action.
    pub fn new() -> Self {
        let attributes = attributes();
        let mut features: Vec<v1::Feature> = attributes
            .iter()
            .zip(0..)
            .filter(|(attribute, _)| attribute.root() != v1::Root::Action)
            .map(|(attribute, index)| v1::Feature {
                name: format!(
                    "{}.{}",
                    attribute.root().as_str_name()[5..].to_lowercase(),
                    attribute.name
                ),
                r#type: attribute.r#type,
                source: Some(v1::feature::Source::Attribute(index)),
            })
            .collect();
        features.push(v1::Feature {
            name: "now".to_owned(),
            r#type: v1::Type::Timestamp.into(),
            source: Some(v1::feature::Source::Now(v1::Now {})),
        });
        let issue = |name: &str| v1::Issue {
            name: name.to_owned(),
            lever_percent: 0.0,
        };
        let group = |name: &str, issue| v1::Group {
            name: name.to_owned(),
            issue,
            lever_percent: 0.0,
            limit: 0,
        };
        let message = v1::Bundle {
            workspace: "test".to_owned(),
            currency: "EUR".to_owned(),
            files: vec!["actions/cards.yaml".to_owned()],
            attributes,
            features,
            issues: vec![issue("sales"), issue("service")],
            groups: vec![group("cards", 0), group("care", 1)],
            channels: vec![
                channel("email", &[("body", 2)]),
                channel("web", &[("hero", 1), ("sidebar", 3)]),
            ],
            arbitration: Some(v1::Arbitration::default()),
            ..v1::Bundle::default()
        };
        Self { message }
    }

    /// Adds a feature, and gives its index.
    pub fn derived(&mut self, name: &str, kind: v1::Type, program: v1::Program) -> u32 {
        let source = Some(v1::feature::Source::Derived(program));
        self.message.features.push(v1::Feature {
            name: name.to_owned(),
            r#type: kind.into(),
            source,
        });
        last(self.message.features.len())
    }

    /// Adds a literal, and gives its index.
    pub fn literal(&mut self, feature: u32, test: literal::Test, negated: bool) -> u32 {
        let name = format!("test {}", self.message.literals.len());
        self.message.literals.push(v1::Literal {
            feature,
            negated,
            text: name,
            test: Some(test),
        });
        last(self.message.literals.len())
    }

    /// Adds a clause over literals, and gives its index.
    pub fn clause(&mut self, literals: &[u32]) -> u32 {
        let number = self.message.conditions.len();
        let position = Some(v1::Position {
            file: 0,
            line: 4,
            column: 11,
        });
        let (text, reason) = (format!("condition {number}"), format!("reason {number}"));
        self.message.conditions.push(v1::Condition {
            text: text.clone(),
            reason,
            position,
        });
        let condition = last(self.message.conditions.len());
        self.message.clauses.push(v1::Clause {
            literals: literals.to_vec(),
            condition,
            text,
            position,
        });
        last(self.message.clauses.len())
    }

    /// Adds a clause of one literal, and gives its index.
    pub fn test(&mut self, feature: u32, test: literal::Test) -> u32 {
        let literal = self.literal(feature, test, false);
        self.clause(&[literal])
    }

    /// Adds an action of group `cards` for every placement of the web; names have to come sorted.
    pub fn action(&mut self, name: &str, value: f64) -> &mut v1::Action {
        self.message.actions.push(v1::Action {
            name: name.to_owned(),
            enabled: true,
            value: Some(v1::action::Value::ValueConstant(value)),
            prior: 0.1,
            treatments: vec![treatment("banner", None)],
            attributes: vec![v1::Value::default()],
            ..v1::Action::default()
        });
        self.message.actions.last_mut().expect("just added")
    }

    /// The bundle file.
    pub fn seal(&self) -> Vec<u8> {
        seal(&self.message.encode_to_vec())
    }
}

fn last(length: usize) -> u32 {
    u32::try_from(length - 1).expect("small")
}

/// A bundle file with any payload.
pub fn seal(payload: &[u8]) -> Vec<u8> {
    let mut file = b"nextbest".to_vec();
    file.extend(1_u32.to_le_bytes());
    file.extend((payload.len() as u64).to_le_bytes());
    file.extend(payload);
    let checksum = Sha256::digest(&file);
    file.extend(checksum);
    file
}

fn attributes() -> Vec<v1::AttributeDeclaration> {
    let declare = |root: v1::Root, name: &str, kind: v1::Type| v1::AttributeDeclaration {
        root: root.into(),
        name: name.to_owned(),
        r#type: kind.into(),
        ..v1::AttributeDeclaration::default()
    };
    let mut age = declare(v1::Root::Customer, "age", v1::Type::Int);
    (age.minimum, age.maximum) = (Some(int(0)), Some(int(130)));
    let mut segment = declare(v1::Root::Customer, "segment", v1::Type::String);
    segment.allowed = vec![string("affluent"), string("mass"), string("private")];
    vec![
        age,
        declare(v1::Root::Customer, "balance", v1::Type::Double),
        declare(v1::Root::Customer, "joined", v1::Type::Timestamp),
        declare(v1::Root::Customer, "products", v1::Type::StringList),
        segment,
        declare(v1::Root::Customer, "vip", v1::Type::Bool),
        declare(v1::Root::Context, "page", v1::Type::String),
        declare(v1::Root::Context, "recent", v1::Type::IntList),
        declare(v1::Root::Context, "visits", v1::Type::Int),
        declare(v1::Root::Action, "apr", v1::Type::Double),
    ]
}

fn channel(name: &str, placements: &[(&str, u32)]) -> v1::Channel {
    let placement = |(name, count): &(&str, u32)| v1::PlacementDeclaration {
        name: (*name).to_owned(),
        count: *count,
        fallback: None,
    };
    v1::Channel {
        name: name.to_owned(),
        placements: placements.iter().map(placement).collect(),
    }
}

/// A treatment for the web.
pub fn treatment(name: &str, placement: Option<u32>) -> v1::Treatment {
    v1::Treatment {
        name: name.to_owned(),
        channel: WEB,
        placement,
        eligibility: Vec::new(),
        content: format!("{{\"title\":\"{name}\"}}"),
    }
}

pub fn value(kind: Kind) -> v1::Value {
    v1::Value { kind: Some(kind) }
}

pub fn int(number: i64) -> v1::Value {
    value(Kind::Int(number))
}

pub fn double(number: f64) -> v1::Value {
    value(Kind::Double(number))
}

pub fn string(text: &str) -> v1::Value {
    value(Kind::String(text.to_owned()))
}

pub fn strings(items: &[&str]) -> v1::Value {
    value(Kind::Strings(v1::StringList {
        items: items.iter().map(|item| (*item).to_owned()).collect(),
    }))
}

pub fn ints(items: &[i64]) -> v1::Value {
    value(Kind::Ints(v1::IntList {
        items: items.to_vec(),
    }))
}

pub fn compare(operator: v1::comparison::Operator, value: v1::Value) -> literal::Test {
    literal::Test::Comparison(v1::Comparison {
        operator: operator.into(),
        value: Some(value),
    })
}

pub fn at_least(number: i64) -> literal::Test {
    compare(v1::comparison::Operator::Ge, int(number))
}

pub fn attribute(name: &str, value: v1::Value) -> v1::Attribute {
    v1::Attribute {
        name: name.to_owned(),
        value: Some(value),
    }
}

/// A dry run for the web at [`NOW_US`], for some placements with the count that they declare.
pub fn request(placements: &[&str], customer: Vec<v1::Attribute>) -> v1::DecideRequest {
    v1::DecideRequest {
        customer,
        channel: "web".to_owned(),
        placements: placements
            .iter()
            .map(|name| v1::PlacementRequest {
                name: (*name).to_owned(),
                count: 0,
            })
            .collect(),
        dry_run: true,
        now_us: Some(NOW_US),
        seed: Some(7),
        ..v1::DecideRequest::default()
    }
}

/// An instruction without constant, index or body.
pub fn step(operation: v1::Operation, operands: &[u32]) -> v1::Instruction {
    v1::Instruction {
        operation: operation.into(),
        operands: operands.to_vec(),
        ..v1::Instruction::default()
    }
}

pub fn constant(value: v1::Value) -> v1::Instruction {
    v1::Instruction {
        constant: Some(value),
        ..step(v1::Operation::Constant, &[])
    }
}

pub fn read(feature: u32) -> v1::Instruction {
    v1::Instruction {
        index: feature,
        ..step(v1::Operation::Feature, &[])
    }
}

/// A program whose result is its last instruction.
pub fn program(instructions: Vec<v1::Instruction>) -> v1::Program {
    v1::Program {
        result: last(instructions.len()),
        instructions,
    }
}
