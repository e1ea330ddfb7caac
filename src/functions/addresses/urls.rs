//! URLs, by the WHATWG standard as the `url` crate has it.

use crate::functions::columns::{Prepared, fallible_texts, kernel, texts, write_texts};
use crate::functions::kernel::Call;
use crate::functions::records::{Cell, read_records};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::sync::LazyLock;
use url::{ParseError, Url};

/// All but what a URL may have anywhere (RFC 3986's unreserved characters).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What a URL without a host is taken to be relative to.
static SOME_HOST: LazyLock<Url> =
    LazyLock::new(|| Url::parse("http://host/").expect("this is a URL"));

/// `url_parse(url)`
pub(super) fn url_parse(call: &Call) -> Prepared {
    read_records(call, |text, cells| {
        let url = Url::parse(text).map_err(|error| refusal(text, error))?;
        let made = |part: Option<&str>| part.map_or(Cell::Null, |part| Cell::made(part.into()));
        let fields = [
            made(Some(url.scheme())),
            made(Some(url.username()).filter(|user| !user.is_empty())),
            made(url.host_str()),
            url.port().map_or(Cell::Null, |port| Cell::Int(i64::from(port))),
            made(Some(url.path())),
            made(url.query()),
            made(url.fragment()),
        ];
        cells.iter_mut().zip(fields).for_each(|(cell, field)| *cell = field);
        Ok(())
    })
}

fn refusal(text: &str, error: ParseError) -> String {
    let reason = match error {
        ParseError::RelativeUrlWithoutBase => "it has no scheme, as `https:`",
        ParseError::EmptyHost => "it has no host",
        ParseError::InvalidPort => "its port is no number up to 65535",
        ParseError::IdnaError | ParseError::InvalidDomainCharacter => "its host is no domain",
        ParseError::InvalidIpv4Address | ParseError::InvalidIpv6Address => {
            "its host is no IP address"
        }
        _ => "it is not spelled as one",
    };
    crate::data::parse::refuse(text, &format!("not a URL: {reason}"))
}

/// `url_host(url)`
pub(super) fn url_host(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let all = texts(&arguments[0]);
        write_texts(context, arguments, |row, column| {
            match Url::parse(all.at(row)).as_ref().ok().and_then(Url::host_str) {
                Some(host) => column.push(host),
                None => column.push_null(),
            }
        })
    })
}

/// A URL that may be relative to a host.
fn any_url(text: &str) -> Option<Url> {
    Url::options().base_url(Some(&SOME_HOST)).parse(text).ok()
}

/// `url_path(url)`
pub(super) fn url_path(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let all = texts(&arguments[0]);
        write_texts(context, arguments, |row, column| match any_url(all.at(row)) {
            Some(url) => column.push(url.path()),
            None => column.push_null(),
        })
    })
}

/// `url_param(url, name)`
pub(super) fn url_param(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let (all, names) = (texts(&arguments[0]), texts(&arguments[1]));
        write_texts(context, arguments, |row, column| {
            let (text, name) = (all.at(row), names.at(row));
            // Most texts have no parameters, and need not be read for that.
            let url = if text.contains('?') { any_url(text) } else { None };
            let mut pairs = url.iter().flat_map(Url::query_pairs);
            match pairs.find(|(key, _)| key == name) {
                Some((_, value)) => column.push(&value),
                None => column.push_null(),
            }
        })
    })
}

/// `url_encode(text)`
pub(super) fn url_encode(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let all = texts(&arguments[0]);
        write_texts(context, arguments, |row, column| {
            column.write(|out| out.extend(utf8_percent_encode(all.at(row), ESCAPED)));
        })
    })
}

/// `url_decode(text)`
pub(super) fn url_decode(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let all = texts(&arguments[0]);
        fallible_texts(context, arguments, |row, column| {
            let text = all.at(row);
            let is_escape =
                |behind: &[u8]| behind.len() >= 2 && behind[..2].iter().all(u8::is_ascii_hexdigit);
            let bytes = text.as_bytes();
            let mut escapes = memchr::memchr_iter(b'%', bytes);
            if let Some(at) = escapes.find(|at| !is_escape(&bytes[at + 1..])) {
                let rest: String = text[at..].chars().take(3).collect();
                return Err(format!("`{rest}` is not `%` and two hexadecimal digits"));
            }
            let decoded = percent_decode_str(text).decode_utf8();
            column.push(&decoded.map_err(|_| "the bytes are not a UTF-8 text")?);
            Ok(())
        })
    })
}
