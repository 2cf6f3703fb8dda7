//! What the pods of a workload add to its own status.
//!
//! A ReplicaSet or StatefulSet that is on its way will not get there with a failed pod (cli-utils
//! `kstatus/polling/statusreaders`). Parity: a Deployment's pods are not asked.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::Selector;
use serde_json::{Value, json};

use super::{Status, compute, conditions};
use crate::object::{GroupKind, Object};

/// Tells whether pods decide about objects of this kind while they are on their way.
pub(crate) fn decide(kind: &GroupKind) -> bool {
    matches!(
        (kind.group.as_str(), kind.kind.as_str()),
        ("apps", "StatefulSet") | ("apps" | "extensions", "ReplicaSet")
    )
}

/// Returns the selector of a workload's pods as a query writes it.
pub(crate) fn selector(workload: &Object) -> Option<String> {
    let selector = workload.get(&["spec", "selector"])?.clone();
    let selector: LabelSelector = serde_json::from_value(selector).ok()?;
    let selector = Selector::try_from(selector).ok()?;
    (!selector.selects_all()).then(|| selector.to_string())
}

/// Returns the status of a workload on its way, given its pods.
pub(crate) fn judge(status: Status, pods: &[Object], now: Timestamp) -> Status {
    let is_stuck = |pod: &Object| {
        // A list leaves out what all its items are.
        let mut pod = pod.clone();
        pod.set(&["apiVersion"], json!("v1"));
        pod.set(&["kind"], json!("Pod"));
        compute(&pod, now) == Status::Failed && !is_unschedulable(&pod)
    };
    if pods.iter().any(is_stuck) {
        Status::Failed
    } else {
        status
    }
}

/// Tells whether a pod only waits for room, which may come.
fn is_unschedulable(pod: &Object) -> bool {
    pod.get(&["status", "phase"]).and_then(Value::as_str) == Some("Pending")
        && conditions(pod).any(|condition| {
            condition.kind == "PodScheduled"
                && condition.status == "False"
                && condition.reason == "Unschedulable"
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(status: Value) -> Object {
        Object::try_from(json!({"metadata": {"name": "p"}, "status": status})).unwrap()
    }

    fn crashing() -> Value {
        let waiting = json!({"state": {"waiting": {"reason": "CrashLoopBackOff"}}});
        json!({"phase": "Running", "containerStatuses": [waiting]})
    }

    #[test]
    fn one_crashing_pod_fails_a_workload_that_is_on_its_way() {
        let now = Timestamp::now();
        let fine = pod(json!({"phase": "Running"}));
        let judge = |pods: &[Object]| judge(Status::InProgress, pods, now);
        assert_eq!(judge(&[]), Status::InProgress);
        assert_eq!(judge(std::slice::from_ref(&fine)), Status::InProgress);
        assert_eq!(judge(&[fine, pod(crashing())]), Status::Failed);
    }

    #[test]
    fn a_pod_that_ends_or_only_waits_for_room_is_no_failure() {
        let mut ending = pod(crashing());
        ending.set(
            &["metadata", "deletionTimestamp"],
            json!("2024-01-01T00:00:00Z"),
        );
        let no_room = pod(json!({"phase": "Pending", "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}));
        let judged = judge(Status::InProgress, &[ending, no_room], Timestamp::now());
        assert_eq!(judged, Status::InProgress);
    }

    #[test]
    fn selectors_are_written_as_a_query() {
        let workload =
            |selector: Value| Object::try_from(json!({"spec": {"selector": selector}})).unwrap();
        let matched = workload(json!({"matchLabels": {"app": "db"}}));
        assert_eq!(selector(&matched).as_deref(), Some("app=db"));
        assert_eq!(
            selector(&workload(json!({}))),
            None,
            "it would match every pod"
        );
    }
}
