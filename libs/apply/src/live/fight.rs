//! How often an object was corrected lately, and how long the next correction waits.
//!
//! The first few are free: people edit twice. Beyond that two programs want different things, and
//! ever longer pauses keep them from keeping the API server busy.

use std::time::{Duration, Instant};

/// How many corrections within [`FIGHT_WINDOW`] are made at once; further ones back off.
const FREE_CORRECTIONS: u32 = 3;
/// After this long without a correction a fight is over.
pub(super) const FIGHT_WINDOW: Duration = Duration::from_secs(600);
const FIRST_DELAY: Duration = Duration::from_secs(1);
const LONGEST_DELAY: Duration = Duration::from_secs(300);

/// The recent corrections of one object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fight {
    corrections: u32,
    last: Instant,
    told: bool,
}

impl Fight {
    /// Counts a correction, or one that failed; returns whether this is news of a fight, and how
    /// long the next correction waits.
    pub(super) fn count(slot: &mut Option<Self>, failed: bool, now: Instant) -> (bool, Duration) {
        let fresh = Self {
            corrections: 0,
            last: now,
            told: false,
        };
        let fight = slot.get_or_insert(fresh);
        if now.duration_since(fight.last) > FIGHT_WINDOW {
            *fight = fresh;
        }
        fight.corrections += 1;
        fight.last = now;
        let news = !failed && fight.corrections > FREE_CORRECTIONS && !fight.told;
        fight.told |= news;
        (news, Self::delay(Some(fight), now))
    }

    /// Returns how long the next correction waits: not at all, then ever longer.
    pub(super) fn delay(fight: Option<&Self>, now: Instant) -> Duration {
        match fight {
            Some(fight)
                if fight.corrections > FREE_CORRECTIONS
                    && now.duration_since(fight.last) <= FIGHT_WINDOW =>
            {
                let doublings = (fight.corrections - FREE_CORRECTIONS - 1).min(16);
                FIRST_DELAY
                    .saturating_mul(1 << doublings)
                    .min(LONGEST_DELAY)
            }
            _ => Duration::ZERO,
        }
    }
}
