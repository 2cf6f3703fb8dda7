//! Group `notification.toolkit.fluxcd.io`: what goes out, and what comes in.

pub mod v1;
pub mod v1beta3;

mod event_source;

pub use event_source::EventSourceKind;
