//! Duplicate suppression: one event per key and window.
//!
//! The key and the fixed windows are Flux's (notification-controller §2.4): severity, reason and most
//! metadata do not count, and windows lie at multiples of the interval after the first sighting, so two
//! equal events can pass close together across a boundary. State is in memory and bounded.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::event::Event;

/// What makes two events the same.
pub type Key = [u8; 32];

/// Returns the key of an event: name, namespace, kind, message and the revisions and token it carries.
pub fn key(event: &Event) -> Key {
    let object = &event.involved_object;
    let mut parts = vec![
        "event".to_owned(),
        format!("name={}", object.name),
        format!("namespace={}", object.namespace),
        format!("kind={}", object.kind),
        format!("message={}", event.message),
    ];
    for name in ["originRevision", "revision", "token"] {
        if let Some(value) = event.metadata.get(&format!("{}/{name}", object.group())) {
            parts.push(format!("{name}={value}"));
        }
    }
    Sha256::digest(parts.join("/").as_bytes()).into()
}

/// The windows of all keys seen lately.
#[derive(Debug)]
pub struct Windows {
    interval: i128,
    buckets: HashMap<Key, Bucket>,
    swept: i128,
}

#[derive(Debug)]
struct Bucket {
    start: i128,
    tick: i128,
}

/// The answer to one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the event is the first of its window.
    pub admitted: bool,
    /// When the window ends.
    pub reset: Timestamp,
}

/// How many keys are kept at most; past it the windows that began first are forgotten.
const MAX_KEYS: usize = 100_000;

impl Windows {
    /// Creates windows of the given length (`--rate-limit-interval`).
    pub fn new(interval: Duration) -> Self {
        let interval = i128::try_from(interval.as_nanos())
            .unwrap_or(i128::MAX)
            .max(1);
        Self {
            interval,
            buckets: HashMap::new(),
            swept: 0,
        }
    }

    /// Takes the one token of the key's present window, if nobody did.
    pub fn take(&mut self, key: Key, now: Timestamp) -> Verdict {
        let at = now.as_nanosecond();
        self.sweep(at);
        let interval = self.interval;
        let mut fresh = false;
        let bucket = self.buckets.entry(key).or_insert_with(|| {
            fresh = true;
            Bucket { start: at, tick: 0 }
        });
        // A time before the first sighting belongs to the first window: times of watched events are cut
        // to seconds, and a clock may step back.
        let tick = (at - bucket.start).max(0) / interval;
        let admitted = fresh || bucket.tick < tick;
        bucket.tick = bucket.tick.max(tick);
        let reset = bucket
            .start
            .saturating_add((bucket.tick + 1).saturating_mul(interval));
        Verdict {
            admitted,
            reset: Timestamp::from_nanosecond(reset).unwrap_or(Timestamp::MAX),
        }
    }

    /// Forgets that the key was seen: what took its token came to nothing.
    pub fn give_back(&mut self, key: &Key) {
        self.buckets.remove(key);
    }

    fn sweep(&mut self, now: i128) {
        let (interval, full) = (self.interval, self.buckets.len() >= MAX_KEYS);
        if now - self.swept < interval && !full {
            return;
        }
        self.swept = now;
        self.buckets
            .retain(|_, bucket| now - bucket.latest(interval) <= 2 * interval);
        if self.buckets.len() >= MAX_KEYS {
            let mut starts: Vec<i128> = self.buckets.values().map(|b| b.latest(interval)).collect();
            let (_, median, _) = starts.select_nth_unstable(MAX_KEYS / 2);
            let median = *median;
            self.buckets
                .retain(|_, bucket| bucket.latest(interval) > median);
        }
    }
}

impl Bucket {
    fn latest(&self, interval: i128) -> i128 {
        self.start + self.tick * interval
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::ObjectReference;

    fn event() -> Event {
        Event {
            involved_object: ObjectReference {
                kind: "Kustomization".into(),
                namespace: "apps".into(),
                name: "app".into(),
                api_version: "kustomize.toolkit.fluxcd.io/v1".into(),
                ..Default::default()
            },
            message: "it failed".into(),
            ..Event::default()
        }
    }

    fn with(key: &str, value: &str) -> Event {
        let mut event = event();
        event.metadata.insert(key.into(), value.into());
        event
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + seconds).unwrap()
    }

    #[test]
    fn the_key_is_the_hash_of_the_joined_parts() {
        let text = "event/name=app/namespace=apps/kind=Kustomization/message=it failed/revision=r";
        let want: Key = Sha256::digest(text.as_bytes()).into();
        assert_eq!(
            key(&with("kustomize.toolkit.fluxcd.io/revision", "r")),
            want
        );
    }

    #[test]
    fn severity_reason_and_foreign_metadata_do_not_make_an_event_new() {
        let base = key(&event());
        let mut other = event();
        other.severity = "error".into();
        other.reason = "Other".into();
        other.involved_object.uid = "u".into();
        assert_eq!(key(&other), base);
        assert_eq!(key(&with("event.toolkit.fluxcd.io/revision", "r")), base);
        assert_eq!(
            key(&with("kustomize.toolkit.fluxcd.io/commit_status", "update")),
            base
        );
        for name in ["revision", "originRevision", "token"] {
            assert_ne!(
                key(&with(&format!("kustomize.toolkit.fluxcd.io/{name}"), "r")),
                base
            );
        }
    }

    #[test]
    fn windows_are_fixed_from_the_first_sighting() {
        let mut windows = Windows::new(Duration::from_secs(300));
        let k = key(&event());
        let first = windows.take(k, at(0));
        assert_eq!(
            first,
            Verdict {
                admitted: true,
                reset: at(300)
            }
        );
        assert!(!windows.take(k, at(299)).admitted);
        assert!(
            windows.take(k, at(540)).admitted,
            "nine minutes later: second window"
        );
        assert!(
            windows.take(k, at(601)).admitted,
            "a minute after that: third window"
        );
        assert_eq!(
            windows.take(k, at(602)),
            Verdict {
                admitted: false,
                reset: at(900)
            }
        );
        assert!(
            !windows.take(k, at(-5)).admitted,
            "a clock that steps back opens nothing"
        );
    }

    #[test]
    fn idle_keys_are_forgotten_and_the_number_of_keys_is_bounded() {
        let mut windows = Windows::new(Duration::from_secs(300));
        windows.take(key(&event()), at(0));
        windows.take([1; 32], at(2000));
        assert_eq!(windows.buckets.len(), 1);
        for i in 0..=MAX_KEYS as u32 {
            let mut k = [0; 32];
            k[..4].copy_from_slice(&i.to_be_bytes());
            windows.take(k, at(2001 + i64::from(i) / 1000));
        }
        assert!(windows.buckets.len() <= MAX_KEYS);
    }
}
