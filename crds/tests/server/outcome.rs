//! What a server makes of an object.

use std::time::Duration;

use anyhow::{Context, ensure};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, PostParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Client, Error};
use serde_json::{Value, json};

use super::cases::{Case, Table, shorten};

/// Creates definitions and waits until the server serves them.
pub(crate) async fn install(client: &Client, manifests: &[&str]) -> anyhow::Result<()> {
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    let mut names = Vec::new();
    for text in manifests {
        let value = fjord_yaml::to_json(text.as_bytes(), &fjord_yaml::Limits::default())?;
        let definition: CustomResourceDefinition = serde_json::from_value(value)?;
        names.push(definition.metadata.name.clone().context("name")?);
        api.create(&PostParams::default(), &definition).await?;
    }
    for name in names {
        let mut tries = 0;
        while !is_established(&api.get(&name).await?) {
            tries += 1;
            ensure!(tries < 300, "{name} is not served after 30 s");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    Ok(())
}

fn is_established(definition: &CustomResourceDefinition) -> bool {
    let conditions = definition
        .status
        .iter()
        .flat_map(|s| s.conditions.iter().flatten());
    conditions
        .into_iter()
        .any(|c| c.type_ == "Established" && c.status == "True")
}

/// Creates the object of a case, then writes its status if it has one.
pub(crate) async fn of(client: &Client, table: &Table, case: &Case) -> anyhow::Result<Value> {
    let resource = resource(table)?;
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), "default", &resource);
    let mut object = json!({
        "apiVersion": table.api_version,
        "kind": table.kind,
        "metadata": { "name": case.name },
    });
    if let Some(spec) = &case.spec {
        object["spec"] = spec.clone();
    }
    let object: DynamicObject = serde_json::from_value(object)?;
    let created = match api.create(&PostParams::default(), &object).await {
        Ok(created) => created,
        Err(error) => return refusal(error),
    };
    let Some(status) = &case.status else {
        return Ok(json!({ "stored": shorten(created.data) }));
    };
    let mut changed = created.clone();
    changed.data["status"] = status.clone();
    // Kinds without the status subresource answer 404, which is an outcome as well.
    let written = api
        .replace_status(&case.name, &PostParams::default(), &changed)
        .await;
    Ok(json!({
        "stored": shorten(created.data),
        "status": match written {
            Ok(written) => json!({ "stored": shorten(written.data["status"].clone()) }),
            Err(error) => refusal(error)?,
        },
    }))
}

/// Returns the columns of `kubectl get`, by their place.
pub(crate) async fn columns(client: &Client, table: &Table) -> anyhow::Result<Value> {
    let url = format!("{}?limit=1", resource_url(table)?);
    let request = http::Request::get(url)
        .header("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")
        .body(Vec::new())?;
    let answer: Value = client.request(request).await?;
    let definitions = answer["columnDefinitions"]
        .as_array()
        .context("columnDefinitions")?;
    let columns = definitions.iter().enumerate().map(|(place, column)| {
        let text = format!(
            "{} ({}, {})",
            column["name"], column["type"], column["priority"]
        );
        (place.to_string(), Value::from(text.replace('"', "")))
    });
    Ok(columns.collect())
}

/// Returns how the server announces the kind and its subresources.
pub(crate) async fn names(client: &Client, table: &Table) -> anyhow::Result<Value> {
    let url = format!("/apis/{}", table.api_version);
    let answer: Value = client
        .request(http::Request::get(url).body(Vec::new())?)
        .await?;
    let resources = answer["resources"].as_array().context("resources")?;
    let of_kind = resources
        .iter()
        .filter(|r| r["kind"] == table.kind.as_str());
    Ok(of_kind
        .map(|found| {
            let mut found = found.clone();
            if let Some(fields) = found.as_object_mut() {
                fields.remove("storageVersionHash");
            }
            (found["name"].as_str().unwrap_or_default().to_owned(), found)
        })
        .collect())
}

fn refusal(error: Error) -> anyhow::Result<Value> {
    match error {
        Error::Api(status) => {
            Ok(json!({ "refused": shorten(status.message.into()), "code": status.code }))
        }
        other => Err(other.into()),
    }
}

fn resource(table: &Table) -> anyhow::Result<ApiResource> {
    let (group, version) = table.api_version.split_once('/').context("apiVersion")?;
    Ok(ApiResource::from_gvk(&GroupVersionKind::gvk(
        group,
        version,
        &table.kind,
    )))
}

fn resource_url(table: &Table) -> anyhow::Result<String> {
    Ok(format!(
        "/apis/{}/{}",
        table.api_version,
        resource(table)?.plural
    ))
}
