//! IP addresses and networks, held as texts.

use crate::functions::columns::{
    Prepared, booleans, fallible, fallible_texts, kernel, literal_text, texts, write_texts,
};
use crate::functions::kernel::{Call, LiteralError};
use crate::types::Scalar;
use arrow_array::types::Int64Type;
// Of `core`, where there are addresses and nothing that could connect to one.
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::fmt::Write;

/// The address that a text is, if it is one.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    // Most texts that are none begin so that it need not be tried.
    let first = text.bytes().next()?;
    (first.is_ascii_hexdigit() || first == b':').then(|| text.parse().ok())?
}

/// `10.0.0.0/8`
#[derive(Clone, Copy)]
enum Network {
    V4 { bits: u32, mask: u32 },
    V6 { bits: u128, mask: u128 },
}

impl Network {
    fn of(text: &str) -> Option<Network> {
        let (address_text, length) = match text.split_once('/') {
            Some((address, length)) => {
                let digits = length.bytes().all(|byte| byte.is_ascii_digit());
                (address, Some(length.parse::<u32>().ok().filter(|_| digits)?))
            }
            // An address alone is the network of it.
            None => (text, None),
        };
        Some(match address(address_text)? {
            IpAddr::V4(address) => {
                let length = length.unwrap_or(32);
                let mask = u32::MAX.checked_shl(32u32.checked_sub(length)?).unwrap_or(0);
                Network::V4 { bits: address.to_bits() & mask, mask }
            }
            IpAddr::V6(address) => {
                let length = length.unwrap_or(128);
                let mask = u128::MAX.checked_shl(128u32.checked_sub(length)?).unwrap_or(0);
                Network::V6 { bits: address.to_bits() & mask, mask }
            }
        })
    }

    fn contains(self, address: IpAddr) -> bool {
        match (self, address) {
            (Network::V4 { bits, mask }, address) => match address.to_canonical() {
                IpAddr::V4(address) => address.to_bits() & mask == bits,
                IpAddr::V6(_) => false,
            },
            (Network::V6 { bits, mask }, IpAddr::V6(address)) => address.to_bits() & mask == bits,
            (Network::V6 { .. }, IpAddr::V4(_)) => false,
        }
    }
}

/// `ip_parse(text)`
pub(super) fn ip_parse(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let all = texts(&arguments[0]);
        fallible_texts(context, arguments, |row, column| {
            let text = all.at(row);
            let found = address(text)
                .ok_or_else(|| crate::data::parse::refuse(text, "not an IP address"))?;
            column.write(|out| write_address(out, found));
            Ok(())
        })
    })
}

fn write_address(out: &mut String, address: IpAddr) {
    write!(out, "{address}").expect("a text takes what is written");
}

/// `ip_in_network(ip, network)`
pub(super) fn ip_in_network(call: &Call) -> Prepared {
    if let Some(Some(Scalar::String(_))) = call.literals.get(1) {
        let text = literal_text(call, 1)?;
        let network = Network::of(text).ok_or_else(|| LiteralError {
            argument: 1,
            reason: format!("`{text}` is not a network; one is written `10.0.0.0/8`"),
        })?;
        return kernel(move |context, arguments| {
            let all = texts(&arguments[0]);
            booleans(context, arguments, |row| {
                address(all.at(row)).is_some_and(|address| network.contains(address))
            })
        });
    }
    kernel(|context, arguments| {
        let (all, networks) = (texts(&arguments[0]), texts(&arguments[1]));
        booleans(context, arguments, |row| {
            let network = Network::of(networks.at(row));
            let address = address(all.at(row));
            network.zip(address).is_some_and(|(network, address)| network.contains(address))
        })
    })
}

/// `ip_version(ip)`
pub(super) fn ip_version(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let all = texts(&arguments[0]);
        fallible::<Int64Type>(context, arguments, |row| {
            Ok(address(all.at(row)).map(|address| if address.is_ipv4() { 4 } else { 6 }))
        })
    })
}

/// `ip_anonymize(ip)`
pub(super) fn ip_anonymize(_: &Call) -> Prepared {
    kernel(|context, arguments| {
        let all = texts(&arguments[0]);
        write_texts(context, arguments, |row, column| {
            let masked = address(all.at(row)).map(|address| match address.to_canonical() {
                IpAddr::V4(address) => {
                    IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & 0xFFFF_FF00))
                }
                IpAddr::V6(address) => {
                    let mask = u128::MAX << 80;
                    IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask))
                }
            });
            match masked {
                Some(network) => column.write(|out| write_address(out, network)),
                None => column.push_null(),
            }
        })
    })
}
