//! One look at an object, reduced to what the index compares.

use jiff::Timestamp;

use super::OwnerKey;
use crate::managed_fields::{self, Managers, takeover_patch};
use crate::object::{Object, ObjectId};
use crate::status::{self, Status};

/// One look at an object, reduced to what the index compares.
#[derive(Clone, Debug)]
pub(super) struct Observation {
    pub(super) id: ObjectId,
    pub(super) owner: Option<OwnerKey>,
    pub(super) seen: Seen,
}

/// The compact entry of one object.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seen {
    pub(super) uid: Box<str>,
    pub(super) version: u64,
    /// A hash of the fields our manager applied.
    pub(super) fields: u64,
    pub(super) status: Status,
    /// Some manager holds fields that an apply would take over.
    pub(super) foreign: bool,
    pub(super) deleting: bool,
    /// Live metadata asks for special treatment, so an apply must look at the object.
    pub(super) controlled: bool,
    /// Live metadata asks that drift be left to the interval.
    pub(super) hands_off: bool,
}

impl Observation {
    /// Reduces an object, of which metadata must be whole.
    pub(super) fn of(live: &Object, group: &str, us: &str, managers: &Managers) -> Self {
        let label = |name: &str| live.label(&format!("{group}/{name}")).map(str::to_owned);
        let owner = match (label("namespace"), label("name")) {
            (Some(namespace), Some(name)) => Some(OwnerKey { namespace, name }),
            _ => None,
        };
        let says = |name: &str, value: &str| live.metadata_says(&format!("{group}/{name}"), value);
        let merges = says("ssa", "Merge");
        let left_alone = says("reconcile", "disabled") || says("ssa", "Ignore");
        let seen = Seen {
            uid: live.uid().into(),
            version: version_of(live),
            fields: managed_fields::hash(live, us),
            status: status::compute(live, Timestamp::now()),
            foreign: !merges && takeover_patch(live, managers).is_some(),
            deleting: live.get(&["metadata", "deletionTimestamp"]).is_some(),
            controlled: left_alone,
            hands_off: left_alone
                || merges
                || says("ssa", "IfNotPresent")
                || live.metadata_says("fjord.dev/drift", "disabled"),
        };
        Self {
            id: live.id(),
            owner,
            seen,
        }
    }
}

/// Reads a resource version as the number that API servers promise it to be.
fn version_of(live: &Object) -> u64 {
    live.resource_version().parse().unwrap_or(0)
}
