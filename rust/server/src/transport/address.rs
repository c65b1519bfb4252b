//! Addresses turned into listeners, and listeners into sockets: TCP, and Unix sockets for callers on the same
//! machine.

use std::{
    fmt, io, iter,
    net::{IpAddr, SocketAddr, TcpListener, ToSocketAddrs},
    os::unix::{
        fs::FileTypeExt as _,
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    vec,
};

use rustix::net::{AddressFamily, SocketFlags, SocketType};

use crate::limits::LISTEN_BACKLOG;

/// How an address of a Unix socket begins; its path follows.
const UNIX: &str = "unix:";

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// Over TCP.
    Tcp(SocketAddr),
    /// At a path of this machine.
    Unix(PathBuf),
}

/// As the settings write it: `host:port` or `unix:/path`.
impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(formatter),
            Self::Unix(path) => write!(formatter, "{UNIX}{}", path.display()),
        }
    }
}

impl ToSocketAddrs for Address {
    type Iter = vec::IntoIter<SocketAddr>;

    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        match self {
            Self::Tcp(address) => Ok(vec![*address].into_iter()),
            Self::Unix(_) => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a Unix socket has no TCP address",
            )),
        }
    }
}

/// Takes connections at an address, once it listens. The file of a Unix socket goes with it.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, SocketFile),
}

impl Listener {
    /// Takes `host:port` or `unix:/path`, for an event loop of any thread.
    pub(crate) fn bind(address: &str) -> io::Result<Self> {
        let Some(path) = address.strip_prefix(UNIX) else {
            return bind_tcp(address).map(Self::Tcp);
        };
        let path = Path::new(path);
        remove_leftover(path)?;
        let listener = UnixListener::bind(path)?;
        let file = SocketFile(path.to_owned());
        listener.set_nonblocking(true)?;
        Ok(Self::Unix(listener, file))
    }

    /// Lets callers connect. Until then a TCP address refuses them, so that they turn to another server and
    /// do not wait for this one; at a Unix socket, whose file shows others that it is taken, they wait.
    pub(crate) fn listen(&self) -> io::Result<()> {
        // As long as all channels of a restarted fleet at once.
        match self {
            Self::Tcp(listener) => rustix::net::listen(listener, LISTEN_BACKLOG)?,
            Self::Unix(listener, _) => rustix::net::listen(listener, LISTEN_BACKLOG)?,
        }
        Ok(())
    }

    pub(crate) fn address(&self) -> io::Result<Address> {
        match self {
            Self::Tcp(listener) => Ok(Address::Tcp(listener.local_addr()?)),
            Self::Unix(_, file) => Ok(Address::Unix(file.0.clone())),
        }
    }
}

/// Binds the first of the host's addresses that is available, and does not listen yet.
fn bind_tcp(address: &str) -> io::Result<TcpListener> {
    let mut fault = io::Error::new(io::ErrorKind::InvalidInput, "the host has no address");
    for address in address.to_socket_addrs()? {
        match bind_address(&address) {
            Ok(listener) => return Ok(listener),
            Err(error) => fault = error,
        }
    }
    Err(fault)
}

fn bind_address(address: &SocketAddr) -> io::Result<TcpListener> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
    // A server that is restarted takes the port whose last connections the kernel still remembers.
    rustix::net::sockopt::set_socket_reuseaddr(&socket, true)?;
    rustix::net::bind(&socket, address)?;
    Ok(socket.into())
}

/// Removes the file of a server that ended without doing so. A socket with a listener stays, and so does any
/// file that is not a socket: binding fails then, with a message.
fn remove_leftover(path: &Path) -> io::Result<()> {
    let is_socket = path
        .symlink_metadata()
        .is_ok_and(|found| found.file_type().is_socket());
    if is_socket
        && UnixStream::connect(path).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    {
        std::fs::remove_file(path)?;
    }
    Ok(())
}

/// Removes a Unix socket's file when its listener goes.
#[derive(Debug)]
pub(crate) struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // It may have been removed already.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// An accepted socket that belongs to no event loop yet.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(std::net::TcpStream, SocketAddr),
    Unix(UnixStream),
}

impl Stream {
    /// Whose it is, where peers have addresses.
    pub(crate) fn peer(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(_, peer) => Some(peer.ip()),
            Self::Unix(_) => None,
        }
    }
}

/// A listener on this thread's event loop.
pub(crate) enum Incoming {
    Tcp(tokio::net::TcpListener),
    Unix(tokio::net::UnixListener, SocketFile),
}

impl Incoming {
    pub(crate) fn of(listener: Listener) -> io::Result<Self> {
        match listener {
            Listener::Tcp(listener) => Ok(Self::Tcp(tokio::net::TcpListener::from_std(listener)?)),
            Listener::Unix(listener, file) => {
                Ok(Self::Unix(tokio::net::UnixListener::from_std(listener)?, file))
            }
        }
    }

    /// The next connection. May be dropped while it waits.
    pub(crate) async fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                Ok(Stream::Tcp(stream.into_std()?, peer))
            }
            Self::Unix(listener, _) => Ok(Stream::Unix(listener.accept().await?.0.into_std()?)),
        }
    }

    /// Closes the port. Returns the connections that the kernel completed before: it would reset them with the
    /// listener, and with them the calls that their peers have sent already.
    pub(crate) fn close(self) -> Vec<Stream> {
        match self {
            Self::Tcp(listener) => {
                let Ok(listener) = listener.into_std() else {
                    return vec![];
                };
                waiting(|| {
                    let (stream, peer) = listener.accept()?;
                    stream.set_nonblocking(true)?;
                    Ok(Stream::Tcp(stream, peer))
                })
            }
            Self::Unix(listener, file) => {
                let Ok(listener) = listener.into_std() else {
                    return vec![];
                };
                // No client can connect once the file has gone.
                drop(file);
                waiting(|| {
                    let (stream, _) = listener.accept()?;
                    stream.set_nonblocking(true)?;
                    Ok(Stream::Unix(stream))
                })
            }
        }
    }
}

/// Accepts without waiting, until nothing is left.
fn waiting(accept: impl Fn() -> io::Result<Stream>) -> Vec<Stream> {
    let most = usize::try_from(LISTEN_BACKLOG).unwrap_or_default();
    iter::from_fn(|| accept().ok()).take(most).collect()
}
