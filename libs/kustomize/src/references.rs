//! Name references: fields that name another object follow its renames.
//!
//! Runs once, at the root, after names got their hashes. kustomize compares every candidate for every
//! field; here candidates are looked up by the names they had.

use crate::build::Cx;
use crate::config::Config;
use crate::error::{Error, Wrap, invalid};
use crate::fieldspec::{Create, Spec};
use crate::id::{self, Gvk, NO_NAMESPACE, ResId};
use crate::resmap::ResMap;
use crate::resource::{Bookkeeping, Resource};
use crate::tree::{put, set_scalar, wrong_kind};
use crate::types::FieldSpec;
use fjord_yaml::{CompactString, Node, Scalar, Tag};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// One kind of field: where it is, and the kind it refers to.
struct Rule {
    spec: Spec,
    target: Gvk,
}

/// What a candidate is known by while the referrers change.
struct Candidate {
    id: ResId,
    book: Arc<Bookkeeping>,
}

struct Candidates {
    list: Vec<Candidate>,
    by_previous_name: HashMap<CompactString, Vec<usize>>,
}

/// What is known of the object whose field is fixed.
struct Referrer<'r> {
    id: ResId,
    book: &'r Bookkeeping,
    /// Namespaces of the ServiceAccounts a RoleBinding names.
    bound: HashSet<String>,
    role: Option<Gvk>,
}

/// Fixes every reference.
pub(crate) fn fix(map: &mut ResMap, config: &Config, cx: &Cx<'_>) -> Result<(), Error> {
    let schema = cx.schema.borrow();
    let kinds: HashSet<String> = map
        .items()
        .iter()
        .map(|object| object.original_kind().to_owned())
        .collect();
    let mut by_kind: HashMap<&str, Vec<Rule>> = HashMap::new();
    for reference in &config.name_reference {
        let fits = |spec: &&FieldSpec| spec.kind.is_empty() || kinds.contains(&spec.kind);
        for spec in reference.field_specs.iter().filter(fits) {
            let rule = Rule {
                spec: Spec::new(spec),
                target: reference.gvk(),
            };
            by_kind.entry(&spec.kind).or_default().push(rule);
        }
    }
    let candidates = Candidates::new(map, cx);
    let renamed = !candidates.by_previous_name.is_empty();
    for index in 0..map.items().len() {
        let object = &mut map.items_mut()[index];
        let original = Gvk::new(object.api_version(), object.original_kind());
        let rules = [by_kind.get(original.kind.as_str()), by_kind.get("")];
        let rules: Vec<&Rule> = rules.into_iter().flatten().flatten().collect();
        let rules: Vec<&Rule> = rules
            .into_iter()
            .filter(|r| r.spec.fits(&original))
            .collect();
        if rules.is_empty() {
            continue;
        }
        let bound = bound_namespaces(object)?;
        if !renamed {
            continue;
        }
        let id = object.id(&schema);
        let book = object.book.clone();
        let referrer = Referrer {
            id,
            book: &book,
            bound,
            role: role_of(object),
        };
        let mut changed = Vec::new();
        for rule in rules {
            let roles = rule.spec.text.ends_with("roleRef/name");
            let set = Setter {
                rule,
                candidates: &candidates,
                referrer: &referrer,
                roles,
            };
            let result = rule.spec.walk(object, Create::Never, &mut |node| {
                set.value(node, &mut changed)
            });
            result.map_err(|error| detailed(error, object)).wrap(|| {
                let path = &rule.spec.text;
                format!(
                    "updating name reference in '{path}' field of '{}'",
                    referrer.id
                )
            })?;
        }
        object.sync(&changed);
    }
    Ok(())
}

/// Shows the referrer of an ambiguous reference.
fn detailed(error: Error, object: &Resource) -> Error {
    match error {
        Error::Ambiguous(ids) => {
            let text = object.to_yaml().unwrap_or_default();
            Error::Ambiguous(format!(
                "{ids}\n\n**** Too many possible referral targets to referrer:\n{text}"
            ))
        }
        Error::Context { context, source } => detailed(*source, object).context(context),
        other => other,
    }
}

