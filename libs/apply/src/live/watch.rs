//! One watch: everything of one kind that carries our owner label, in all namespaces.
//!
//! Kinds without a status are watched by metadata alone. Where our identity may not watch, the
//! index stays blind for the kind and its owners fall back to their intervals.

use std::collections::HashSet;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, pin_mut};
use kube::Api;
use kube::core::{ApiResource, PartialObjectMeta};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch};

use super::Inner;
use super::narrow::{Narrow, metadata_only};
use crate::cluster::Kind;
use crate::object::{GroupKind, Object, ObjectId};

/// How long to leave a kind alone that we may not watch or that nobody serves.
const BLIND: Duration = Duration::from_secs(60);
const PAGE: u32 = 250;

/// Watches one kind until the index is dropped or the task is aborted.
pub(super) async fn run(index: Weak<Inner>, kind: GroupKind) {
    loop {
        let Some(inner) = index.upgrade() else { return };
        let found = inner.cluster.preferred_kind(&kind).await;
        let client = inner.cluster.client().clone();
        let selector = format!("{}/name", inner.config.group);
        drop(inner);
        if let Ok(found) = found {
            let resource = resource_of(&found);
            let config = watcher::Config::default().labels(&selector).page_size(PAGE);
            if found.has_status {
                let api: Api<Narrow> = Api::all_with(client, &resource);
                let events = watch(api, config)
                    .default_backoff()
                    .map_ok(|event| map(event, |narrow: Narrow| narrow.into_object(&resource)));
                follow(&index, &kind, events).await;
            } else {
                // kube asks for metadata only when it is asked for such objects.
                let api: Api<PartialObjectMeta<Narrow>> = Api::all_with(client, &resource);
                let events = watch(api, config).default_backoff().map_ok(|event| {
                    map(event, |partial| metadata_only(partial.metadata, &resource))
                });
                follow(&index, &kind, events).await;
            }
        }
        if let Some(inner) = index.upgrade() {
            go_blind(&inner, &kind);
        }
        tokio::time::sleep(BLIND).await;
    }
}

/// Follows a watch until it cannot go on.
async fn follow(
    index: &Weak<Inner>,
    kind: &GroupKind,
    events: impl futures::Stream<Item = Result<Event<Object>, watcher::Error>>,
) {
    pin_mut!(events);
    let mut shown = HashSet::new();
    while let Some(event) = events.next().await {
        let Some(inner) = index.upgrade() else { return };
        match event {
            Ok(Event::Init) => shown.clear(),
            Ok(Event::InitApply(object)) => {
                shown.insert(object.id());
                inner.observe(object);
            }
            Ok(Event::InitDone) => finish_list(&inner, kind, std::mem::take(&mut shown)),
            Ok(Event::Apply(object)) => inner.observe(object),
            Ok(Event::Delete(object)) => {
                let uid = object.uid().to_owned();
                inner.vanished(&object.id(), Some(&uid));
            }
            Err(error) if is_final(&error) => {
                tracing::info!(kind = %kind.kind, group = %kind.group, %error, "kind is not watched");
                return;
            }
            Err(error) => {
                tracing::debug!(kind = %kind.kind, group = %kind.group, %error, "watch interrupted");
            }
        }
    }
}

fn finish_list(inner: &Arc<Inner>, kind: &GroupKind, shown: HashSet<ObjectId>) {
    let (absent, waiting) = {
        let mut state = inner.lock();
        (state.synced(kind, &shown), state.waiting_for(kind))
    };
    for id in absent {
        inner.vanished(&id, None);
    }
    for owner in waiting {
        inner.owners.wake(&owner);
    }
}

fn go_blind(inner: &Arc<Inner>, kind: &GroupKind) {
    let waiting = {
        let mut state = inner.lock();
        let waiting = state.waiting_for(kind);
        state.unsynced(kind);
        waiting
    };
    for owner in waiting {
        inner.owners.wake(&owner);
    }
}

/// Tells whether asking again at once is pointless.
fn is_final(error: &watcher::Error) -> bool {
    let (watcher::Error::InitialListFailed(cause)
    | watcher::Error::WatchStartFailed(cause)
    | watcher::Error::WatchFailed(cause)) = error
    else {
        return false;
    };
    matches!(cause, kube::Error::Api(status) if matches!(status.code, 401 | 403 | 404 | 405))
}

fn resource_of(kind: &Kind) -> ApiResource {
    ApiResource {
        group: kind.gvk.group.clone(),
        version: kind.gvk.version.clone(),
        api_version: kind.gvk.api_version(),
        kind: kind.gvk.kind.clone(),
        plural: kind.plural.clone(),
    }
}

fn map<T>(event: Event<T>, into: impl Fn(T) -> Object) -> Event<Object> {
    match event {
        Event::Apply(object) => Event::Apply(into(object)),
        Event::Delete(object) => Event::Delete(into(object)),
        Event::Init => Event::Init,
        Event::InitApply(object) => Event::InitApply(into(object)),
        Event::InitDone => Event::InitDone,
    }
}
