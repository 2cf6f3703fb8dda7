//! Events in, effects out: each rule of the index on data alone.

use super::super::fight::FIGHT_WINDOW;
use super::*;
use crate::managed_fields::Managers;
use crate::object::Object;
use serde_json::{Value, json};

const GROUP: &str = "kustomize.toolkit.fluxcd.io";
const US: &str = "kustomize-controller";

fn owner(name: &str) -> OwnerKey {
    OwnerKey {
        namespace: "n".into(),
        name: name.into(),
    }
}

fn id() -> ObjectId {
    "n_web_apps_Deployment".parse().unwrap()
}

/// A Deployment as a watch shows it: version, who owns it, what we hold.
fn object(version: u64, owned_by: &str, fields: &Value) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {
            "name": "web", "namespace": "n", "uid": "u1", "resourceVersion": version.to_string(),
            "labels": {format!("{GROUP}/name"): owned_by, format!("{GROUP}/namespace"): "n"},
            "managedFields": [{"manager": US, "operation": "Apply", "fieldsV1": fields}],
        },
        "spec": {"replicas": 0},
    })
}

fn whole() -> Value {
    json!({"f:spec": {"f:replicas": {}}})
}

fn look(value: Value) -> Observation {
    let managers = Managers::new(US, &[]);
    Observation::of(&Object::try_from(value).unwrap(), GROUP, US, &managers)
}

/// An index in which `app` applied the Deployment at version 10.
fn applied() -> (State, Instant) {
    let (mut state, now) = (State::default(), Instant::now());
    assert_eq!(
        state.record(&owner("app"), look(object(10, "app", &whole())), 7, now),
        []
    );
    assert!(
        state
            .synced(&id().group_kind(), &HashSet::from([id()]))
            .is_empty()
    );
    (state, now)
}

const AT_ONCE: [Effect; 1] = [Effect::Suspect(Duration::ZERO)];

#[test]
fn an_object_is_as_desired_only_for_the_same_manifest_and_owner_under_a_synced_watch() {
    let (mut state, _) = applied();
    assert_eq!(state.knows(&owner("app"), &id(), 7), Known::AsDesired);
    assert_eq!(state.knows(&owner("app"), &id(), 8), Known::Nothing);
    assert_eq!(state.knows(&owner("other"), &id(), 7), Known::Nothing);
    state.unsynced(&id().group_kind(), Blind::Forbidden);
    assert_eq!(state.knows(&owner("app"), &id(), 7), Known::Nothing);
}

#[test]
fn a_field_taken_from_us_is_drift() {
    let (mut state, now) = applied();
    assert_eq!(
        state.observe(look(object(11, "app", &json!({}))), now),
        AT_ONCE
    );
    assert_eq!(state.accused(&id()), Some(owner("app")));
    assert_eq!(state.knows(&owner("app"), &id(), 7), Known::Nothing);
}

#[test]
fn what_others_add_is_no_drift() {
    let (mut state, now) = applied();
    let mut value = object(11, "app", &whole());
    value["metadata"]["managedFields"]
        .as_array_mut()
        .unwrap()
        .push(
            json!({"manager": "hpa", "operation": "Update", "fieldsV1": {"f:spec": {"f:x": {}}}}),
        );
    assert_eq!(state.observe(look(value), now), []);
    assert_eq!(state.knows(&owner("app"), &id(), 7), Known::AsDesired);
}

#[test]
fn a_manager_that_is_taken_over_is_drift_even_if_it_only_adds() {
    let (mut state, now) = applied();
    let mut value = object(11, "app", &whole());
    value["metadata"]["managedFields"]
        .as_array_mut()
        .unwrap()
        .push(json!({"manager": "kubectl-edit", "operation": "Update", "fieldsV1": {"f:x": {}}}));
    assert_eq!(state.observe(look(value), now), AT_ONCE);
}

#[test]
fn an_event_older_than_our_last_answer_is_never_drift() {
    let (mut state, now) = applied();
    assert_eq!(state.observe(look(object(9, "app", &json!({}))), now), []);
    assert_eq!(state.observe(look(object(10, "app", &whole())), now), []);
    assert_eq!(state.knows(&owner("app"), &id(), 7), Known::AsDesired);
}

