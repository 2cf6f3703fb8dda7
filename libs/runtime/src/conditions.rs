//! The conditions of one object, with Flux's order and transition rules.
//!
//! Pure: the clock is given. Order is Stalled, Reconciling, Ready, then observedGeneration descending, then type;
//! `lastTransitionTime` moves only with status, reason or message (fluxcd/pkg/runtime/conditions, kustomize-controller
//! status contract). The surprise: marking Reconciling deletes Stalled and the other way round, so the two never meet.

use std::{cmp::Reverse, fmt};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use crate::{Reason, reason::PROGRESSING_WITH_RETRY};

pub mod summary;

/// Bytes a condition's message may have (the API's own limit).
pub const MESSAGE_LIMIT: usize = 32768;

/// Names a condition; prints as the exact Flux string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConditionType(&'static str);

impl ConditionType {
    /// The object is up to date with its source.
    pub const READY: Self = Self("Ready");
    /// The controller is working on it (kstatus).
    pub const RECONCILING: Self = Self("Reconciling");
    /// The controller gave up until the object is edited (kstatus).
    pub const STALLED: Self = Self("Stalled");
    /// What was applied is healthy.
    pub const HEALTHY: Self = Self("Healthy");

    /// Makes a type of a literal.
    pub const fn new(text: &'static str) -> Self {
        Self(text)
    }

    /// Returns the Flux string.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for ConditionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The three values a condition can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Prints as `True`.
    True,
    /// Prints as `False`.
    False,
    /// Prints as `Unknown`.
    Unknown,
}

impl Status {
    /// Returns the Kubernetes string.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The conditions of one object at one generation, always in Flux's order.
#[derive(Clone, Debug, PartialEq)]
pub struct Conditions {
    list: Vec<Condition>,
    generation: i64,
    now: Timestamp,
}

impl Conditions {
    /// Takes over stored conditions; `now` (cut to seconds) becomes the transition time of what changes.
    pub fn new(stored: Vec<Condition>, generation: i64, now: Timestamp) -> Self {
        let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
        Self {
            list: stored,
            generation,
            now,
        }
    }

    /// Sets a condition to True.
    pub fn mark_true(
        &mut self,
        kind: ConditionType,
        reason: impl Into<Reason>,
        message: impl AsRef<str>,
    ) {
        self.set(kind, Status::True, reason, message);
    }

    /// Sets a condition to False.
    pub fn mark_false(
        &mut self,
        kind: ConditionType,
        reason: impl Into<Reason>,
        message: impl AsRef<str>,
    ) {
        self.set(kind, Status::False, reason, message);
    }

    /// Sets a condition to Unknown.
    pub fn mark_unknown(
        &mut self,
        kind: ConditionType,
        reason: impl Into<Reason>,
        message: impl AsRef<str>,
    ) {
        self.set(kind, Status::Unknown, reason, message);
    }

    /// Sets Reconciling=True and deletes Stalled.
    pub fn mark_reconciling(&mut self, reason: impl Into<Reason>, message: impl AsRef<str>) {
        self.delete(ConditionType::STALLED);
        self.set(ConditionType::RECONCILING, Status::True, reason, message);
    }

    /// Sets Stalled=True and deletes Reconciling.
    pub fn mark_stalled(&mut self, reason: impl Into<Reason>, message: impl AsRef<str>) {
        self.delete(ConditionType::RECONCILING);
        self.set(ConditionType::STALLED, Status::True, reason, message);
    }

    /// Sets Reconciling=True and Ready=Unknown with the same words, and deletes Stalled.
    pub fn mark_progressing(&mut self, reason: impl Into<Reason>, message: impl AsRef<str>) {
        let reason = reason.into();
        self.mark_reconciling(reason.clone(), message.as_ref());
        self.set(ConditionType::READY, Status::Unknown, reason, message);
    }

    /// Turns a remaining Reconciling into `ProgressingWithRetry`, its message kept.
    pub fn mark_retrying(&mut self) {
        if let Some(current) = self.get(ConditionType::RECONCILING) {
            let message = current.message.clone();
            let status = match current.status.as_str() {
                "True" => Status::True,
                "False" => Status::False,
                _ => Status::Unknown,
            };
            self.set(
                ConditionType::RECONCILING,
                status,
                PROGRESSING_WITH_RETRY,
                message,
            );
        }
    }

