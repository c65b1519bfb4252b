//! Methods -> the roles that they need, from the options of `proto/nextbest/v1`.

use std::fmt;

use crate::v1::Role;

/// Service, method, number of the role.
static ROLES: &[(&str, &str, i32)] = include!(concat!(env!("OUT_DIR"), "/roles.rs"));
const NAMES: [(Role, &str); 5] = [
    (Role::Decide, "decide"),
    (Role::Explain, "explain"),
    (Role::Customers, "customers"),
    (Role::Observe, "observe"),
    (Role::Operate, "operate"),
];

impl Role {
    /// Returns the role that a method needs; nothing for a method that does not exist.
    #[must_use]
    pub fn of_method(service: &str, method: &str) -> Option<Self> {
        let (_, _, role) = ROLES
            .iter()
            .find(|(of, name, _)| *of == service && *name == method)?;
        Self::try_from(*role).ok()
    }

    /// Finds a role by its name in an access file: `decide`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let found = NAMES.iter().find(|(_, known)| *known == name);
        found.map(|(role, _)| *role)
    }

    /// Its name in an access file; empty for `ROLE_UNSPECIFIED`.
    #[must_use]
    pub fn name(self) -> &'static str {
        let found = NAMES.iter().find(|(role, _)| *role == self);
        found.map_or("", |(_, name)| name)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_need_the_roles_of_their_options() {
        const DECISIONS: &str = "nextbest.v1.DecisionService";
        const CUSTOMERS: &str = "nextbest.v1.CustomerService";
        for (service, method, role) in [
            (DECISIONS, "Decide", Some(Role::Decide)),
            (DECISIONS, "DecideStream", Some(Role::Decide)),
            (DECISIONS, "DecideBatch", Some(Role::Decide)),
            (DECISIONS, "Explain", Some(Role::Explain)),
            (CUSTOMERS, "Upsert", Some(Role::Customers)),
            (CUSTOMERS, "Get", Some(Role::Customers)),
            (CUSTOMERS, "Delete", Some(Role::Customers)),
            ("nextbest.v1.ControlService", "Activate", Some(Role::Operate)),
            (DECISIONS, "decide", None),
            (CUSTOMERS, "Decide", None),
            ("", "", None),
        ] {
            assert_eq!(Role::of_method(service, method), role, "{service}/{method}");
        }
    }

    #[test]
    fn names_are_those_of_the_enum_in_lower_case() {
        for number in 1..=5 {
            let role = Role::try_from(number).unwrap();
            assert_eq!(format!("ROLE_{role}").to_uppercase(), role.as_str_name());
            assert_eq!(Role::named(role.name()), Some(role));
        }
        assert!(Role::try_from(6).is_err(), "a new role needs a name");
        assert_eq!([Role::named("everything"), Role::named("")], [None, None]);
    }
}
