use std::sync::Mutex;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::runtime::watcher::Event;
use serde_json::json;

use super::*;

fn config_map(name: &str, version: u32, value: &str) -> ConfigMap {
    serde_json::from_value(json!({
        "metadata": {"namespace": "ns", "name": name, "uid": name, "resourceVersion": version.to_string(),
            "managedFields": [{"manager": "kubectl"}]},
        "data": {"ref": value},
    }))
    .unwrap()
}

fn value(store: &Store<ConfigMap>, name: &str) -> Option<String> {
    store
        .get(&ObjectKey::new("ns", name))?
        .data
        .as_ref()?
        .get("ref")
        .cloned()
}

#[test]
fn an_event_older_than_our_own_write_does_not_replace_it() {
    let store = Store::watch().detached([config_map("a", 1, "old")]);
    store.wrote(config_map("a", 7, "ours"));
    store.accept(Event::Apply(config_map("a", 5, "between")));
    assert_eq!(value(&store, "a").as_deref(), Some("ours"));
    store.accept(Event::Apply(config_map("a", 8, "newer")));
    assert_eq!(value(&store, "a").as_deref(), Some("newer"));
}

#[test]
fn an_answer_to_our_write_does_not_bring_a_deleted_object_back() {
    let store = Store::watch().detached([config_map("a", 1, "old")]);
    store.accept(Event::Delete(config_map("a", 3, "old")));
    store.wrote(config_map("a", 2, "ours"));
    assert_eq!(value(&store, "a"), None);
}

#[test]
fn a_fresh_list_removes_what_is_gone_and_may_lower_a_version() {
    let store = Store::watch().detached([config_map("a", 10, "a"), config_map("b", 11, "b")]);
    store.accept(Event::Init);
    store.accept(Event::InitApply(config_map("a", 4, "restored")));
    store.accept(Event::InitDone);
    assert_eq!(value(&store, "a").as_deref(), Some("restored"));
    assert_eq!(value(&store, "b"), None);
}

#[test]
fn a_list_that_began_before_our_write_does_not_replace_it() {
    let store = Store::watch().detached([config_map("a", 10, "a")]);
    store.accept(Event::Init);
    store.wrote(config_map("a", 12, "ours"));
    store.accept(Event::InitApply(config_map("a", 11, "listed")));
    store.accept(Event::InitDone);
    assert_eq!(value(&store, "a").as_deref(), Some("ours"));
}

#[test]
fn an_index_follows_its_objects() {
    let store = Store::<ConfigMap>::watch()
        .index("ref", |c| {
            c.data
                .iter()
                .filter_map(|d| d.get("ref").cloned())
                .collect()
        })
        .detached([config_map("a", 1, "x"), config_map("b", 2, "x")]);
    let names = |value: &str| -> Vec<String> {
        store
            .by_index("ref", value)
            .iter()
            .map(|c| c.name_any())
            .collect()
    };
    assert_eq!(names("x"), ["a", "b"]);
    store.accept(Event::Apply(config_map("a", 3, "y")));
    assert_eq!(
        (names("x"), names("y")),
        (vec!["b".to_owned()], vec!["a".to_owned()])
    );
    store.accept(Event::Delete(config_map("b", 4, "x")));
    assert!(names("x").is_empty());
}

#[test]
fn a_handler_hears_each_change_once_and_managed_fields_are_dropped() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let sink = heard.clone();
    let store = Store::<ConfigMap>::watch()
        .on_change(move |before, after| {
            sink.lock()
                .unwrap()
                .push((before.is_some(), after.is_some()));
        })
        .detached([config_map("a", 1, "x")]);
    store.accept(Event::Apply(config_map("a", 1, "x")));
    store.wrote(config_map("a", 2, "y"));
    store.accept(Event::Apply(config_map("a", 2, "y")));
    store.accept(Event::Delete(config_map("a", 3, "y")));
    assert_eq!(
        *heard.lock().unwrap(),
        [(false, true), (true, true), (true, false)]
    );
    let kept = Store::watch()
        .detached([config_map("b", 1, "x")])
        .get(&ObjectKey::new("ns", "b"))
        .unwrap();
    assert!(kept.metadata.managed_fields.is_none());
}

#[tokio::test]
async fn nobody_waits_for_a_list_that_will_not_come() {
    let store = Store::<ConfigMap>::new(Store::watch());
    assert!(!store.is_ready());
    store.give_up();
    tokio::time::timeout(std::time::Duration::from_secs(1), store.ready())
        .await
        .unwrap();
}
