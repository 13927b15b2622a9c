//! Connections that are closed gently. What a client still sends (window updates, pings) to a socket that is closed
//! makes TCP drop what the client has not read yet: the end of its answer. So the server says that it is done, and reads
//! on until the client has closed too.

use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;
use tonic::transport::server::{Connected, TcpConnectInfo};

/// How long a client may take to close its side: less than a server that ends gives its clients to hear of it.
const LINGER: Duration = Duration::from_millis(500);

/// A connection of a client.
pub(crate) struct Lingering {
    stream: TcpStream,
    /// Ends the wait for the client; there once the server is done.
    closing: Option<Pin<Box<Sleep>>>,
}

impl Lingering {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { stream, closing: None }
    }

    fn stream(self: Pin<&mut Self>) -> Pin<&mut TcpStream> {
        Pin::new(&mut self.get_mut().stream)
    }

    /// Reads what nobody wants until there is no more.
    fn drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut unread = [0; 4096];
        loop {
            let mut unread = ReadBuf::new(&mut unread);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut unread)) {
                Ok(()) if !unread.filled().is_empty() => {}
                Ok(()) | Err(_) => return Poll::Ready(()),
            }
        }
    }
}

impl Connected for Lingering {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.stream.connect_info()
    }
}

impl AsyncRead for Lingering {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        self.stream().poll_read(cx, buffer)
    }
}

impl AsyncWrite for Lingering {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        self.stream().poll_write(cx, bytes)
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<Result<usize>> {
        self.stream().poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.stream().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        if this.closing.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
        }
        let closing = this.closing.get_or_insert_with(|| Box::pin(tokio::time::sleep(LINGER)));
        if closing.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        this.drain(cx).map(Ok)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// A client and the server's side of its connection.
    async fn connected() -> (TcpStream, Lingering) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (client, Lingering::new(listener.accept().await.unwrap().0))
    }

    #[tokio::test]
    async fn what_a_client_sends_late_costs_it_nothing() {
        let (mut client, mut server) = connected().await;
        let sent = vec![7; 200_000];
        let answer = sent.clone();
        let serving = tokio::spawn(async move {
            server.write_all(&answer).await.unwrap();
            server.shutdown().await.unwrap();
        });
        // The server has written everything, and is told more before the answer is read.
        client.readable().await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        client.write_all(&[1; 100_000]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let mut got = Vec::new();
        client.read_to_end(&mut got).await.unwrap();
        assert!(got == sent, "{} bytes came", got.len());
        drop(client);
        serving.await.unwrap();
    }

    #[tokio::test]
    async fn a_client_that_never_closes_is_left() {
        let (client, mut server) = connected().await;
        let closed = tokio::time::timeout(2 * LINGER, server.shutdown());
        closed.await.unwrap().unwrap();
        drop(client);
    }
}
