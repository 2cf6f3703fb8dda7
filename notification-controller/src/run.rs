//! Puts the parts together: what runs on every replica, and what only the leader does.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context as _;
use fjord_runtime::process::{Error as ProcessError, listen_on};
use fjord_runtime::{Controller, ObjectKey, Priority, Process, Store, Waker};
use k8s_openapi::api::core::v1::{Event as CoreEvent, Secret};
use kube::core::PartialObjectMeta;
use kube::{Api, Client};
use prometheus::Registry;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::args::{Args, PROGRAM, unsupported_flag};
use crate::cluster::{Cluster, receivers};
use crate::controllers::alert;
use crate::controllers::provider::{self, Providers};
use crate::controllers::receiver::Receivers;
use crate::delivery::{Deliveries, Pace};
use crate::events_server::EventsServer;
use crate::hook::HookServer;
use crate::metrics::Metrics;
use crate::outbox::{self, Outbox, SecretStore};
use crate::pipeline::{Pipeline, Rules};
use crate::serve::{HttpMetrics, Limits, serve};
use crate::watch::EventWatch;

/// The Secret that keeps the outbox where there is no volume.
const OUTBOX_SECRET: &str = "notification-controller-outbox";
/// The pause before the outbox's Secret is tried again.
const PAUSE: Duration = Duration::from_secs(5);

/// Runs the controller until shutdown.
pub async fn run(args: Args, client: Client, shutdown: CancellationToken) -> anyhow::Result<()> {
    if let Some(flag) = unsupported_flag(&args) {
        anyhow::bail!("{flag} is not supported yet");
    }
    let process = Process::start(&PROGRAM, &args.common, None, client, shutdown).await?;
    let events = listen(&args.events_addr).await?;
    let hooks = listen(&args.receiver_addr).await?;
    let outbox = Arc::new(Outbox::in_memory());
    if let Some(path) = &args.outbox_file {
        let attached = outbox.attach_file(path).await.context("outbox")?;
        report(attached);
    }
    let registry = Registry::new();
    let metrics = Metrics::new(&registry)?;
    let served = (
        HttpMetrics::new("gotk_event", &registry)?,
        HttpMetrics::new("gotk_receiver", &registry)?,
    );
    process.metrics().register(Gathered(registry))?;

    let (legacy, legacy_alerts) = mpsc::unbounded_channel();
    let cluster = Arc::new(Cluster::start(&process, move |alert| {
        if alert::is_legacy(alert) {
            // Nobody listens any more only when the process ends.
            let _ = legacy.send(Arc::clone(alert));
        }
    })?);
    let rules = Rules {
        rate_limit_interval: args.rate_limit_interval,
        no_cross_namespace_refs: args.no_cross_namespace_refs,
    };
    let pipeline = Arc::new(Pipeline::new(
        Arc::clone(&cluster),
        Arc::clone(&outbox),
        metrics.clone(),
        rules,
    ));

    let stop = process.shutdown().clone();
    let tasks = TaskTracker::new();
    if stop.run_until_cancelled(cluster.ready()).await.is_some() {
        let pace = Pace {
            give_up: args.delivery_max_age,
            ..Pace::default()
        };
        let deliveries = Deliveries::new(
            Arc::clone(&outbox),
            Arc::clone(&cluster),
            metrics.clone(),
            pace,
        );
        tasks.spawn(deliveries.run(stop.clone()));
        let (flushed, stopped) = (Arc::clone(&outbox), stop.clone());
        tasks.spawn(async move {
            stopped.run_until_cancelled(flushed.keep_flushing()).await;
        });
        let server = EventsServer {
            pipeline: Arc::clone(&pipeline),
            export_paths: args.export_http_path_metrics,
        };
        tracing::info!(addr = args.events_addr, "starting event server");
        tasks.spawn(serve(
            events,
            server,
            Limits::default(),
            served.0,
            stop.clone(),
        ));
        let server = HookServer {
            cluster: Arc::clone(&cluster),
            filters: Arc::default(),
            no_cross_namespace_refs: args.no_cross_namespace_refs,
            export_paths: args.export_http_path_metrics,
        };
        tracing::info!(
            addr = args.receiver_addr,
            "starting webhook receiver server"
        );
        tasks.spawn(serve(
            hooks,
            server,
            Limits::default(),
            served.1,
            stop.clone(),
        ));

        process.elected().await?;
        let leader = Leader {
            args: &args,
            process: &process,
            cluster,
            outbox,
            pipeline,
            metrics,
        };
        leader.run(legacy_alerts).await?;
    }
    tasks.close();
    tasks.wait().await;
    process.stopped().await?;
    Ok(())
}

async fn listen(address: &str) -> Result<TcpListener, ProcessError> {
    listen_on(address)
        .await
        .map_err(|source| ProcessError::Listen {
            address: address.to_owned(),
            source,
        })
}

