//! Logins, most of whose time goes into hashing a password: how much memory, and so how much of a processor, `auth` should
//! have.

use std::time::{Duration, Instant};

use super::sample::Sample;
use super::scene::Scene;
use super::share::Share;
use crate::failure::Result;
use crate::prices::{ARM_GB_SECOND, INVOCATION};

/// MB: what the template takes, and the least there is.
pub(crate) const MEMORY_SIZES: [u64; 5] = [128, 256, 512, 1024, 1769];

const MB_OF_ONE_GB: f64 = 1024.0;

#[derive(Clone, Debug)]
pub(crate) struct Login {
    /// MB.
    pub(crate) memory: u64,
    pub(crate) time: Duration,
    /// Dollars for a million.
    pub(crate) price: f64,
}

pub(crate) async fn measure(scene: &Scene, memory: u64, times: usize) -> Result<Login> {
    let share = Share::of_memory(memory)?;
    let mut process = scene.start("auth", Some(&share)).await?;
    scene.ask(&mut process, &scene.login()).await?;
    let mut sample = Sample::default();
    for _ in 0..times {
        let started = Instant::now();
        scene.ask(&mut process, &scene.login()).await?;
        sample.add(started.elapsed());
    }
    // Its group can go when nobody is in it.
    let _ = process.kill().await;
    let time = sample.median();
    Ok(Login { memory, time, price: price_of_a_million(memory, time) })
}

/// The least money per its time: as long as more memory makes a login faster by more than it makes it dearer, it pays.
pub(crate) fn best(logins: &[Login]) -> Option<&Login> {
    let weight = |login: &Login| login.price * login.time.as_secs_f64();
    logins.iter().min_by(|one, other| weight(one).total_cmp(&weight(other)))
}

/// Lambda counts whole milliseconds.
fn price_of_a_million(memory: u64, time: Duration) -> f64 {
    let seconds = (time.as_secs_f64() * 1000.0).ceil() / 1000.0;
    (seconds * memory as f64 / MB_OF_ONE_GB * ARM_GB_SECOND.dollars + INVOCATION.dollars) * 1_000_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_paid_by_the_millisecond_and_the_megabyte() {
        let price = price_of_a_million(1024, Duration::from_micros(49_100));
        assert!((price - (0.050 * 13.3334 + 0.20)).abs() < 1e-6, "{price}");
    }

    #[test]
    fn twice_as_fast_for_the_same_money_is_better() {
        let login = |memory, time, price| Login { memory, time: Duration::from_millis(time), price };
        let logins = [login(512, 100, 1.0), login(1024, 50, 1.0), login(1769, 45, 1.6)];
        assert_eq!(best(&logins).map(|login| login.memory), Some(1024));
        assert!(best(&[]).is_none());
    }
}
