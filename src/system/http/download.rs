//! Downloads a public file over https, with limits of size and time. The download resumes after a broken connection.

use std::thread;
use std::time::{Duration, Instant};

use super::{Authorization, HttpClient, HttpError, Method, Payload, Transfer, Url};

/// A file to fetch.
pub(crate) struct Download<'d> {
    pub(crate) url: Url,
    /// The largest accepted size in bytes.
    pub(crate) limit: u64,
    /// Reports the number of bytes that were received, and the total number if the server states it.
    pub(crate) progress: &'d dyn Fn(u64, Option<u64>),
}

/// Why a file was not downloaded.
#[derive(Debug)]
pub(crate) enum DownloadError {
    /// The server with this host and port answered with an unexpected status.
    Status(u16, String),
    /// A redirect leads to plain http or contains no valid URL.
    Redirect,
    TooManyRedirects,
    TooLarge,
    /// The connection broke in every attempt. The value is the number of received bytes.
    Broken(u64),
    TooSlow,
    /// The server with this host and port was not reached. It may be another server, to which the first redirects.
    Unreachable(HttpError, String),
}

/// The longest time to wait for the next data.
const SILENCE: Duration = Duration::from_secs(30);
/// The longest time for the download of the whole file.
const DEADLINE: Duration = Duration::from_mins(15);
/// The pause after the first attempt. Each further attempt makes the pause longer.
const PAUSE: Duration = Duration::from_millis(300);

const ATTEMPTS: u32 = 5;
const REDIRECTS: usize = 5;

impl HttpClient {
    /// Downloads a file. The caller must verify the contents.
    pub(crate) fn download(&self, download: &Download<'_>) -> Result<Vec<u8>, DownloadError> {
        let (mut bytes, end) = (Vec::new(), Instant::now() + DEADLINE);
        for attempt in 1..=ATTEMPTS {
            match self.attempt(download, &mut bytes, end) {
                Err(DownloadError::Broken(_)) if attempt < ATTEMPTS => thread::sleep(PAUSE * attempt),
                result => return result.map(|()| bytes),
            }
        }
        Err(DownloadError::Broken(bytes.len() as u64))
    }

    /// Makes one attempt, which resumes after the bytes that are already in `bytes`.
    fn attempt(&self, download: &Download<'_>, bytes: &mut Vec<u8>, end: Instant) -> Result<(), DownloadError> {
        let mut url = download.url.clone();
        let mut arrival = None;
        for _ in 0..=REDIRECTS {
            if !url.is_https() {
                return Err(DownloadError::Redirect);
            }
            let range = (!bytes.is_empty()).then(|| ("range".to_owned(), format!("bytes={}-", bytes.len())));
            let transfer = Transfer {
                method: Method::Get,
                url: url.clone(),
                headers: range.into_iter().collect(),
                authorization: Authorization::None,
                payload: Payload::None,
            };
            let unreachable = |error| DownloadError::Unreachable(error, url.authority().to_owned());
            let answer = self.transfer(&transfer, SILENCE).map_err(unreachable)?;
            if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
                arrival = Some(answer);
                break;
            }
            url = answer.header("location").and_then(|target| url.follow(target)).ok_or(DownloadError::Redirect)?;
        }
        let mut arrival = arrival.ok_or(DownloadError::TooManyRedirects)?;
        let continues = format!("bytes {}-", bytes.len());
        match arrival.status {
            206 if arrival.header("content-range").is_some_and(|range| range.starts_with(&continues)) => {}
            200 => bytes.clear(), // the server sends the whole file again
            status => return Err(DownloadError::Status(status, url.authority().to_owned())),
        }
        let received = bytes.len() as u64;
        let length: Option<u64> = arrival.header("content-length").and_then(|length| length.parse().ok());
        let total = length.map(|length| received.saturating_add(length));
        if total.is_some_and(|total| total > download.limit) {
            return Err(DownloadError::TooLarge);
        }
        loop {
            match arrival.next() {
                Ok(Some(piece)) if (bytes.len() + piece.len()) as u64 <= download.limit => bytes.extend(piece),
                Ok(Some(_)) => return Err(DownloadError::TooLarge),
                Ok(None) => return Ok(()),
                Err(_) => return Err(DownloadError::Broken(bytes.len() as u64)),
            }
            if Instant::now() > end {
                return Err(DownloadError::TooSlow);
            }
            (download.progress)(bytes.len() as u64, total);
        }
    }
}
