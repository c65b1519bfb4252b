//! The number of a port's connections: counted, and bounded, for all peers together and for each.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
};

use parking_lot::Mutex;

/// How many connections there may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) all: usize,
    /// From one address.
    pub(crate) of_a_peer: usize,
}

/// The connections of one port.
#[derive(Debug)]
pub(crate) struct Admission {
    bounds: Bounds,
    open: AtomicUsize,
    // Those with a connection; touched when one comes or goes.
    peers: Mutex<HashMap<Peer, usize>>,
    accepted: AtomicU64,
    refused: AtomicU64,
}

impl Admission {
    pub(crate) fn new(bounds: Bounds) -> Arc<Self> {
        Arc::new(Self {
            bounds,
            open: 0.into(),
            peers: Mutex::default(),
            accepted: 0.into(),
            refused: 0.into(),
        })
    }

    /// A place for one more connection; nothing when there are as many as may be. A peer without an address is on
    /// this machine: only the number of all connections bounds it.
    pub(crate) fn admit(self: &Arc<Self>, peer: Option<IpAddr>) -> Option<Place> {
        let place = self.take(peer.map(Peer::of));
        let counter = if place.is_some() {
            &self.accepted
        } else {
            &self.refused
        };
        counter.fetch_add(1, Relaxed);
        place
    }

    fn take(self: &Arc<Self>, peer: Option<Peer>) -> Option<Place> {
        // Made before it is known whether there is room: dropping it takes the connection out of the count again.
        let mut place = Place {
            admission: Arc::clone(self),
            peer: None,
        };
        if self.open.fetch_add(1, Relaxed) >= self.bounds.all {
            return None;
        }
        if let Some(peer) = peer {
            let mut peers = self.peers.lock();
            let count = peers.entry(peer).or_default();
            if *count >= self.bounds.of_a_peer {
                // Zero only where no connection at all may be; nothing is to be remembered then.
                if *count == 0 {
                    peers.remove(&peer);
                }
                return None;
            }
            *count += 1;
            place.peer = Some(peer);
        }
        Some(place)
    }

    fn leave(&self, peer: Option<Peer>) {
        self.open.fetch_sub(1, Relaxed);
        if let Some(peer) = peer {
            let mut peers = self.peers.lock();
            if let Some(count) = peers.get_mut(&peer) {
                *count -= 1;
                if *count == 0 {
                    peers.remove(&peer);
                }
            }
        }
    }

    pub(crate) fn open(&self) -> usize {
        self.open.load(Relaxed)
    }

    pub(crate) fn accepted(&self) -> u64 {
        self.accepted.load(Relaxed)
    }

    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Relaxed)
    }
}

/// Who connects: an address, or what one subscriber has of them in IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Peer(IpAddr);

impl Peer {
    fn of(address: IpAddr) -> Self {
        // Also what reaches an IPv6 socket over IPv4.
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.into()),
            IpAddr::V6(address) => {
                let network = address.to_bits() & (u128::MAX << 64);
                Self(Ipv6Addr::from_bits(network).into())
            }
        }
    }
}

/// The place of one open connection.
#[derive(Debug)]
pub(crate) struct Place {
    admission: Arc<Admission>,
    peer: Option<Peer>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.admission.leave(self.peer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_peer_has_its_part() {
        let admission = Admission::new(Bounds { all: 4, of_a_peer: 2 });
        let peer = |text: &str| Some(text.parse::<IpAddr>().unwrap());
        let first = admission.admit(peer("10.0.0.1"));
        let _second = admission.admit(peer("::ffff:10.0.0.1"));
        assert!(admission.admit(peer("10.0.0.1")).is_none());
        // A network of IPv6 is one peer, another is another.
        let _third = admission.admit(peer("2001:db8::1"));
        let _fourth = admission.admit(peer("2001:db8::2"));
        assert_eq!(admission.open(), 4);
        assert!(admission.admit(None).is_none());
        drop(first);
        assert!(admission.admit(peer("2001:db8::3")).is_none());
        let local = admission.admit(None);
        assert!(local.is_some());
        drop(local);
        assert!(admission.admit(peer("10.0.0.1")).is_some());
        assert_eq!((admission.accepted(), admission.refused()), (6, 3));
        assert_eq!(admission.peers.lock().len(), 2);
    }

    #[test]
    fn no_connection_at_all_is_a_bound_too() {
        let admission = Admission::new(Bounds { all: 1, of_a_peer: 0 });
        assert!(admission.admit("10.0.0.1".parse().ok()).is_none());
        assert_eq!((admission.open(), admission.peers.lock().len()), (0, 0));
    }
}