impl Candidate {
    fn original_namespace(&self) -> &str {
        match self.book.previous.first() {
            Some(first) => id::effective_namespace(&first.namespace, false),
            None => self.id.effective_namespace(),
        }
    }
}

impl Candidates {
    fn new(map: &ResMap, cx: &Cx<'_>) -> Self {
        let schema = cx.schema.borrow();
        let mut by_previous_name: HashMap<CompactString, Vec<usize>> = HashMap::new();
        let list = map.items().iter().enumerate().map(|(i, object)| {
            for previous in &object.book.previous {
                let places = by_previous_name.entry(previous.name.clone()).or_default();
                if places.last() != Some(&i) {
                    places.reserve_exact(1);
                    places.push(i);
                }
            }
            Candidate {
                id: object.id(&schema),
                book: object.book.clone(),
            }
        });
        Self {
            list: list.collect(),
            by_previous_name,
        }
    }

    fn renamed_from(&self, name: &str) -> impl Iterator<Item = &Candidate> {
        let places = self
            .by_previous_name
            .get(name)
            .map(Vec::as_slice)
            .unwrap_or_default();
        places.iter().map(|&i| &self.list[i])
    }
}

struct Setter<'s> {
    rule: &'s Rule,
    candidates: &'s Candidates,
    referrer: &'s Referrer<'s>,
    roles: bool,
}

impl Setter<'_> {
    fn value(&self, node: &mut Node, changed: &mut Vec<(u16, Scalar)>) -> Result<(), Error> {
        match node {
            Node::Seq(seq) => seq.items.iter_mut().try_for_each(|item| match item {
                Node::Seq(_) => Err(invalid(
                    "a list is expected to be either a string or a map of string",
                )),
                item => self.value(item, changed),
            }),
            node if node.is_null() => Ok(()),
            Node::Scalar(scalar) => {
                let pick = |list: &[&Candidate]| list.iter().all(|c| c.id.name == list[0].id.name);
                let Some(found) = self.select(&scalar.value, |_| true, pick)? else {
                    return Ok(());
                };
                if found.id.name == scalar.value || found.id.name.is_empty() {
                    return Ok(());
                }
                let name = found.id.name.clone();
                set_scalar(node, &name, Tag::Unset)?;
                if let Node::Scalar(scalar) = node
                    && scalar.alias != 0
                {
                    changed.push((scalar.alias, scalar.clone()));
                }
                Ok(())
            }
            Node::Map(_) => self.map(node),
        }
    }

    fn map(&self, node: &mut Node) -> Result<(), Error> {
        let Node::Map(map) = node else { return Ok(()) };
        let name = map.get("name");
        let name = name.ok_or_else(|| invalid("path config error; no 'name' field in node"))?;
        let name = name.as_str().unwrap_or_default().to_owned();
        let namespace = map
            .get("namespace")
            .map(|ns| ns.as_str().unwrap_or_default().to_owned());
        let originally = namespace.as_ref().is_some_and(|namespace| {
            namespace != NO_NAMESPACE
                && self.candidates.list.iter().any(|candidate| {
                    candidate.original_namespace() == *namespace && self.reachable(candidate)
                })
        });
        let in_namespace = |candidate: &Candidate| match &namespace {
            None => true,
            Some(namespace) if namespace == NO_NAMESPACE => false,
            Some(namespace) if originally => candidate.original_namespace() == namespace,
            Some(namespace) => candidate.id.effective_namespace() == namespace,
        };
        let pick = |list: &[&Candidate]| {
            list.iter()
                .all(|c| c.id.name == list[0].id.name && c.id.namespace == list[0].id.namespace)
        };
        let Some(found) = self.select(&name, in_namespace, pick)? else {
            return Ok(());
        };
        let ResId {
            name: new,
            namespace,
            ..
        } = &found.id;
        if *new == name && namespace.is_empty() {
            return Ok(());
        }
        let Node::Map(map) = node else {
            return Err(wrong_kind("MappingNode", node));
        };
        if !new.is_empty() {
            put(map, "name", Scalar::untagged(new.as_str()));
        }
        if !namespace.is_empty() {
            put(map, "namespace", Scalar::untagged(namespace.as_str()));
        }
        Ok(())
    }

    /// Says whether the referrer can see the candidate at all.
    fn reachable(&self, candidate: &Candidate) -> bool {
        let referrer = &self.referrer.id;
        referrer.cluster_scoped
            || candidate.id.cluster_scoped
            || candidate.id.effective_namespace() == referrer.effective_namespace()
            || self
                .referrer
                .bound
                .contains(candidate.id.namespace.as_str())
    }

    fn select(
        &self,
        old: &str,
        allowed: impl Fn(&Candidate) -> bool,
        identical: impl Fn(&[&Candidate]) -> bool,
    ) -> Result<Option<&Candidate>, Error> {
        let referrer = self.referrer;
        let was = |candidate: &Candidate, gvk: &Gvk| {
            let Gvk { group, version, .. } = &candidate.id.gvk;
            let mut previous = candidate.book.previous.iter();
            previous.any(|was| gvk.selects([group, version, &was.kind]))
        };
        let mut found: Vec<&Candidate> = self
            .candidates
            .renamed_from(old)
            .filter(|candidate| self.reachable(candidate) && allowed(candidate))
            .filter(|candidate| was(candidate, &self.rule.target))
            .filter(|candidate| match &referrer.role {
                Some(role) if self.roles => was(candidate, role),
                _ => true,
            })
            .filter(|candidate| {
                referrer.id.cluster_scoped
                    || candidate.id.cluster_scoped
                    || candidate.id.gvk.kind == "ServiceAccount"
                    || candidate.id.effective_namespace() == referrer.id.effective_namespace()
            })
            .collect();
        if found.len() == 1 {
            return Ok(found.first().copied());
        }
        found.retain(|candidate| self.same_context(candidate, true));
        if found.len() > 1 {
            found.retain(|candidate| self.same_context(candidate, false));
        }
        match found.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(one)),
            several if identical(several) => Ok(several.first().copied()),
            several => {
                let ids: Vec<String> = several.iter().map(|c| c.id.to_string()).collect();
                Err(Error::Ambiguous(ids.join(", ")))
            }
        }
    }

    fn same_context(&self, candidate: &Candidate, empty_passes: bool) -> bool {
        let same = |a: &[CompactString], b: &[CompactString]| {
            empty_passes && (a.is_empty() || b.is_empty()) || end_alike(a, b)
        };
        let (candidate, referrer) = (&candidate.book, self.referrer.book);
        same(&candidate.prefixes, &referrer.prefixes)
            && same(&candidate.suffixes, &referrer.suffixes)
    }
}

