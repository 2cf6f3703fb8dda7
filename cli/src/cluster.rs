//! How a command reaches the cluster: kubeconfig, context, namespace.
//!
//! The namespace rules are those of the `flux` command: `flux-system` unless a flag or
//! `FLUX_SYSTEM_NAMESPACE` says otherwise.

use anyhow::{Context as _, Result};
use clap::Args;
use kube::api::{Api, ListParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::DynamicObject;
use kube::{Client, Config};

use crate::kinds::Kind;

/// Flags that every command talking to a cluster takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct ClusterArgs {
    /// Path of the kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) kubeconfig: Option<std::path::PathBuf>,
    /// Context of the kubeconfig to use
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) context: Option<String>,
    /// Namespace of the objects
    #[arg(
        short,
        long,
        global = true,
        default_value = "flux-system",
        env = "FLUX_SYSTEM_NAMESPACE"
    )]
    pub(crate) namespace: String,
    /// Whether the namespace was given, as opposed to the default.
    #[arg(skip)]
    pub(crate) namespace_is_given: bool,
}

/// A connection and the namespace a command works in.
#[derive(Clone)]
pub(crate) struct Cluster {
    pub(crate) client: Client,
    pub(crate) namespace: String,
}

impl ClusterArgs {
    /// Returns the namespace if it was given.
    pub(crate) fn given_namespace(&self) -> Option<String> {
        self.namespace_is_given.then(|| self.namespace.clone())
    }

    /// Returns the namespace of the kubeconfig's context, if there is a kubeconfig and it names one.
    pub(crate) fn context_namespace(&self, context: Option<&str>) -> Option<String> {
        let kubeconfig = match &self.kubeconfig {
            Some(path) => Kubeconfig::read_from(path),
            None => Kubeconfig::read(),
        };
        let kubeconfig = kubeconfig.ok()?;
        let wanted = context
            .or(self.context.as_deref())
            .or(kubeconfig.current_context.as_deref())?;
        let found = kubeconfig.contexts.iter().find(|one| one.name == wanted)?;
        let namespace = found.context.as_ref()?.namespace.clone()?;
        Some(namespace).filter(|name| !name.is_empty())
    }

    /// Returns the client configuration these flags select.
    pub(crate) async fn config(&self) -> Result<Config> {
        let options = KubeConfigOptions {
            context: self.context.clone(),
            ..KubeConfigOptions::default()
        };
        if let Some(path) = &self.kubeconfig {
            let kubeconfig = Kubeconfig::read_from(path)
                .with_context(|| format!("reading kubeconfig {}", path.display()))?;
            Ok(Config::from_custom_kubeconfig(kubeconfig, &options).await?)
        } else if self.context.is_some() {
            Ok(Config::from_kubeconfig(&options).await?)
        } else {
            Config::infer().await.context(
                "finding a cluster: give --kubeconfig FILE, or set KUBECONFIG, or start one with `fjord dev`",
            )
        }
    }

    /// Connects to the cluster.
    pub(crate) async fn connect(&self) -> Result<Cluster> {
        let client = Client::try_from(self.config().await?)?;
        Ok(Cluster {
            client,
            namespace: self.namespace.clone(),
        })
    }
}

impl Cluster {
    /// Returns the untyped API of a kind in the namespace of the command.
    pub(crate) fn api(&self, kind: &Kind) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &self.namespace, &kind.resource())
    }

    /// Lists objects of a kind; `None` where the cluster does not serve that kind.
    pub(crate) async fn list(
        &self,
        kind: &Kind,
        all_namespaces: bool,
        params: &ListParams,
    ) -> Result<Option<Vec<DynamicObject>>> {
        let api = if all_namespaces {
            Api::all_with(self.client.clone(), &kind.resource())
        } else {
            self.api(kind)
        };
        match api.list(params).await {
            Ok(list) => Ok(Some(list.items)),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(error) => Err(error).with_context(|| format!("listing {}", kind.plural)),
        }
    }
}
