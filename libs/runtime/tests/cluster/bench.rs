//! One controller of widgets against a real API server, its shard to itself.

use std::{
    future::Future,
    sync::{LazyLock, mpsc},
    time::Duration,
};

use clap::Parser;
use fjord_runtime::{
    CommonArgs, Controller, ObjectKey, Priority, Process, Program, ReconcileArgs, Waker,
};
use fjord_sandbox::{ADMIN, ControlPlane, Options, Programs};
use k8s_openapi::{
    api::core::v1::{Event, Namespace},
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api, Client, Config, CustomResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::widget::{Widget, Widgets};

pub(crate) const PROGRAM: Program = Program {
    name: "widget-controller",
    field_manager: "widget-controller",
    concurrent: 1,
    gates: &[],
};

#[derive(Parser)]
#[command(args_override_self = true)]
struct Flags {
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    reconcile: ReconcileArgs,
}

/// The API server that all tests share, on a thread that outlives them.
static PLANE: LazyLock<Config> = LazyLock::new(|| {
    let (ready, started) = mpsc::channel();
    std::thread::spawn(move || {
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let plane = start_plane().await;
            ready.send(plane.config(ADMIN).await.unwrap()).unwrap();
            std::future::pending::<()>().await;
        });
    });
    started.recv().unwrap()
});

/// Starts an API server without the controllers that no test here needs.
pub(crate) async fn start_plane() -> ControlPlane {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let programs = tokio::task::spawn_blocking(|| Programs::ready(|line| eprintln!("{line}")))
        .await
        .unwrap()
        .unwrap();
    let options = Options {
        controllers: false,
        ..Options::default()
    };
    ControlPlane::start(&programs, options).await.unwrap()
}

/// A namespace and a shard of the API server for one test.
pub(crate) struct Bench {
    pub(crate) client: Client,
    pub(crate) name: String,
}

/// A running controller.
pub(crate) struct Running {
    pub(crate) process: Process,
    pub(crate) widgets: Widgets,
    pub(crate) waker: Waker,
    shutdown: CancellationToken,
    ended: tokio::task::JoinHandle<Result<(), fjord_runtime::process::Error>>,
}

impl Bench {
    /// Prepares a namespace on the shared API server.
    pub(crate) async fn new(name: &str) -> Self {
        Self::on(Client::try_from(PLANE.clone()).unwrap(), name).await
    }

    /// Prepares a namespace on an API server of its own.
    pub(crate) async fn on(client: Client, name: &str) -> Self {
        let unique = std::time::UNIX_EPOCH.elapsed().unwrap().as_micros() % 1_000_000_000;
        let bench = Self {
            client,
            name: format!("{name}-{unique}"),
        };
        bench.install().await;
        bench
    }

    async fn install(&self) {
        let crds: Api<CustomResourceDefinition> = Api::all(self.client.clone());
        let params = PatchParams::apply("tests").force();
        crds.patch(
            "widgets.tests.fjord.dev",
            &params,
            &Patch::Apply(Widget::crd()),
        )
        .await
        .unwrap();
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        let namespace = json!({"metadata": {"name": self.name}});
        namespaces
            .create(
                &PostParams::default(),
                &serde_json::from_value(namespace).unwrap(),
            )
            .await
            .unwrap();
        eventually("the kind is served", || async {
            self.api().list(&ListParams::default()).await.ok()
        })
        .await;
    }

    pub(crate) fn api(&self) -> Api<Widget> {
        Api::namespaced(self.client.clone(), &self.name)
    }

    pub(crate) fn key(&self, name: &str) -> ObjectKey {
        ObjectKey::new(&self.name, name)
    }

    /// Starts a controller for this test's shard.
    pub(crate) async fn start(&self, flags: &[&str]) -> Running {
        let shutdown = CancellationToken::new();
        let selector = format!("--watch-label-selector=test={}", self.name);
        let base = [
            "controller",
            "--metrics-addr=0",
            "--health-addr=0",
            "--interval-jitter-percentage=0",
            &selector,
        ];
        let flags = Flags::parse_from(base.iter().chain(flags));
        let process = Process::start(
            &PROGRAM,
            &flags.common,
            Some(&flags.reconcile),
            self.client.clone(),
            shutdown.clone(),
        )
        .await
        .unwrap();
        let controller = Controller::new(&process, |_, _| Widgets::default());
        let (widgets, waker) = ((**controller.reconciler()).clone(), controller.waker());
        let own = process.clone();
        let ended = tokio::spawn(async move {
            own.elected().await?;
            controller.run().await?;
            own.stopped().await
        });
        Running {
            process,
            widgets,
            waker,
            shutdown,
            ended,
        }
    }

