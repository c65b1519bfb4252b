//! How many files the process may have open, and so how many connections fit.
//!
//! The limit that a process starts with is 1,024 as a rule, for programs that use `select`; what it may have at most is
//! far higher. A server without a descriptor left accepts no connection: neither those of probes nor those of operators who could help. So the
//! limit is raised, and each port has a part of it that the others cannot take.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::limits::{
    CONTROL_CONNECTIONS_MAX, DESCRIPTORS_OF_THE_PROCESS, HEALTH_CONNECTIONS_MAX, PORT_CONNECTIONS_MIN,
};

/// Raises the limit as far as the system lets it be raised, and returns it.
pub(crate) fn raise() -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = Rlimit {
        current: maximum,
        maximum,
    };
    let current = if setrlimit(Resource::Nofile, wanted).is_ok() {
        maximum
    } else {
        current
    };
    // Nothing: the number that memory allows.
    current.map_or(usize::MAX, |current| {
        usize::try_from(current).unwrap_or(usize::MAX)
    })
}

/// How many connections each port takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shares {
    pub(crate) decisions: usize,
    pub(crate) health: usize,
    pub(crate) control: usize,
}

impl Shares {
    /// `allowed`: connections of the decision port, by the settings.
    pub(crate) fn of(descriptors: usize, allowed: usize) -> Self {
        let left = descriptors.saturating_sub(DESCRIPTORS_OF_THE_PROCESS);
        let part = |most: usize| (left / 8).clamp(PORT_CONNECTIONS_MIN, most);
        let (health, control) = (part(HEALTH_CONNECTIONS_MAX), part(CONTROL_CONNECTIONS_MAX));
        Self {
            // The health port takes as many again while others are on their way out.
            decisions: allowed.min(left.saturating_sub(2 * health + control)),
            health,
            control,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_to_what_it_may_be() {
        let raised = raise();
        assert!(raised >= 1_024);
        assert_eq!(
            getrlimit(Resource::Nofile).current,
            getrlimit(Resource::Nofile).maximum
        );
        assert_eq!(raise(), raised);
    }

    #[test]
    fn each_port_has_its_part() {
        for descriptors in [0, 64, 128, 256, 1_024, 2_048, 4_096, 65_536, usize::MAX] {
            let shares = Shares::of(descriptors, 4_096);
            let Shares {
                decisions,
                health,
                control,
            } = shares;
            let all = DESCRIPTORS_OF_THE_PROCESS + decisions + 2 * health + control;
            assert!(
                descriptors < 128 || all <= descriptors,
                "{descriptors}: {shares:?}"
            );
            assert!(
                descriptors < 128 || decisions >= descriptors.min(4_096) / 4,
                "{shares:?}"
            );
            assert!(health >= PORT_CONNECTIONS_MIN && control >= PORT_CONNECTIONS_MIN);
        }
        let many = Shares {
            decisions: 4_096,
            health: HEALTH_CONNECTIONS_MAX,
            control: CONTROL_CONNECTIONS_MAX,
        };
        assert_eq!(Shares::of(usize::MAX, 4_096), many);
        assert_eq!(Shares::of(1_024, 100).decisions, 100);
    }
}
