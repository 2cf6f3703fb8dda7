//! Group `helm.toolkit.fluxcd.io`: what is installed from a chart.

pub mod v2;
