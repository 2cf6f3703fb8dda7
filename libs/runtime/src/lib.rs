//! What every Fjord controller shares: frame, conditions, events, queue, election, metrics, logs, flags.
//!
//! It knows no kind. A controller implements [`Reconciler`] once per kind; the frame does the rest, in this
//! order: load -> deleted? finalize -> finalizer -> suspended? -> steps -> summarize -> events -> one status
//! patch -> metrics -> requeue. The one surprise: events and the status patch happen *after* the worker was
//! freed, so a slow API server never eats the worker budget; the object itself stays locked until then.
//!
//! How the parts meet, for a kind that waits for another object:
//!
//! ```
//! use std::time::Duration;
//! use fjord_runtime::{
//!     ConditionType, End, EventDraft, Failure, Outcome, Pass, Reconciler, Requeue, Resumption, Retry,
//!     Verdict, Wait, reasons, summary,
//! };
//! # #[derive(kube::CustomResource, Clone, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
//! # #[kube(group = "example.dev", version = "v1", kind = "Widget", namespaced, status = "WidgetStatus")]
//! # pub struct WidgetSpec { suspend: Option<bool>, needs: String }
//! # #[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
//! # pub struct WidgetStatus { revision: Option<String> }
//!
//! reasons! {
//!     /// Why a Widget is as it is.
//!     pub enum Reason { Succeeded, NotFound, Progressing }
//! }
//! const ASSEMBLED: ConditionType = ConditionType::new("Assembled");
//!
//! /// What an assembly needs to go on when it is entered again.
//! struct Assembly { revision: String }
//!
//! struct Widgets;
//!
//! impl Reconciler for Widgets {
//!     type Kind = Widget;
//!     type Status = WidgetStatus;
//!
//!     fn suspended(&self, widget: &Widget) -> bool {
//!         widget.spec.suspend.unwrap_or_default()
//!     }
//!
//!     async fn reconcile(&self, pass: &mut Pass<Widget, WidgetStatus>) -> Result<Outcome, Failure> {
//!         let revision = match pass.resumed::<Assembly>() {
//!             // Woken, timed out or superseded: the kind decides what that means.
//!             Some(wait) if wait.why == Resumption::TimedOut => {
//!                 pass.conditions.mark_false(ASSEMBLED, Reason::NotFound, "gave up");
//!                 return Err(Failure::new(Reason::NotFound, "gave up").retry(Retry::Backoff).event());
//!             }
//!             Some(wait) => wait.state.revision,
//!             None => "v1".to_owned(),
//!         };
//!         if pass.object.spec.needs.is_empty() {
//!             // Nothing but an edit of the object can help: Stalled=True.
//!             return Err(Failure::new(Reason::NotFound, "spec.needs is empty").retry(Retry::Never).event());
//!         }
//!         if pass.status.revision.is_none() {
//!             pass.conditions.mark_reconciling(Reason::Progressing, "assembling");
//!             pass.publish().await?; // something slow follows
//!             pass.status.revision = Some(revision.clone());
//!             // Holds no worker: `Waker::wake` or the time-out enters `reconcile` again.
//!             return Ok(Outcome::Waiting(Wait::new(Assembly { revision }, Duration::from_secs(30))));
//!         }
//!         pass.conditions.mark_true(ConditionType::READY, Reason::Succeeded, format!("has {revision}"));
//!         pass.event(EventDraft::info(Reason::Succeeded, "assembled").meta("revision", &revision));
//!         Ok(Outcome::done(Requeue::Interval(Duration::from_secs(600))))
//!     }
//!
//!     async fn finalize(&self, _pass: &mut Pass<Widget, WidgetStatus>) -> Result<Outcome, Failure> {
//!         Ok(Outcome::done(Requeue::Never)) // the frame takes the finalizer off
//!     }
//!
//!     fn summarize(&self, pass: &mut Pass<Widget, WidgetStatus>, end: End<'_>) -> Verdict {
//!         summary::applier(&mut pass.conditions, &end)
//!     }
//! }
//! ```

pub mod conditions;
pub mod event;
mod frame;
pub mod key;
pub mod kind;
pub mod outcome;
pub mod pass;
pub mod process;
pub mod queue;
pub mod reason;
pub mod request;
mod status;
pub mod store;
mod writer;

pub use conditions::{ConditionType, Conditions, Status, summary};
pub use event::{EventDraft, EventRecorder, Severity, Subject};
pub use key::ObjectKey;
pub use kind::{Controller, End, NoStatus, Object, ObjectStatus, Reconciler, Verdict};
pub use outcome::{Failure, Outcome, Requeue, Resumed, Resumption, Retry, Wait};
pub use pass::Pass;
pub use process::{CommonArgs, Process, Program, ReconcileArgs};
pub use queue::{Priority, Waker};
pub use reason::Reason;
pub use store::Store;
