//! Changes of each object for itself: all that follow one another run over one object before the next is touched.
//!
//! The trees of a large build are larger than the caches of the processor, so that every walk over all of them costs
//! as much as what it does there.

use crate::error::Error;
use crate::fieldspec::Spec;
use crate::resmap::ResMap;
use crate::resource::Resource;

/// A change of one object that looks at no other.
pub(crate) struct Each<'a> {
    change: Box<Change<'a>>,
    identifies: bool,
}

type Change<'a> = dyn Fn(&mut Resource) -> Result<(), Error> + 'a;

impl<'a> Each<'a> {
    /// Makes a change of what the specs lead to.
    pub(crate) fn new(
        specs: &[Spec],
        change: impl Fn(&mut Resource) -> Result<(), Error> + 'a,
    ) -> Self {
        Self {
            change: Box::new(change),
            identifies: specs.iter().any(Spec::identifies),
        }
    }

    /// Runs changes over all objects.
    ///
    /// # Errors
    /// That of the first change that fails for any object, as if each had run over all objects before the next.
    pub(crate) fn run(changes: &[Self], map: &mut ResMap) -> Result<(), Error> {
        if changes.is_empty() {
            return Ok(());
        }
        let identities = changes.iter().any(|change| change.identifies);
        let mut changes = changes;
        let mut failed = Ok(());
        for object in map.objects_mut(identities) {
            for (place, each) in changes.iter().enumerate() {
                if let Err(error) = (each.change)(object) {
                    changes = &changes[..place];
                    failed = Err(error);
                    break;
                }
            }
        }
        failed
    }
}
