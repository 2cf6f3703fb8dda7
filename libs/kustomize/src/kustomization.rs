//! The kustomization file: finding, decoding, old fields brought up to date, checks.

use crate::build::Cx;
use crate::decode::{self, Mode};
use crate::error::{Error, Wrap, invalid};
use crate::loader::Loader;
use crate::types::{KUSTOMIZATION, Kustomization};
use serde_json::Value;

/// Names a kustomization file may have.
pub const FILE_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Deprecated fields and what replaces them.
const DEPRECATED: [(&str, &str, bool); 6] = [
    ("bases", "resources", false),
    ("commonLabels", "labels", false),
    ("imageTags", "images", false),
    ("patchesJson6902", "patches", false),
    ("patchesStrategicMerge", "patches", false),
    ("vars", "replacements", true),
];

/// Loads the kustomization of a loader's folder; gives the name of its file, too.
pub(crate) fn load(
    cx: &Cx<'_>,
    loader: &Loader,
) -> Result<(Box<Kustomization>, &'static str), Error> {
    let mut found = Vec::new();
    for name in FILE_NAMES {
        match loader.load(cx, name) {
            Ok(bytes) => found.push((name, bytes)),
            Err(error @ Error::Limit(_)) => return Err(error),
            Err(_) => {}
        }
    }
    let (name, bytes) = match found.len() {
        0 => return Err(Error::NoKustomization(loader.root().to_owned())),
        1 => found.swap_remove(0),
        _ => {
            return Err(invalid(format!(
                "Found multiple kustomization files under: {}\n",
                loader.root()
            )));
        }
    };
    let kustomization = parse(cx, loader, &bytes)?;
    Ok((kustomization, name))
}

fn parse(cx: &Cx<'_>, loader: &Loader, bytes: &[u8]) -> Result<Box<Kustomization>, Error> {
    let wrap = || "invalid Kustomization".to_owned();
    let mut value = fjord_yaml::to_json(bytes, &cx.options.limits.yaml).wrap(wrap)?;
    decode::check(&mut value, &KUSTOMIZATION, Mode::Strict).wrap(wrap)?;
    let has = |field: &str| value.get(field).is_some_and(|value| !value.is_null());
    for (old, new, experimental) in DEPRECATED {
        if has(old) {
            let experimental = if experimental { "[EXPERIMENTAL] " } else { "" };
            cx.warn(format!(
                "# Warning: '{old}' is deprecated. Please use '{new}' instead. {experimental}Run 'kustomize edit fix' to update your Kustomization automatically."
            ));
        }
    }
    let empty = is_empty(&value);
    // On the heap: kustomizations nest, and the stack of each level would hold a few copies of it.
    let mut out: Box<Kustomization> = cx.shape(value)?;
    fix(&mut out);
    if empty {
        return Err(invalid("kustomization.yaml is empty"));
    }
    check(&out, loader)?;
    Ok(out)
}

/// Says whether nothing but apiVersion and kind is set. An empty list counts as set, in Go.
fn is_empty(value: &Value) -> bool {
    let Some(object) = value.as_object() else {
        return true;
    };
    // Parity: an empty list in these fields leaves nothing behind once it is moved to its new place.
    let moved = ["bases", "imageTags", "helmChartInflationGenerator"];
    object.iter().all(|(key, value)| match value {
        _ if key == "apiVersion" || key == "kind" => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty() && moved.contains(&key.as_str()),
        _ => false,
    })
}

fn fix(out: &mut Kustomization) {
    if out.kind.is_empty() {
        "Kustomization".clone_into(&mut out.kind);
    }
    if out.api_version.is_empty() {
        version_of(&out.kind).clone_into(&mut out.api_version);
    }
    let bases = std::mem::take(&mut out.bases);
    out.resources.extend(bases);
    let images = std::mem::take(&mut out.image_tags);
    out.images.extend(images);
    for generator in out
        .config_map_generator
        .iter_mut()
        .chain(&mut out.secret_generator)
    {
        if !generator.env.is_empty() {
            generator.envs.push(std::mem::take(&mut generator.env));
        }
    }
    let mut globals = serde_json::Map::new();
    for mut old in std::mem::take(&mut out.helm_chart_inflation_generator) {
        let mut chart = serde_json::Map::new();
        for (from, to) in [
            ("chartName", "name"),
            ("chartVersion", "version"),
            ("chartRepoUrl", "repo"),
            ("values", "valuesFile"),
            ("valuesLocal", "valuesInline"),
            ("valuesMerge", "valuesMerge"),
            ("releaseName", "releaseName"),
        ] {
            if let Some(value) = old.get_mut(from).map(Value::take) {
                chart.insert(to.to_owned(), value);
            }
        }
        for (from, to) in [("helmHome", "configHome"), ("chartHome", "chartHome")] {
            if let Some(value) = old.get_mut(from).map(Value::take) {
                globals.insert(to.to_owned(), value);
            }
        }
        out.helm_charts.push(Value::Object(chart));
    }
    if out.helm_globals.is_none() && !globals.is_empty() {
        out.helm_globals = Some(Value::Object(globals));
    }
}

fn version_of(kind: &str) -> &'static str {
    if kind == "Component" {
        "kustomize.config.k8s.io/v1alpha1"
    } else {
        "kustomize.config.k8s.io/v1beta1"
    }
}

fn check(out: &Kustomization, loader: &Loader) -> Result<(), Error> {
    let mut errors = Vec::new();
    if !matches!(out.kind.as_str(), "Kustomization" | "Component") {
        errors.push("kind should be Kustomization or Component".to_owned());
    }
    let version = version_of(&out.kind);
    if out.api_version != version {
        errors.push(format!("apiVersion for {} should be {version}", out.kind));
    }
    if errors.is_empty() {
        return Ok(());
    }
    Err(invalid(format!(
        "Failed to read kustomization file under {}:\n{}",
        loader.root(),
        errors.join("\n")
    )))
}
