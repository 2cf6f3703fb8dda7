//! What a specification says about how its objects are applied.

use fjord_apply::ignore::{IgnoreRules, InvalidRule, Rule, Target};
use fjord_apply::{Entry, Inventory, Policies};
use fjord_crds::kustomize::v1::{KustomizationSpec, KustomizationStatus};
use fjord_crds::overlay::Selector;

/// Compiles the policies of a specification.
pub(crate) fn of(spec: &KustomizationSpec) -> Result<Policies, InvalidRule> {
    let rules: Vec<Rule> = spec
        .ignore
        .iter()
        .map(|rule| Rule {
            paths: rule.paths.clone(),
            target: rule.target.as_ref().map(target),
        })
        .collect();
    Ok(Policies {
        force: spec.force,
        ignore: IgnoreRules::compile(&rules)?,
    })
}

/// Reads a stored inventory; an entry that does not parse is not ours to judge and is skipped.
pub(crate) fn stored_inventory(status: &KustomizationStatus) -> Inventory {
    let entries = status
        .inventory
        .iter()
        .flat_map(|inventory| &inventory.entries);
    Inventory {
        entries: entries
            .filter_map(|e| Entry::parse(&e.id, &e.v).ok())
            .collect(),
    }
}

fn target(selector: &Selector) -> Target {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    Target {
        group: text(&selector.group),
        version: text(&selector.version),
        kind: text(&selector.kind),
        name: text(&selector.name),
        namespace: text(&selector.namespace),
        label_selector: text(&selector.label_selector),
        annotation_selector: text(&selector.annotation_selector),
    }
}
