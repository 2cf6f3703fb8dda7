//! The rules of the built-in kinds, one function each (cli-utils `kstatus/status/core.go`).

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{Status, conditions, int, text};
use crate::object::Object;

/// How long a Pod may be unschedulable before that counts as a failure.
const SCHEDULE_WINDOW: SignedDuration = SignedDuration::from_secs(15);

/// Returns the status of a kind with rules of its own.
pub(super) fn status(object: &Object, now: Timestamp) -> Option<Status> {
    Some(match (object.group(), object.kind()) {
        ("", "Secret" | "ConfigMap") | ("batch", "CronJob") | ("policy", "PodDisruptionBudget") => {
            Status::Current
        }
        ("", "Service") => service(object),
        ("", "Pod") => pod(object, now),
        ("", "PersistentVolumeClaim") => current_if(text(object, &["status", "phase"]) == "Bound"),
        ("apps", "StatefulSet") => stateful_set(object),
        ("apps" | "extensions", "DaemonSet") => daemon_set(object),
        ("apps" | "extensions", "Deployment") => deployment(object),
        ("apps" | "extensions", "ReplicaSet") => replica_set(object),
        ("batch", "Job") => job(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => crd(object),
        _ => return None,
    })
}

fn current_if(ready: bool) -> Status {
    if ready {
        Status::Current
    } else {
        Status::InProgress
    }
}

/// Parity: the external address of a load balancer is not awaited.
fn service(object: &Object) -> Status {
    let waits = text(object, &["spec", "type"]) == "LoadBalancer"
        && text(object, &["spec", "clusterIP"]).is_empty();
    current_if(!waits)
}

fn pod(object: &Object, now: Timestamp) -> Status {
    let has = |kind: &str, status: &str, reason: Option<&str>| {
        conditions(object)
            .find(|c| c.kind == kind && c.status == status)
            .is_some_and(|c| reason.is_none_or(|reason| c.reason == reason))
    };
    match text(object, &["status", "phase"]) {
        "Succeeded" | "Failed" => Status::Current,
        "Running" if has("Ready", "True", None) => Status::Current,
        "Running" if is_crash_looping(object) => Status::Failed,
        "Pending" if has("PodScheduled", "False", Some("Unschedulable")) => {
            let created = text(object, &["metadata", "creationTimestamp"]).parse::<Timestamp>();
            let fresh = created.is_ok_and(|created| now - SCHEDULE_WINDOW < created);
            if fresh {
                Status::InProgress
            } else {
                Status::Failed
            }
        }
        "Running" | "Pending" | "" => Status::InProgress,
        // A phase nobody knows is an error of the reader.
        _ => Status::Unknown,
    }
}

fn is_crash_looping(pod: &Object) -> bool {
    let containers = pod
        .get(&["status", "containerStatuses"])
        .and_then(Value::as_array);
    containers.into_iter().flatten().any(|container| {
        container
            .pointer("/state/waiting/reason")
            .and_then(Value::as_str)
            == Some("CrashLoopBackOff")
    })
}

fn deployment(object: &Object) -> Status {
    let count = |name: &str| int(object, &["status", name]).unwrap_or(0);
    let no_deadline = i64::from(i32::MAX);
    let deadline = int(object, &["spec", "progressDeadlineSeconds"]).unwrap_or(no_deadline);
    let mut progressing = deadline == no_deadline;
    let mut available = false;
    for condition in conditions(object) {
        match condition.kind {
            "Progressing" if condition.reason == "ProgressDeadlineExceeded" => {
                return Status::Failed;
            }
            "Progressing" => {
                progressing |=
                    condition.status == "True" && condition.reason == "NewReplicaSetAvailable";
            }
            "Available" => available |= condition.status == "True",
            _ => {}
        }
    }
    let desired = int(object, &["spec", "replicas"]).unwrap_or(1);
    current_if(
        count("replicas") == desired
            && count("updatedReplicas") >= desired
            && count("availableReplicas") >= count("updatedReplicas")
            && count("readyReplicas") >= desired
            && progressing
            && available,
    )
}

fn replica_set(object: &Object) -> Status {
    let count = |name: &str| int(object, &["status", name]).unwrap_or(0);
    let desired = int(object, &["spec", "replicas"]).unwrap_or(1);
    let failing = conditions(object).any(|c| c.kind == "ReplicaFailure" && c.status == "True");
    current_if(
        !failing
            && count("fullyLabeledReplicas") >= desired
            && count("availableReplicas") >= desired
            && count("readyReplicas") >= desired
            && count("replicas") <= desired,
    )
}

fn stateful_set(object: &Object) -> Status {
    let count = |name: &str| int(object, &["status", name]).unwrap_or(0);
    if text(object, &["spec", "updateStrategy", "type"]) == "OnDelete" {
        return Status::Current;
    }
    let desired = int(object, &["spec", "replicas"]).unwrap_or(1);
    if count("replicas") != desired || count("readyReplicas") < desired {
        return Status::InProgress;
    }
    let partition = ["spec", "updateStrategy", "rollingUpdate", "partition"];
    match int(object, &partition) {
        // Parity: kstatus writes "no partition" as -1.
        Some(partition) if partition != -1 => {
            current_if(count("updatedReplicas") >= desired - partition)
        }
        _ => current_if(
            count("currentReplicas") >= desired
                && text(object, &["status", "currentRevision"])
                    == text(object, &["status", "updateRevision"]),
        ),
    }
}

fn daemon_set(object: &Object) -> Status {
    let observed = int(object, &["metadata", "generation"]).is_some()
        && int(object, &["status", "observedGeneration"]).is_some();
    let count = |name: &str| int(object, &["status", name]).unwrap_or(0);
    let Some(desired) = int(object, &["status", "desiredNumberScheduled"]) else {
        return Status::InProgress;
    };
    current_if(
        observed
            && desired != -1
            && count("currentNumberScheduled") >= desired
            && count("updatedNumberScheduled") >= desired
            && count("numberAvailable") >= desired
            && count("numberReady") >= desired,
    )
}

/// Flux's own Job rule (fluxcd/pkg `runtime/statusreaders/job.go`): a running Job is not ready.
fn job(object: &Object) -> Status {
    if object.get(&["spec", "suspend"]) == Some(&Value::Bool(true)) {
        return Status::Current;
    }
    for condition in conditions(object).filter(|c| c.status == "True") {
        match condition.kind {
            "Complete" => return Status::Current,
            "Failed" => return Status::Failed,
            _ => {}
        }
    }
    Status::InProgress
}

fn crd(object: &Object) -> Status {
    for condition in conditions(object) {
        match (condition.kind, condition.status) {
            ("NamesAccepted", "False") => return Status::Failed,
            ("Established", "False") if condition.reason != "Installing" => return Status::Failed,
            ("Established", "True") => return Status::Current,
            _ => {}
        }
    }
    Status::InProgress
}

#[cfg(test)]
mod tests {
    use super::super::{Status, compute};
    use crate::object::Object;
    use jiff::Timestamp;
    use serde_json::{Value, json};

    /// Checks rows of (what the row shows, spec, status, expected).
    fn check(api_version: &str, kind: &str, rows: &[(&str, Value, Value, Status)]) {
        let now: Timestamp = "2024-01-01T00:01:00Z".parse().unwrap();
        for (row, spec, status, expected) in rows {
            let object = json!({
                "apiVersion": api_version, "kind": kind,
                "metadata": {"generation": 2, "creationTimestamp": "2024-01-01T00:00:50Z"},
                "spec": spec, "status": status,
            });
            let status = compute(&Object::try_from(object).unwrap(), now);
            assert_eq!(status, *expected, "{kind}: {row}");
        }
    }

    fn condition(kind: &str, status: &str, reason: &str) -> Value {
        json!({"conditions": [{"type": kind, "status": status, "reason": reason}]})
    }

    use Status::{Current, Failed, InProgress, Terminating, Unknown};

    #[test]
    fn any_kind_is_judged_by_its_generation_and_the_standard_conditions() {
        let both = json!({"conditions": [
            {"type": "Ready", "status": "True"}, {"type": "Reconciling", "status": "True"}]});
        check(
            "x.io/v1",
            "Widget",
            &[
                ("no signal", json!({}), json!({}), Current),
                ("no status at all", json!({}), json!(null), Current),
                (
                    "stale",
                    json!({}),
                    json!({"observedGeneration": 1}),
                    InProgress,
                ),
                (
                    "fresh",
                    json!({}),
                    json!({"observedGeneration": 2}),
                    Current,
                ),
                ("reconciling beats ready", json!({}), both, InProgress),
                (
                    "stalled",
                    json!({}),
                    condition("Stalled", "True", ""),
                    Failed,
                ),
                (
                    "not stalled",
                    json!({}),
                    condition("Stalled", "False", ""),
                    Current,
                ),
                ("ready", json!({}), condition("Ready", "True", ""), Current),
                (
                    "not ready",
                    json!({}),
                    condition("Ready", "False", ""),
                    InProgress,
                ),
                (
                    "perhaps ready",
                    json!({}),
                    condition("Ready", "Unknown", ""),
                    InProgress,
                ),
                (
                    "odd ready",
                    json!({}),
                    condition("Ready", "Maybe", ""),
                    Current,
                ),
            ],
        );
        let mut gone = Object::default();
        gone.set(
            &["metadata", "deletionTimestamp"],
            json!("2024-01-01T00:00:00Z"),
        );
        assert_eq!(compute(&gone, Timestamp::UNIX_EPOCH), Terminating);
    }

    #[test]
    fn plain_kinds_are_always_ready() {
        for (api_version, kind) in [
            ("v1", "Secret"),
            ("v1", "ConfigMap"),
            ("batch/v1", "CronJob"),
            ("policy/v1", "PodDisruptionBudget"),
        ] {
            let not_ready = condition("Ready", "False", "");
            check(
                api_version,
                kind,
                &[("whatever it says", json!({}), not_ready, Current)],
            );
        }
    }

    #[test]
    fn a_service_waits_only_for_the_cluster_address_of_a_load_balancer() {
        let balancer = |ip: &str| json!({"type": "LoadBalancer", "clusterIP": ip});
        check(
            "v1",
            "Service",
            &[
                ("cluster", json!({"type": "ClusterIP"}), json!({}), Current),
                ("no address", balancer(""), json!({}), InProgress),
                (
                    "address, no external one",
                    balancer("10.0.0.1"),
                    json!({}),
                    Current,
                ),
            ],
        );
    }

    #[test]
    fn a_claim_is_ready_when_bound() {
        let phase = |phase: &str| json!({"phase": phase});
        check(
            "v1",
            "PersistentVolumeClaim",
            &[
                ("bound", json!({}), phase("Bound"), Current),
                ("pending", json!({}), phase("Pending"), InProgress),
                ("unknown", json!({}), json!({}), InProgress),
            ],
        );
    }

    #[test]
    fn a_pod_is_judged_by_its_phase() {
        let with = |phase: &str, kind: &str, status: &str, reason: &str| {
            let mut value = condition(kind, status, reason);
            value["phase"] = phase.into();
            value
        };
        let mut looping = with("Running", "Ready", "False", "");
        looping["containerStatuses"] =
            json!([{"name": "c", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]);
        check(
            "v1",
            "Pod",
            &[
                ("done", json!({}), json!({"phase": "Succeeded"}), Current),
                ("done badly", json!({}), json!({"phase": "Failed"}), Current),
                (
                    "ready",
                    json!({}),
                    with("Running", "Ready", "True", ""),
                    Current,
                ),
                (
                    "not ready",
                    json!({}),
                    with("Running", "Ready", "False", ""),
                    InProgress,
                ),
                ("crash loop", json!({}), looping, Failed),
                (
                    "pending",
                    json!({}),
                    json!({"phase": "Pending"}),
                    InProgress,
                ),
                (
                    "unschedulable for ten seconds",
                    json!({}),
                    with("Pending", "PodScheduled", "False", "Unschedulable"),
                    InProgress,
                ),
                ("unseen", json!({}), json!({}), InProgress),
                (
                    "odd phase",
                    json!({}),
                    json!({"phase": "Dreaming"}),
                    Unknown,
                ),
            ],
        );
        let mut old = Object::try_from(json!({"apiVersion": "v1", "kind": "Pod"})).unwrap();
        old.set(
            &["status"],
            with("Pending", "PodScheduled", "False", "Unschedulable"),
        );
        old.set(
            &["metadata", "creationTimestamp"],
            json!("2024-01-01T00:00:00Z"),
        );
        let now: Timestamp = "2024-01-01T00:00:16Z".parse().unwrap();
        assert_eq!(compute(&old, now), Failed);
    }

    #[test]
    fn a_deployment_needs_every_replica_and_both_conditions() {
        let status = |replicas: i64, updated: i64, available: i64, ready: i64| {
            json!({
                "observedGeneration": 2, "replicas": replicas, "updatedReplicas": updated,
                "availableReplicas": available, "readyReplicas": ready,
                "conditions": [
                    {"type": "Available", "status": "True"},
                    {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
                ],
            })
        };
        let two = json!({"replicas": 2, "progressDeadlineSeconds": 600});
        let none = json!({"replicas": 0, "progressDeadlineSeconds": 600});
        let mut rolling = status(2, 2, 2, 2);
        rolling["conditions"][1]["reason"] = "ReplicaSetUpdated".into();
        let mut unavailable = status(2, 2, 2, 2);
        unavailable["conditions"][0]["status"] = "False".into();
        let mut stuck = status(2, 1, 1, 1);
        stuck["conditions"][1]["reason"] = "ProgressDeadlineExceeded".into();
        check(
            "apps/v1",
            "Deployment",
            &[
                ("complete", two.clone(), status(2, 2, 2, 2), Current),
                ("none wanted", none, status(0, 0, 0, 0), Current),
                ("too few", two.clone(), status(1, 1, 1, 1), InProgress),
                (
                    "too few updated",
                    two.clone(),
                    status(2, 1, 2, 2),
                    InProgress,
                ),
                ("too many", two.clone(), status(3, 2, 2, 2), InProgress),
                (
                    "too few available",
                    two.clone(),
                    status(2, 2, 1, 2),
                    InProgress,
                ),
                ("too few ready", two.clone(), status(2, 2, 2, 1), InProgress),
                ("still rolling", two.clone(), rolling.clone(), InProgress),
                ("no deadline", json!({"replicas": 2}), rolling, Current),
                ("unavailable", two.clone(), unavailable, InProgress),
                ("stuck", two, stuck, Failed),
                ("one is the default", json!({}), status(1, 1, 1, 1), Current),
            ],
        );
    }

    #[test]
    fn a_replica_set_needs_its_replicas_and_no_failure() {
        let status = |labelled: i64, available: i64, ready: i64, all: i64| {
            json!({
                "fullyLabeledReplicas": labelled, "availableReplicas": available,
                "readyReplicas": ready, "replicas": all,
            })
        };
        let mut failing = status(1, 1, 1, 1);
        failing["conditions"] = json!([{"type": "ReplicaFailure", "status": "True"}]);
        check(
            "apps/v1",
            "ReplicaSet",
            &[
                ("complete", json!({}), status(1, 1, 1, 1), Current),
                ("unlabelled", json!({}), status(0, 1, 1, 1), InProgress),
                ("unavailable", json!({}), status(1, 0, 1, 1), InProgress),
                ("unready", json!({}), status(1, 1, 0, 1), InProgress),
                ("one too many", json!({}), status(2, 2, 2, 2), InProgress),
                ("failing", json!({}), failing, InProgress),
            ],
        );
    }

    #[test]
    fn a_stateful_set_follows_its_update_strategy() {
        let status = |replicas: i64, ready: i64, current: i64, updated: i64| {
            json!({
                "replicas": replicas, "readyReplicas": ready, "currentReplicas": current,
                "updatedReplicas": updated, "currentRevision": "a", "updateRevision": "a",
            })
        };
        let mut rolling = status(3, 3, 3, 3);
        rolling["updateRevision"] = "b".into();
        let three = json!({"replicas": 3});
        let partition = json!({"replicas": 3,
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}});
        let on_delete = json!({"replicas": 3, "updateStrategy": {"type": "OnDelete"}});
        check(
            "apps/v1",
            "StatefulSet",
            &[
                ("complete", three.clone(), status(3, 3, 3, 3), Current),
                ("too few", three.clone(), status(2, 2, 2, 2), InProgress),
                (
                    "too few ready",
                    three.clone(),
                    status(3, 2, 3, 3),
                    InProgress,
                ),
                ("too many", three.clone(), status(4, 3, 3, 3), InProgress),
                (
                    "too few current",
                    three.clone(),
                    status(3, 3, 2, 3),
                    InProgress,
                ),
                ("other revision", three, rolling, InProgress),
                (
                    "partition reached",
                    partition.clone(),
                    status(3, 3, 2, 1),
                    Current,
                ),
                ("partition open", partition, status(3, 3, 3, 0), InProgress),
                ("on delete", on_delete, status(0, 0, 0, 0), Current),
            ],
        );
    }

    #[test]
    fn a_daemon_set_must_have_been_observed() {
        let status = |current: i64, updated: i64, available: i64, ready: i64| {
            json!({
                "observedGeneration": 2, "desiredNumberScheduled": 2,
                "currentNumberScheduled": current, "updatedNumberScheduled": updated,
                "numberAvailable": available, "numberReady": ready,
            })
        };
        let mut unseen = status(2, 2, 2, 2);
        unseen["observedGeneration"] = Value::Null;
        let mut unset = status(2, 2, 2, 2);
        unset["desiredNumberScheduled"] = Value::Null;
        check(
            "apps/v1",
            "DaemonSet",
            &[
                ("complete", json!({}), status(2, 2, 2, 2), Current),
                ("too few", json!({}), status(1, 2, 2, 2), InProgress),
                ("too few updated", json!({}), status(2, 1, 2, 2), InProgress),
                (
                    "too few available",
                    json!({}),
                    status(2, 2, 1, 2),
                    InProgress,
                ),
                ("too few ready", json!({}), status(2, 2, 2, 1), InProgress),
                ("never observed", json!({}), unseen, InProgress),
                ("nothing desired yet", json!({}), unset, InProgress),
            ],
        );
    }

    #[test]
    fn a_job_is_ready_only_when_complete_or_suspended() {
        check(
            "batch/v1",
            "Job",
            &[
                (
                    "running",
                    json!({}),
                    json!({"active": 1, "startTime": "x"}),
                    InProgress,
                ),
                (
                    "complete",
                    json!({}),
                    condition("Complete", "True", ""),
                    Current,
                ),
                ("failed", json!({}), condition("Failed", "True", ""), Failed),
                ("suspended", json!({"suspend": true}), json!({}), Current),
            ],
        );
    }

    #[test]
    fn a_definition_is_ready_when_established() {
        let installing = condition("Established", "False", "Installing");
        check(
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            &[
                ("new", json!({}), json!({}), InProgress),
                ("installing", json!({}), installing, InProgress),
                (
                    "established",
                    json!({}),
                    condition("Established", "True", ""),
                    Current,
                ),
                (
                    "refused",
                    json!({}),
                    condition("Established", "False", "Other"),
                    Failed,
                ),
                (
                    "name taken",
                    json!({}),
                    condition("NamesAccepted", "False", "x"),
                    Failed,
                ),
            ],
        );
    }
}
