//! `/metrics` and `/healthz`, for a collector on this machine.
//!
//! [`THREADS`] threads serve one request after the other each, within [`PATIENCE`] and [`REQUEST`] bytes, so that a few who are slow hold up
//! nobody, many not for long, and none makes it grow. They tell what they were told last and ask nobody.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use super::Shared;
use super::metrics;
use crate::clock;

/// How long a request and its answer may take, each.
const PATIENCE: Duration = Duration::from_secs(2);

/// Requests that are served at a time.
const THREADS: usize = 8;

/// Bytes of a request that are read.
const REQUEST: usize = 8 << 10;

/// The type of an OpenMetrics text.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// An address that cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// It is not on this machine alone.
    #[error(
        "--metrics {0}: what it serves is not protected; give an address of this machine, such as 127.0.0.1:9464, and let a proxy serve others"
    )]
    NotLoopback(SocketAddr),
    /// It cannot be listened on.
    #[error("--metrics {address}: {source}; choose another port")]
    Taken {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// Takes an address.
///
/// # Errors
/// When it is no loopback address, or taken.
pub fn listen(address: SocketAddr) -> Result<TcpListener, HttpError> {
    if !address.ip().is_loopback() {
        return Err(HttpError::NotLoopback(address));
    }
    TcpListener::bind(address).map_err(|source| HttpError::Taken { address, source })
}

/// Serves from threads of its own until the process ends.
///
/// # Errors
/// When there can be no thread.
pub fn serve(listener: &TcpListener, shared: &Shared) -> io::Result<()> {
    for _ in 0..THREADS {
        let (listener, shared) = (listener.try_clone()?, shared.clone());
        let work = move || {
            for stream in listener.incoming().flatten() {
                // Who does not read the answer does not get it.
                let _ = answer(stream, &shared);
            }
        };
        thread::Builder::new().name("metrics".to_owned()).spawn(work)?;
    }
    Ok(())
}

fn answer(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = head(&mut stream)?;
    let (code, kind, body) = respond(&request, shared);
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {code}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n{body}"
    )?;
    stream.flush()
}

/// The first line of a request, once its head is whole.
fn head(stream: &mut TcpStream) -> io::Result<String> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 1024];
    let begun = clock::now();
    while !bytes.windows(4).any(|end| end == b"\r\n\r\n") && bytes.len() < REQUEST {
        // Of the whole request, so that nobody holds the thread by a byte a second.
        let left = PATIENCE.saturating_sub(clock::now().saturating_duration_since(begun));
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut buffer)? {
            0 => break,
            read => bytes.extend_from_slice(&buffer[..read]),
        }
    }
    let line = bytes.split(|&byte| byte == b'\r' || byte == b'\n').next().unwrap_or_default();
    Ok(String::from_utf8_lossy(line).into_owned())
}

/// Status line, type and body of the answer to a request.
fn respond(request: &str, shared: &Shared) -> (&'static str, &'static str, String) {
    const TEXT: &str = "text/plain; charset=utf-8";
    let mut words = request.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = target.split('?').next().unwrap_or_default();
    if !matches!(method, "GET" | "HEAD") {
        return ("405 Method Not Allowed", TEXT, "only GET is served\n".to_owned());
    }
    let (code, kind, body) = match path {
        "/metrics" => ("200 OK", OPENMETRICS, metrics::text(&shared.status())),
        "/healthz" => match shared.ailment() {
            None => ("200 OK", TEXT, "well\n".to_owned()),
            Some(ailment) => ("503 Service Unavailable", TEXT, format!("{ailment}\n")),
        },
        _ => ("404 Not Found", TEXT, "there are /metrics and /healthz\n".to_owned()),
    };
    (code, kind, if method == "HEAD" { String::new() } else { body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_served_is_refused_by_its_code() {
        let shared = Shared::default();
        for (request, code) in [
            ("GET /metrics HTTP/1.1", "200"),
            ("GET /metrics?name=x HTTP/1.1", "200"),
            ("HEAD /metrics HTTP/1.1", "200"),
            ("GET / HTTP/1.1", "404"),
            ("POST /metrics HTTP/1.1", "405"),
            ("", "405"),
            ("GET", "404"),
        ] {
            assert!(respond(request, &shared).0.starts_with(code), "{request}");
        }
    }

    #[test]
    fn only_this_machine_is_served() {
        let refused = listen("0.0.0.0:0".parse().unwrap());
        assert!(matches!(refused, Err(HttpError::NotLoopback(_))));
    }
}
