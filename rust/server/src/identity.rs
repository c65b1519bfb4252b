//! Who calls on a connection, and whether they may.

use std::{cell::RefCell, sync::Arc};

use arc_swap::ArcSwapOption;
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use subtle::ConstantTimeEq as _;

use crate::{
    access::{Access, Caller, Role, Roles},
    call_error::CallError,
};

const BEARER: &[u8] = b"bearer ";

/// Who may call, for all connections; nothing where everybody may.
pub(crate) type SharedAccess = Arc<ArcSwapOption<Access>>;

/// One connection's caller.
pub(crate) struct Identity {
    access: SharedAccess,
    certificate_names: Vec<String>,
    known: RefCell<Option<Known>>,
    #[cfg(test)]
    checks: std::cell::Cell<u64>,
}

/// Who called last: as a rule, who calls next.
struct Known {
    access: Arc<Access>,
    header: Option<HeaderValue>,
    caller: Arc<Caller>,
    roles: Roles,
}

impl Identity {
    pub(crate) fn new(access: SharedAccess, certificate_names: Vec<String>) -> Self {
        Self {
            access,
            certificate_names,
            known: RefCell::default(),
            #[cfg(test)]
            checks: std::cell::Cell::default(),
        }
    }

    /// Checks that the sender of these headers may call a method that takes a role, and returns the roles that it has.
    /// The role is worked out only where not everybody may call.
    ///
    /// # Errors
    /// When the caller is not authenticated, or lacks the role. A method that does not exist requires no
    /// role, but an authenticated caller.
    pub(crate) fn check(
        &self,
        headers: &HeaderMap,
        role: impl FnOnce() -> Option<Role>,
    ) -> Result<Roles, CallError> {
        let access = self.access.load();
        let Some(access) = access.as_ref() else {
            return Ok(Roles::ALL);
        };
        let header = headers.get(AUTHORIZATION);
        let mut known = self.known.borrow_mut();
        let is_known = known.as_ref().is_some_and(|known| {
            Arc::ptr_eq(&known.access, access) && is_same(known.header.as_ref(), header)
        });
        if !is_known {
            #[cfg(test)]
            self.checks.set(self.checks.get() + 1);
            *known = self.identify(access, header).map(|caller| Known {
                access: Arc::clone(access),
                header: header.cloned(),
                caller: Arc::clone(caller),
                roles: caller.roles(),
            });
        }
        let Some(Known { caller, roles, .. }) = known.as_ref() else {
            return Err(CallError::Unauthenticated);
        };
        match role() {
            Some(role) if !roles.has(role) => Err(CallError::PermissionDenied {
                caller: caller.name.clone(),
                role,
            }),
            _ => Ok(*roles),
        }
    }

    /// A key takes precedence: a caller that shares a connection through a proxy has no certificate there.
    fn identify<'a>(&self, access: &'a Access, header: Option<&HeaderValue>) -> Option<&'a Arc<Caller>> {
        match header {
            Some(header) => access.by_key(key(header.as_bytes())?),
            None => access.by_certificate(&self.certificate_names),
        }
    }
}

fn is_same(known: Option<&HeaderValue>, sent: Option<&HeaderValue>) -> bool {
    match (known, sent) {
        (None, None) => true,
        (Some(known), Some(sent)) => bool::from(known.as_bytes().ct_eq(sent.as_bytes())),
        _ => false,
    }
}

fn key(header: &[u8]) -> Option<&[u8]> {
    let (scheme, key) = header.split_at_checked(BEARER.len())?;
    scheme.eq_ignore_ascii_case(BEARER).then_some(key)
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    fn access(key: &str) -> Arc<Access> {
        Arc::new(Access::of(vec![Caller {
            name: "web".into(),
            roles: vec![Role::Decide],
            key_hashes: vec![Sha256::digest(key).into()],
            certificate_names: vec!["web.bank.example".into()],
        }]))
    }

    fn headers(authorization: &str) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, authorization.parse().unwrap())])
    }

    #[test]
    fn a_key_is_hashed_once_a_connection() {
        let guest: SharedAccess = Arc::new(ArcSwapOption::new(Some(access("secret"))));
        let identity = Identity::new(Arc::clone(&guest), vec![]);
        for _ in 0..3 {
            assert!(
                identity
                    .check(&headers("Bearer secret"), || Some(Role::Decide))
                    .is_ok()
            );
        }
        assert_eq!(identity.checks.get(), 1);
        assert!(identity.check(&headers("bearer secret"), || None).is_ok());
        // A caller that is removed from the file is disconnected from open connections.
        guest.store(Some(access("another")));
        let refused = identity.check(&headers("bearer secret"), || Some(Role::Decide));
        assert!(matches!(refused, Err(CallError::Unauthenticated)));
        guest.store(None);
        assert!(
            identity
                .check(&HeaderMap::new(), || Some(Role::Customers))
                .is_ok()
        );
    }

    #[test]
    fn what_is_not_granted_is_refused() {
        let guest: SharedAccess = Arc::new(ArcSwapOption::new(Some(access("secret"))));
        let identity = Identity::new(guest, vec![]);
        for header in ["Bearer wrong", "Bearer ", "Bearer", "Basic secret", "secret", ""] {
            let refused = identity.check(&headers(header), || Some(Role::Decide));
            assert!(matches!(refused, Err(CallError::Unauthenticated)), "{header}");
        }
        assert!(matches!(
            identity.check(&HeaderMap::new(), || None),
            Err(CallError::Unauthenticated)
        ));
        assert!(matches!(
            identity.check(&headers("Bearer secret"), || Some(Role::Customers)),
            Err(CallError::PermissionDenied { .. })
        ));
    }

    #[test]
    fn a_certificate_is_enough_and_a_wrong_key_is_none() {
        let guest: SharedAccess = Arc::new(ArcSwapOption::new(Some(access("secret"))));
        let identity = Identity::new(guest, vec!["web.bank.example".into()]);
        assert!(identity.check(&HeaderMap::new(), || Some(Role::Decide)).is_ok());
        assert!(
            identity
                .check(&headers("Bearer wrong"), || Some(Role::Decide))
                .is_err()
        );
        assert!(identity.check(&HeaderMap::new(), || Some(Role::Decide)).is_ok());
    }
}