#[test]
fn our_own_write_is_no_drift_even_when_the_watch_is_faster_than_the_answer() {
    let (mut state, now) = applied();
    let new = json!({"f:spec": {"f:replicas": {}, "f:paused": {}}});
    let baseline = state.release(&id());
    assert!(baseline.is_some());
    assert_eq!(state.observe(look(object(12, "app", &new)), now), []);
    assert_eq!(
        state.record(&owner("app"), look(object(12, "app", &new)), 8, now),
        []
    );
    assert_eq!(state.knows(&owner("app"), &id(), 8), Known::AsDesired);
}

#[test]
fn an_edit_between_our_write_and_its_answer_is_seen_when_the_answer_comes() {
    let (mut state, now) = applied();
    state.release(&id());
    assert_eq!(state.observe(look(object(13, "app", &json!({}))), now), []);
    assert_eq!(
        state.record(&owner("app"), look(object(12, "app", &whole())), 8, now),
        AT_ONCE
    );
}

#[test]
fn a_write_that_failed_leaves_the_object_minded() {
    let (mut state, now) = applied();
    let baseline = state.release(&id()).unwrap();
    state.restore(&id(), baseline);
    assert_eq!(
        state.observe(look(object(11, "app", &json!({}))), now),
        AT_ONCE
    );
}

#[test]
fn an_object_that_another_owner_applied_is_minded_by_that_owner_only() {
    let (mut state, now) = applied();
    assert_eq!(
        state.observe(look(object(11, "other", &json!({}))), now),
        []
    );
    assert_eq!(state.accused(&id()), None);
}

#[test]
fn a_vanished_object_is_looked_into_and_can_be_created_unseen() {
    let (mut state, now) = applied();
    assert_eq!(state.vanished(&id(), Some("u1"), now), AT_ONCE);
    assert_eq!(state.accused(&id()), Some(owner("app")));
    assert_eq!(state.knows(&owner("app"), &id(), 7), Known::Absent);
    assert_eq!(state.status(&id()), Some(Status::NotFound));
}

#[test]
fn the_end_of_an_older_object_of_the_name_is_nothing() {
    let (mut state, now) = applied();
    assert_eq!(state.vanished(&id(), Some("u0"), now), []);
    assert_eq!(state.knows(&owner("app"), &id(), 7), Known::AsDesired);
}

#[test]
fn what_somebody_else_brings_back_is_held_against_how_we_left_it() {
    let (mut state, now) = applied();
    state.vanished(&id(), Some("u1"), now);
    let mut value = object(12, "app", &json!({}));
    value["metadata"]["uid"] = json!("u2");
    assert_eq!(state.observe(look(value), now), AT_ONCE);
}

#[test]
fn what_we_delete_ourselves_is_no_drift() {
    let (mut state, now) = applied();
    state.release(&id());
    assert_eq!(state.vanished(&id(), Some("u1"), now), []);
}

#[test]
fn nothing_is_corrected_while_an_object_is_being_deleted() {
    let (mut state, now) = applied();
    let mut value = object(11, "app", &json!({}));
    value["metadata"]["deletionTimestamp"] = json!("2024-01-01T00:00:00Z");
    assert_eq!(state.observe(look(value), now), []);
    assert_eq!(state.status(&id()), Some(Status::Terminating));
}

#[test]
fn each_opt_out_on_the_live_object_stops_corrections() {
    for (key, value) in [
        ("kustomize.toolkit.fluxcd.io/reconcile", "disabled"),
        ("kustomize.toolkit.fluxcd.io/ssa", "Merge"),
        ("kustomize.toolkit.fluxcd.io/ssa", "IfNotPresent"),
        ("kustomize.toolkit.fluxcd.io/ssa", "Ignore"),
        ("fjord.dev/drift", "disabled"),
    ] {
        let (mut state, now) = applied();
        let mut drifted = object(11, "app", &json!({}));
        drifted["metadata"]["annotations"] = json!({key: value});
        assert_eq!(state.observe(look(drifted), now), [], "{key}: {value}");
        assert_eq!(state.knows(&owner("app"), &id(), 7), Known::Nothing);
    }
}

