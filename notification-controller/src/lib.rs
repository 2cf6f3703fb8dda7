//! Events to providers; webhooks to reconcile requests.

pub mod cel;
pub mod dedupe;
pub mod delivery;
pub mod directory;
pub mod event;
pub mod events_server;
pub mod go_regex;
pub mod hook;
pub mod matching;
pub mod metadata;
pub mod metrics;
pub mod outbox;
pub mod pipeline;
pub mod provider;
pub mod serve;

#[cfg(test)]
mod testing;
