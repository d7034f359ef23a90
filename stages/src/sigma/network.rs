//! Networks in CIDR notation, read strictly. It does not look at records.

use std::net::IpAddr;

use super::ast::Cidr;

/// Reads `10.0.0.0/8` or `2001:db8::/32`; a bare address is a network of one.
///
/// # Errors
/// Why it is no network, and what was probably meant.
pub(super) fn parse(text: &str) -> Result<Cidr, (String, Option<String>)> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let Ok(network) = address.parse::<IpAddr>() else {
        let hint = text.contains(['*', '?']).then(|| "write 10.1.0.0/16, not 10.1.*".to_owned());
        return Err((format!("{text:?} is no network"), hint));
    };
    let bits = if network.is_ipv4() { 32 } else { 128 };
    let prefix = match prefix {
        None => bits,
        Some(digits) => {
            let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            match digits.parse::<u8>().ok().filter(|prefix| is_number && *prefix <= bits) {
                Some(prefix) => prefix,
                None => {
                    return Err((format!("{text:?} is no network: a prefix is 0 to {bits}"), None));
                }
            }
        }
    };
    let masked = mask(network, prefix);
    if masked != network {
        let hint = format!("write {masked}/{prefix}");
        return Err((format!("{text:?} has bits set behind its prefix"), Some(hint)));
    }
    Ok(Cidr { network, prefix })
}

fn mask(address: IpAddr, prefix: u8) -> IpAddr {
    let prefix = u32::from(prefix);
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
            IpAddr::V4((address.to_bits() & mask).into())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - prefix).unwrap_or(0);
            IpAddr::V6((address.to_bits() & mask).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, &str>) {
        let found = parse(text).map(|cidr| format!("{}/{}", cidr.network, cidr.prefix));
        let found = found.map_err(|(message, hint)| hint.unwrap_or(message));
        let expected = expected.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn networks_are_read_strictly() {
        check("10.0.0.0/8", Ok("10.0.0.0/8"));
        check("0.0.0.0/0", Ok("0.0.0.0/0"));
        check("192.0.2.7", Ok("192.0.2.7/32"));
        check("2001:db8::/32", Ok("2001:db8::/32"));
        check("::/0", Ok("::/0"));
        check("::1", Ok("::1/128"));
        check("10.0.0.1/8", Err("write 10.0.0.0/8"));
        check("10.0.0.0/33", Err("\"10.0.0.0/33\" is no network: a prefix is 0 to 32"));
        check("10.0.0.0/+8", Err("\"10.0.0.0/+8\" is no network: a prefix is 0 to 32"));
        check("10.0.0.0/", Err("\"10.0.0.0/\" is no network: a prefix is 0 to 32"));
        check("10.*", Err("write 10.1.0.0/16, not 10.1.*"));
        check("010.0.0.0/8", Err("\"010.0.0.0/8\" is no network"));
        check("", Err("\"\" is no network"));
    }
}
