//! Settings turned into what is sent: framed messages, and the head of every request.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Uri, Version, header};

use crate::{LoadError, Pace, Settings, connection::frame, target::Target};

/// After the last request, the run waits so long for the last answer.
const TIMEOUT_MAX: Duration = Duration::from_mins(1);

/// Checks the settings, and frames their messages.
pub(crate) fn check(settings: &Settings) -> Result<Vec<Bytes>, LoadError> {
    let fault = |text: &'static str| Err(LoadError::Setting(text.into()));
    let is_paced = match settings.pace {
        Pace::Open { rate_per_s } => rate_per_s.is_finite() && rate_per_s > 0.0,
        Pace::Closed { in_flight } => in_flight > 0,
    };
    if !is_paced {
        return fault("the rate or the number in flight is not above 0");
    }
    if settings.requests.is_empty() {
        return fault("`requests` is empty");
    }
    if settings.connections == 0 {
        return fault("`connections` is 0");
    }
    if settings
        .timeout
        .is_some_and(|timeout| timeout.is_zero() || timeout > TIMEOUT_MAX)
    {
        return fault("the timeout is not above 0, or longer than 60 s");
    }
    let framed = settings.requests.iter().map(|request| frame(request)).collect();
    match framed {
        Some(messages) => Ok(messages),
        None => fault("a request is longer than 4 GiB"),
    }
}

/// What every request begins with. Made once: copying it is cheaper than building it.
pub(crate) fn template(settings: &Settings, target: &Target) -> Result<Request<()>, LoadError> {
    let fault = |text: &'static str| LoadError::Setting(text.into());
    let uri = Uri::builder()
        .scheme(target.scheme())
        .authority(target.authority.clone())
        .path_and_query(settings.method.as_str())
        .build()
        .map_err(|_| fault("`method` is not the path of a method"))?;
    let mut request = Request::new(());
    *request.method_mut() = Method::POST;
    *request.version_mut() = Version::HTTP_2;
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(header::TE, HeaderValue::from_static("trailers"));
    if let Some(key) = &settings.api_key {
        // Not marked as sensitive: HPACK would then send it in full with each request, and other clients do not.
        let value = HeaderValue::try_from(format!("Bearer {key}"))
            .map_err(|_| fault("`api_key` holds what no header can"))?;
        headers.insert(header::AUTHORIZATION, value);
    }
    Ok(request)
}
