//! How DynamoDB counts request units.
//!
//! docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html

/// Bytes that one unit writes, and that one unit reads.
const WRITTEN_AT_ONCE: u64 = 1024;
const READ_AT_ONCE: u64 = 4096;

/// A strongly consistent read of so many bytes: an item, or all that a query looks at, be it nothing.
pub(super) fn read(bytes: u64) -> f64 {
    units(bytes, READ_AT_ONCE)
}

/// The same where a stale answer does.
pub(super) fn read_eventually(bytes: u64) -> f64 {
    read(bytes) / 2.0
}

/// A write of an item of so many bytes; of a change, the larger of before and after.
pub(super) fn write(bytes: u64) -> f64 {
    units(bytes, WRITTEN_AT_ONCE)
}

fn units(bytes: u64, at_once: u64) -> f64 {
    bytes.div_ceil(at_once).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_begins_with_its_first_byte_and_nothing_costs_one() {
        assert_eq!([0, 1, 4096, 4097].map(read), [1.0, 1.0, 1.0, 2.0]);
        assert_eq!([0, 1024, 1025].map(write), [1.0, 1.0, 2.0]);
        assert_eq!(read_eventually(4097), 1.0);
    }
}
