//! Gzip of one member, unpacked at once.
//!
//! libdeflate answers Ok at the end of the *first* member and does not say how much input it read,
//! so this way is taken only where a second member, or anything else behind the first, is ruled
//! out. In doubt the streaming way is taken, which costs time and no data.

use libdeflater::Decompressor;
use memchr::memmem;

/// How every member begins: two magic bytes and the method, which is deflate.
pub(super) const MAGIC: [u8; 3] = [0x1f, 0x8b, 0x08];

/// Shortest possible member: header 10, an empty block 2, trailer 8.
const SHORTEST: usize = 20;

/// Deflate's best: 1,032 bytes out for each byte in.
const BEST_RATIO: usize = 1032;

/// Unpacks `packed` into `output` if it is one undamaged member of bounded size.
///
/// Answers the length in `output`, whose further bytes are left from earlier objects; `None` if the
/// streaming way must be taken.
pub(super) fn unpack_whole(
    inflater: &mut Decompressor,
    packed: &[u8],
    output: &mut Vec<u8>,
    limit: usize,
) -> Option<usize> {
    if packed.len() < SHORTEST {
        return None;
    }
    let length = stated_length(packed);
    let is_plausible = length / BEST_RATIO <= packed.len();
    if length > super::WHOLE_OUTPUT.min(limit) || !is_plausible || may_hold_another(packed) {
        return None;
    }
    if output.len() < length {
        output.resize(length, 0);
    }
    // A wrong length fails here: too small is an error, too large is seen in the answer. So garbage
    // behind the member passes only if its last four bytes happen to be the right length.
    let unpacked = inflater.gzip_decompress(packed, &mut output[..length]).ok()?;
    (unpacked == length).then_some(length)
}

/// The unpacked length that the last four bytes state (modulo 4 GiB).
fn stated_length(packed: &[u8]) -> usize {
    packed.last_chunk::<4>().map_or(0, |bytes| u32::from_le_bytes(*bytes) as usize)
}

/// Is there anywhere behind the header what could begin another member?
///
/// Three bits of the flags are reserved and zero; a "member" with one of them set is garbage to the
/// streaming way too.
fn may_hold_another(packed: &[u8]) -> bool {
    memmem::find_iter(&packed[1..], &MAGIC)
        .any(|at| packed.get(at + 1 + MAGIC.len()).is_some_and(|flags| flags & 0xe0 == 0))
}