    pub(crate) async fn create(&self, name: &str, does: &str) -> Widget {
        self.create_with(name, json!({"does": does}), json!({}))
            .await
    }

    pub(crate) async fn create_with(&self, name: &str, spec: Value, metadata: Value) -> Widget {
        let mut object = json!({
            "apiVersion": "tests.fjord.dev/v1", "kind": "Widget", "spec": spec,
            "metadata": {"name": name, "labels": {"test": self.name}},
        });
        for (key, value) in metadata.as_object().unwrap() {
            object["metadata"][key] = value.clone();
        }
        self.api()
            .create(
                &PostParams::default(),
                &serde_json::from_value(object).unwrap(),
            )
            .await
            .unwrap()
    }

    pub(crate) async fn patch(&self, name: &str, patch: Value) -> Widget {
        self.api()
            .patch(name, &PatchParams::default(), &Patch::Merge(patch))
            .await
            .unwrap()
    }

    pub(crate) async fn request(&self, name: &str, at: &str) {
        self.patch(
            name,
            json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": at}}}),
        )
        .await;
    }

    pub(crate) async fn delete(&self, name: &str) {
        self.api()
            .delete(name, &DeleteParams::default())
            .await
            .unwrap();
    }

    pub(crate) async fn get(&self, name: &str) -> Option<Widget> {
        self.api().get_opt(name).await.unwrap()
    }

    pub(crate) async fn events(&self) -> Vec<Event> {
        let api: Api<Event> = Api::namespaced(self.client.clone(), &self.name);
        api.list(&ListParams::default()).await.unwrap().items
    }

    /// Waits until a condition of a widget reads `type=status`.
    pub(crate) async fn until(&self, name: &str, wanted: &str) -> Widget {
        let (kind, status) = wanted.split_once('=').unwrap();
        eventually(&format!("{name} {wanted}"), || async {
            let widget = self.get(name).await?;
            condition(&widget, kind)
                .is_some_and(|c| c == status)
                .then_some(widget)
        })
        .await
    }

    /// Waits until a request was handled.
    pub(crate) async fn until_handled(&self, name: &str, at: &str) -> Widget {
        eventually(&format!("{name} handled {at}"), || async {
            let widget = self.get(name).await?;
            let handled = widget.status.as_ref()?.last_handled_reconcile_at.as_deref() == Some(at);
            handled.then_some(widget)
        })
        .await
    }
}

impl Running {
    pub(crate) async fn stop(self) -> Result<(), fjord_runtime::process::Error> {
        self.shutdown.cancel();
        self.ended.await.unwrap()
    }

    /// Waits for an end that nobody asked for.
    pub(crate) async fn ended(self) -> Result<(), fjord_runtime::process::Error> {
        tokio::time::timeout(Duration::from_secs(30), self.ended)
            .await
            .unwrap()
            .unwrap()
    }

    /// Ends the controller at once, as kill -9 would.
    pub(crate) async fn kill(self) {
        self.ended.abort();
        let _ = self.ended.await;
    }

    pub(crate) fn wake(&self, key: &ObjectKey) {
        self.waker.wake(key, Priority::Dependency);
    }

    /// Counts the requests so far by method, watches and lists (GET) among them.
    pub(crate) fn requests(&self, method: &str) -> u64 {
        let text = self.process.metrics().render().unwrap();
        let ours = text
            .lines()
            .filter(|line| line.starts_with("rest_client_requests_total"));
        let ours = ours.filter(|line| line.contains(&format!("method=\"{method}\"")));
        ours.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
            .sum()
    }

    pub(crate) fn metric(&self, start: &str) -> Option<String> {
        let text = self.process.metrics().render().unwrap();
        text.lines()
            .find(|line| line.starts_with(start))
            .map(str::to_owned)
    }
}

pub(crate) fn condition(widget: &Widget, kind: &str) -> Option<String> {
    let conditions = &widget.status.as_ref()?.conditions;
    conditions
        .iter()
        .find(|c| c.r#type == kind)
        .map(|c| c.status.clone())
}

/// Polls until there is an answer; fails after 20 seconds.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut probe: impl FnMut() -> F,
) -> T {
    for _ in 0..400 {
        if let Some(answer) = probe().await {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what}: not within 20 s");
}
