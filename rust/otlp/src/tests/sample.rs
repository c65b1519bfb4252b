//! A decision with something in every field, for tests and the benchmark: a bundle, and a record that was written by hand.

#[path = "../../../engine/src/testing.rs"]
#[expect(dead_code, reason = "not all of it is needed here")]
mod testing;

use std::sync::LazyLock;

use super::DecisionSpan;
use nextbest_engine::{Bundle, Record, TopDropOff};
use nextbest_proto::v1::{self, DegradationKind, PropensitySource, Reason, Stage, record};
use prost::Message as _;
use testing::{AGE, TestBundle, at_least, treatment};

/// Actions of the bundle, by their index.
pub const GOLD_CARD: u32 = 0;
pub const NEWSLETTER: u32 = 1;
pub const SILVER_CARD: u32 = 2;

const ACTIONS: u32 = 120;
const WEB: u32 = testing::WEB;

/// The same for all tests that change nothing.
pub static SAMPLE: LazyLock<Sample> = LazyLock::new(Sample::new);

/// What a span borrows from.
pub struct Sample {
    pub bundle: Bundle,
    pub record: Record<'static>,
}

impl Sample {
    /// A decision in which gold-card won over silver-card.
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    /// The same with another record.
    pub fn with(change: impl FnOnce(&mut v1::Record)) -> Self {
        let bundle = Bundle::open(&bundle().seal()).unwrap();
        let mut message = message(bundle.digest());
        change(&mut message);
        let record = Record::decode(&bundle, &message.encode_to_vec()).unwrap();
        Self { bundle, record }
    }

    pub fn span(&self) -> DecisionSpan<'_> {
        DecisionSpan {
            bundle: &self.bundle,
            record: &self.record,
            top_drop_off: Some(TopDropOff {
                stage: Stage::Eligibility,
                reason: "a credit card needs an adult holder",
                actions: 17,
            }),
            method: "nextbest.v1.DecisionService/Decide",
            started_ns: 1_700_000_000_000_000_000,
            ended_ns: 1_700_000_000_000_123_000,
        }
    }
}

fn bundle() -> TestBundle {
    let mut bundle = TestBundle::new();
    let column = v1::ModelColumn {
        source: Some(v1::model_column::Source::Feature(AGE)),
        missing: None,
    };
    bundle.message.models = vec![v1::Model {
        name: "card-propensity".to_owned(),
        inputs: vec![v1::ModelInput {
            name: "numbers".to_owned(),
            element_type: v1::ElementType::Float32.into(),
            columns: vec![column],
        }],
        output: "probabilities".to_owned(),
        ..v1::Model::default()
    }];
    for name in ["gold-card", "newsletter", "silver-card"] {
        bundle.action(name, 1.0).treatments = vec![treatment(&format!("hero-{name}"), None)];
    }
    bundle.message.actions[GOLD_CARD as usize].model = Some(0);
    for number in 3..ACTIONS {
        bundle.action(&format!("zinc-{number:03}"), 1.0);
    }
    bundle
}

/// A bundle of one action, for adults.
pub fn adults_only() -> Bundle {
    let mut bundle = TestBundle::new();
    let adult = bundle.test(AGE, at_least(18));
    bundle.action("gold-card", 1.0).eligibility = vec![adult];
    Bundle::open(&bundle.seal()).unwrap()
}

/// The first actions, up to this number.
fn first(count: usize) -> Vec<u8> {
    let mut bytes = vec![u8::MAX; count / 8];
    bytes.extend((!count.is_multiple_of(8)).then(|| (1 << (count % 8)) - 1));
    bytes
}

fn message(digest: &str) -> v1::Record {
    let ranked = |action, propensity, value, priority, source: PropensitySource| record::Ranked {
        action,
        propensity,
        propensity_source: source.into(),
        context_weight: 1.0,
        value,
        lever: 1.05,
        priority,
    };
    v1::Record {
        decision_id: "018bcfe5-6800-7000-8000-000000000000".to_owned(),
        bundle_digest: digest.to_owned(),
        customer_id: "customer-4711".to_owned(),
        dry_run: true,
        channel: WEB,
        placements: [testing::HERO, testing::SIDEBAR]
            .map(|placement| record::Requested { placement, count: 1 })
            .to_vec(),
        stages: Some(record::Stages {
            available: first(84),
            eligible: first(41),
            applicable: first(30),
            suitable: first(20),
            treatable: first(10),
            unknown_at_eligibility: 7,
            ..record::Stages::default()
        }),
        ranked: vec![
            ranked(GOLD_CARD, 0.0181, 120.0, 2.2806, PropensitySource::Model),
            ranked(SILVER_CARD, 0.02, 97.0, 2.037, PropensitySource::Prior),
        ],
        placed: vec![placed(0, GOLD_CARD, 1, Reason::Priority)],
        degradations: vec![record::Missed {
            kind: DegradationKind::CustomerUnknown.into(),
            ..record::Missed::default()
        }],
        ..v1::Record::default()
    }
}

/// An action in one of the placements; of rank 0 a fallback.
pub fn placed(placement: u32, action: u32, rank: u32, reason: Reason) -> record::Placed {
    record::Placed {
        placement,
        action,
        treatment: 0,
        rank,
        reason: reason.into(),
    }
}
