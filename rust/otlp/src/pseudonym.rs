//! Customer ids turned into pseudonyms: HMAC-SHA-256 under a key that no span carries.
//!
//! Keyed, because a bare hash of an e-mail address or a customer number is undone with a dictionary. HMAC,
//! because the owner of the key can find a customer's spans with the standard library of any language.

use std::sync::Arc;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// Makes pseudonyms under one key.
#[derive(Clone)]
pub(crate) struct Pseudonyms {
    // Holds the key's two blocks already hashed: half of the work for a short id.
    keyed: Arc<Hmac<Sha256>>,
}

impl Pseudonyms {
    /// HMAC takes keys of any length; nothing fails.
    pub(crate) fn new(key: &[u8]) -> Option<Self> {
        Hmac::<Sha256>::new_from_slice(key).ok().map(|keyed| Self {
            keyed: Arc::new(keyed),
        })
    }

    /// 64 hexadecimal digits.
    pub(crate) fn of(&self, customer_id: &str) -> String {
        let mut mac = (*self.keyed).clone();
        mac.update(customer_id.as_bytes());
        let mut text = String::with_capacity(64);
        for byte in mac.finalize().into_bytes() {
            text.push(hexadecimal(byte >> 4));
            text.push(hexadecimal(byte & 15));
        }
        text
    }
}

fn hexadecimal(digit: u8) -> char {
    char::from(if digit < 10 {
        b'0' + digit
    } else {
        b'a' + digit - 10
    })
}
