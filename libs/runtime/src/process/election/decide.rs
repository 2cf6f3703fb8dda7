//! What a candidate does with the lease it sees. Pure.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};

/// A lease and when this candidate last saw it change, by its own clock.
pub(super) struct Observed {
    pub(super) lease: Lease,
    pub(super) at: Instant,
}

/// What to do next.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// Another replica leads.
    Wait,
    /// Write this.
    Write(LeaseSpec),
}

impl Observed {
    pub(super) fn new(lease: Lease) -> Self {
        Self {
            lease,
            at: Instant::now(),
        }
    }

    /// Takes in a read lease; only a change of its spec moves the time.
    pub(super) fn update(seen: &mut Option<Self>, lease: Lease) {
        match seen {
            Some(seen) if seen.lease.spec == lease.spec => seen.lease = lease,
            _ => *seen = Some(Self::new(lease)),
        }
    }

    pub(super) fn holder(&self) -> &str {
        self.lease
            .spec
            .as_ref()
            .and_then(|spec| spec.holder_identity.as_deref())
            .unwrap_or_default()
    }
}

/// Returns the spec of a lease that did not exist.
pub(super) fn first(identity: &str, duration: Duration, now: Timestamp) -> LeaseSpec {
    LeaseSpec {
        holder_identity: Some(identity.to_owned()),
        lease_duration_seconds: Some(seconds(duration)),
        acquire_time: Some(MicroTime(now)),
        renew_time: Some(MicroTime(now)),
        lease_transitions: Some(0),
        ..LeaseSpec::default()
    }
}

/// Decides: renew our own, take over a released or expired one, or wait.
pub(super) fn step(seen: &Observed, identity: &str, duration: Duration, now: Timestamp) -> Step {
    let old = seen.lease.spec.clone().unwrap_or_default();
    let ours = seen.holder() == identity;
    if !ours && !seen.holder().is_empty() {
        let theirs = old
            .lease_duration_seconds
            .and_then(|s| u64::try_from(s).ok());
        if seen.at.elapsed() < theirs.map_or(duration, Duration::from_secs) {
            return Step::Wait;
        }
    }
    let transitions = old.lease_transitions.unwrap_or_default();
    let mut new = first(identity, duration, now);
    if ours {
        new.acquire_time = old.acquire_time;
        new.lease_transitions = Some(transitions);
    } else {
        new.lease_transitions = Some(transitions.saturating_add(1));
    }
    Step::Write(new)
}

fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const D: Duration = Duration::from_secs(35);

    fn seen(holder: &str, ago: Duration) -> Observed {
        let spec = LeaseSpec {
            holder_identity: Some(holder.to_owned()),
            lease_duration_seconds: Some(35),
            lease_transitions: Some(2),
            acquire_time: Some(MicroTime(Timestamp::UNIX_EPOCH)),
            ..LeaseSpec::default()
        };
        let lease = Lease {
            spec: Some(spec),
            ..Lease::default()
        };
        Observed {
            lease,
            at: Instant::now().checked_sub(ago).unwrap(),
        }
    }

    fn written(step: Step) -> LeaseSpec {
        match step {
            Step::Write(spec) => spec,
            Step::Wait => panic!("waits"),
        }
    }

    #[test]
    fn a_lease_that_another_renews_is_left_alone() {
        assert_eq!(
            step(
                &seen("b", Duration::from_secs(34)),
                "a",
                D,
                Timestamp::now()
            ),
            Step::Wait
        );
    }

    #[test]
    fn an_expired_or_released_lease_is_taken_over() {
        for observed in [seen("b", Duration::from_secs(36)), seen("", Duration::ZERO)] {
            let spec = written(step(&observed, "a", D, Timestamp::now()));
            assert_eq!(
                (spec.holder_identity.as_deref(), spec.lease_transitions),
                (Some("a"), Some(3))
            );
        }
    }

    #[test]
    fn renewing_keeps_when_it_was_acquired() {
        let spec = written(step(&seen("a", Duration::ZERO), "a", D, Timestamp::now()));
        assert_eq!(spec.acquire_time, Some(MicroTime(Timestamp::UNIX_EPOCH)));
        assert_eq!(spec.lease_transitions, Some(2));
    }

    #[test]
    fn only_a_change_of_the_spec_counts_as_a_sign_of_life() {
        let mut observed = Some(seen("b", Duration::from_secs(36)));
        let same = observed.as_ref().unwrap().lease.clone();
        Observed::update(&mut observed, same);
        assert!(observed.as_ref().unwrap().at.elapsed() > D);
        Observed::update(&mut observed, seen("c", Duration::ZERO).lease);
        assert!(observed.unwrap().at.elapsed() < D);
    }
}
