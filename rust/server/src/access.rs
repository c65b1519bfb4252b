//! Who may call what: callers, how they prove who they are, and their roles. What is not granted is refused.
//!
//! API keys are 32 random bytes, and only their SHA-256 is known here. They cannot be guessed, so a slow
//! hash, as passwords need, would only delay callers. Hashes are compared in constant time, each with all.

use std::sync::Arc;

pub use nextbest_proto::v1::Role;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// The roles of one caller, as its requests carry them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Roles(u8);

impl Roles {
    /// Of every caller of a port without an access file.
    pub(crate) const ALL: Self = Self(u8::MAX);

    fn of(roles: &[Role]) -> Self {
        Self(roles.iter().fold(0, |all, role| all | Self::bit(*role)))
    }

    pub(crate) fn has(self, role: Role) -> bool {
        self.0 & Self::bit(role) != 0
    }

    fn bit(role: Role) -> u8 {
        1 << role as u8
    }
}

/// One who may call.
#[derive(Debug, Clone)]
pub struct Caller {
    /// For people.
    pub name: String,
    /// What it may do.
    pub roles: Vec<Role>,
    /// SHA-256 of its API keys: two while one replaces the other.
    pub key_hashes: Vec<[u8; 32]>,
    /// DNS names and URIs, one of which its certificate is made out to.
    pub certificate_names: Vec<String>,
}

impl Caller {
    pub(crate) fn roles(&self) -> Roles {
        Roles::of(&self.roles)
    }
}

/// All who may call.
#[derive(Debug, Clone, Default)]
pub struct Access {
    callers: Vec<Arc<Caller>>,
}

impl Access {
    /// The callers of an access file.
    #[must_use]
    pub fn of(callers: Vec<Caller>) -> Self {
        Self {
            callers: callers.into_iter().map(Arc::new).collect(),
        }
    }

    /// The caller with the key.
    pub(crate) fn by_key(&self, key: &[u8]) -> Option<&Arc<Caller>> {
        let hash = Sha256::digest(key);
        // Every hash is compared, also after one that is equal.
        let mut found = None;
        for caller in &self.callers {
            for known in &caller.key_hashes {
                if bool::from(known.ct_eq(hash.as_slice())) {
                    found = Some(caller);
                }
            }
        }
        found
    }

    /// The caller with a certificate for one of the names, which the handshake has verified.
    pub(crate) fn by_certificate(&self, names: &[String]) -> Option<&Arc<Caller>> {
        let mut callers = self.callers.iter();
        callers.find(|caller| caller.certificate_names.iter().any(|name| names.contains(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(name: &str, keys: &[&str], certificates: &[&str]) -> Caller {
        Caller {
            name: name.into(),
            roles: vec![Role::Decide],
            key_hashes: keys.iter().map(|key| Sha256::digest(key).into()).collect(),
            certificate_names: certificates.iter().map(|&name| name.into()).collect(),
        }
    }

    #[test]
    fn callers_are_known_by_keys_and_certificates() {
        let access = Access::of(vec![
            caller("web", &["one", "two"], &[]),
            caller("crm", &["three"], &["crm.bank.example", "spiffe://bank/crm"]),
        ]);
        let by_key = |key: &str| access.by_key(key.as_bytes()).map(|caller| caller.name.as_str());
        assert_eq!(
            [by_key("one"), by_key("two"), by_key("three")],
            [Some("web"), Some("web"), Some("crm")]
        );
        assert_eq!([by_key("four"), by_key("")], [None, None]);
        let by_name = |name: &str| {
            let names = ["other".to_owned(), name.to_owned()];
            access.by_certificate(&names).map(|caller| caller.name.as_str())
        };
        assert_eq!(by_name("spiffe://bank/crm"), Some("crm"));
        assert_eq!([by_name("web"), by_name("bank.example")], [None, None]);
        assert!(access.by_certificate(&[]).is_none());
    }

    #[test]
    fn a_set_of_roles_holds_what_it_was_made_of() {
        let all = [Role::Decide, Role::Explain, Role::Customers];
        for chosen in 0..8_usize {
            let some: Vec<_> = (0..3).filter(|n| chosen >> n & 1 == 1).map(|n| all[n]).collect();
            for role in all {
                assert_eq!(
                    Roles::of(&some).has(role),
                    some.contains(&role),
                    "{some:?} {role}"
                );
                assert!(Roles::ALL.has(role) && !Roles::default().has(role));
            }
        }
    }
}
