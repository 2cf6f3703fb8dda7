//! Events to providers; webhooks to reconcile requests: the notification-controller.
//!
//! An event comes as a POST or as a marked core/v1 Event, passes [`pipeline`], stands in [`outbox`] and is
//! brought to its provider by [`delivery`]. A webhook call passes [`hook`] and ends as a reconcile request.
//! [`run`] sets everything up. The surprise: both roads of an event are one delivery, told by its id.

pub mod args;
pub mod cel;
mod cluster;
mod controllers;
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
mod run;
pub mod serve;
#[cfg(test)]
mod testing;
mod watch;

pub use run::run;
