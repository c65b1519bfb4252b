//! Which spans are exported: the samplers of the OpenTelemetry specification, by their names there.

use crate::traceparent::Parent;

/// Decides before anything is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sampler {
    // The caller's flag decides where there is a caller's span.
    is_parent_based: bool,
    root: Root,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Root {
    On,
    Off,
    /// Traces whose id is below this bound.
    Below(u64),
}

impl Default for Sampler {
    /// `parentbased_always_on`.
    fn default() -> Self {
        Self {
            is_parent_based: true,
            root: Root::On,
        }
    }
}

impl Sampler {
    /// The sampler that `OTEL_TRACES_SAMPLER` names; `ratio`, 0.0 to 1.0, is that of `traceidratio`. Nothing for other
    /// names.
    #[must_use]
    pub fn named(name: &str, ratio: f64) -> Option<Self> {
        let own = name.strip_prefix("parentbased_");
        let root = match own.unwrap_or(name) {
            "always_on" => Root::On,
            "always_off" => Root::Off,
            "traceidratio" => Root::of_ratio(ratio),
            _ => return None,
        };
        Some(Self {
            is_parent_based: own.is_some(),
            root,
        })
    }

    pub(crate) fn wants(&self, trace_id: &[u8; 16], parent: Option<&Parent>) -> bool {
        if self.is_parent_based
            && let Some(parent) = parent
        {
            return parent.is_sampled();
        }
        match self.root {
            Root::On => true,
            Root::Off => false,
            // The half of the id that every SDK compares, so that all take the same traces.
            Root::Below(bound) => trace_id
                .last_chunk()
                .is_some_and(|low| u64::from_be_bytes(*low) < bound),
        }
    }
}

impl Root {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a ratio between 0 and 1 of all numbers of 64 bits; the cast saturates"
    )]
    fn of_ratio(ratio: f64) -> Self {
        if ratio >= 1.0 {
            Self::On
        } else {
            Self::Below((ratio * u64::MAX as f64) as u64)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(low: u64) -> [u8; 16] {
        u128::from(low).to_be_bytes()
    }

    fn parent(flags: &str) -> Option<Parent> {
        let header = format!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flags}");
        Parent::parse(header.as_bytes(), b"")
    }

    #[test]
    fn each_sampler_does_what_its_name_says() {
        let (low, high) = (id(1), id(u64::MAX));
        // By name: of a root with a low id, of one with a high id, below a sampled span, below one that is not.
        let cases = [
            ("always_on", [true, true, true, true]),
            ("always_off", [false, false, false, false]),
            ("traceidratio", [true, false, true, true]),
            ("parentbased_always_on", [true, true, true, false]),
            ("parentbased_always_off", [false, false, true, false]),
            ("parentbased_traceidratio", [true, false, true, false]),
        ];
        for (name, expected) in cases {
            let sampler = Sampler::named(name, 0.5).unwrap();
            let found = [
                sampler.wants(&low, None),
                sampler.wants(&high, None),
                sampler.wants(&low, parent("01").as_ref()),
                sampler.wants(&low, parent("00").as_ref()),
            ];
            assert_eq!(found, expected, "{name}");
        }
        assert_eq!(
            Sampler::named("parentbased_always_on", 1.0),
            Some(Sampler::default())
        );
        assert_eq!(Sampler::named("jaeger_remote", 1.0), None);
        assert_eq!(Sampler::named("parentbased_xray", 1.0), None);
    }

    #[test]
    fn a_ratio_is_kept() {
        let wanted = |ratio| {
            let sampler = Sampler::named("traceidratio", ratio).unwrap();
            let mut random = fastrand::Rng::with_seed(7);
            (0..10_000)
                .filter(|_| sampler.wants(&id(random.u64(..)), None))
                .count()
        };
        assert_eq!((wanted(0.0), wanted(1.0)), (0, 10_000));
        assert!((2_300..2_700).contains(&wanted(0.25)), "{}", wanted(0.25));
    }
}
