//! Events to providers; webhooks to reconcile requests.

pub mod dedupe;
pub mod event;
pub mod go_regex;
pub mod hook;
pub mod matching;
pub mod metadata;
pub mod outbox;
