//! Events to providers; webhooks to reconcile requests.

pub mod dedupe;
pub mod delivery;
pub mod directory;
pub mod event;
pub mod go_regex;
pub mod hook;
pub mod matching;
pub mod metadata;
pub mod metrics;
pub mod outbox;
pub mod pipeline;
pub mod provider;

#[cfg(test)]
mod testing;
