//! One watch: everything of one kind that carries our owner label, in all namespaces.
//!
//! Kinds without a status are watched by metadata alone. Where our identity may not watch, the
//! index stays blind for the kind and its owners fall back to their intervals.

use std::collections::HashSet;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, pin_mut};
use kube::core::{ApiResource, PartialObjectMeta};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch};
use kube::{Api, Client};

use super::Inner;
use super::narrow::{Narrow, metadata_only};
use super::state::Blind;
use crate::cluster::{self, Kind};
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
        let why = match found {
            Ok(found) => watch_kind(&index, &kind, &found, client, &selector).await,
            Err(cluster::Error::NoSuchKindInGroup(_)) => Blind::Unserved,
            Err(_) => Blind::Forbidden,
        };
        if let Some(inner) = index.upgrade() {
            // Its preferred version may be another by now.
            inner.cluster.forget(&kind);
            go_blind(&inner, &kind, why);
        }
        tokio::time::sleep(BLIND).await;
    }
}

async fn watch_kind(
    index: &Weak<Inner>,
    kind: &GroupKind,
    found: &Kind,
    client: Client,
    selector: &str,
) -> Blind {
    let resource = resource_of(found);
    let config = watcher::Config::default().labels(selector).page_size(PAGE);
    if found.has_status {
        let api: Api<Narrow> = Api::all_with(client, &resource);
        let events = watch(api, config)
            .default_backoff()
            .map_ok(|event| map(event, |narrow: Narrow| narrow.into_object(&resource)));
        follow(index, kind, events).await
    } else {
        // kube asks for metadata only when it is asked for such objects.
        let api: Api<PartialObjectMeta<Narrow>> = Api::all_with(client, &resource);
        let events = watch(api, config)
            .default_backoff()
            .map_ok(|event| map(event, |partial| metadata_only(partial.metadata, &resource)));
        follow(index, kind, events).await
    }
}

/// Follows a watch until it cannot go on.
async fn follow(
    index: &Weak<Inner>,
    kind: &GroupKind,
    events: impl futures::Stream<Item = Result<Event<Object>, watcher::Error>>,
) -> Blind {
    pin_mut!(events);
    let mut shown = HashSet::new();
    while let Some(event) = events.next().await {
        let Some(inner) = index.upgrade() else { break };
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
            Err(error) => {
                let (kind, group) = (&kind.kind, &kind.group);
                if let Some(why) = final_error(&error) {
                    tracing::info!(%kind, %group, %error, "kind is not watched");
                    return why;
                }
                tracing::debug!(%kind, %group, %error, "watch interrupted");
            }
        }
    }
    Blind::Unserved
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

fn go_blind(inner: &Arc<Inner>, kind: &GroupKind, why: Blind) {
    let waiting = {
        let mut state = inner.lock();
        let waiting = state.waiting_for(kind);
        state.unsynced(kind, why);
        waiting
    };
    for owner in waiting {
        inner.owners.wake(&owner);
    }
}

/// Tells why asking again at once is pointless, if it is.
fn final_error(error: &watcher::Error) -> Option<Blind> {
    let (watcher::Error::InitialListFailed(cause)
    | watcher::Error::WatchStartFailed(cause)
    | watcher::Error::WatchFailed(cause)) = error
    else {
        return None;
    };
    let kube::Error::Api(status) = cause else {
        return None;
    };
    match status.code {
        401 | 403 => Some(Blind::Forbidden),
        404 | 405 => Some(Blind::Unserved),
        _ => None,
    }
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