#[test]
fn a_fight_backs_off_and_is_told_once() {
    let (mut state, now) = applied();
    let mut delays = Vec::new();
    let mut told = 0;
    for round in 0_u64..8 {
        let effects = state.observe(look(object(20 + 2 * round, "app", &json!({}))), now);
        let [Effect::Suspect(delay)] = effects[..] else {
            panic!("round {round}: {effects:?}")
        };
        delays.push(delay.as_secs());
        state.release(&id());
        state.record(
            &owner("app"),
            look(object(21 + 2 * round, "app", &whole())),
            7,
            now,
        );
        told += usize::from(state.corrected(&id(), false, now).fight);
    }
    assert_eq!(delays, [0, 0, 0, 0, 1, 2, 4, 8]);
    assert_eq!(told, 1);
    let later = now + FIGHT_WINDOW + Duration::from_secs(1);
    assert_eq!(
        state.observe(look(object(99, "app", &json!({}))), later),
        AT_ONCE
    );
}

#[test]
fn a_change_during_a_correction_is_looked_into_afterwards() {
    let (mut state, now) = applied();
    assert_eq!(
        state.observe(look(object(11, "app", &json!({}))), now),
        AT_ONCE
    );
    state.release(&id());
    state.record(&owner("app"), look(object(12, "app", &whole())), 7, now);
    assert_eq!(state.observe(look(object(13, "app", &json!({}))), now), []);
    assert_eq!(
        state.corrected(&id(), false, now).again,
        Some(Duration::ZERO)
    );
}

#[test]
fn an_awaited_status_wakes_its_owner() {
    let (mut state, now) = applied();
    assert_eq!(state.await_health(&owner("app"), &[id()]), []);
    let mut ready = object(11, "app", &whole());
    ready["status"] = json!({"conditions": [{"type": "Available", "status": "True"}]});
    ready["spec"]["progressDeadlineSeconds"] = json!(null);
    assert_eq!(
        state.observe(look(ready), now),
        [Effect::Wake(owner("app"))]
    );
    assert_eq!(state.status(&id()), Some(Status::Current));
    let unknown: ObjectId = "n_x_apps_Deployment".parse().unwrap();
    assert_eq!(
        state.await_health(&owner("app"), std::slice::from_ref(&unknown)),
        std::slice::from_ref(&unknown)
    );
}

#[tokio::test]
async fn a_watch_is_opened_for_the_first_object_of_a_kind_and_closed_after_the_last() {
    let mut state = State::default();
    let kind = id().group_kind();
    assert_eq!(
        state.own(&owner("app"), HashSet::from([id()])),
        std::slice::from_ref(&kind)
    );
    let task = tokio::spawn(std::future::pending::<()>());
    state.opened(kind.clone(), task.abort_handle());
    assert!(state.own(&owner("other"), HashSet::from([id()])).is_empty());
    state.disown(&owner("other"));
    assert_eq!(state.size(), (0, 1));
    state.disown(&owner("app"));
    assert_eq!(state.size(), (0, 0));
    assert!(task.await.unwrap_err().is_cancelled());
}

#[test]
fn objects_that_nobody_here_owns_are_not_kept() {
    let mut state = State::default();
    state.own(&owner("app"), HashSet::from([id()]));
    assert_eq!(
        state.observe(look(object(5, "stranger", &whole())), Instant::now()),
        []
    );
    assert_eq!(state.size().0, 0);
}

#[tokio::test]
async fn a_kind_that_is_served_by_now_is_watched_at_once() {
    let mut state = State::default();
    let kind = id().group_kind();
    state.own(&owner("app"), HashSet::from([id()]));
    let task = || tokio::spawn(std::future::pending::<()>()).abort_handle();
    for (why, reopened) in [(Blind::Forbidden, 0), (Blind::Unserved, 1)] {
        state.opened(kind.clone(), task());
        state.unsynced(&kind, why);
        state.record(
            &owner("app"),
            look(object(10, "app", &whole())),
            7,
            Instant::now(),
        );
        assert_eq!(state.unopened().len(), reopened, "{why:?}");
    }
}
