//! Functions on addresses: URLs, hosts, IP addresses, and what browsers say they are.

mod agents;
mod hosts;
mod ips;
mod urls;

use super::kernel::PrepareScalar;

/// The kernel of each function.
pub(super) const KERNELS: &[(&str, PrepareScalar)] = &[
    ("url_parse", urls::url_parse),
    ("url_host", urls::url_host),
    ("url_path", urls::url_path),
    ("url_param", urls::url_param),
    ("url_encode", urls::url_encode),
    ("url_decode", urls::url_decode),
    ("domain_suffix", hosts::domain_suffix),
    ("domain_registered", hosts::domain_registered),
    ("ip_parse", ips::ip_parse),
    ("ip_in_network", ips::ip_in_network),
    ("ip_version", ips::ip_version),
    ("ip_anonymize", ips::ip_anonymize),
    ("user_agent", agents::user_agent),
];
