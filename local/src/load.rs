//! Load on a running stack: people who log in, read, send and mark as read, and the proof afterwards that nothing of it
//! was lost or doubled.
//!
//! The model is open: requests begin when the plan says, whether or not earlier ones are answered, and latency counts
//! from the planned moment. So a stack that stalls cannot hide it by slowing down those who measure it (coordinated
//! omission: Gil Tene, "How NOT to Measure Latency").

pub(crate) mod crowd;
pub(crate) mod drive;
pub(crate) mod plan;
pub(crate) mod proof;
pub(crate) mod tally;
