//! Hosts and what of them was registered, by the Public Suffix List that is part of the `psl` crate.

use crate::functions::columns::{Prepared, kernel, texts, write_texts};
use crate::functions::kernel::Call;
use std::borrow::Cow;

/// `domain_suffix(host)`
pub(super) fn domain_suffix(_: &Call) -> Prepared {
    of_host(|host| {
        let suffix = psl::suffix(host)?;
        suffix.is_known().then(|| suffix.as_bytes())
    })
}

/// `domain_registered(host)`
pub(super) fn domain_registered(_: &Call) -> Prepared {
    of_host(|host| {
        let domain = psl::domain(host)?;
        domain.suffix().is_known().then(|| domain.as_bytes())
    })
}

fn of_host(part: for<'h> fn(&'h [u8]) -> Option<&'h [u8]>) -> Prepared {
    kernel(move |context, arguments| {
        let all = texts(&arguments[0]);
        write_texts(context, arguments, |row, column| {
            // The list is in lower case, and a host may end with the dot of the root.
            let host = all.at(row).trim_end_matches('.');
            let host = match host.bytes().any(|byte| byte.is_ascii_uppercase() || byte >= 0x80) {
                true => Cow::Owned(host.to_lowercase()),
                false => Cow::Borrowed(host),
            };
            let is_host = super::ips::address(&host).is_none()
                && !host.bytes().any(|byte| byte.is_ascii_whitespace() || byte == b'/');
            let found = if is_host { part(host.as_bytes()) } else { None };
            match found.and_then(|part| str::from_utf8(part).ok()) {
                Some(part) => column.push(part),
                None => column.push_null(),
            }
        })
    })
}
