//! The number of a port's connections: counted, and bounded, for all peers together and for each.
//!
//! A port whose callers are few and short, as probes are, can make room instead of refusing: the connection that
//! has been silent longest is closed for the next.

use std::{
    collections::{HashMap, VecDeque},
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
};

use parking_lot::Mutex;
use tokio::sync::Notify;

/// How many connections there may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) all: usize,
    /// From one address.
    pub(crate) of_a_peer: usize,
    pub(crate) beyond: Beyond,
}

/// The handling of a connection beyond the total limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beyond {
    /// It is refused.
    Refuse,
    /// It is taken, and the oldest of those that have not greeted has to leave, or the oldest of all.
    MakeRoom,
}

/// The connections of one port.
#[derive(Debug)]
pub(crate) struct Admission {
    bounds: Bounds,
    open: AtomicUsize,
    // Those with a connection; touched when one comes or goes.
    peers: Mutex<HashMap<Peer, usize>>,
    // In the order of their coming; only where room is made.
    seats: Mutex<VecDeque<Arc<Seat>>>,
    accepted: AtomicU64,
    refused: AtomicU64,
}

impl Admission {
    pub(crate) fn new(bounds: Bounds) -> Arc<Self> {
        Arc::new(Self {
            bounds,
            open: 0.into(),
            peers: Mutex::default(),
            seats: Mutex::default(),
            accepted: 0.into(),
            refused: 0.into(),
        })
    }

    /// A place for one more connection; nothing when the limit is reached. A peer without an address is on
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
            seat: Arc::default(),
        };
        let open = self.open.fetch_add(1, Relaxed);
        if open >= self.bounds.all && !self.makes_room(open) {
            return None;
        }
        if self.bounds.beyond == Beyond::MakeRoom {
            self.seats.lock().push_back(Arc::clone(&place.seat));
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

    /// Asks a connection to leave. False if too many are leaving already.
    fn makes_room(&self, open: usize) -> bool {
        if self.bounds.beyond == Beyond::Refuse || open >= self.bounds.all * 2 {
            return false;
        }
        let mut seats = self.seats.lock();
        let silent = seats.iter().position(|seat| !seat.has_greeted.load(Relaxed));
        let Some(seat) = seats.remove(silent.unwrap_or(0)) else {
            return false;
        };
        seat.leave.notify_one();
        self.refused.fetch_add(1, Relaxed);
        true
    }

    fn leave(&self, peer: Option<Peer>, seat: &Arc<Seat>) {
        self.open.fetch_sub(1, Relaxed);
        if self.bounds.beyond == Beyond::MakeRoom {
            self.seats.lock().retain(|other| !Arc::ptr_eq(other, seat));
        }
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

/// What is known of a connection that may have to make room.
#[derive(Debug, Default)]
struct Seat {
    has_greeted: AtomicBool,
    leave: Notify,
}

/// The place of one open connection.
#[derive(Debug)]
pub(crate) struct Place {
    admission: Arc<Admission>,
    peer: Option<Peer>,
    seat: Arc<Seat>,
}

impl Place {
    /// The peer speaks HTTP/2.
    pub(crate) fn greeted(&self) {
        self.seat.has_greeted.store(true, Relaxed);
    }

    /// Returns when the place is wanted for another.
    pub(crate) async fn wanted(&self) {
        self.seat.leave.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.admission.leave(self.peer, &self.seat);
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn bounded(all: usize, of_a_peer: usize, beyond: Beyond) -> Arc<Admission> {
        Admission::new(Bounds {
            all,
            of_a_peer,
            beyond,
        })
    }

    fn is_wanted(place: &Place) -> bool {
        let wanted = std::pin::pin!(place.wanted());
        wanted.poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
    }

    #[test]
    fn the_oldest_of_the_silent_makes_room() {
        let admission = bounded(2, 9, Beyond::MakeRoom);
        let peer = "10.0.0.1".parse().ok();
        let (first, second) = (admission.admit(peer).unwrap(), admission.admit(peer).unwrap());
        first.greeted();
        let third = admission.admit(peer).unwrap();
        assert_eq!(
            [is_wanted(&first), is_wanted(&second), is_wanted(&third)],
            [false, true, false]
        );
        drop(second);
        third.greeted();
        let fourth = admission.admit(peer).unwrap();
        assert_eq!(
            [is_wanted(&first), is_wanted(&third), is_wanted(&fourth)],
            [true, false, false]
        );
        // None has left yet: not every place can be promised.
        let fifth = admission.admit(peer);
        assert!(fifth.is_some() && admission.admit(peer).is_none());
        drop((first, third, fourth, fifth));
        assert_eq!((admission.open(), admission.seats.lock().len()), (0, 0));
    }

    #[test]
    fn each_peer_has_its_part() {
        let admission = bounded(4, 2, Beyond::Refuse);
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
        let admission = bounded(1, 0, Beyond::Refuse);
        assert!(admission.admit("10.0.0.1".parse().ok()).is_none());
        assert_eq!((admission.open(), admission.peers.lock().len()), (0, 0));
    }
}
