//! Version `v1beta3`: Alert and Provider, which have no status.

mod alert;
mod provider;

pub use alert::{Alert, AlertSpec, EventSource, Severity};
pub use provider::{Provider, ProviderSpec, ProviderType};