fn report(attached: outbox::Attached) {
    if attached.torn > 0 {
        tracing::warn!(
            bytes = attached.torn,
            "the outbox had a torn tail, which is cut off"
        );
    }
    if attached.entries > 0 {
        tracing::info!(
            entries = attached.entries,
            "going on with the deliveries of a former process"
        );
    }
}

/// What only the leader does.
struct Leader<'a> {
    args: &'a Args,
    process: &'a Process,
    cluster: Arc<Cluster>,
    outbox: Arc<Outbox>,
    pipeline: Arc<Pipeline<Cluster>>,
    metrics: Metrics,
}

impl Leader<'_> {
    async fn run(
        self,
        legacy: mpsc::UnboundedReceiver<Arc<fjord_crds::notification::v1beta3::Alert>>,
    ) -> Result<(), ProcessError> {
        let process = self.process;
        let shutdown = process.shutdown();
        let waker = Arc::new(OnceLock::new());
        let providers = Controller::indexed(process, provider::watched(&waker), |_, own| {
            // There is one controller.
            let _ = waker.set(own.clone());
            Providers
        });
        let cluster = Arc::clone(&self.cluster);
        let receivers =
            Controller::indexed(process, receivers().index(BY_SECRET, secret_of), |_, _| {
                Receivers { cluster }
            });
        self.cluster.reconciles(receivers.store());
        if !process.gate("DisableConfigWatchers") {
            watch_secrets(process, receivers.store().clone(), receivers.waker())?;
        }
        let migration =
            alert::migrate(process.client().clone(), process.recorder().clone(), legacy);
        let (first, second, (), _) = tokio::join!(
            providers.run(),
            receivers.run(),
            self.follow_events(),
            shutdown.run_until_cancelled(migration),
        );
        first.and(second)
    }

    /// Makes the outbox durable where it is not yet, then follows the Events.
    async fn follow_events(&self) {
        let shutdown = self.process.shutdown();
        let client = self.process.client().clone();
        if self.args.outbox_file.is_none()
            && shutdown
                .run_until_cancelled(self.attach_secret(&client))
                .await
                .is_none()
        {
            return;
        }
        let api: Api<CoreEvent> = match self.process.namespace() {
            Some(namespace) => Api::namespaced(client, namespace),
            None => Api::all(client),
        };
        let (pipeline, outbox, metrics) = (&*self.pipeline, &*self.outbox, &self.metrics);
        EventWatch {
            api,
            pipeline,
            outbox,
            metrics,
        }
        .run(shutdown)
        .await;
    }

    async fn attach_secret(&self, client: &Client) {
        let runtime = std::env::var("RUNTIME_NAMESPACE")
            .ok()
            .filter(|name| !name.is_empty());
        let namespace = runtime.unwrap_or_else(|| client.default_namespace().to_owned());
        loop {
            let store = SecretStore::new(
                client.clone(),
                &namespace,
                OUTBOX_SECRET,
                PROGRAM.field_manager,
            );
            match self.outbox.attach_secret(store).await {
                Ok(attached) => return report(attached),
                Err(error) if error.is_denied() => {
                    tracing::error!(%error, "events are kept in memory only and a restart loses them; allow the secret or use --outbox-file");
                    return;
                }
                Err(error) => tracing::error!(%error, "the outbox is not durable yet"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// The index of Receivers by the Secret that they name.
const BY_SECRET: &str = "secret";

fn secret_of(receiver: &fjord_crds::notification::v1::Receiver) -> Vec<String> {
    let namespace = receiver.metadata.namespace.as_deref().unwrap_or_default();
    receiver
        .spec
        .secret_ref
        .iter()
        .map(|secret| format!("{namespace}/{}", secret.name))
        .collect()
}

/// Wakes Receivers when a labelled Secret changes.
fn watch_secrets(
    process: &Process,
    receivers: Store<fjord_crds::notification::v1::Receiver>,
    waker: Waker,
) -> Result<(), ProcessError> {
    let changed = move |before: Option<&Arc<PartialObjectMeta<Secret>>>,
                        after: Option<&Arc<PartialObjectMeta<Secret>>>| {
        let Some(secret) = after.or(before) else {
            return;
        };
        for receiver in receivers.by_index(BY_SECRET, &ObjectKey::of(&**secret).to_string()) {
            waker.wake(&ObjectKey::of(&*receiver), Priority::Dependency);
        }
    };
    Store::<PartialObjectMeta<Secret>>::watch()
        .labels(&process.common().watch_configs_label_selector)
        .on_change(changed)
        .start(process)?;
    Ok(())
}

/// Our own registry as one collector of the process's.
struct Gathered(Registry);

impl prometheus::core::Collector for Gathered {
    fn desc(&self) -> Vec<&prometheus::core::Desc> {
        Vec::new()
    }

    fn collect(&self) -> Vec<prometheus::proto::MetricFamily> {
        self.0.gather()
    }
}
