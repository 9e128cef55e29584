//! FNV-1a: tells whether bytes are those of before. No protection against anyone who means harm.

/// Checksum of these bytes.
pub fn of(bytes: &[u8]) -> u64 {
    go_on(0xCBF2_9CE4_8422_2325, bytes)
}

/// Checksum of the bytes that `sum` is of and these behind them.
pub fn go_on(sum: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(sum, |sum, &byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}

#[cfg(test)]
mod tests {
    #[test]
    fn sums_are_those_of_the_reference_vectors() {
        assert_eq!(super::of(b""), 0xCBF2_9CE4_8422_2325);
        assert_eq!(super::of(b"foobar"), 0x8594_4171_F739_67E8);
        assert_eq!(super::go_on(super::of(b"foo"), b"bar"), super::of(b"foobar"));
    }
}
