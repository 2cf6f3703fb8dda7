//! A real Kubernetes control plane and a real Git server on this machine, for
//! `fjord dev` and for the tests.
//!
//! Owns the building of the control plane's programs, their start, kill and
//! restart, the certificates and tokens they need, and the audit log. Knows no
//! Flux kind and no controller. The surprise: everything started here dies with
//! this process even when that is killed with SIGKILL, because a small shell
//! outside of it waits for a pipe to close ([`Family`]).

mod control_plane;
pub mod definitions;
mod family;
mod git_server;
mod programs;
mod repository;

pub use control_plane::{
    ADMIN, AuditedRequest, ControlPlane, Error as ControlPlaneError, Options, PodLog, User,
    free_port,
};
pub use family::{Error as FamilyError, Family, Member};
pub use git_server::{Access, Error as GitServerError, GitServer, Options as GitServerOptions};
pub use programs::build::Error as BuildError;
pub use programs::{Error as ProgramsError, Program, Programs};
pub use repository::{Error as RepositoryError, Repository};
