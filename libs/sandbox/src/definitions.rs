//! Custom resource definitions, brought to a cluster and waited for.

use std::time::{Duration, Instant};

use kube::Client;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::Value;

const TIMEOUT: Duration = Duration::from_secs(30);

/// Applies `definitions` as `manager` and returns when the cluster serves all.
pub async fn install(client: &Client, manager: &str, definitions: &[Value]) -> Result<(), Error> {
    let kind = GroupVersionKind::gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &ApiResource::from_gvk(&kind));
    let params = PatchParams::apply(manager).force();
    let mut waiting = Vec::new();
    for definition in definitions {
        let name = definition
            .pointer("/metadata/name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        api.patch(name, &params, &Patch::Apply(definition)).await?;
        waiting.push(name.to_owned());
    }
    let deadline = Instant::now() + TIMEOUT;
    while let Some(name) = waiting.last() {
        if is_established(&api.get(name).await?) {
            waiting.pop();
        } else if Instant::now() > deadline {
            return Err(Error::NotServed {
                name: name.clone(),
                seconds: TIMEOUT.as_secs(),
            });
        } else {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    Ok(())
}

fn is_established(definition: &DynamicObject) -> bool {
    let conditions = definition
        .data
        .pointer("/status/conditions")
        .and_then(Value::as_array);
    conditions.is_some_and(|conditions| {
        conditions
            .iter()
            .any(|condition| condition["type"] == "Established" && condition["status"] == "True")
    })
}

/// Why definitions are not served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API server refused.
    #[error("cannot install the custom resource definitions")]
    Api(#[from] kube::Error),
    /// The API server took one and does not serve it.
    #[error("{name} is not served after {seconds} s")]
    NotServed {
        /// The definition.
        name: String,
        /// How long it was waited for.
        seconds: u64,
    },
}
