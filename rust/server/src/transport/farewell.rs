//! A stream that is closed so that its peer gets all that was sent.
//!
//! Closing a TCP socket with unread bytes in it resets the connection, and the kernel drops the data that it
//! had still to send: of 500 KB, a peer got the first 128. HTTP/2 peers always send something late, an
//! acknowledgement or a window update.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Sleep,
};

use crate::limits::{LATE_BYTES_MAX, LINGER};

/// A stream whose shutdown reads what still comes, and drops it, until the peer has closed too.
pub(crate) struct Farewell<S> {
    stream: S,
    ending: Option<Ending>,
}

/// A shutdown of which the peer was notified.
struct Ending {
    by: Pin<Box<Sleep>>,
    bytes: usize,
}

impl<S> Farewell<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, ending: None }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Farewell<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Farewell<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, ending } = self.get_mut();
        if ending.is_none() {
            ready!(Pin::new(&mut *stream).poll_shutdown(context))?;
        }
        let ending = ending.get_or_insert_with(|| Ending {
            by: Box::pin(tokio::time::sleep(LINGER)),
            bytes: 0,
        });
        let mut late = [0; 4096];
        while ending.bytes < LATE_BYTES_MAX && ending.by.as_mut().poll(context).is_pending() {
            let mut buffer = ReadBuf::new(&mut late);
            // A peer that has gone, in whatever way, wants nothing more.
            if ready!(Pin::new(&mut *stream).poll_read(context, &mut buffer)).is_err()
                || buffer.filled().is_empty()
            {
                break;
            }
            ending.bytes += buffer.filled().len();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::{TcpListener, TcpStream},
    };

    use super::Farewell;

    /// More than a peer's kernel takes before it is read.
    static ANSWER: [u8; 500_000] = [7; 500_000];

    #[tokio::test]
    async fn late_bytes_do_not_reset_a_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut server = Farewell::new(listener.accept().await.unwrap().0);
        peer.write_all(b"late").await.unwrap();
        let closing = tokio::spawn(async move {
            server.write_all(&ANSWER).await.unwrap();
            server.shutdown().await.unwrap();
        });
        let mut answer = Vec::new();
        peer.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, ANSWER);
        drop(peer);
        closing.await.unwrap();
    }

    #[tokio::test]
    async fn a_peer_that_does_not_close_is_not_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut server = Farewell::new(listener.accept().await.unwrap().0);
        tokio::time::timeout(super::LINGER * 20, server.shutdown())
            .await
            .unwrap()
            .unwrap();
    }
}
