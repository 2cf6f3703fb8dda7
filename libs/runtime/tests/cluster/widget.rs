//! A kind for tests: what its steps do is written in its spec.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use fjord_runtime::{
    ConditionType, End, EventDraft, Failure, ObjectKey, Outcome, Pass, Reconciler, Requeue,
    Resumption, Retry, Verdict, Wait, reasons, summary,
};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(CustomResource, Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "tests.fjord.dev",
    version = "v1",
    kind = "Widget",
    namespaced,
    status = "WidgetStatus"
)]
pub(crate) struct WidgetSpec {
    /// `succeed`, `fail`, `stall`, `wait`, `panic` (once), `slow` (publishes, then takes 300 ms).
    pub(crate) does: String,
    #[serde(default)]
    pub(crate) suspend: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WidgetStatus {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) observed_generation: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_handled_reconcile_at: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) conditions: Vec<Condition>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) passes: Option<u32>,
}

/// A condition with a schema (that of k8s-openapi has none for us).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Condition {
    pub(crate) r#type: String,
    pub(crate) status: String,
    pub(crate) reason: String,
    pub(crate) message: String,
    pub(crate) last_transition_time: String,
    pub(crate) observed_generation: Option<i64>,
}

reasons! {
    /// Why a widget is as it is.
    pub(crate) enum Reason { Succeeded, Failed, Progressing }
}

/// Remembers how often each widget was looked at, by whom nobody else.
#[derive(Clone, Default)]
pub(crate) struct Widgets {
    seen: Arc<Mutex<HashMap<String, u32>>>,
}

struct Waiting;

impl Widgets {
    /// Returns how often the steps of a widget ran.
    pub(crate) fn passes(&self, name: &str) -> u32 {
        self.seen
            .lock()
            .unwrap()
            .get(name)
            .copied()
            .unwrap_or_default()
    }
}

impl Reconciler for Widgets {
    type Kind = Widget;
    type Status = WidgetStatus;

    fn suspended(&self, widget: &Widget) -> bool {
        widget.spec.suspend
    }

    async fn reconcile(&self, pass: &mut Pass<Widget, WidgetStatus>) -> Result<Outcome, Failure> {
        let passes = {
            let mut seen = self.seen.lock().unwrap();
            let passes = seen.entry(pass.key().name.to_string()).or_default();
            *passes += 1;
            *passes
        };
        match pass.object.spec.does.as_str() {
            "fail" => return Err(Failure::new(Reason::Failed, "it fails").event()),
            "stall" => {
                return Err(Failure::new(Reason::Failed, "hopeless")
                    .retry(Retry::Never)
                    .event());
            }
            "panic" if passes == 1 => panic!("as asked"),
            "slow" => {
                pass.conditions
                    .mark_progressing(Reason::Progressing, "working");
                pass.publish().await?;
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
            "wait" => match pass.resumed::<Waiting>().map(|wait| wait.why) {
                Some(Resumption::Woken) => {}
                _ => {
                    pass.conditions
                        .mark_progressing(Reason::Progressing, "waiting");
                    return Ok(Outcome::Waiting(Wait::new(
                        Waiting,
                        Duration::from_secs(3600),
                    )));
                }
            },
            _ => {}
        }
        pass.status.passes = Some(passes);
        pass.conditions.mark_true(
            ConditionType::READY,
            Reason::Succeeded,
            format!("pass {passes}"),
        );
        pass.event(EventDraft::info(Reason::Succeeded, "done").meta("revision", revision(pass)));
        Ok(Outcome::done(Requeue::Interval(Duration::from_secs(3600))))
    }

    async fn finalize(&self, _: &mut Pass<Widget, WidgetStatus>) -> Result<Outcome, Failure> {
        Ok(Outcome::done(Requeue::Never))
    }

    fn summarize(&self, pass: &mut Pass<Widget, WidgetStatus>, end: End<'_>) -> Verdict {
        summary::applier(&mut pass.conditions, &end)
    }

    fn forget(&self, key: &ObjectKey) {
        self.seen.lock().unwrap().remove(&*key.name);
    }
}

/// Returns the revision that a widget is said to have, `r1` where nobody says.
fn revision(pass: &Pass<Widget, WidgetStatus>) -> String {
    let annotations = pass.object.metadata.annotations.as_ref();
    let said = annotations.and_then(|annotations| annotations.get("revision"));
    said.cloned().unwrap_or_else(|| "r1".to_owned())
}
