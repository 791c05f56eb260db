//! What lost against others who change the same thing, or was throttled, is tried again after a pause: whoever comes back
//! at once meets the same others.

use std::time::Duration;

use super::calls::Failure;

/// How often something is tried before giving up; the request's deadline mostly comes first.
const MOST_ATTEMPTS: u32 = 40;

/// Waits before the next attempt: twice as long each time, up to 400 ms, with full jitter.
pub(super) async fn pause(attempt: &mut u32) -> Result<(), Failure> {
    *attempt += 1;
    if *attempt >= MOST_ATTEMPTS {
        return Err(Failure::Conflict);
    }
    let longest = Duration::from_millis((10 << (*attempt).min(6)).min(400));
    let mut byte = [0];
    // Without randomness the pause is at its longest: slower, not wrong.
    let share = ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut byte)
        .map_or(1.0, |()| f64::from(byte[0]) / 255.0);
    tokio::time::sleep(longest.mul_f64(share)).await;
    Ok(())
}