    /// Sets a condition; its transition time moves only with status, reason or message.
    pub fn set(
        &mut self,
        kind: ConditionType,
        status: Status,
        reason: impl Into<Reason>,
        message: impl AsRef<str>,
    ) {
        let mut new = Condition {
            type_: kind.as_str().to_owned(),
            status: status.as_str().to_owned(),
            reason: reason.into().to_string(),
            message: cap(message.as_ref()),
            observed_generation: Some(self.generation),
            last_transition_time: Time(self.now),
        };
        match self.list.iter_mut().find(|c| c.type_ == new.type_) {
            Some(old) => {
                if old.status == new.status
                    && old.reason == new.reason
                    && old.message == new.message
                {
                    new.last_transition_time = old.last_transition_time.clone();
                }
                *old = new;
            }
            None => self.list.push(new),
        }
        self.sort();
    }

    /// Removes a condition.
    pub fn delete(&mut self, kind: ConditionType) {
        self.list.retain(|c| c.type_ != kind.as_str());
    }

    /// Returns a condition.
    pub fn get(&self, kind: ConditionType) -> Option<&Condition> {
        self.list.iter().find(|c| c.type_ == kind.as_str())
    }

    /// Tells whether a condition is there, whatever its status.
    pub fn has(&self, kind: ConditionType) -> bool {
        self.get(kind).is_some()
    }

    /// Tells whether a condition is there and True.
    pub fn is_true(&self, kind: ConditionType) -> bool {
        self.get(kind).is_some_and(|c| c.status == "True")
    }

    /// Tells whether a condition is there and False.
    pub fn is_false(&self, kind: ConditionType) -> bool {
        self.get(kind).is_some_and(|c| c.status == "False")
    }

    /// Tells whether a condition is Unknown or absent, as Flux's `IsUnknown` does.
    pub fn is_unknown(&self, kind: ConditionType) -> bool {
        self.get(kind).is_none_or(|c| c.status == "Unknown")
    }

    /// Returns the reason of a condition, empty when it is absent.
    pub fn reason(&self, kind: ConditionType) -> &str {
        self.get(kind).map_or("", |c| &c.reason)
    }

    /// Returns the message of a condition, empty when it is absent.
    pub fn message(&self, kind: ConditionType) -> &str {
        self.get(kind).map_or("", |c| &c.message)
    }

    /// Returns the generation that every condition set here carries.
    pub const fn generation(&self) -> i64 {
        self.generation
    }

    /// Returns all conditions in Flux's order.
    pub fn as_slice(&self) -> &[Condition] {
        &self.list
    }

    /// Takes over what the API server answered to a patch of these conditions.
    pub(crate) fn refresh(&mut self, stored: Vec<Condition>) {
        self.list = stored;
    }

    fn sort(&mut self) {
        self.list.sort_by(|a, b| order(a).cmp(&order(b)));
    }
}

/// Parity: Stalled, Reconciling, Ready first; the rest by observedGeneration descending, then type.
fn order(condition: &Condition) -> (u8, Reverse<i64>, &str) {
    let weight = match condition.type_.as_str() {
        "Stalled" => 0,
        "Reconciling" => 1,
        "Ready" => 2,
        _ => {
            return (
                3,
                Reverse(condition.observed_generation.unwrap_or_default()),
                &condition.type_,
            );
        }
    };
    (weight, Reverse(0), "")
}

/// Cuts a message to the API's limit, marked by `...`, on a character boundary.
fn cap(message: &str) -> String {
    if message.len() <= MESSAGE_LIMIT {
        return message.to_owned();
    }
    let mut end = MESSAGE_LIMIT - 3;
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}...", &message[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    const FETCH_FAILED: ConditionType = ConditionType::new("FetchFailed");
    const ARTIFACT: ConditionType = ConditionType::new("ArtifactInStorage");
    const A: Reason = Reason::new("A");
    const B: Reason = Reason::new("B");

    fn at(second: i64, generation: i64, stored: &Conditions) -> Conditions {
        let now = Timestamp::new(second, 5).unwrap();
        Conditions::new(stored.as_slice().to_vec(), generation, now)
    }

    fn empty() -> Conditions {
        Conditions::new(Vec::new(), 1, Timestamp::new(1, 999).unwrap())
    }

