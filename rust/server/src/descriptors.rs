//! How many files the process may have open, and so how many connections fit.
//!
//! The limit that a process starts with is 1,024 as a rule, for programs that use `select`; what it may have at most is
//! far higher. A server without a descriptor left accepts nobody: neither probes nor those who could mend it. So the
//! limit is raised, and decisions leave a part of it to others.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::limits::DESCRIPTORS_RESERVED;

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
    // Nothing: as many as there is memory for.
    current.map_or(usize::MAX, |current| {
        usize::try_from(current).unwrap_or(usize::MAX)
    })
}

/// How many connections the decision port takes, of those that the settings allow.
pub(crate) fn connections(allowed: usize, descriptors: usize) -> usize {
    // A process that may have hardly any keeps half of them.
    allowed.min(descriptors - DESCRIPTORS_RESERVED.min(descriptors / 2))
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
    fn decisions_leave_a_part_to_others() {
        for (allowed, descriptors, fit) in [
            (4_096, usize::MAX, 4_096),
            (4_096, 4_096, 4_096 - DESCRIPTORS_RESERVED),
            (4_096, 2_048, 2_048 - DESCRIPTORS_RESERVED),
            (4_096, 1_024, 512),
            (100, 1_024, 100),
            (4_096, 100, 50),
            (4_096, 0, 0),
        ] {
            assert_eq!(connections(allowed, descriptors), fit);
        }
    }
}
