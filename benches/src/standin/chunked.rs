//! Bodies in `aws-chunked`, as SDKs send objects with a checksum behind them.

use axum::body::Bytes;

/// Joins the chunks. Their signatures and the trailer are passed by; `None` if it is cut or no such
/// body.
pub(crate) fn join(body: &[u8]) -> Option<Bytes> {
    let (mut joined, mut rest) = (Vec::with_capacity(body.len()), body);
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n")?;
        let line = std::str::from_utf8(&rest[..end]).ok()?;
        let size = line.split(';').next().unwrap_or(line);
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        rest = &rest[end + 2..];
        if size == 0 {
            return Some(joined.into());
        }
        joined.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size..)?.strip_prefix(b"\r\n")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_joined() {
        let body =
            b"3;chunk-signature=ab\r\nabc\r\n2\r\nde\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n";
        assert_eq!(join(body).unwrap(), "abcde");
        assert_eq!(join(b"0\r\n\r\n").unwrap(), "");
    }

    #[test]
    fn a_cut_body_is_none() {
        for body in [&b"3\r\nab"[..], b"3\r\nabc", b"", b"x\r\nabc\r\n0\r\n\r\n", b"2\r\nabc\r\n"] {
            assert_eq!(join(body), None);
        }
    }
}