    fn types(conditions: &Conditions) -> Vec<&str> {
        conditions
            .as_slice()
            .iter()
            .map(|c| c.type_.as_str())
            .collect()
    }

    fn changed(conditions: &Conditions, kind: ConditionType) -> i64 {
        conditions
            .get(kind)
            .unwrap()
            .last_transition_time
            .0
            .as_second()
    }

    #[test]
    fn the_order_is_stalled_reconciling_ready_then_newer_generation_then_type() {
        let mut conditions = empty();
        conditions.mark_true(ConditionType::new("Zeta"), A, "");
        conditions.mark_true(ConditionType::READY, A, "");
        let mut conditions = at(2, 2, &conditions);
        conditions.mark_true(FETCH_FAILED, A, "");
        conditions.mark_true(ARTIFACT, A, "");
        conditions.set(ConditionType::RECONCILING, Status::True, A, "");
        conditions.set(ConditionType::STALLED, Status::True, A, "");
        assert_eq!(
            types(&conditions),
            [
                "Stalled",
                "Reconciling",
                "Ready",
                "ArtifactInStorage",
                "FetchFailed",
                "Zeta"
            ]
        );
    }

    #[test]
    fn the_transition_time_moves_with_status_reason_or_message_only() {
        let mut first = empty();
        first.mark_true(ConditionType::READY, A, "m");
        let cases: [(&str, Status, Reason, &str, i64); 4] = [
            ("same", Status::True, A, "m", 1),
            ("status", Status::False, A, "m", 9),
            ("reason", Status::True, B, "m", 9),
            ("message", Status::True, A, "n", 9),
        ];
        for (name, status, reason, message, expected) in cases {
            let mut next = at(9, 1, &first);
            next.set(ConditionType::READY, status, reason, message);
            assert_eq!(changed(&next, ConditionType::READY), expected, "{name}");
        }
    }

    #[test]
    fn a_new_generation_is_observed_without_a_transition() {
        let mut first = empty();
        first.mark_true(ConditionType::READY, A, "m");
        let mut next = at(9, 4, &first);
        next.mark_true(ConditionType::READY, A, "m");
        let ready = next.get(ConditionType::READY).unwrap();
        assert_eq!(
            (
                ready.observed_generation,
                changed(&next, ConditionType::READY)
            ),
            (Some(4), 1)
        );
    }

    #[test]
    fn transition_times_are_whole_seconds() {
        let mut conditions = empty();
        conditions.mark_true(ConditionType::READY, A, "");
        let time = &conditions
            .get(ConditionType::READY)
            .unwrap()
            .last_transition_time;
        assert_eq!(time.0.subsec_nanosecond(), 0);
    }

    #[test]
    fn stalled_and_reconciling_never_meet() {
        let mut conditions = empty();
        conditions.mark_stalled(A, "");
        conditions.mark_reconciling(A, "");
        assert_eq!(types(&conditions), ["Reconciling"]);
        conditions.mark_stalled(A, "");
        assert_eq!(types(&conditions), ["Stalled"]);
    }

    #[test]
    fn progress_makes_ready_unknown_and_a_retry_keeps_its_message() {
        let mut conditions = empty();
        conditions.mark_progressing(A, "building artifact");
        assert!(conditions.is_unknown(ConditionType::READY));
        conditions.mark_retrying();
        let reconciling = conditions.get(ConditionType::RECONCILING).unwrap();
        assert_eq!(
            (reconciling.reason.as_str(), reconciling.message.as_str()),
            ("ProgressingWithRetry", "building artifact")
        );
    }

    #[test]
    fn a_long_message_is_cut_on_a_character_and_marked() {
        let mut conditions = empty();
        conditions.mark_false(ConditionType::READY, A, "ä".repeat(MESSAGE_LIMIT));
        let message = conditions.message(ConditionType::READY);
        assert!(message.len() <= MESSAGE_LIMIT && message.len() >= MESSAGE_LIMIT - 1);
        assert!(message.ends_with("ä..."));
        conditions.mark_false(ConditionType::READY, A, "x".repeat(MESSAGE_LIMIT));
        assert_eq!(
            conditions.message(ConditionType::READY).len(),
            MESSAGE_LIMIT
        );
        assert!(conditions.message(ConditionType::READY).ends_with('x'));
    }
}