/// Says whether the shorter list is the tail of the longer; an empty one is only the tail of an empty one.
fn end_alike(a: &[CompactString], b: &[CompactString]) -> bool {
    let (short, long) = if a.len() > b.len() { (b, a) } else { (a, b) };
    if short.is_empty() {
        long.is_empty()
    } else {
        long.ends_with(short)
    }
}

fn role_of(object: &Resource) -> Option<Gvk> {
    let role = object.node.get("roleRef")?;
    let text = |field: &str| {
        role.get(field)
            .map(|v| v.as_str().unwrap_or_default().into())
    };
    Some(Gvk {
        group: text("apiGroup")?,
        version: CompactString::default(),
        kind: text("kind")?,
    })
}

fn bound_namespaces(object: &Resource) -> Result<HashSet<String>, Error> {
    let mut out = HashSet::new();
    if object.kind() != "RoleBinding" {
        return Ok(out);
    }
    let subjects = object.node.get("subjects").and_then(Node::as_seq);
    for subject in subjects.into_iter().flat_map(|seq| &seq.items) {
        let account = subject.get("kind").and_then(Node::as_str) == Some("ServiceAccount");
        match subject.get("namespace") {
            Some(Node::Scalar(namespace)) if account && namespace.is_string() => {
                out.insert(namespace.value.to_string());
            }
            Some(_) if account => {
                return Err(invalid(format!(
                    "Invalid Input: namespace is blank for resource \"{}\"\n",
                    ResId {
                        gvk: object.gvk(),
                        name: object.name().into(),
                        namespace: object.namespace().into(),
                        cluster_scoped: false
                    }
                )));
            }
            _ => {}
        }
    }
    Ok(out)
}
