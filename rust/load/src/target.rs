//! The text of an address turned into where to connect, and what the server is called there.

use std::{io, path::PathBuf};

use http::uri::Authority;
use tokio::net::{TcpStream, UnixStream};

use crate::{
    LoadError,
    tls::{Handshake, Tls},
};

/// The authority of a server behind a socket file: a path is not a valid authority.
const LOCAL: &str = "localhost";

/// Where a server is.
pub(crate) struct Target {
    /// As the settings have it; named in errors.
    pub(crate) address: String,
    place: Place,
    pub(crate) authority: Authority,
    /// None: in plain text.
    pub(crate) handshake: Option<Handshake>,
}

enum Place {
    Tcp,
    Unix(PathBuf),
}

/// A socket that is open, before TLS.
pub(crate) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Target {
    /// Reads `host:port`, `unix:/path` or `unix:///path`.
    ///
    /// # Errors
    /// When it has another form, or TLS has no trusted certificates.
    pub(crate) fn parse(address: &str, tls: Option<&Tls>) -> Result<Self, LoadError> {
        let (place, authority) = match address.strip_prefix("unix:") {
            Some(path) => {
                let path = path.strip_prefix("//").unwrap_or(path);
                if path.is_empty() {
                    return Err(LoadError::Setting(
                        "`address` names no file: write unix:/path/of/socket".into(),
                    ));
                }
                (Place::Unix(path.into()), Authority::from_static(LOCAL))
            }
            None => (Place::Tcp, tcp(address)?),
        };
        let host = authority.host().trim_matches(['[', ']']);
        let handshake = tls.map(|tls| Handshake::prepare(tls, host)).transpose()?;
        Ok(Self {
            address: address.into(),
            place,
            authority,
            handshake,
        })
    }

    pub(crate) async fn connect(&self) -> io::Result<Socket> {
        Ok(match &self.place {
            Place::Tcp => {
                let stream = TcpStream::connect(&self.address).await?;
                // Answers would otherwise wait for acknowledgements.
                stream.set_nodelay(true)?;
                Socket::Tcp(stream)
            }
            Place::Unix(path) => Socket::Unix(UnixStream::connect(path).await?),
        })
    }

    pub(crate) fn scheme(&self) -> &'static str {
        if self.handshake.is_some() { "https" } else { "http" }
    }
}

fn tcp(address: &str) -> Result<Authority, LoadError> {
    let authority: Option<Authority> = address.parse().ok();
    authority
        .filter(|authority| authority.port_u16().is_some())
        .ok_or_else(|| {
            LoadError::Setting(
                format!("`address` is `{address}`: write host:port, or unix:/path/of/socket").into(),
            )
        })
}
