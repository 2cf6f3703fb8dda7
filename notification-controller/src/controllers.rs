//! The reconcilers of the three kinds (notification-controller §1.5). Only Receivers have a status.

pub(crate) mod alert;
pub(crate) mod provider;
pub(crate) mod receiver;
